"""Run records: one execution of one verb, kept in .labelkit/runs/<id>/run.json.

The id is a hash of what determines the outcome (data, functions, model, parameters, seed, answers, versions), never of
time or host: the same inputs give the same id. Fields are recorded by allow-list; nothing of a record's content, of
the environment or of a URL gets in.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from labelkit.errors import ArtifactError, visible
from labelkit.files import timestamp, write_json
from labelkit.lineage.fingerprints import hash_json

SCHEMA_VERSION = 1
_RUN_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Run:
    """What went in, what came out, and what it stands on. All values are JSON."""

    verb: str  # apply, annotate, validate
    inputs: Mapping[str, Any]  # fingerprints of data, functions, suites, answers
    parameters: Mapping[str, Any]  # settings that influence the outcome, the seed among them
    versions: Mapping[str, str]  # labelkit and the libraries that influence the outcome
    outputs: Mapping[str, str] = field(default_factory=dict)  # file -> SHA-256
    counts: Mapping[str, Any] = field(default_factory=dict)  # how much of everything
    about: Mapping[str, Any] = field(default_factory=dict)  # paths and notes; decides nothing
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

    def with_(self, **changes: Any) -> Run:
        """A copy with some fields changed."""
        return Run(**{**{name: getattr(self, name) for name in self.__dataclass_fields__}, **changes})


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
        """Record the run. Its other files must be in place: run.json comes last and makes the run exist."""
        write_json(self.path(run.id) / "run.json", {"schema": SCHEMA_VERSION, **asdict(run)})

    def exists(self, run_id: str) -> bool:
        """Whether such a run was recorded."""
        return bool(_RUN_ID.fullmatch(run_id)) and (self.folder / run_id / "run.json").is_file()

    def read(self, run_id: str) -> Run:
        """Read a run record. Raises ArtifactError when it is missing or not whole."""
        path = self.path(run_id) / "run.json"
        try:
            content = json.loads(path.read_bytes())
            if content.pop("schema") != SCHEMA_VERSION:
                raise ValueError("another schema version")
            return Run(**{**content, "parents": tuple(content["parents"])})
        except FileNotFoundError as error:
            raise ArtifactError(f"run {run_id}: no record of it in {visible(str(self.folder))}") from error
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ArtifactError(f"run {run_id}: run.json is damaged or from another version of labelkit") from error

    def __iter__(self) -> Iterator[Run]:
        """All readable runs, oldest first."""
        runs = [self.read(path.parent.name) for path in self.folder.glob("*/run.json")]
        return iter(sorted(runs, key=lambda run: run.finished))


def library_versions(names: Iterable[str]) -> dict[str, str]:
    """Installed versions of distributions, read without importing them."""
    return {name: importlib.metadata.version(name) for name in names}


def now() -> str:
    """The time as run records write it."""
    return timestamp()
