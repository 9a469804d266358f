"""The current run of a project: the one that wrote labels.parquet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.errors import ArtifactError, visible
from labelkit.label_models import Posterior, labels_content, load_model, run_of
from labelkit.lineage import Run, RunStore, hash_file
from labelkit.matrix import LabelMatrix, read_votes
from labelkit.pipeline.drawn import VOTES, run_drawn_from
from labelkit.project import ProjectFolder
from labelkit.records import Records

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class CurrentRun:
    """What the last `apply` believed, people's answers left out."""

    run: Run
    votes: LabelMatrix
    posterior: Posterior


def current_run(project: ProjectFolder) -> CurrentRun:
    """Votes and posterior behind labels.parquet. Raises ArtifactError when there are none."""
    run = current_run_record(project)
    votes = kept_votes(project, run) if project.drawn is None else read_votes(project.drawn / VOTES)
    folder = RunStore(project.state / "runs").path(run.id)
    return CurrentRun(run, votes, load_model(folder).predict_proba(votes))


def kept_votes(project: ProjectFolder, run: Run) -> LabelMatrix:
    """The votes that a run wrote. Raises ArtifactError when they are gone, or are not what it wrote."""
    path = RunStore(project.state / "runs").path(run.id) / "votes.arrow"
    votes = read_votes(path)
    check_as_written(project, run, path)
    return votes


def check_as_written(project: ProjectFolder, run: Run, path: Path, digest: str | None = None) -> None:
    """Raise ArtifactError for an output of a run that is not what the run wrote; `digest` is its hash, where known."""
    if (digest or hash_file(path)) != run.outputs.get(path.name):
        raise ArtifactError(
            f"{visible(project.relative(path))} is not what run {run.id} wrote; run `labelkit apply` again"
        )


def current_run_record(project: ProjectFolder) -> Run:
    """The record of the run that wrote labels.parquet. Raises ArtifactError when there is none, or they differ."""
    if project.drawn is not None:
        return RunStore(project.state / "runs").read(run_drawn_from(project.drawn))
    content = labels_content(project.labels_path)
    run = run_named(project, content.table())
    check_as_written(project, run, project.labels_path, content.sha256)
    return run


def run_named(project: ProjectFolder, labels: pa.Table) -> Run:
    """The record of the run that the labels name. Raises ArtifactError when they name none."""
    run_id = run_of(labels)
    if run_id is None:
        raise ArtifactError(f"{project.labels_path.name}: says of no run that wrote it; run `labelkit apply` again")
    return RunStore(project.state / "runs").read(run_id)


def rows_by_id(records: Records, ids: Collection[str], columns: list[str]) -> dict[str, dict[str, Any]]:
    """The named columns of some records, by id. Reads the records once, keeping only those asked for."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(list(ids), pa.string())
    found: dict[str, dict[str, Any]] = {}
    for batch in records.batches(columns):
        hits = batch.filter(pc.is_in(batch.column(0), value_set=wanted))
        keys = hits.column(0).to_pylist()
        found.update(zip(keys, hits.select(columns).to_pylist(), strict=True))
    return found
