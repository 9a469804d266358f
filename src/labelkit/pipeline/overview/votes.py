"""One pass over the votes of the current run: functions' figures, and how often the labels are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import ArtifactError, ModelError, named
from labelkit.label_models import Calibration, CalibrationCounts, GoldVotes, LabelModel, load_model, make_model
from labelkit.label_models.copies import MOST, copied, near_copies
from labelkit.lineage import Run
from labelkit.matrix import ABSTAIN, FigureCounts, FunctionFigures, VotesFile, summary_of
from labelkit.matrix.counts import VoteCounts
from labelkit.matrix.figures import votes_per_class
from labelkit.pipeline.overview.records import rows_of
from labelkit.pipeline.truth import Answered, Tally
from labelkit.project import ProjectFolder
from labelkit.reports.overview.content import (
    Calibration as CalibrationPart,
    Function,
    Pair,
    Reliability,
    Share,
    Slice,
)

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN_PAIRS = 10
LEAST_REPEATED = 0.2
"""Pairs of functions that repeat each other less are not worth a line."""


@dataclass
class VotesSeen:
    """Counts over the votes so far."""

    names: tuple[str, ...]
    classes: tuple[str, ...]
    figures: FigureCounts = field(init=False)
    by_people: FigureCounts = field(init=False)
    counts: VoteCounts = field(init=False)
    calibration: CalibrationCounts = field(default_factory=CalibrationCounts.nothing)
    settled: list[GoldVotes] = field(default_factory=list)  # per chunk: the votes on records that people settled
    tallies: tuple[Tally, Tally] = field(default_factory=lambda: (Tally("majority vote"), Tally("label model")))

    def __post_init__(self) -> None:
        m, k = len(self.names), len(self.classes)
        self.figures, self.by_people = FigureCounts.nothing(m, k), FigureCounts.nothing(m, k)
        self.counts = VoteCounts.empty(m, k)

    def add(
        self,
        cells: NDArray[np.int8],
        probs: NDArray[np.float64],
        truth: NDArray[np.int64],
        answered: NDArray[np.int64],
    ) -> None:
        """Count one chunk: votes, what the model makes of them, the truth and people's answers (-1 for none)."""
        k = len(self.classes)
        self.figures += FigureCounts.of(cells, k, truth)
        settled = answered >= 0
        self.by_people += FigureCounts.of(cells[settled], k, answered[settled])
        self.settled += [GoldVotes(cells[settled], answered[settled])] if settled.any() else []
        self.counts += VoteCounts.of(cells, k)
        per_class = votes_per_class(cells, k)
        covered: NDArray[np.bool_] = np.asarray((cells >= 0).any(axis=1))
        judged = covered & (truth >= 0)
        if judged.any():
            best = per_class == per_class.max(axis=1, keepdims=True)
            self.tallies[0].add(best.astype(np.float64), covered, truth)
            self.tallies[1].add(probs, covered, truth)
            self.calibration += CalibrationCounts.of(probs[judged], truth[judged])

    def gold_votes(self) -> GoldVotes | None:
        """The votes on records that people settled, faults as abstains; None where there are none."""
        if not self.settled:
            return None
        cells = np.concatenate([part.cells for part in self.settled])
        return GoldVotes(np.maximum(cells, np.int8(ABSTAIN)), np.concatenate([part.truth for part in self.settled]))


def look_at_votes(
    folder: Path, classes: Sequence[str], labels: pa.Table, truth: NDArray[np.int8], answers: Answered
) -> tuple[VotesSeen, LabelModel]:
    """Read the votes of the run in `folder`; `truth` is in the order of the labels table.

    Raises ArtifactError for a run without whole votes or model, or for other classes than those of the project.
    """
    votes, model = VotesFile(folder / "votes.arrow"), load_model(folder)
    if votes.classes != tuple(classes):
        raise ArtifactError(
            f"the votes are for {named(votes.classes)}, the project has {named(classes)}; run `labelkit apply` again"
        )
    seen, first = VotesSeen(votes.names, votes.classes), 0
    seen.tallies[1].name = f"label model ({model.name})"
    for ids, cells in votes:
        rows = rows_of(labels, ids, first)
        known = np.where(rows >= 0, truth[rows], -1) if len(truth) else np.full(len(rows), -1)
        seen.add(cells, model.predict_votes(cells), known.astype(np.int64), answers.of(ids))
        first += len(cells)
    return seen, model


def yardsticks(seen: VotesSeen) -> tuple[tuple[str, Share], ...]:
    """How often majority vote and the label model are right, where that is known."""
    return tuple((tally.name, Share(tally.credit, tally.records)) for tally in seen.tallies if tally.records)


def slices_of(run: Run) -> tuple[Slice, ...]:
    """The slices that a run counted."""
    return tuple(
        Slice(
            name=one["name"],
            records=one["records"],
            share=one["share"],
            labelled=one["labelled"] / max(one["records"], 1),
            right=Share(one["accuracy"] * one["judged"], one["judged"]) if one["judged"] else None,
            faults=one["faults"],
        )
        for one in run.about.get("slices", ())
    )


def calibration_of(seen: VotesSeen, basis: str) -> CalibrationPart | None:
    """How reliable the label model's beliefs are against gold; None where nothing can be compared."""
    return _part(seen.calibration.calibration(), basis) if seen.calibration.total else None


def held_out_calibration(seen: VotesSeen, project: ProjectFolder) -> CalibrationPart | None:
    """The same against people's answers, each held out: a model fitted anew, for what it learned is no test of it.

    None with too few answers, or where the model cannot learn from counts.
    """
    gold, model = seen.gold_votes(), project.settings.model
    if gold is None:
        return None
    try:
        fitted = make_model(model.name, seen.classes, model.seed).fit(seen.counts, gold=gold, names=seen.names)
    except ModelError:
        return None
    found: Calibration | None = getattr(fitted, "calibration", None)
    return None if found is None else _part(found, "people's answers, each held out from the model")


def _part(found: Calibration, basis: str) -> CalibrationPart:
    bins = tuple(Reliability(part.confidence, Share(part.accuracy * part.records, part.records)) for part in found.bins)
    return CalibrationPart(bins, found.error, found.by_chance, found.brier, found.records, basis)


def functions_of(seen: VotesSeen, *, with_gold: bool) -> tuple[Function, ...]:
    """The functions, those of one class together and the most frequent of them first."""
    summary = summary_of(seen.figures, seen.names, with_gold=with_gold)
    people = summary_of(seen.by_people, seen.names, with_gold=True)
    groups = near_copies(seen.counts).groups
    copies = {j: tuple(seen.names[i] for i in group if i != j) for group in groups for j in group}
    found = [_function(summary.rows[j], people.rows[j], copies.get(j, ())) for j in range(len(summary))]
    return tuple(sorted(found, key=lambda function: (function.classes or (len(seen.classes),), -function.coverage)))


def _function(row: FunctionFigures, people: FunctionFigures, copies: tuple[str, ...]) -> Function:
    return Function(
        name=row.name,
        classes=row.polarity,
        coverage=row.coverage,
        overlaps=row.overlaps,
        conflicts=row.conflicts,
        gold=_share(row),
        people=_share(people),
        faults=row.faults,
        copies=copies,
        worse=row.worse or people.worse,
    )


def _share(row: FunctionFigures) -> Share | None:
    judged = (row.correct or 0) + (row.incorrect or 0)
    return Share(row.correct or 0, judged) if judged else None


def pairs_of(seen: VotesSeen) -> tuple[Pair, ...]:
    """The functions that repeat each other most, copies first."""
    counts = seen.counts
    m, k = counts.m, counts.k
    if not 2 <= m <= MOST or counts.too_wide:
        return ()
    repeated, group = copied(counts), {j: i for i, members in enumerate(near_copies(counts).groups) for j in members}
    pairs = counts.pairs.reshape(m, k, m, k)
    cast = counts.votes_cast.sum(axis=1)
    found = [
        Pair(
            first=seen.names[i],
            second=seen.names[j],
            repeated=min(float(repeated[i, j]), 1.0),
            alike=int(np.trace(pairs[i, :, j])),
            either=int(cast[i] + cast[j] - pairs[i, :, j].sum()),
            copies=i in group and group[i] == group.get(j),
        )
        for i, j in np.argwhere(np.triu(repeated >= LEAST_REPEATED, 1)).tolist()
    ]
    return tuple(sorted(found, key=lambda pair: (not pair.copies, -pair.repeated))[:SHOWN_PAIRS])
