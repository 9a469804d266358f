"""What an author of labeling functions wants to know of each: Snorkel's figures, then accuracy with an interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from labelkit.errors import visible
from labelkit.matrix.figures import FigureCounts
from labelkit.matrix.votes import LabelMatrix, checked_gold
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
    truth = checked_gold(gold, len(votes.ids), len(votes.classes))
    counts = FigureCounts.of(votes.votes, len(votes.classes), truth)
    return summary_of(counts, votes.names, with_gold=truth is not None)


def summary_of(counts: FigureCounts, names: Sequence[str], *, with_gold: bool) -> LFSummary:
    """The table behind counts; without gold it has no accuracies."""
    return LFSummary(tuple(_figures(counts, j, name, with_gold=with_gold) for j, name in enumerate(names)))


def _figures(counts: FigureCounts, j: int, name: str, *, with_gold: bool) -> FunctionFigures:
    n = max(counts.records, 1)
    correct, judged = int(counts.correct[j]), int(counts.judged[j])
    return FunctionFigures(
        name=name,
        j=j,
        polarity=tuple(int(c) for c in np.flatnonzero(counts.by_class[j])),
        coverage=float(counts.by_class[j].sum() / n),
        overlaps=float(counts.overlaps[j] / n),
        conflicts=float(counts.conflicts[j] / n),
        correct=correct if with_gold else None,
        incorrect=judged - correct if with_gold else None,
        accuracy=correct / judged if judged else None,
        interval=wilson_interval(correct, judged) if judged else None,
        faults=int(counts.faults[j]),
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
