"""`apply`: records x labeling functions -> votes -> label model -> labels.parquet and the run that explains it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from labelkit.engines import Limits, LocalEngine, VoteCache
from labelkit.files import link_file, machine_errors, make_folder, project_lock, replace_file, sweep, timestamp
from labelkit.lineage import Run
from labelkit.pipeline.apply_report import ApplyReport
from labelkit.pipeline.casting import Progress
from labelkit.pipeline.compute import MODEL_FILES, compute
from labelkit.pipeline.events import announced
from labelkit.pipeline.recording import VOTES_FILE, keep_run, run_store, trim_runs
from labelkit.pipeline.truth import read_answers
from labelkit.project import ProjectFolder

STAGING = ".staging"


@announced("apply")
def apply(
    project: ProjectFolder,
    *,
    max_faults: int | None = None,
    timeout: float | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ApplyReport:
    """Apply the project's functions to its records and publish labels.parquet.

    Votes cast before are taken from the cache; an interrupted run leaves its finished chunks there. A call of a
    function that takes longer than `timeout` seconds is stopped and becomes a fault; 0 lets it run for ever.
    """
    settings = project.settings
    limit = settings.apply.max_faults if max_faults is None else max_faults
    with project_lock(project.state / "lock", "apply"), _staging(project) as staging:
        started = timestamp()
        answers = read_answers(project)
        cache = VoteCache(project.state / "cache" / "votes")
        limits = Limits(settings.apply.timeout if timeout is None else timeout, settings.apply.memory)
        engine = LocalEngine(settings.apply.workers if workers is None else workers, cache, limits)
        done = compute(project, engine, answers, staging, max_faults=limit, progress=progress)
        cache.trim()
        _file_run(project, staging, done.run.with_(started=started))
        labels = staging / project.labels_path.name
        replace_file(labels, project.labels_path)  # last: the labels file is the pointer to the current run
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
    """Move the run's files to their place, run.json last: it makes the run exist. The labels get a second name."""
    folder = run_store(project).path(run.id)
    make_folder(folder)
    for name in (VOTES_FILE, *MODEL_FILES):
        replace_file(staging / name, folder / name)
    link_file(staging / project.labels_path.name, folder / project.labels_path.name)
    keep_run(project, run)
