"""The queue at Spark's size: candidates are named where the votes are, and only their records are fetched."""

from __future__ import annotations

from pathlib import Path

from labelkit.active.shortlist import candidates, check_shortlisted
from labelkit.annotations.annotation import enough
from labelkit.engines.spark import SparkEngine
from labelkit.engines.spark.blocks import spark_errors
from labelkit.engines.spark.frames import among, record_frame
from labelkit.label_models import load_model
from labelkit.pipeline.current import run_named
from labelkit.pipeline.drawn import write_drawn
from labelkit.pipeline.spark_evidence import SparkProject, SparkRun
from labelkit.pipeline.truth import has_answers, store_of
from labelkit.project import TRAIN, ProjectFolder
from labelkit.settings import EngineSection
from labelkit.validation.spark.conditions import quoted
from labelkit.validation.spark.rows import ROW


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
    place = SparkProject(project, SparkEngine.of(engine))
    behind, data = SparkRun(place, run_named(project, place.labels_schema())), project.settings.data
    model = load_model(behind.folder)
    with spark_errors():
        frame, records = behind.votes().frame, record_frame(place.engine.session, place.blocks, place.records, ROW)
        key = records[quoted(data.id)].alias("id")
        if data.split is not None:
            frame = frame.join(records.where(records[quoted(data.split)] == TRAIN).select(key), "id", "left_semi")
        done, known = _answered(project, annotator)
        seed = project.settings.model.seed if seed is None else seed
        votes = candidates(frame, model, n=n, strategy=strategy, exclude=done, keep=known, seed=seed)
        fields = [records[quoted(name)].alias(f"c{place}") for place, name in enumerate(data.fields)]
        found = among(records.select(key, *fields), "id", votes.ids.to_pylist())
    write_drawn(folder, behind.run, votes, found.rename_columns([data.id, *data.fields]))


def _answered(project: ProjectFolder, annotator: str | None) -> tuple[frozenset[str], frozenset[str]]:
    """Records that nobody is to be asked about, or not this person; and all that anybody has said something of."""
    if not has_answers(project):
        return frozenset(), frozenset()
    store = store_of(project)
    history = list(store.history())
    done = frozenset(enough(history, project.settings.annotate.overlap))
    return done | (frozenset(store.asked(annotator)) if annotator else frozenset()), frozenset(
        e.record for e in history
    )
