"""What a report says beside the verdict: which run, which file, since when, how the labels are spread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from labelkit.label_models import Calibration
from labelkit.lineage.fingerprints import hash_json
from labelkit.validation import Outcome, Verdict
from labelkit.validation.verdict import Status

BINS = 20
"""Bins of the confidence histogram, equal parts of 0 to 1."""

KEPT_CHECKS = 30
"""Checks that a history goes back."""


@dataclass(frozen=True)
class Check:
    """One time that the gate was asked."""

    run: str  # id of the validate run
    time: str  # UTC, ISO 8601
    status: Status
    blocking: int  # expectations that block
    expectations: int


@dataclass(frozen=True)
class Since:
    """The first of the checks in a row, up to this one, that an expectation did not pass."""

    run: str
    time: str
    checks: int  # how many in a row, this one included: at least 1


@dataclass(frozen=True)
class Background:
    """Everything may be left out; a report then does without. Text need not be safe to print."""

    project: str = ""
    version: str = ""  # of labelkit
    run: str = ""  # id of the validate run
    time: str = ""  # when the verdict was reached: UTC, ISO 8601
    labels: str = ""  # SHA-256 of exactly the file that was judged
    data: str = ""  # fingerprint of the records
    since: Mapping[str, Since] = field(default_factory=dict)  # key of an outcome that did not pass -> since when
    history: tuple[Check, ...] = ()  # oldest first, this check last; at most KEPT_CHECKS
    shares: tuple[tuple[str, int], ...] = ()  # what a record is labelled, and how many are
    confidences: tuple[int, ...] = ()  # labels by confidence: BINS counts, lowest first
    calibration: Calibration | None = None  # whether the label model's beliefs are right as often as they say
    calibrated_on: str = ""  # what they were compared with
    files: Mapping[str, str] = field(default_factory=dict)  # name of a suite -> its file, seen from the project

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; of the calibration nothing where there is none."""
        content = asdict(self)
        return content if self.calibration else {k: v for k, v in content.items() if not k.startswith("calibrat")}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Background:
        """Read what `to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            **{name: str(content[name]) for name in ("project", "version", "run", "time", "labels", "data")},
            since={key: Since(**value) for key, value in content["since"].items()},
            history=tuple(Check(**value) for value in content["history"]),
            shares=tuple((str(name), int(count)) for name, count in content["shares"]),
            confidences=tuple(int(count) for count in content["confidences"]),
            calibration=Calibration.from_json(content["calibration"]) if "calibration" in content else None,
            calibrated_on=str(content.get("calibrated_on", "")),
            files={str(suite): str(path) for suite, path in content["files"].items()},
        )


NOTHING = Background()


def keyed(outcomes: Iterable[Outcome]) -> Iterator[tuple[str, Outcome]]:
    """Every outcome with a key that it keeps from check to check, also when expectations are added before it.

    >>> unique = Outcome("labels", "labels", 0, "expect_column_values_to_be_unique", "id", "critical", "pass")
    >>> moved = Outcome("labels", "labels", 5, "expect_column_values_to_be_unique", "id", "critical", "fail")
    >>> [key for key, _ in keyed([unique])] == [key for key, _ in keyed([moved])]
    True
    """
    seen: dict[str, int] = {}
    for outcome in outcomes:
        said = hash_json([outcome.suite, outcome.table, outcome.type, outcome.column, outcome.description])
        seen[said] = seen.get(said, 0) + 1
        yield f"{said[:16]}-{seen[said]}", outcome


def continued(verdict: Verdict, run: str, time: str, before: Background | None) -> Background:
    """The history with this check in it: what did not pass before either has not since then.

    `before` is the background of the last check; None when there was none.
    """
    earlier = NOTHING if before is None else before
    check = Check(run, time, verdict.status, len(verdict.blocking), len(verdict.outcomes))
    since = {}
    for key, outcome in keyed(verdict.outcomes):
        if outcome.status != "pass":
            first = earlier.since.get(key, Since(run, time, 0))
            since[key] = Since(first.run, first.time, first.checks + 1)
    return Background(run=run, time=time, since=since, history=(*earlier.history, check)[-KEPT_CHECKS:])
