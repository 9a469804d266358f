"""What an author of labeling functions wants to know of each: Snorkel's figures first, then accuracy with an interval.

Definitions are those of `snorkel.labeling.LFAnalysis`: coverage is the share of records a function votes on, overlaps
the share on which another function votes too, conflicts the share on which another one votes differently.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelkit.errors import visible
from labelkit.matrix.votes import FAULT, LabelMatrix, checked_gold
from labelkit.tables import table


@dataclass(frozen=True)
class FunctionFigures:
    """One function's row of the table. Shares are of all n records."""

    name: str
    j: int  # column in the matrix
    polarity: tuple[int, ...]  # classes it votes for
    coverage: float
    overlaps: float
    conflicts: float
    correct: int | None  # votes equal to gold, where gold is known; None without gold
    incorrect: int | None
    accuracy: float | None  # Snorkel's empirical accuracy: correct / (correct + incorrect); None when nothing to count
    interval: tuple[float, float] | None  # 95 % Wilson interval of accuracy
    faults: int


@dataclass(frozen=True)
class LFSummary:
    """The table of all functions. Prints as text, shows as HTML in a notebook; `to_pandas` gives Snorkel's frame."""

    rows: tuple[FunctionFigures, ...]

    def __iter__(self) -> Iterator[FunctionFigures]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def header(self) -> tuple[str, ...]:
        """Column titles, Snorkel's in Snorkel's order first."""
        gold = ("Correct", "Incorrect", "Emp. Acc.", "95 % interval") if self._has_gold else ()
        return ("", "j", "Polarity", "Coverage", "Overlaps", "Conflicts", *gold, "Faults")

    @property
    def _has_gold(self) -> bool:
        return any(row.correct is not None for row in self.rows)

    def cells(self) -> list[tuple[str, ...]]:
        """The table's cells as text, one tuple per function."""
        return [self._cells(row) for row in self.rows]

    def _cells(self, row: FunctionFigures) -> tuple[str, ...]:
        shares = tuple(f"{share:.3f}" for share in (row.coverage, row.overlaps, row.conflicts))
        gold: tuple[str, ...] = ()
        if self._has_gold:
            accuracy = "" if row.accuracy is None else f"{row.accuracy:.3f}"
            interval = "" if row.interval is None else f"{row.interval[0]:.2f} to {row.interval[1]:.2f}"
            gold = (str(row.correct), str(row.incorrect), accuracy, interval)
        polarity = "[" + ", ".join(map(str, row.polarity)) + "]"
        return (row.name, str(row.j), polarity, *shares, *gold, str(row.faults))

    def to_pandas(self) -> Any:
        """Pandas DataFrame indexed by function name, columns as in Snorkel's `lf_summary` and then ours."""
        import pandas as pd

        frame = {
            "j": [row.j for row in self.rows],
            "Polarity": [list(row.polarity) for row in self.rows],
            "Coverage": [row.coverage for row in self.rows],
            "Overlaps": [row.overlaps for row in self.rows],
            "Conflicts": [row.conflicts for row in self.rows],
        }
        if self._has_gold:
            frame |= {
                "Correct": [row.correct for row in self.rows],
                "Incorrect": [row.incorrect for row in self.rows],
                "Emp. Acc.": [0.0 if row.accuracy is None else row.accuracy for row in self.rows],
                "Acc. Low": [None if row.interval is None else row.interval[0] for row in self.rows],
                "Acc. High": [None if row.interval is None else row.interval[1] for row in self.rows],
            }
        frame["Faults"] = [row.faults for row in self.rows]
        return pd.DataFrame(frame, index=[row.name for row in self.rows])

    def __str__(self) -> str:
        return table(self.header, self.cells())

    def _repr_html_(self) -> str:
        from html import escape

        def row(tag: str, cells: tuple[str, ...]) -> str:
            return "<tr>" + "".join(f"<{tag}>{escape(visible(cell))}</{tag}>" for cell in cells) + "</tr>"

        body = "".join(row("td", cells) for cells in self.cells())
        return f"<table><thead>{row('th', self.header)}</thead><tbody>{body}</tbody></table>"


def lf_summary(votes: LabelMatrix, gold: ArrayLike | None = None) -> LFSummary:
    """Figures of each function.

    `gold` is (n,) int: the true class index, or -1 where it is not known.

    >>> votes = LabelMatrix.from_rows([[0, -1], [1, 1], [-1, -1], [0, 1]], names=["short", "link"])
    >>> print(lf_summary(votes, gold=[0, 1, 1, -1]))
           j  Polarity  Coverage  Overlaps  Conflicts  Correct  Incorrect  Emp. Acc.  95 % interval  Faults
    short  0    [0, 1]     0.750     0.500      0.250        2          0      1.000   0.34 to 1.00       0
    link   1       [1]     0.500     0.500      0.250        1          0      1.000   0.21 to 1.00       0
    """
    cells = votes.votes
    n, m = cells.shape
    truth = checked_gold(gold, n, len(votes.classes))
    per_class = np.zeros((n, len(votes.classes)), dtype=np.int64)  # (n, k): functions that vote for each class
    for c in range(len(votes.classes)):
        per_class[:, c] = (cells == c).sum(axis=1)
    voters = per_class.sum(axis=1)  # (n,): functions that voted
    return LFSummary(tuple(_figures(votes.names[j], j, cells[:, j], voters, per_class, truth) for j in range(m)))


def _figures(
    name: str,
    j: int,
    column: NDArray[np.int8],
    voters: NDArray[np.int64],
    per_class: NDArray[np.int64],
    truth: NDArray[Any] | None,
) -> FunctionFigures:
    n = max(len(column), 1)
    voted = column >= 0
    same = per_class[np.flatnonzero(voted), column[voted]]  # functions of the same opinion, this one included
    correct = incorrect = accuracy = interval = None
    if truth is not None:
        judged = voted & (truth >= 0)
        correct = int((column[judged] == truth[judged]).sum())
        incorrect = int(judged.sum()) - correct
        if judged.any():
            accuracy = correct / (correct + incorrect)
            interval = wilson_interval(correct, correct + incorrect)
    return FunctionFigures(
        name=name,
        j=j,
        polarity=tuple(int(c) for c in np.unique(column[voted])),
        coverage=float(voted.sum() / n),
        overlaps=float((voters[voted] > 1).sum() / n),
        conflicts=float((voters[voted] > same).sum() / n),
        correct=correct,
        incorrect=incorrect,
        accuracy=accuracy,
        interval=interval,
        faults=int((column == FAULT).sum()),
    )


def wilson_interval(hits: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Confidence interval of a proportion (Wilson 1927), 95 % by default. Raises ValueError without trials.

    >>> low, high = wilson_interval(8, 10)
    >>> round(low, 3), round(high, 3)
    (0.49, 0.943)
    """
    if trials < 1 or not 0 <= hits <= trials:
        raise ValueError(f"{hits} of {trials} is no proportion")
    share, weight = hits / trials, z * z / trials
    centre = (share + weight / 2) / (1 + weight)
    half = z * (share * (1 - share) / trials + weight / (4 * trials)) ** 0.5 / (1 + weight)
    return min(max(0.0, centre - half), share), max(min(1.0, centre + half), share)  # rounding cannot exclude the share
