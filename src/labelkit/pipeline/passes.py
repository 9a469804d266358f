"""The two passes over the records that `apply` makes, and where they are made: on this machine or on Spark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from labelkit.engines import Engine, Limits, LocalEngine, VoteCache
from labelkit.errors import UsageError, visible
from labelkit.label_models import LabelModel
from labelkit.labeling import LabelingFunction
from labelkit.matrix import LabelMatrix, VotesFile
from labelkit.pipeline.casting import SAMPLE, Casting, Progress, cast_all, sampled
from labelkit.pipeline.publishing import Published, publish
from labelkit.pipeline.recording import VOTES_FILE
from labelkit.pipeline.truth import Answered
from labelkit.project import ProjectFolder
from labelkit.records import Records
from labelkit.settings import SPARK, EngineSection


@dataclass(frozen=True)
class Work:
    """What the passes work on, and the folder that their files go to."""

    project: ProjectFolder
    functions: Sequence[LabelingFunction]
    source: Path  # the folder that the functions were loaded from
    records: Records
    answers: Answered
    folder: Path

    @property
    def votes(self) -> Path:
        """Where the votes go: a file or a folder."""
        return self.folder / VOTES_FILE

    @property
    def labels(self) -> Path:
        """Where the labels go, likewise."""
        return self.folder / self.project.labels_path.name


class Passes(Protocol):
    """The passes over the records. Labels, counts and figures are the same, wherever they are made."""

    name: ClassVar[str]

    def fetch(self, project: ProjectFolder) -> None:
        """Bring the records to where `open_records` finds them, if they are not there."""
        ...

    def check(self, records: Records, functions: Sequence[LabelingFunction]) -> None:
        """Raise UsageError for records and functions that cannot be worked on there, before anything costs."""
        ...

    def cast(self, work: Work, progress: Progress | None = None) -> tuple[Casting, str]:
        """Cast and keep every vote, and count. Returns the counts and what accuracies compare with."""
        ...

    def sample(self, work: Work, casting: Casting) -> LabelMatrix:
        """The votes on at most a million of the records, drawn with the project's seed."""
        ...

    def publish(self, work: Work, casting: Casting, model: LabelModel, run: str) -> Published:
        """Write the labels that the model and people's answers give; `run` is the run that they shall name."""
        ...


def passes_on(engine: EngineSection, workers: int, limits: Limits, cache: VoteCache | None = None) -> Passes:
    """The passes on this machine, with so many processes and the cache of votes, or on Spark.

    Spark has its own processes, and no cache: one there costs as much as casting, for it would have to be shared.
    """
    if engine.name == "local":
        return LocalPasses(LocalEngine(workers, cache, limits))
    from labelkit.engines.spark import SparkEngine
    from labelkit.pipeline.spark_passes import SparkPasses

    return SparkPasses(SparkEngine.of(engine, limits))


@dataclass(frozen=True)
class LocalPasses:
    """On this machine: one file of votes, one of labels."""

    name: ClassVar[str] = "local"
    engine: Engine
    most: int = SAMPLE  # records of a sample

    def fetch(self, project: ProjectFolder) -> None:
        """Nothing needs fetching but what Spark alone can read. Raises UsageError for that."""
        if project.settings.data.url == SPARK:
            raise UsageError(
                f"{visible(project.settings.data.path)}: only Spark can read that; choose the engine spark"
            )

    def check(self, records: Records, functions: Sequence[LabelingFunction]) -> None:
        """All can."""

    def cast(self, work: Work, progress: Progress | None = None) -> tuple[Casting, str]:
        """See `Passes.cast`."""
        return cast_all(work.project, self.engine, work.functions, work.records, work.answers, work.votes, progress)

    def sample(self, work: Work, casting: Casting) -> LabelMatrix:
        """See `Passes.sample`."""
        return sampled(VotesFile(work.votes), casting.records, work.project.settings.model.seed, self.most)

    def publish(self, work: Work, casting: Casting, model: LabelModel, run: str) -> Published:
        """See `Passes.publish`."""
        return publish(work.votes, model, work.answers, casting.truths, run, work.labels)
