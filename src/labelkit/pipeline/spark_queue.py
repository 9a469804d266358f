"""The queue at Spark's size: candidates are named where the votes are, and only their records are fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labelkit.active.shortlist import candidates, check_shortlisted
from labelkit.annotations import AnnotationStore
from labelkit.annotations.annotation import enough
from labelkit.engines.spark.blocks import spark_errors
from labelkit.engines.spark.frames import among, record_frame, votes_frame
from labelkit.errors import ArtifactError
from labelkit.label_models import load_model, run_of
from labelkit.lineage import RunStore
from labelkit.pipeline.drawn import write_drawn
from labelkit.pipeline.spark_evidence import SparkProject
from labelkit.pipeline.spark_validate import spark_engine
from labelkit.pipeline.truth import has_answers
from labelkit.project import TRAIN, ProjectFolder
from labelkit.settings import EngineSection

_ROW = "__labelkit_row"


def draw(
    project: ProjectFolder,
    engine: EngineSection,
    strategy: str,
    folder: Path,
    *,
    n: int,
    annotator: str | None = None,
    seed: int | None = None,
) -> None:
    """Write the candidates for the next n questions, and what was asked already, to a folder.

    Raises UsageError for a strategy that Spark cannot draw by, ArtifactError where there are no votes.
    """
    check_shortlisted(strategy)
    place = SparkProject(project, spark_engine(engine))
    run_id = run_of(place.labels_schema())
    if run_id is None:
        raise ArtifactError(f"{project.labels_path.name}: says of no run that wrote it; run `labelkit apply` again")
    store = RunStore(project.state / "runs")
    run, model, session = store.read(run_id), load_model(store.path(run_id)), place.engine.session
    with spark_errors():
        frame, records = votes_frame(session, place.votes_path(run)), _records(place)
        if project.settings.data.split is not None:
            frame = frame.join(
                records.where(records[project.settings.data.split] == TRAIN).select("id"), "id", "left_semi"
            )
        done, known = _answered(project, annotator)
        seed = project.settings.model.seed if seed is None else seed
        votes = candidates(frame, model, n=n, strategy=strategy, exclude=done, keep=known, seed=seed)
        found = among(records.select("id", *project.settings.data.fields), "id", votes.ids.to_pylist())
    write_drawn(folder, run, votes, found.rename_columns([project.settings.data.id, *project.settings.data.fields]))


def _records(place: SparkProject) -> Any:
    """The records, their id column called "id"."""
    frame = record_frame(place.engine.session, place.blocks, place.records, _ROW)
    return frame.withColumnRenamed(place.project.settings.data.id, "id")


def _answered(project: ProjectFolder, annotator: str | None) -> tuple[frozenset[str], frozenset[str]]:
    """Records that nobody is to be asked about, or not this person; and all that anybody has said something of."""
    if not has_answers(project):
        return frozenset(), frozenset()
    store = AnnotationStore.open(project.store_url)
    history = list(store.history())
    done = frozenset(enough(history, project.settings.annotate.overlap))
    return done | (frozenset(store.asked(annotator)) if annotator else frozenset()), frozenset(
        e.record for e in history
    )
