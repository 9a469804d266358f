"""`lf prune`: which functions cost accuracy, told by people's answers that the label model has not seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from labelkit.errors import UsageError
from labelkit.label_models import AutoLabelModel, GoldVotes
from labelkit.label_models.base import BaseLabelModel
from labelkit.label_models.cross_validation import FEWEST
from labelkit.label_models.leave_out import LeftOut, left_out, worst_first
from labelkit.pipeline.function_list import bench_of
from labelkit.project import ProjectFolder
from labelkit.tables import html_table, table

HEADER = ("function", "votes", "accuracy without", "change", "95 % interval", "won", "lost", "")


@dataclass(frozen=True)
class Pruning:
    """Each function left out in turn, the most harmful first. Prints as a table."""

    run: str
    model: str  # name of the label model
    answers: int  # about records that a function votes on
    accuracy: float  # of held-out labels with all functions
    functions: tuple[LeftOut, ...]

    @property
    def harmful(self) -> tuple[str, ...]:
        """Functions without which labels are better, beyond doubt."""
        return tuple(one.function for one in self.functions if one.costs)

    def cells(self) -> list[tuple[str, ...]]:
        """The table's cells as text, one tuple per function."""
        return [
            (
                one.function,
                f"{one.votes:,}",
                f"{one.accuracy:.1%}",
                f"{100 * one.change:+.1f}",
                f"{100 * one.interval[0]:+.1f} to {100 * one.interval[1]:+.1f}",
                f"{one.won:,}",
                f"{one.lost:,}",
                "costs accuracy" if one.costs else "earns its place" if one.earns else "",
            )
            for one in self.functions
        ]

    def __str__(self) -> str:
        return table(HEADER, self.cells())

    def _repr_html_(self) -> str:
        return html_table(HEADER, self.cells())

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        rows = [{**asdict(one), "costs": one.costs, "earns": one.earns} for one in self.functions]
        return {**asdict(self), "functions": rows, "harmful": list(self.harmful)}


def prune(project: ProjectFolder) -> Pruning:
    """Leave out each function of the current run in turn. Raises UsageError with fewer than 20 answers."""
    bench = bench_of(project)
    rows = np.flatnonzero(bench.answered >= 0)
    gold = GoldVotes(bench.cells[rows], bench.answered[rows])
    voted = int((gold.cells >= 0).any(axis=1).sum())
    if voted < FEWEST:
        raise UsageError(
            f"{voted:,} answers about records that functions vote on; {FEWEST} are needed, and 100 tell more "
            "(labelkit annotate)"
        )
    if not isinstance(bench.model, BaseLabelModel):
        raise TypeError("a label model of labelkit's own")
    accuracy, found = left_out(bench.model, bench.votes, gold)
    used = bench.model.chosen if isinstance(bench.model, AutoLabelModel) and bench.model.chosen else bench.model
    return Pruning(bench.run.id, used.name, voted, accuracy, tuple(worst_first(found)))
