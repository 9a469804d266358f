"""What `validate` judges by on Spark: rows stay where they are; the driver knows the run, the people and counts."""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.engines.spark import SparkEngine
from labelkit.engines.spark.blocks import Block, Blocks, over_blocks, spark_errors
from labelkit.engines.spark.frames import (
    fingerprint_of,
    hashes_of,
    parquet_frame,
    predicted_frame,
    record_frame,
    votes_frame,
)
from labelkit.engines.spark.ids import refuse_bad_ids
from labelkit.errors import ArtifactError, visible
from labelkit.label_models import labels_files, labels_table, load_model
from labelkit.label_models.storage import Fitted
from labelkit.lineage import Run, RunStore, hash_parts
from labelkit.matrix import LabelMatrix, VotesFile
from labelkit.pipeline.background import Spread
from labelkit.pipeline.current import check_as_written
from labelkit.pipeline.evidence import ratings_of, reference_of, run_before, run_facts, with_metadata
from labelkit.pipeline.recording import VOTES_FILE
from labelkit.pipeline.truth import read_answers
from labelkit.project import ProjectFolder
from labelkit.records import Records, open_records
from labelkit.validation.spark import Placed, SparkEvidence, SparkVotes, placed
from labelkit.validation.spark.rows import ROW

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class SparkProject:
    """A project as Spark sees it."""

    project: ProjectFolder
    engine: SparkEngine

    @cached_property
    def labels(self) -> list[Path]:
        """The files that the labels are in."""
        path = self.project.labels_path
        files = labels_files(path)
        if not files:
            raise ArtifactError(f"{visible(path.name)}: no such file; make it with `labelkit apply`")
        return files

    @cached_property
    def records(self) -> Records:
        """The records, metadata columns among them."""
        return with_metadata(self.project, open_records(self.project))

    @cached_property
    def blocks(self) -> Blocks:
        """The records in blocks."""
        return self.engine.blocks(self.records)

    def fingerprint(self) -> str:
        """That of the records, as on one machine. Raises DataError for an id that stands twice."""
        records = open_records(self.project)
        refuse_bad_ids(self.engine.session, self.blocks, records)
        return fingerprint_of(self.engine.session, self.blocks, records)

    def hash_of(self, path: Path) -> str:
        """As `hash_file`, told by executors."""
        files = labels_files(path)
        found = hashes_of(self.engine.session, files)
        if files == [path]:
            return found[0]
        return hash_parts({file.relative_to(path).as_posix(): one for file, one in zip(files, found, strict=True)})

    def labels_schema(self) -> pa.Table:
        """The labels without a row, with their metadata. Raises ArtifactError for no Parquet."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return pq.read_schema(self.labels[0]).empty_table()
        except (OSError, pa.ArrowException) as error:
            raise ArtifactError(
                f"{visible(self.project.labels_path.name)}: not a readable Parquet file; make it again with "
                "`labelkit apply`"
            ) from error

    def label_rows(self) -> Placed:
        """The labels on Spark."""
        with spark_errors():
            return placed(parquet_frame(self.engine.session, self.labels))

    def record_rows(self) -> Placed:
        """The records on Spark."""
        frame = record_frame(self.engine.session, self.blocks, self.records, ROW)
        return Placed(frame, self.records.row_count() or 0, in_file_order=True)


@dataclass(frozen=True)
class SparkRun:
    """What a run wrote, as Spark sees it."""

    place: SparkProject
    run: Run

    @property
    def folder(self) -> Path:
        """Where the run's files are."""
        return RunStore(self.place.project.state / "runs").path(self.run.id)

    @cached_property
    def votes_path(self) -> Path:
        """Where its votes are, proved to be what it wrote. Raises ArtifactError where they are gone or are not."""
        path = self.folder / VOTES_FILE
        VotesFile(path)  # raises where there is none
        check_as_written(self.place.project, self.run, path, self.place.hash_of(path))
        return path

    def votes(self) -> SparkVotes:
        """Its votes. Raises ArtifactError where they are gone or not what it wrote."""
        file = VotesFile(self.votes_path)
        return SparkVotes(votes_frame(self.place.engine.session, self.votes_path), file.names, file.classes)

    def model_labels(self) -> Any:
        """What its label model says of its votes, a DataFrame of id and label; None where that is not on disk."""
        try:
            path, model = self.votes_path, load_model(self.folder)
        except ArtifactError:
            return None
        return predicted_frame(self.place.engine.session, path, _Predicted(Fitted.of(model)))


@dataclass(frozen=True)
class _Predicted:
    """Runs on executors: votes in, the model's labels out."""

    fitted: Fitted

    def __call__(self, votes: LabelMatrix) -> pa.RecordBatch:
        labels = labels_table(self.fitted.model().predict_proba(votes)).select(["id", "label"])
        (batch,) = labels.combine_chunks().to_batches()
        return batch


def spark_evidence(
    place: SparkProject, labels_hash: str, data: str, run_id: str | None, run: Run | None
) -> SparkEvidence:
    """Everything that the project's suites may read; see `evidence.evidence_of`."""
    project, settings = place.project, place.project.settings
    behind = None if run is None else SparkRun(place, run)

    def labels_before() -> Any:
        before = run_before(project, run)
        return None if before is None else SparkRun(place, before).model_labels()

    return SparkEvidence(
        records=place.record_rows(),
        labels=place.label_rows(),
        classes=tuple(settings.project.classes),
        id=settings.data.id,
        fields=tuple(settings.data.fields),
        answers=read_answers(project).labels,
        votes=None if behind is None else behind.votes(),
        run=run_facts(project, run, run_id, labels_hash, data),
        gold=settings.data.gold,
        split=settings.data.split,
        metadata=tuple(settings.data.metadata),
        reference=reference_of(project),
        model_labels=lambda: None if behind is None else behind.model_labels(),
        previous=labels_before,
        ratings=lambda: ratings_of(project),
    )


def spread_of(place: SparkProject) -> Spread:
    """How the labels spread, counted by executors file by file."""
    files, classes = tuple(place.labels), tuple(place.project.settings.project.classes)
    parts = over_blocks(place.engine.session, Blocks(len(files), 1), _SpreadFile(files, classes), operator.add)
    total: Spread = functools.reduce(operator.add, parts)
    return total


@dataclass(frozen=True)
class _SpreadFile:
    """Runs on executors: how the labels of a file spread."""

    files: tuple[Path, ...]
    classes: tuple[str, ...]

    def __call__(self, block: Block) -> Spread:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.files[block.index]
        try:
            names = [name for name in pq.read_schema(path).names if name in ("label", "confidence")]
            return Spread.of(pq.read_table(path, columns=names), self.classes)
        except (OSError, pa.ArrowException) as error:
            raise ArtifactError(f"{visible(path.name)}: not a readable Parquet file") from error
