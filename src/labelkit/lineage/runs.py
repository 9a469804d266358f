"""Run records: one execution of one verb, kept in .labelkit/runs/<id>/run.json.

The id is a hash of what determines the outcome (data, functions, model, parameters, seed, answers, versions), never of
time or host: the same inputs give the same id. Fields are recorded by allow-list (`run.schema.json`): nothing of a
record's content, of the environment or of a URL's password gets in.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from labelkit import __version__
from labelkit.errors import ArtifactError, listed, visible
from labelkit.files import machine_errors, write_json
from labelkit.lineage.fingerprints import hash_json
from labelkit.lineage.schema import problems_of
from labelkit.lineage.urls import without_login

SCHEMA_VERSION = 1
_RUN_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Run:
    """What went in, what came out, and what it stands on. All values are JSON."""

    verb: str  # init, infer, apply, annotate, validate, train, ...
    inputs: Mapping[str, Any]  # fingerprints of data, functions, suites, answers
    parameters: Mapping[str, Any]  # settings that influence the outcome, the seed among them
    versions: Mapping[str, str]  # labelkit and the libraries that influence the outcome
    outputs: Mapping[str, str] = field(default_factory=dict)  # file -> SHA-256
    counts: Mapping[str, Any] = field(default_factory=dict)  # how much of everything
    about: Mapping[str, Any] = field(default_factory=dict)  # paths and notes; decides nothing
    git: Mapping[str, Any] = field(default_factory=dict)  # commit and what differed from it; decides nothing
    parents: tuple[str, ...] = ()  # runs whose outputs went in
    started: str = ""
    finished: str = ""
    id: str = ""

    def identified(self) -> Run:
        """The run with its id: the first 16 hex digits of the hash of what determines the outcome."""
        decisive = {
            "verb": self.verb,
            "inputs": self.inputs,
            "parameters": self.parameters,
            "versions": self.versions,
            "parents": self.parents,
        }
        return self.with_(id=hash_json(decisive)[:16])

    @property
    def seconds(self) -> float:
        """How long it took, as far as its record says."""
        try:
            took = datetime.fromisoformat(self.finished) - datetime.fromisoformat(self.started)
        except ValueError:
            return 0.0
        return took.total_seconds()

    def with_(self, **changes: Any) -> Run:
        """A copy with some fields changed."""
        return replace(self, **changes)


@dataclass(frozen=True)
class RunStore:
    """The folder .labelkit/runs of a project."""

    folder: Path

    def path(self, run_id: str) -> Path:
        """Folder of one run. Raises ArtifactError for anything that is no run id."""
        if not _RUN_ID.fullmatch(run_id):
            raise ArtifactError(f'"{visible(run_id[:80])}" is no run id')
        return self.folder / run_id

    def write(self, run: Run) -> None:
        """Record the run. Its other files must be in place: run.json comes last and makes the run exist.

        Raises ValueError for what the schema does not describe: it would be recorded by mistake.
        """
        path = self.path(run.id) / "run.json"
        content = {"schema": SCHEMA_VERSION, **json.loads(json.dumps(_clean(asdict(run)), allow_nan=False))}
        content["checksum"] = hash_json(content)
        problems = problems_of(content)
        if problems:
            raise ValueError(f"run record: {listed(problems)}; labelkit/lineage/run.schema.json lists what is recorded")
        write_json(path, content)

    def exists(self, run_id: str) -> bool:
        """Whether such a run was recorded."""
        return bool(_RUN_ID.fullmatch(run_id)) and (self.folder / run_id / "run.json").is_file()

    def read(self, run_id: str) -> Run:
        """Read a run record. Raises ArtifactError when it is missing or not what was written."""
        path = self.path(run_id) / "run.json"
        if not path.is_file():
            raise ArtifactError(f"run {run_id}: no record of it in {visible(str(self.folder))}")
        with machine_errors(path):
            text = path.read_bytes()
        try:
            content = json.loads(text)
            if problems_of(content) or content.pop("checksum") != hash_json(content):
                raise ValueError("not what was written")
            del content["schema"]
            run = Run(**{**content, "parents": tuple(content["parents"])})
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ArtifactError(f"run {run_id}: run.json is damaged or from another version of labelkit") from error
        if run.id != run_id:
            raise ArtifactError(f"run {run_id}: run.json is that of run {visible(str(run.id))}")
        return run

    def __iter__(self) -> Iterator[Run]:
        """All runs, oldest first. Raises ArtifactError when one of them is damaged."""
        runs = [self.read(path.parent.name) for path in self.folder.glob("*/run.json") if self.exists(path.parent.name)]
        return iter(sorted(runs, key=lambda run: (run.finished, run.id)))


def _clean(value: Any) -> Any:
    """Plain values in which no URL holds a password; verbs name none, and this is the net below them."""
    if isinstance(value, str):
        return without_login(value)
    if isinstance(value, Mapping):
        return {without_login(str(key)): _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, (list, tuple)) else value


def versions_of(libraries: Iterable[str]) -> dict[str, str]:
    """Versions of Python, labelkit and the libraries that a run's outcome depends on."""
    return {"python": platform.python_version(), "labelkit": __version__, **library_versions(libraries)}


def library_versions(names: Iterable[str]) -> dict[str, str]:
    """Installed versions of distributions, read without importing them; "" for one that is not installed."""
    return {name: _version(name) for name in names}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
