"""The runs of a project: found by name, listed, and shown with what has become of their files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from labelkit.errors import ArtifactError, UsageError, named, shortened
from labelkit.label_models.labels import RUN_KEY, labels_files
from labelkit.lineage import Run, hash_file
from labelkit.pipeline.current import current_run_record
from labelkit.pipeline.recording import VOTES_FILE, run_store
from labelkit.project import ProjectFolder

CURRENT, PREVIOUS = "current", "previous"
"""Names of the run that wrote labels.parquet, and of the `apply` before it."""

FEWEST_DIGITS = 4  # of an id, to name a run by its beginning

State = Literal["as written", "changed", "gone"]


@dataclass(frozen=True)
class RunLine:
    """One run in a list. A record that cannot be read is listed, too."""

    run: str
    record: Run | None  # None: damaged
    current: bool  # it wrote labels.parquet

    def to_json(self) -> dict[str, Any]:
        """The record; `record` is null for a damaged one."""
        record = None if self.record is None else {**asdict(self.record), "parents": list(self.record.parents)}
        return {"run": self.run, "current": self.current, "record": record}


def find_run(project: ProjectFolder, name: str) -> Run:
    """A run by its id, by the beginning of it, or as "current" or "previous".

    Raises UsageError when there is none or there are several, ArtifactError when its record is damaged.
    """
    if name == CURRENT:
        return current_run_record(project)
    if name == PREVIOUS:
        return _previous(project)
    store = run_store(project)
    found = list(_beginning_with(project, name))
    if not found:
        raise UsageError(f'no run "{shortened(name)}"; `labelkit runs list` shows all of them')
    if len(found) > 1:
        raise UsageError(f'several runs begin with "{shortened(name)}": {named(found)}')
    return store.read(found[0])


def is_run(project: ProjectFolder, name: str) -> bool:
    """Whether `find_run` would look for a run of that name, and not elsewhere."""
    return name in {CURRENT, PREVIOUS} or any(_beginning_with(project, name))


def _beginning_with(project: ProjectFolder, name: str) -> Iterator[str]:
    if re.fullmatch(rf"[0-9a-f]{{{FEWEST_DIGITS},16}}", name):
        yield from sorted(path.parent.name for path in run_store(project).folder.glob(f"{name}*/run.json"))


def _previous(project: ProjectFolder) -> Run:
    current = current_run_record(project)
    earlier = [
        line.record
        for line in list_runs(project)
        if line.record is not None and line.record.verb == "apply" and line.record.finished < current.finished
    ]
    if not earlier:
        raise UsageError(f"there is no run of apply before the current one, {current.id}")
    return earlier[0]


def current_id(project: ProjectFolder) -> str | None:
    """Id of the run that wrote labels.parquet, from the file's footer; None where it says of none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = labels_files(project.labels_path)
    try:
        metadata = (pq.read_metadata(files[0]).metadata or {}) if files else {}
    except (OSError, pa.ArrowException):
        return None
    return metadata.get(RUN_KEY, b"").decode("utf-8", "replace") or None


def list_runs(project: ProjectFolder) -> list[RunLine]:
    """All runs, latest first; damaged ones last."""
    store, lines, current = run_store(project), list[RunLine](), current_id(project)
    for path in store.folder.glob("*/run.json"):
        name = path.parent.name
        if not store.exists(name):
            continue
        try:
            lines.append(RunLine(name, store.read(name), name == current))
        except ArtifactError:
            lines.append(RunLine(name, None, name == current))
    return sorted(lines, key=lambda line: ("" if line.record is None else line.record.finished, line.run), reverse=True)


def check_whole(run: Run) -> None:
    """Raise ArtifactError for a record of `apply` that lacks what it takes to compare or to repeat it."""
    needed = {
        "inputs": ("data", "files", "answers", "functions"),
        "parameters": ("classes", "id", "fields", "model", "seed", "max_faults"),
    }
    for section, names in needed.items():
        missing = [name for name in names if name not in getattr(run, section)]
        if missing:
            raise ArtifactError(f"run {run.id}: its record says nothing of {', '.join(missing)}")


def kept_folder(project: ProjectFolder, run: Run) -> Path:
    """The folder of a run of `apply` whose votes and labels are there, and are what it wrote.

    Raises UsageError for a run of another verb, ArtifactError where they are damaged or no longer kept.
    """
    folder = run_store(project).path(run.id)
    if run.verb != "apply":
        raise UsageError(f"run {run.id} is one of {run.verb}; only apply makes labels")
    check_whole(run)
    for name in (VOTES_FILE, project.labels_path.name):
        if not (folder / name).exists():
            keep = project.settings.runs.keep
            raise ArtifactError(f"run {run.id}: its {name} is no longer kept ([runs] keep = {keep} in labelkit.toml)")
        if hash_file(folder / name) != run.outputs.get(name):
            raise ArtifactError(f"run {run.id}: {name} is not what the run wrote; run `labelkit apply` again")
    return folder


@dataclass(frozen=True)
class ShownRun:
    """One run, and what has become of the files that it wrote."""

    run: Run
    files: Mapping[str, State]  # output -> whether it is on disk as it was written

    def to_json(self) -> dict[str, Any]:
        """The record as it is on disk, and `files`."""
        return {**asdict(self.run), "parents": list(self.run.parents), "files": dict(self.files)}

    def __str__(self) -> str:
        from labelkit.pipeline.texts.runs import run_text

        return run_text(self)


def show_run(project: ProjectFolder, name: str) -> ShownRun:
    """A run by its name (see `find_run`), its files compared with their hashes."""
    run = find_run(project, name)
    return ShownRun(run, {output: _state(project, run, output) for output in run.outputs})


def _state(project: ProjectFolder, run: Run, output: str) -> State:
    """In the run's own folder first; what lies elsewhere may have been written by a later run since."""
    folder = run_store(project).path(run.id)
    found = [path for path in (folder / output, project.root / output) if path.exists()]
    if not found:
        return "gone"
    return "as written" if any(hash_file(path) == run.outputs[output] for path in found) else "changed"
