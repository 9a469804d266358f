"""What an author of labeling functions wants to know of each: Snorkel's figures, then accuracy with an interval."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np

from labelkit.matrix.figures import FigureCounts
from labelkit.tables import html_table, table

NAMED = 3
"""Copies of a function that the table names."""

SURE = 0.95
"""How sure it must be that not one function is called worse than chance that is not."""


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
    by_chance: float | None = None  # what the accuracy would be, did its votes not depend on the truth
    worse: bool = False  # whether the accuracy is below that beyond doubt: see `worse_than_chance`
    copies: tuple[str, ...] = field(default=())  # functions that vote nearly the same: see `copies.near_copies`

    @property
    def remark(self) -> str:
        """What an author should look into; mostly nothing."""
        said = ["worse than chance"] if self.worse else []
        if self.copies:
            more = len(self.copies) - NAMED
            said.append("copies " + ", ".join(self.copies[:NAMED]) + (f" and {more} more" if more > 0 else ""))
        return "; ".join(said)


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
        remarks = ("Remarks",) if any(row.remark for row in self.rows) else ()
        return ("", "j", "Polarity", "Coverage", "Overlaps", "Conflicts", *gold, "Faults", *remarks)

    @property
    def _has_gold(self) -> bool:
        return any(row.correct is not None for row in self.rows)

    def cells(self) -> list[tuple[str, ...]]:
        """The table's cells as text, one tuple per function."""
        remarks = any(row.remark for row in self.rows)
        return [(*self._cells(row), *([row.remark] if remarks else [])) for row in self.rows]

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
                "Acc. by Chance": [row.by_chance for row in self.rows],
                "Worse": [row.worse for row in self.rows],
            }
        frame["Faults"] = [row.faults for row in self.rows]
        frame["Copies"] = [list(row.copies) for row in self.rows]
        return pd.DataFrame(frame, index=[row.name for row in self.rows])

    def __str__(self) -> str:
        return table(self.header, self.cells())

    def _repr_html_(self) -> str:
        return html_table(self.header, self.cells())


def summary_of(
    counts: FigureCounts, names: Sequence[str], *, with_gold: bool, copies: Sequence[Sequence[int]] = ()
) -> LFSummary:
    """The table behind counts; without gold it has no accuracies. `copies` are groups of functions that vote alike."""
    groups = {j: [names[other] for other in group if other != j] for group in copies for j in group}
    tested = max(1, int((counts.judged.sum(axis=1) > 0).sum()))
    return LFSummary(
        tuple(
            _figures(counts, j, name, tested=tested, with_gold=with_gold, copies=tuple(groups.get(j, ())))
            for j, name in enumerate(names)
        )
    )


def _figures(
    counts: FigureCounts, j: int, name: str, *, tested: int, with_gold: bool, copies: tuple[str, ...]
) -> FunctionFigures:
    n, known = max(counts.records, 1), int(counts.truths.sum())
    correct, judged = int(counts.correct[j]), int(counts.judged[j].sum())
    by_chance = float(counts.judged[j] @ counts.truths) / (judged * known) if judged else None
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
        by_chance=by_chance,
        worse=by_chance is not None and worse_than_chance(correct, judged, by_chance, known, tested),
        copies=copies,
    )


def worse_than_chance(correct: int, judged: int, by_chance: float, known: int, tested: int = 1) -> bool:
    """Whether a function is right less often than votes that do not depend on the truth, beyond doubt.

    `by_chance` is how often those would be right, told from `known` records. The upper end of the interval of the
    difference lies below 0 (Newcombe, "Interval estimation for the difference between independent proportions",
    Statistics in Medicine 17, 1998, method 10), at a level that holds for all `tested` functions together (Bonferroni).

    >>> worse_than_chance(1, 10, by_chance=0.5, known=100), worse_than_chance(2, 10, by_chance=0.5, known=100, tested=9)
    (True, False)
    """
    z = NormalDist().inv_cdf(1 - (1 - SURE) / (2 * max(1, tested)))
    share = correct / judged
    above = wilson_interval(correct, judged, z)[1] - share
    below = by_chance - wilson_interval(round(by_chance * known), known, z)[0]
    return share - by_chance + math.hypot(above, below) < 0


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
