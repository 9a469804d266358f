"""What the gate says: one outcome per expectation, and what they amount to.

- pass: the expectation was evaluated on at least one value and holds
- fail: it was evaluated and does not hold; its severity decides whether that blocks
- vacuous: it holds, but nothing was there to be checked; always blocks
- error: it could not be evaluated; always blocks
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from labelkit.errors import SHOWN_PROBLEMS, AnswerIsNo, ArtifactError, SuiteError, listed, visible

Status = Literal["pass", "fail", "vacuous", "error"]
Severity = Literal["critical", "warning", "info"]

SCHEMA_VERSION = 1
SHOWN_ROWS = 5
_EXIT_CODES: Mapping[Status, int] = {"pass": 0, "fail": 1, "vacuous": 1, "error": 2}
_WORST_FIRST: tuple[Status, ...] = ("error", "fail", "vacuous")
_COUNTED: tuple[Status, ...] = ("pass", "fail", "vacuous", "error")


@dataclass(frozen=True)
class Outcome:
    """What became of one expectation. All text is safe to print."""

    suite: str  # name of the suite
    table: str  # the table it judges
    index: int  # place in the suite's file, from 0
    type: str  # GX's name of the expectation
    column: str | None  # the columns it reads, joined by ", "
    severity: Severity
    status: Status
    reason: str = ""  # fail: what was expected; vacuous and error: why nothing can be said
    observed: str = ""  # what was found
    failing_ids: tuple[str, ...] = ()  # every row that fails, in row order; "(row 3)" where it has no id
    failing_values: tuple[str, ...] = ()  # the values of the first 20 of them, shortened
    description: str = ""  # the expectation in plain words, from the suite
    notes: str = ""  # what to do when it fails, from the suite

    @property
    def blocks(self) -> bool:
        """Whether a training job must not run. A severity below critical softens a real failure, nothing else."""
        return self.status in ("error", "vacuous") or (self.status == "fail" and self.severity == "critical")

    @property
    def title(self) -> str:
        """The expectation in one line."""
        return self.description or (f"{self.type} ({self.column})" if self.column else self.type)

    @property
    def place(self) -> str:
        """Where the expectation is written."""
        judged = f" ({self.column})" if self.column else ""
        return f"expectations[{self.index}] of suite {self.suite}: {self.type}{judged}"

    @property
    def finding(self) -> str:
        """What was found, with the first failing rows and their values."""
        shown = [
            row if i >= len(self.failing_values) else f"{row} = {self.failing_values[i]}"
            for i, row in enumerate(self.failing_ids[:SHOWN_ROWS])
        ]
        more = len(self.failing_ids) - len(shown)
        rows = ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")
        return ": ".join(part for part in (self.observed, rows) if part)

    def __str__(self) -> str:
        """The cause in one line."""
        cause = self.finding if self.status == "fail" else self.reason
        return f"{self.suite}: {self.status}: {self.title}" + (f": {cause}" if cause else "")


@dataclass(frozen=True)
class Verdict:
    """The outcomes of all expectations, suite by suite, in the order of the files.

    >>> held = Outcome("labels", "labels", 0, "expect_column_values_to_be_unique", "id", "critical", "pass")
    >>> Verdict((held,)).passed, Verdict(()).status
    (True, 'vacuous')
    """

    outcomes: tuple[Outcome, ...]
    strict: bool = False  # whether a failure blocks whatever its severity

    @property
    def status(self) -> Status:
        """The worst status that blocks; pass when none does. A verdict on nothing is vacuous."""
        blocking = {outcome.status for outcome in self.blocking}
        if not self.outcomes:
            return "vacuous"
        return next((status for status in _WORST_FIRST if status in blocking), "pass")

    @property
    def passed(self) -> bool:
        """Whether a training job may run."""
        return self.status == "pass"

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail or vacuous, 2 error; of several the first of 2, 1, 0."""
        return _EXIT_CODES[self.status]

    @property
    def blocking(self) -> tuple[Outcome, ...]:
        """The outcomes because of which a training job must not run, errors first, then in suite order."""
        blocking = [o for o in self.outcomes if o.blocks or (self.strict and o.status == "fail")]
        return tuple(sorted(blocking, key=lambda outcome: _WORST_FIRST.index(outcome.status)))

    @property
    def tolerated(self) -> tuple[Outcome, ...]:
        """Failures that do not block because the suite calls them a warning or information; none when strict."""
        return tuple(o for o in self.outcomes if o.status == "fail" and not o.blocks and not self.strict)

    def raise_if_failed(self) -> None:
        """Raise AnswerIsNo (exit 1), or SuiteError (exit 2) when something could not be evaluated; else do nothing."""
        if self.passed:
            return
        refused = SuiteError if self.exit_code == 2 else AnswerIsNo
        raise refused(listed([self.headline, *(str(outcome) for outcome in self.blocking)], SHOWN_PROBLEMS + 1))

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        total = len(self.outcomes)
        if not total:
            return "VACUOUS: there was nothing to check"
        if self.passed:
            warned = f"; {len(self.tolerated)} failed as a warning" if self.tolerated else ""
            return f"PASS: {total - len(self.tolerated)} of {total} expectations hold{warned}"
        return (
            f"{self.status.upper()}: {len(self.blocking)} of {total} expectations block; do not train on these labels"
        )

    def __str__(self) -> str:
        from labelkit.validation.rendering import render

        return render(self)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values. The summary is for readers: `from_json` trusts the outcomes alone."""
        counts = {status: sum(outcome.status == status for outcome in self.outcomes) for status in _COUNTED}
        return {
            "schema": SCHEMA_VERSION,
            "status": self.status,
            "exit_code": self.exit_code,
            "strict": self.strict,
            "counts": counts,
            "outcomes": [{**asdict(outcome), "failing_ids": list(outcome.failing_ids),
                          "failing_values": list(outcome.failing_values)} for outcome in self.outcomes],
        }  # fmt: skip

    @classmethod
    def from_json(cls, content: Any) -> Verdict:
        """Read what `to_json` wrote. Raises ArtifactError for anything else."""
        try:
            if content["schema"] != SCHEMA_VERSION:
                raise ValueError(f"schema {content['schema']!r}, not {SCHEMA_VERSION}")
            if not isinstance(content["strict"], bool):
                raise ValueError(f"strict is {content['strict']!r}")
            verdict = cls(tuple(_outcome(raw) for raw in content["outcomes"]), content["strict"])
            if content["status"] != verdict.status:
                raise ValueError(f"it says {content['status']!r} but its outcomes amount to {verdict.status!r}")
        except (KeyError, TypeError, ValueError) as error:
            said = visible(str(error))[:200]
            raise ArtifactError(f"no verdict of this version of labelkit ({said}); run `labelkit validate`") from error
        return verdict


def _text(value: object) -> bool:
    return isinstance(value, str)


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "index": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "column": lambda value: value is None or isinstance(value, str),
    "severity": lambda value: value in get_args(Severity),
    "status": lambda value: value in get_args(Status),
}


def _outcome(raw: Any) -> Outcome:
    if not isinstance(raw, Mapping) or set(raw) != set(Outcome.__dataclass_fields__):
        raise ValueError("an outcome with other fields")
    lists = ("failing_ids", "failing_values")
    if not all(isinstance(raw[name], list) for name in lists):
        raise ValueError("an outcome whose failing rows are no list")
    fields = {**raw, **{name: tuple(raw[name]) for name in lists}}
    for name, value in fields.items():
        texts = value if isinstance(value, tuple) else (value,)
        check = _CHECKS.get(name, _text)
        if not all(check(item) for item in texts):
            raise ValueError(f"an outcome whose {name} is {value!r}")
    return Outcome(**fields)
