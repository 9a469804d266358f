"""`store`: move the answers to another database, look after them, and say who may do what there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from labelkit.annotations.database import database_at, without_password
from labelkit.annotations.privileges import Roles, grants, set_up
from labelkit.annotations.soundness import Soundness, examine
from labelkit.annotations.transfer import Transfer, transfer
from labelkit.errors import UsageError
from labelkit.project import ProjectFolder


@dataclass(frozen=True)
class Migration:
    """A transfer that came to its end, and what to write into labelkit.toml."""

    transfer: Transfer
    line: str  # of the section [store]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self.transfer), "line": self.line}


def migrate(
    project: ProjectFolder,
    to: str,
    *,
    source: str | None = None,
    late: bool = False,
    progress: Callable[[int, int | None], None] | None = None,
) -> Migration:
    """Copy the project's answers, or those at the URL `source`, to the URL `to`, and compare; see `transfer`."""
    origin = database_at(project.rooted(source) if source else project.store_url)
    moved = transfer(origin, database_at(project.rooted(to)), late=late, progress=progress)
    return Migration(moved, f"url = {json.dumps(without_password(to), ensure_ascii=False)}")


def check(project: ProjectFolder, url: str | None = None) -> Soundness:
    """Look at the project's store, or the one at a URL; see `examine`."""
    return examine(database_at(project.rooted(url) if url else project.store_url))


def setup(project: ProjectFolder, roles: Roles, *, url: str | None = None, execute: bool = False) -> list[str]:
    """SQL statements that give roles of a PostgreSQL server what they need.

    With `execute` the tables are made where they are missing, and the statements are run: all of them or none.
    """
    place = project.rooted(url) if url else project.store_url
    if place.startswith("sqlite:"):
        raise UsageError("SQLite knows no roles: who can write its file can change it; --url names a PostgreSQL store")
    database = database_at(place)
    if not execute:
        with database.transaction() as connection:
            return grants(connection, roles)
    database.prepare()
    with database.transaction(write=True) as connection:
        return set_up(connection, roles)
