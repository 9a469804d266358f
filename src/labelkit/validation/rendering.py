"""A verdict as plain text: first the answer, then what blocks and what to do about it, then the count per suite."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from labelkit.errors import SHOWN_PROBLEMS
from labelkit.validation.verdict import Outcome, Verdict

WIDTH = 100
_MARGIN = " " * 9


def render(verdict: Verdict) -> str:
    """The whole verdict. All text in it is safe to print."""
    problems = grouped(verdict.blocking)
    blocks = [verdict.headline, *(_problem(group) for group in problems[:SHOWN_PROBLEMS])]
    if len(problems) > SHOWN_PROBLEMS:
        blocks.append(f"and {sum(map(len, problems[SHOWN_PROBLEMS:])):,} more that block")
    if verdict.tolerated:
        blocks.append("These failed too, but do not block:")
        blocks += [_problem([outcome], softened=True) for outcome in verdict.tolerated[:SHOWN_PROBLEMS]]
    if verdict.outcomes:
        blocks.append(_counts(verdict.outcomes))
    return "\n\n".join(blocks)


def grouped(outcomes: Iterable[Outcome]) -> list[list[Outcome]]:
    """What could not be judged for one and the same reason is one problem; every failure is one of its own."""
    groups: dict[object, list[Outcome]] = {}
    for outcome in outcomes:
        alone = outcome.status == "fail"
        key = (outcome.suite, outcome.status, outcome.index if alone else outcome.reason, alone)
        groups.setdefault(key, []).append(outcome)
    return list(groups.values())


def _problem(group: Sequence[Outcome], *, softened: bool = False) -> str:
    first = group[0]
    head = _hanging(f"{first.severity if softened else first.status:<9}", f"{first.suite}: {_head(group)}")
    failed = first.status == "fail"
    if len(group) > 1:
        lines = [("of", "; ".join(outcome.title for outcome in group))]
    else:
        lines = [
            ("found" if failed else "because", first.finding if failed else first.reason),
            ("do", first.notes),
            ("rule", f"{first.place}{': ' + first.reason if failed and first.reason else ''}"),
        ]
    return "\n".join([head, *(_hanging(f"{_MARGIN}{label:<9}", text) for label, text in lines if text)])


def _head(group: Sequence[Outcome]) -> str:
    return group[0].title if len(group) == 1 else f"{len(group)} expectations: {group[0].reason}"


def _hanging(label: str, text: str) -> str:
    """The text behind its label, wrapped under itself."""
    return textwrap.fill(text, WIDTH, initial_indent=label, subsequent_indent=" " * len(label), break_long_words=False)


def _counts(outcomes: Iterable[Outcome]) -> str:
    """One line per suite: how many expectations ended how."""
    suites: dict[tuple[str, str], dict[str, int]] = {}
    for outcome in outcomes:
        row = suites.setdefault((outcome.suite, outcome.table), dict.fromkeys(("pass", "fail", "vacuous", "error"), 0))
        row[outcome.status] += 1
    table: list[tuple[str, ...]] = [("suite", "table", "pass", "fail", "vacuous", "error")]
    table += [(suite, name, *(str(count) for count in row.values())) for (suite, name), row in suites.items()]
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    return "\n".join("  ".join(_aligned(line, widths)) for line in table)


def _aligned(line: tuple[str, ...], widths: list[int]) -> Iterable[str]:
    """Names to the left, numbers to the right."""
    for i, (cell, width) in enumerate(zip(line, widths, strict=True)):
        yield cell.ljust(width) if i < 2 else cell.rjust(width)
