"""Where stores are, and processes that use them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from labelkit.annotations import AnnotationStore
from labelkit.annotations.database import Database, database_at
from labelkit.annotations.durability import Durability
from labelkit.annotations.sqlite import SqliteDatabase


@dataclass(frozen=True)
class Place:
    """Where a store is: it can be opened there again and again, also by another process."""

    url: str
    durability: Durability | None = None  # of another SQLite library than the one found

    def open(self) -> AnnotationStore:
        """Open the store, making it the first time."""
        if self.durability is None:
            return AnnotationStore.open(self.url)
        database = self.database()
        database.prepare()
        return AnnotationStore(database)

    def database(self) -> Database:
        """The database itself, as it is."""
        if self.durability is None:
            return database_at(self.url)
        return SqliteDatabase(Path(self.url.removeprefix("sqlite:///")), self.durability)


@dataclass
class Started:
    """A process and what it says."""

    process: ForkServerProcess
    _ear: Connection

    def says(self) -> Any:
        """The next thing it says. Raises EOFError when it has died instead."""
        assert self._ear.poll(60), "the process says nothing"
        return self._ear.recv()

    def rest(self) -> list[Any]:
        """What it said before it died."""
        said = []
        with contextlib.suppress(EOFError):
            while True:
                said.append(self.says())
        return said


Start = Callable[..., Started]
