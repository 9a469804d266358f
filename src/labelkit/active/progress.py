"""How far a session has come: counts, pace, and agreement with what was suggested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

PACE_OF = 20  # the pace is that of the latest answers


@dataclass(frozen=True)
class Given:
    """One answer of a session, stored."""

    label: str | None  # None: a skip
    operation: str
    seconds: float  # from showing the record to the answer
    record: str = ""
    suggestion: str | None = None  # what was suggested to the person


@dataclass(frozen=True)
class Progress:
    """What a session has come to."""

    answered: int  # labels that stand
    skipped: int  # skips that stand
    undone: int  # answers and skips taken back
    budget: int  # labels that may be given
    seconds_each: float | None  # median of the latest answers
    agreed: int  # labels that are those suggested
    judged: int  # labels of records that had a suggestion

    @property
    def is_spent(self) -> bool:
        """Whether the budget is used up."""
        return self.answered >= self.budget

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dict(vars(self))


def progress_of(given: Sequence[Given], budget: int, undone: int = 0) -> Progress:
    """Count what stands.

    >>> given = [Given("spam", "op-1", 2.0, "c1", "spam"), Given(None, "op-2", 4.0, "c2", "ham")]
    >>> progress = progress_of(given, budget=10)
    >>> progress.answered, progress.skipped, progress.seconds_each, (progress.agreed, progress.judged)
    (1, 1, 3.0, (1, 1))
    """
    labels = [entry for entry in given if entry.label is not None]
    judged = [entry for entry in labels if entry.suggestion is not None]
    return Progress(
        answered=len(labels),
        skipped=len(given) - len(labels),
        undone=undone,
        budget=budget,
        seconds_each=median(entry.seconds for entry in given[-PACE_OF:]) if given else None,
        agreed=sum(entry.label == entry.suggestion for entry in judged),
        judged=len(judged),
    )
