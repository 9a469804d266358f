"""Counts behind the functions' figures: gathered chunk by chunk, added up, and only then divided.

Definitions are those of `snorkel.labeling.LFAnalysis`: coverage is the share of records a function votes on, overlaps
the share on which another function votes too, conflicts the share on which another one votes differently.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from labelkit.matrix.votes import FAULT


@dataclass(frozen=True)
class FigureCounts:
    """What was counted on some records. Counts of several parts of the records add up."""

    records: int
    by_class: NDArray[np.int64]  # (m, k): votes of each function for each class
    overlaps: NDArray[np.int64]  # (m,): votes on records where another function votes, too
    conflicts: NDArray[np.int64]  # (m,): votes on records where another function votes differently
    correct: NDArray[np.int64]  # (m,): votes equal to the truth, where that is known
    judged: NDArray[np.int64]  # (m, k): votes for each class where the truth is known
    faults: NDArray[np.int64]  # (m,)
    uncovered: int  # records on which nobody voted
    truths: NDArray[np.int64]  # (k,): records of each class, where that is known

    @classmethod
    def nothing(cls, m: int, k: int) -> Self:
        """Counts of no records."""
        overlaps, conflicts, correct, faults = (np.zeros(m, dtype=np.int64) for _ in range(4))
        by_class, judged = (np.zeros((m, k), dtype=np.int64) for _ in range(2))
        return cls(0, by_class, overlaps, conflicts, correct, judged, faults, 0, np.zeros(k, dtype=np.int64))

    @classmethod
    def of(cls, cells: NDArray[np.int8], k: int, truth: NDArray[np.int64] | None = None) -> Self:
        """Count on (n, m) votes; `truth` is (n,) class index, or -1 where it is not known.

        >>> counts = FigureCounts.of(np.array([[0, -1], [1, 0]], dtype=np.int8), 2)
        >>> counts.by_class.tolist(), counts.conflicts.tolist(), counts.uncovered
        ([[1, 1], [1, 0]], [1, 1], 0)
        """
        n, m = cells.shape
        known = np.full(n, -1) if truth is None else truth
        per_class = votes_per_class(cells, k)  # (n, k)
        voters = per_class.sum(axis=1)
        counts = cls.nothing(m, k)
        for j in range(m):
            column = cells[:, j]
            voted = np.flatnonzero(column >= 0)
            votes = column[voted]
            counts.by_class[j] = np.bincount(votes, minlength=k)
            counts.overlaps[j] = np.count_nonzero(voters[voted] > 1)
            counts.conflicts[j] = np.count_nonzero(voters[voted] > per_class[voted, votes])
            right = known[voted]
            counts.correct[j] = np.count_nonzero(right == votes)
            counts.judged[j] = np.bincount(votes[right >= 0], minlength=k)
            counts.faults[j] = np.count_nonzero(column == FAULT)
        return cls(
            n,
            counts.by_class,
            counts.overlaps,
            counts.conflicts,
            counts.correct,
            counts.judged,
            counts.faults,
            int(np.count_nonzero(voters == 0)),
            np.bincount(known[known >= 0], minlength=k),
        )

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.records + other.records,
            self.by_class + other.by_class,
            self.overlaps + other.overlaps,
            self.conflicts + other.conflicts,
            self.correct + other.correct,
            self.judged + other.judged,
            self.faults + other.faults,
            self.uncovered + other.uncovered,
            self.truths + other.truths,
        )


def votes_per_class(cells: NDArray[np.int8], k: int) -> NDArray[np.int32]:
    """(n, k) int32: how many functions vote for each class on each record.

    >>> votes_per_class(np.array([[1, 1, -1], [0, -2, 1]], dtype=np.int8), 2)
    array([[0, 2],
           [1, 1]], dtype=int32)
    """
    n, m = cells.shape
    counts = np.zeros((k, n), dtype=np.int32)
    if k <= 16:  # a few passes over whole columns
        for j in range(m):
            for c in range(k):
                counts[c] += cells[:, j] == c
        return counts.T
    rows, functions = np.nonzero(cells >= 0)
    np.add.at(counts, (cells[rows, functions], rows), 1)
    return counts.T
