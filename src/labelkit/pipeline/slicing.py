"""Slices: parts of the records that deserve figures of their own, such as short texts or those of one country.

A slicing function says of each record whether it is in the slice: Snorkel's `@slicing_function`, or any labeling
function or rule that votes 1 for in, and 0 or nothing for out. They are files in slices/, and run in `apply` alone,
which keeps what they said beside the votes of its run; whoever shows or judges slices afterwards reads that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.engines import Engine
from labelkit.errors import FunctionError, visible
from labelkit.files import machine_errors
from labelkit.label_models import LabelModel
from labelkit.labeling import load_functions
from labelkit.lineage import Run, hash_tree
from labelkit.matrix import (
    FAULT,
    Fault,
    FigureCounts,
    LabelMatrix,
    LFSummary,
    VotesFile,
    VotesWriter,
    read_votes,
    summary_of,
)
from labelkit.matrix.figures import votes_per_class
from labelkit.pipeline.current import check_as_written
from labelkit.pipeline.recording import run_store
from labelkit.pipeline.truth import Answered, Tally
from labelkit.project import ProjectFolder
from labelkit.records import Records

SLICES_FILE = "slices.arrow"
OUT, IN = "out", "in"  # what a slicing function votes, 0 and 1


@dataclass(frozen=True)
class SliceFigures:
    """What is known of the records of one slice."""

    name: str
    records: int
    share: float  # of all records
    labelled: int  # by votes or people
    labels: dict[str, int]  # class -> records with that label
    judged: int  # records whose true class is known, and that got a vote
    majority: float | None  # accuracy of majority vote on them
    accuracy: float | None  # of the label model
    interval: tuple[float, float] | None  # 95 %, Wilson
    functions: LFSummary  # on the records of the slice alone
    faults: int  # records on which the slicing function failed; they are in no slice

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = {name: value for name, value in vars(self).items() if name != "functions"}
        interval = None if self.interval is None else list(self.interval)
        return {**plain, "interval": interval, "functions": [asdict(row) for row in self.functions]}


def slice_files(project: ProjectFolder) -> dict[str, str]:
    """Every file of slices/ with its SHA-256; none where there is no such folder."""
    return hash_tree(project.slices_folder, ["*"]) if project.slices_folder.is_dir() else {}


def cast_slices(project: ProjectFolder, engine: Engine, records: Records, folder: Path) -> tuple[Fault, ...]:
    """Ask the slicing functions about every record, and keep what they say in `folder`. Returns where they failed.

    Without a folder slices/ nothing is written. Raises FunctionError for files that cannot be loaded.
    """
    if not slice_files(project):
        return ()
    fields, faults = project.settings.data.fields, list[Fault]()
    functions = load_functions(project.slices_folder, fields, (OUT, IN), slices=True)
    if any(function.prompt is not None for function in functions):
        raise FunctionError(f"{visible(project.slices_folder.name)}/: a prompt function is no slicing function")
    path = folder / SLICES_FILE
    with machine_errors(path), path.open("wb") as file:
        writer = VotesWriter(file, [function.name for function in functions], (OUT, IN))
        for chunk in engine.cast(functions, records, fields, (OUT, IN)):
            writer.add(chunk.ids, chunk.votes)
            faults += chunk.faults
        writer.close()
    return tuple(faults)


def kept_slices(project: ProjectFolder, run: Run) -> LabelMatrix | None:
    """(n, s): what the slicing functions said when a run was made; None where it had none.

    Raises ArtifactError when they are gone, or are not what the run wrote.
    """
    if SLICES_FILE not in run.outputs:
        return None
    path = run_store(project).path(run.id) / SLICES_FILE
    members = read_votes(path)
    check_as_written(project, run, path)
    return members


@dataclass
class _Counting:
    """One slice, chunk by chunk."""

    name: str
    m: int
    k: int
    model: str
    figures: FigureCounts = field(init=False)
    totals: NDArray[np.int64] = field(init=False)  # (k,)
    faults: int = 0

    def __post_init__(self) -> None:
        self.figures = FigureCounts.nothing(self.m, self.k)
        self.totals = np.zeros(self.k, np.int64)
        self.tallies = Tally("majority vote"), Tally(f"label model ({self.model})")

    def add(
        self, cells: NDArray[np.int8], probs: NDArray[np.float64], truth: NDArray[np.int64], answered: NDArray[np.int64]
    ) -> None:
        """Count the slice's records of a chunk: votes, what the model says, the truth and people's answers."""
        self.figures += FigureCounts.of(cells, self.k, truth)
        per_class, covered = votes_per_class(cells, self.k), np.asarray((cells >= 0).any(axis=1))
        label = np.where(answered >= 0, answered, np.where(covered, probs.argmax(axis=1), self.k))
        self.totals += np.bincount(label, minlength=self.k + 1)[: self.k]
        best = per_class == per_class.max(axis=1, keepdims=True, initial=0)
        self.tallies[0].add(best.astype(np.float64), covered, truth)
        self.tallies[1].add(probs, covered, truth)

    def figured(self, names: Sequence[str], classes: Sequence[str], records: int, *, with_gold: bool) -> SliceFigures:
        """The figures."""
        majority, model = (tally.agreement() for tally in self.tallies)
        return SliceFigures(
            name=self.name,
            records=self.figures.records,
            share=self.figures.records / max(records, 1),
            labelled=int(self.totals.sum()),
            labels=dict(zip(classes, self.totals.tolist(), strict=True)),
            judged=0 if model is None else model.records,
            majority=None if majority is None else majority.accuracy,
            accuracy=None if model is None else model.accuracy,
            interval=None if model is None else model.interval,
            functions=summary_of(self.figures, names, with_gold=with_gold),
            faults=self.faults,
        )


def slice_figures(
    folder: Path, votes_path: Path, model: LabelModel, answers: Answered, truths: Iterable[NDArray[np.int8]]
) -> tuple[SliceFigures, ...]:
    """Every figure once more for each slice that is kept in `folder`; none where no slices are."""
    if not (folder / SLICES_FILE).exists():
        return ()
    votes, members = VotesFile(votes_path), VotesFile(folder / SLICES_FILE)
    k, records, known = len(votes.classes), 0, False
    counting = [_Counting(name, len(votes.names), k, model.name) for name in members.names]
    for (ids, cells), (_, inside), truth in zip(votes, members, truths, strict=True):
        probs = model.predict_proba(LabelMatrix(cells, ids, votes.names, votes.classes)).probs
        answered, right = answers.of(ids), truth.astype(np.int64)
        records, known = records + len(cells), known or bool((right >= 0).any())
        for j, each in enumerate(counting):
            mask = inside[:, j] == 1
            each.faults += int((inside[:, j] == FAULT).sum())
            each.add(cells[mask], probs[mask], right[mask], answered[mask])
    return tuple(each.figured(votes.names, votes.classes, records, with_gold=known) for each in counting)
