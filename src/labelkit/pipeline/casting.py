"""The first pass of `apply`: votes as they come, and everything that can be counted on the way.

Votes go to disk chunk by chunk; what stays in memory does not grow with the records, but for a byte for the gold label
of each, where there are any: what proves ids unique goes to disk as well once they are many.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labelkit.engines import ChunkVotes, Engine
from labelkit.files import machine_errors
from labelkit.label_models.base import GoldVotes
from labelkit.labeling import LabelingFunction
from labelkit.lineage import DataFingerprint
from labelkit.matrix import ABSTAIN, Fault, FigureCounts, LabelMatrix, VotesFile, VotesWriter
from labelkit.matrix.counts import VoteCounts
from labelkit.pipeline.truth import Answered, Yardstick
from labelkit.project import ProjectFolder
from labelkit.records import Records
from labelkit.records.seen import SeenIds

KEPT_FAULTS = 10_000  # of which the details are kept; all are counted

SAMPLE = 1_000_000
"""Vote rows that a label model learns from where it needs rows and there are too many distinct ones."""

Progress = Callable[[int, int | None], None]
"""Called with the number of records done so far and, where it is known, of all."""


@dataclass
class Casting:
    """What the first pass found."""

    m: int
    k: int
    counts: VoteCounts = field(init=False)
    figures: FigureCounts = field(init=False)
    digests: list[tuple[bytes, int]] = field(default_factory=list)  # per chunk: its fingerprint and its records
    faults: list[Fault] = field(default_factory=list)
    truths: list[NDArray[np.int8]] = field(default_factory=list)  # per chunk, (n,): class index or -1
    answered_votes: list[NDArray[np.int8]] = field(default_factory=list)  # per chunk, (a, m): rows people settled
    answers: list[NDArray[np.int64]] = field(default_factory=list)  # per chunk, (a,): what they settled on
    reused: int = 0  # function columns of chunks that came from the cache
    cells: int = 0  # function columns of chunks in all
    saved: float = 0.0  # seconds that casting these took before

    def __post_init__(self) -> None:
        self.counts = VoteCounts.empty(self.m, self.k)
        self.figures = FigureCounts.nothing(self.m, self.k)

    @property
    def records(self) -> int:
        """Records so far."""
        return self.figures.records

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the records: SHA-256 in hexadecimal."""
        fingerprint = DataFingerprint()
        for digest, rows in self.digests:
            fingerprint.add_digest(digest, rows)
        return fingerprint.hexdigest()

    def gold_votes(self) -> GoldVotes | None:
        """The votes on records that people settled; None when there are none."""
        if not self.answers:
            return None
        cells = np.maximum(np.concatenate(self.answered_votes), np.int8(ABSTAIN))
        return GoldVotes(cells, np.concatenate(self.answers))

    def add(self, chunk: ChunkVotes, answered: NDArray[np.int64], truth: NDArray[np.int64]) -> None:
        """Count one chunk."""
        self.digests.append((chunk.fingerprint, len(chunk.ids)))
        self.counts += chunk.counts
        self.figures += FigureCounts.of(chunk.votes, self.k, truth)
        self.faults += chunk.faults[: max(0, KEPT_FAULTS - len(self.faults))]
        nothing = np.broadcast_to(np.int8(-1), truth.shape)  # takes no memory
        self.truths.append(truth.astype(np.int8) if (truth >= 0).any() else nothing)
        settled = answered >= 0
        if settled.any():
            self.answered_votes.append(chunk.votes[settled])
            self.answers.append(answered[settled])
        self.reused += chunk.reused
        self.cells += self.m
        self.saved += chunk.saved

    def __add__(self, following: Casting) -> Casting:
        """Both, where the other one's records follow these."""
        both = Casting(self.m, self.k)
        both.counts, both.figures = self.counts + following.counts, self.figures + following.figures
        both.digests = self.digests + following.digests
        both.faults = (self.faults + following.faults)[:KEPT_FAULTS]
        both.truths = self.truths + following.truths
        both.answered_votes = self.answered_votes + following.answered_votes
        both.answers = self.answers + following.answers
        both.reused, both.cells = self.reused + following.reused, self.cells + following.cells
        both.saved = self.saved + following.saved
        return both


def drawn(records: int, seed: int, limit: int = SAMPLE) -> NDArray[np.int64]:
    """Indices of at most `limit` records, drawn without replacement, in record order."""
    return np.sort(np.random.default_rng(seed).choice(records, min(limit, records), replace=False))


def sampled(votes: VotesFile, records: int, seed: int, limit: int = SAMPLE) -> LabelMatrix:
    """The votes on the records that are `drawn`."""
    import pyarrow as pa

    chosen = drawn(records, seed, limit)
    ids, rows, first = [pa.array([], pa.string())], [np.empty((0, len(votes.names)), np.int8)], 0
    for chunk_ids, cells in votes:
        start, stop = np.searchsorted(chosen, [first, first + len(cells)])
        here = chosen[start:stop] - first
        ids.append(chunk_ids.take(pa.array(here)))
        rows.append(cells[here])
        first += len(cells)
    return LabelMatrix(np.concatenate(rows), pa.concat_arrays(ids), votes.names, votes.classes)


def cast_all(
    project: ProjectFolder,
    engine: Engine,
    functions: Sequence[LabelingFunction],
    records: Records,
    answers: Answered,
    votes_path: Path,
    progress: Progress | None = None,
) -> tuple[Casting, str]:
    """Cast every vote, write them to `votes_path`, and count. Returns the counts and what accuracies compare with."""
    settings = project.settings
    classes, names = tuple(settings.project.classes), [function.name for function in functions]
    casting = Casting(len(functions), len(classes))
    yardstick, total = Yardstick(project, records, answers), records.row_count()
    with (
        machine_errors(votes_path),
        contextlib.closing(SeenIds(votes_path.parent)) as seen,
        votes_path.open("wb") as file,
    ):
        writer = VotesWriter(file, names, classes)
        for chunk in engine.cast(functions, records, settings.data.fields, classes):
            if not seen.add_hashes(chunk.id_hashes):
                records.refuse_bad_ids()
            answered = answers.of(chunk.ids)
            truth = yardstick.of(chunk.ids, chunk.others, answered, casting.records)
            writer.add(chunk.ids, chunk.votes)
            casting.add(chunk, answered, truth)
            if progress is not None:
                progress(casting.records, total)
        if not seen.all_differ():
            records.refuse_bad_ids()
        writer.close()
    return casting, yardstick.basis
