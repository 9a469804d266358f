"""How every verb records its run: what git knows of the project, the time, one file, written last."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from labelkit.errors import ArtifactError
from labelkit.files import remove_output, timestamp
from labelkit.lineage import Run, RunStore, git_state, hash_file
from labelkit.pipeline.events import kept
from labelkit.project import ProjectFolder
from labelkit.settings import FILE_NAME

CODE = (FILE_NAME, "labeling_functions", "expectations")
"""What of a project decides what labelkit does; `dirty` in a run record means that these differ from the commit."""

VOTES_FILE = "votes.arrow"


def run_store(project: ProjectFolder) -> RunStore:
    """The runs of a project."""
    return RunStore(project.state / "runs")


def keep_run(project: ProjectFolder, run: Run, **changes: Any) -> Run:
    """Record a run that ends now, with some fields added. The files that it names must be in place.

    Returns it as it was recorded: with the commit, the time of its end and, where it had none, its id.
    """
    state = git_state(project.root, CODE)
    run = run.with_(**{"finished": timestamp(), "git": {} if state is None else state.to_json(), **changes})
    run = run if run.id else run.identified()
    run_store(project).write(run)
    kept(project, run)
    return run


def trim_runs(project: ProjectFolder, current: str) -> None:
    """Remove the votes and labels of all but the last `[runs] keep` runs of `apply`; records and models stay.

    A run that cannot be read is left alone.
    """
    store, found = run_store(project), list[tuple[str, str]]()
    for path in store.folder.glob(f"*/{VOTES_FILE}"):
        with contextlib.suppress(ArtifactError):
            found.append((store.read(path.parent.name).finished, path.parent.name))
    old = [run for _, run in sorted(found, reverse=True)[project.settings.runs.keep :] if run != current]
    for run in old:
        for name in (project.labels_path.name, VOTES_FILE):  # votes last: whoever has them has all
            remove_output(store.path(run) / name)


def file_hashes(root: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of files by name, as `Run.outputs` holds them."""
    return {name: hash_file(root / name) for name in names}
