"""The passes on Spark: executors cast, count, predict and write; the driver gets counts, and fits the label model.

Votes and labels are folders of files, one for each block of records, written by whoever works on the block: twice,
perhaps, but always the same bytes, and renamed into place. Project and records are on storage that driver and executors
see under the same path.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from labelkit.engines.spark.blocks import Block, over_blocks
from labelkit.engines.spark.engine import CastTask, SparkEngine
from labelkit.engines.spark.ids import refuse_bad_ids, repeated_hashes
from labelkit.engines.spark.tables import take_snapshot
from labelkit.errors import DataError, MachineError, UsageError, visible
from labelkit.files import atomic_write, machine_errors, make_folder, replace_output, staged
from labelkit.label_models import LabelModel
from labelkit.label_models.storage import Fitted
from labelkit.labeling import LabelingFunction
from labelkit.lineage import CHUNK_ROWS, hash_file, hash_parts
from labelkit.matrix import LabelMatrix, VotesFile, VotesWriter
from labelkit.pipeline.casting import SAMPLE, Casting, Progress, drawn
from labelkit.pipeline.passes import Work
from labelkit.pipeline.publishing import Published, publish_chunks, sum_of
from labelkit.pipeline.truth import Answered, Yardstick
from labelkit.project import ProjectFolder
from labelkit.records import Records
from labelkit.records.ids import bad_ids, id_hashes
from labelkit.records.opening import read_query, record_columns
from labelkit.settings import SPARK

if TYPE_CHECKING:
    import pyarrow as pa

TRUTHS = "truths"


@dataclass(frozen=True)
class SparkPasses:
    """On Spark: folders of votes and labels, one file in each for a block of records."""

    name: ClassVar[str] = SPARK
    engine: SparkEngine
    most: int = SAMPLE  # records of a sample

    def fetch(self, project: ProjectFolder) -> None:
        """Keep what Spark gives to a query that it alone can answer."""
        if project.settings.data.url == SPARK:
            query, place = read_query(project.data_path), project.state / ".records"
            name, columns = visible(project.settings.data.path), record_columns(project)
            take_snapshot(self.engine.session, query, name, columns, place)
            replace_output(place, project.snapshot_path)

    def check(self, records: Records, functions: Sequence[LabelingFunction]) -> None:
        """Prompt functions are refused, and records that executors cannot read."""
        self.engine.blocks(records)
        for function in functions:
            if function.kind == "prompt":
                raise UsageError(
                    f'prompt function "{visible(function.name)}": replies are kept on this machine, where Spark\'s '
                    "executors do not see them; use the local engine"
                )

    def cast(self, work: Work, progress: Progress | None = None) -> tuple[Casting, str]:
        """See `Passes.cast`."""
        settings, engine = work.project.settings, self.engine
        blocks, yardstick = engine.blocks(work.records), Yardstick(work.project, work.records, work.answers)
        task = engine.task(work.functions, work.records, settings.data.fields, settings.project.classes, work.source)
        for folder in (work.votes, work.folder / TRUTHS):
            make_folder(folder)
        begin = _CastBlock(task, yardstick, work.answers, work.votes, work.folder / TRUTHS)
        parts = over_blocks(engine.session, blocks, begin, operator.add)
        bad = any(part.bad_ids for part in parts)
        if bad or repeated_hashes(engine.session, blocks, _Hashes(work.votes)):
            refuse_bad_ids(engine.session, blocks, work.records)
        if bad:
            raise DataError(f"{work.records.source.name}: changed while it was read; try again")
        nothing = _Part(Casting(len(work.functions), len(settings.project.classes)))
        found = functools.reduce(operator.add, parts, nothing)
        yardstick.seen_dev = found.seen_dev
        if progress is not None:
            progress(found.casting.records, work.records.row_count())
        return found.casting, yardstick.basis

    def sample(self, work: Work, casting: Casting) -> LabelMatrix:
        """See `Passes.sample`."""
        import pyarrow as pa

        chosen = drawn(casting.records, work.project.settings.model.seed, self.most)
        blocks = self.engine.blocks(work.records)
        rows = np.concatenate(over_blocks(self.engine.session, blocks, _SampleBlock(work.votes, chosen)))
        ids = pa.array(chosen.astype(str), pa.string())  # whose votes they are is nothing to a label model
        names = tuple(function.name for function in work.functions)
        return LabelMatrix(rows, ids, names, tuple(work.project.settings.project.classes))

    def publish(self, work: Work, casting: Casting, model: LabelModel, run: str) -> Published:
        """See `Passes.publish`."""
        make_folder(work.labels)
        begin = _LabelBlock(Fitted.of(model), work.answers, work.votes, work.folder / TRUTHS, work.labels, run)
        done = over_blocks(self.engine.session, self.engine.blocks(work.records), begin)
        counts = [count for counts, _ in done for count in counts]
        outputs = {
            folder.name: hash_parts(
                {path.name: digest for _, digests in done for path, digest in digests if path.parent == folder}
            )
            for folder in (work.labels, work.votes)
        }
        return replace(sum_of(counts, len(work.project.settings.project.classes), model.name), outputs=outputs)


@dataclass(frozen=True)
class _Part:
    """What casting the votes on some consecutive blocks found."""

    casting: Casting
    seen_dev: bool = False
    bad_ids: bool = False  # and then nothing else was looked at

    def __add__(self, following: _Part) -> _Part:
        if self.bad_ids or following.bad_ids:
            return replace(self, bad_ids=True)
        return _Part(self.casting + following.casting, self.seen_dev or following.seen_dev)


@dataclass(frozen=True)
class _CastBlock:
    """Casts, keeps and counts the votes on a block."""

    task: CastTask
    yardstick: Yardstick
    answers: Answered
    votes: Path
    truths: Path

    def __call__(self, block: Block) -> _Part:
        _check_shared(self.votes)
        first, casting = block.first * CHUNK_ROWS, Casting(len(self.task.names), len(self.task.classes))
        with atomic_write(self.votes / f"{block.part}.arrow") as file:
            writer = VotesWriter(file, self.task.names, self.task.classes)
            for chunk in self.task.chunks(block):
                if chunk.id_hashes is None and any(bad_ids(lambda ids=chunk.ids: [ids])):  # type: ignore[misc]
                    return _Part(casting, bad_ids=True)
                answered = self.answers.of(chunk.ids)
                truth = self.yardstick.of(chunk.ids, chunk.others, answered, first + casting.records)
                writer.add(chunk.ids, chunk.votes)
                casting.add(chunk, answered, truth)
            writer.close()
        with atomic_write(self.truths / f"{block.part}.npy") as file:
            np.save(file, np.concatenate(casting.truths))
        casting.truths.clear()  # too many for the driver
        return _Part(casting, self.yardstick.seen_dev)


@dataclass(frozen=True)
class _Hashes:
    """The hashes of the ids of a block."""

    votes: Path

    def __call__(self, block: Block) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for ids, _ in VotesFile(self.votes / f"{block.part}.arrow"):
            yield pa.RecordBatch.from_arrays([pa.array(id_hashes(ids).view(np.int64))], names=["hash"])


@dataclass(frozen=True)
class _SampleBlock:
    """The votes of a block on those of its records that are chosen."""

    votes: Path
    chosen: NDArray[np.int64]

    def __call__(self, block: Block) -> NDArray[np.int8]:
        rows, first = list[NDArray[np.int8]](), block.first * CHUNK_ROWS
        for _, cells in VotesFile(self.votes / f"{block.part}.arrow"):
            start, stop = np.searchsorted(self.chosen, [first, first + len(cells)])
            rows.append(cells[self.chosen[start:stop] - first])
            first += len(cells)
        return np.concatenate(rows)


@dataclass(frozen=True)
class _LabelBlock:
    """Predicts a block and writes its labels. Gives the counts of each chunk, and the SHA-256 of the block's files."""

    fitted: Fitted
    answers: Answered
    votes: Path
    truths: Path
    labels: Path
    run: str

    def __call__(self, block: Block) -> tuple[list[Published], list[tuple[Path, str]]]:
        _check_shared(self.labels)
        votes, labels = self.votes / f"{block.part}.arrow", self.labels / f"{block.part}.parquet"
        with machine_errors(self.truths):
            truths = np.load(self.truths / f"{block.part}.npy", allow_pickle=False)
        chunks = (truths[start : start + CHUNK_ROWS] for start in range(0, len(truths), CHUNK_ROWS))
        with staged(labels) as path:
            counts, digest = publish_chunks(VotesFile(votes), self.fitted.model(), self.answers, chunks, self.run, path)
        return counts, [(labels, digest), (votes, hash_file(votes))]


def _check_shared(folder: Path) -> None:
    """Raise MachineError where an executor does not see a folder that the driver made."""
    if not folder.is_dir():
        raise MachineError(
            f"{visible(str(folder))}: an executor does not see this folder; keep the project and its records on "
            "storage that driver and executors share, under the same path"
        )
