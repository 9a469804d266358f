"""`apply`: records x labeling functions -> votes -> label model -> labels.parquet and the run that explains it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from labelkit.engines import Limits, VoteCache
from labelkit.files import (
    link_file,
    machine_errors,
    make_folder,
    point_to,
    remove_output,
    replace_file,
    replace_output,
    sweep,
    timestamp,
)
from labelkit.lineage import Run
from labelkit.locks import project_lock
from labelkit.pipeline.apply_report import ApplyReport
from labelkit.pipeline.casting import Progress
from labelkit.pipeline.compute import compute, kept_files
from labelkit.pipeline.events import announced
from labelkit.pipeline.passes import passes_on
from labelkit.pipeline.recording import VOTES_FILE, keep_run, run_store, trim_runs
from labelkit.pipeline.truth import read_answers
from labelkit.project import ProjectFolder
from labelkit.settings import EngineSection

STAGING = ".staging"


@announced("apply")
def apply(
    project: ProjectFolder,
    *,
    max_faults: int | None = None,
    timeout: float | None = None,
    workers: int | None = None,
    engine: EngineSection | None = None,
    progress: Progress | None = None,
) -> ApplyReport:
    """Apply the project's functions to its records and publish labels.parquet.

    Votes cast before are taken from the cache; an interrupted run leaves its finished chunks there. A call of a
    function that takes longer than `timeout` seconds is stopped and becomes a fault; 0 lets it run for ever. `engine`
    says where the work is done, in place of `[engine]`.
    """
    settings = project.settings
    limit = settings.apply.max_faults if max_faults is None else max_faults
    with project_lock(project.state / "lock", "apply"), _staging(project) as staging:
        started = timestamp()
        answers = read_answers(project)
        cache = VoteCache(project.state / "cache" / "votes")
        limits = Limits(settings.apply.timeout if timeout is None else timeout, settings.apply.memory)
        passes = passes_on(
            engine or settings.engine, settings.apply.workers if workers is None else workers, limits, cache
        )
        passes.fetch(project)
        done = compute(project, passes, answers, staging, max_faults=limit, progress=progress)
        cache.trim()
        _file_run(project, staging, done.run.with_(started=started))
        _publish(project, staging, done.run)
        trim_runs(project, done.run.id)
    return done.report


@contextlib.contextmanager
def _staging(project: ProjectFolder) -> Iterator[Path]:
    """A folder for what is not yet published; whatever a killed run left in it goes first."""
    folder = project.state / STAGING
    sweep(project.root)
    sweep(project.state, below=True)
    with machine_errors(folder):
        if folder.exists():
            shutil.rmtree(folder)
        make_folder(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _file_run(project: ProjectFolder, staging: Path, run: Run) -> None:
    """Move the run's files to their place, run.json last: it makes the run exist. A file of labels gets two names."""
    folder, labels = run_store(project).path(run.id), staging / project.labels_path.name
    make_folder(folder)
    for name in (VOTES_FILE, *kept_files(staging)):
        replace_output(staging / name, folder / name)
    if labels.is_dir():
        replace_output(labels, folder / labels.name)
    else:
        if (folder / labels.name).is_dir():  # the same run, on another engine
            remove_output(folder / labels.name)
        link_file(labels, folder / labels.name)
    keep_run(project, run)


def _publish(project: ProjectFolder, staging: Path, run: Run) -> None:
    """Bring the labels to their place, last: they are the pointer to the current run. A folder stays with its run."""
    labels = staging / project.labels_path.name
    if labels.exists():
        replace_file(labels, project.labels_path)
    else:
        point_to(run_store(project).path(run.id) / labels.name, project.labels_path)
