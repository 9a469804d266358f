"""A verdict as Markdown for a pull request: the answer first, then what blocks, on which records and what to do."""

from __future__ import annotations

import re

from labelkit.errors import SHOWN_PROBLEMS, visible
from labelkit.reports.background import NOTHING, Background
from labelkit.reports.problems import Problem, blocking, code_parts, counted, moment, tolerated
from labelkit.validation import Verdict
from labelkit.validation.verdict import SHOWN_ROWS

_ICONS = {"pass": "✅", "fail": "❌", "vacuous": "⚪", "error": "💥", "warning": "⚠️", "info": "ℹ️"}  # noqa: RUF001
_SPECIAL = re.compile(r"([\\*_\[\]<>|~&$!`])")
_LINKED = re.compile(r"([@#]|://|www\.)", re.IGNORECASE)


def markdown(verdict: Verdict, background: Background = NOTHING) -> str:
    """The document. Text from data is literal: no markup, no link, no mention of anybody comes out of it."""
    head = "Passed: training may run" if verdict.passed else "Blocked: do not train on these labels"
    name = f" · {literal(background.project)}" if background.project else ""
    blocks = [f"## {_ICONS[verdict.status]} {head}{name}", _summary(verdict)]
    problems = blocking(verdict, background)
    blocks += [_problem(problem) for problem in problems[:SHOWN_PROBLEMS]]
    if len(problems) > SHOWN_PROBLEMS:
        blocks.append(f"… and {len(problems) - SHOWN_PROBLEMS:,} more that block.")
    softened = tolerated(verdict, background)
    if softened:
        inside = "\n\n".join(_problem(problem) for problem in softened[:SHOWN_PROBLEMS])
        blocks.append(
            f"<details><summary>{len(softened):,} failed without blocking</summary>\n\n{inside}\n\n</details>"
        )
    return "\n\n".join([*blocks, *_suites(verdict), *_origin(background)]) + "\n"


def _summary(verdict: Verdict) -> str:
    said = f"{', '.join(counted(verdict))}, of {len(verdict.outcomes):,} expectations."
    strict = " Strict: every failure blocks." if verdict.strict else ""
    return f"{said if verdict.outcomes else 'There was nothing to check.'}{strict}"


def _problem(problem: Problem) -> str:
    first = problem.first
    lines = [
        f"### {_ICONS[problem.word]} {_prose(problem.title)}",
        "",
        f"- **{problem.word}** in suite {_code(first.suite)}",
    ]
    if len(problem.outcomes) > 1:
        lines += [f"- because: {_prose(problem.found)}"]
        lines += [f"  - {_prose(outcome.title)}" for outcome in problem.outcomes]
        return "\n".join(lines)
    named = "found" if first.status == "fail" else "because"
    facts = {
        named: _code(problem.found) if first.status == "fail" and problem.found else _prose(problem.found),
        "expected": _code(first.reason) if first.status == "fail" and first.reason else "",
        "since": visible(problem.since_when),
        "do": _prose(first.notes),
        "rule": _code(first.place),
    }
    lines += [f"- {name}: {text}" for name, text in facts.items() if text]
    return "\n".join([*lines, *_rows(problem)])


def _rows(problem: Problem) -> list[str]:
    rows = problem.rows
    if not rows:
        return []
    lines = ["", "| record | value |", "|---|---|"]
    for row, value in rows[:SHOWN_ROWS]:
        lines.append(f"| {_cell(row)} | {'' if value is None else _cell(value)} |")
    more = len(rows) - SHOWN_ROWS
    return [*lines, *([f"| … and {more:,} more | |"] if more > 0 else [])]


def _suites(verdict: Verdict) -> list[str]:
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for outcome in verdict.outcomes:
        row = counts.setdefault((outcome.suite, outcome.table), dict.fromkeys(("pass", "fail", "vacuous", "error"), 0))
        row[outcome.status] += 1
    if not counts:
        return []
    lines = ["| suite | table | pass | fail | vacuous | error |", "|---|---|--:|--:|--:|--:|"]
    for (suite, table), row in counts.items():
        lines.append(f"| {_cell(suite)} | {_cell(table)} | {' | '.join(f'{count:,}' for count in row.values())} |")
    return ["\n".join(lines)]


def _origin(background: Background) -> list[str]:
    said = [f"checked {visible(moment(background.time))}"] if background.time else []
    said += [f"run {_code(background.run)}"] if background.run else []
    said += [f"labels.parquet {_code(background.labels[:16])}"] if background.labels else []
    return [" · ".join(said)] if said else []


def _code(text: str) -> str:
    """The text as code, literally: Markdown reads nothing inside a code span.

    >>> _code("a`b")
    '`` a`b ``'
    """
    text = visible(text)
    fence = "`" * (1 + max((len(ticks) for ticks in re.findall("`+", text)), default=0))
    space = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) or len(fence) > 1 or not text else ""
    return f"{fence}{space}{text}{space}{fence}"


def _cell(text: str) -> str:
    """Code in a table, where a bar would end the cell even inside a code span."""
    return _code(text).replace("|", "\\|")


def _prose(text: str) -> str:
    r"""What somebody wrote in a suite: its code spans stay, all else is literal.

    >>> _prose("Run `labelkit apply`, *now*, @all")
    'Run `labelkit apply`, \\*now\\*, @<!-- -->all'
    """
    return "".join(_code(part) if is_code else literal(part) for part, is_code in code_parts(text))


def literal(text: str) -> str:
    """Text in which nothing is markup, a link, a mention or a reference."""
    escaped = _SPECIAL.sub(r"\\\1", visible(text))
    return _LINKED.sub(lambda found: found[0][0] + "<!-- -->" + found[0][1:], escaped)
