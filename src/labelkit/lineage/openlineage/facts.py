"""What an event tells: plain values, of which `events.document` makes what OpenLineage defines.

Everything is here by allow-list: names of columns, classes of errors, counts and hashes. No value of a record, no text
of an error, no password has a field that could hold it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

Kind = Literal["START", "COMPLETE", "FAIL", "ABORT"]


def new_execution() -> str:
    """A UUID for one execution of a verb."""
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Origin:
    """A column that another one is made from."""

    dataset: Dataset
    column: str
    how: str = ""  # "" for a plain copy, else what was done, in words


@dataclass(frozen=True)
class Check:
    """One expectation of a suite, and whether it held."""

    name: str  # suite and place
    kind: str  # GX's name of the expectation
    held: bool
    column: str | None
    severity: str  # critical, warning or info
    description: str  # from the suite


@dataclass(frozen=True)
class Dataset:
    """Something that was read or written, under the name that all tools give it."""

    namespace: str  # "file", or scheme://host:port of a database
    name: str  # absolute path, or database and table
    columns: Mapping[str, str] = field(default_factory=dict)  # name -> type; empty while it is not known
    version: str = ""  # hash of the content
    rows: int | None = None
    size: int | None = None  # bytes
    made_from: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)  # column -> what it is made from
    checks: tuple[Check, ...] = ()

    @property
    def uri(self) -> str:
        """Where it is, without a way in."""
        start = "file://" if self.namespace == "file" else f"{self.namespace}/"
        return start + quote(self.name, errors="surrogateescape")


@dataclass(frozen=True)
class Code:
    """Where the project's code is."""

    repository: str  # URL without login, or path
    commit: str
    path: str  # of the labeling functions, seen from the repository's top


@dataclass(frozen=True)
class Event:
    """One moment of one execution of a verb."""

    kind: Kind
    time: str  # UTC, ISO 8601
    execution: str  # UUID: the same in every event of one execution
    namespace: str  # of the job
    job: str
    verb: str
    inputs: tuple[Dataset, ...] = ()
    outputs: tuple[Dataset, ...] = ()
    run: Mapping[str, Any] = field(default_factory=dict)  # of the run record: id, parents, hashes and counts
    code: Code | None = None
    error: str = ""  # class of the error that ended it
