"""The ways to back up and restore that docs/postgresql.md describes, walked."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

import store_writers
from labelkit.annotations import AnnotationStore
from labelkit.annotations.database import database_at
from labelkit.annotations.privileges import Roles, set_up
from labelkit.annotations.soundness import examine
from labelkit.annotations.transfer import transfer
from postgres_cluster import Cluster
from stores import Place, Start


def test_copy_of_sqlite_while_people_answer(start: Start, tmp_path: Path) -> None:
    """SQLite's own backup is a whole store: all that was acknowledged before it, none of what came after by half."""
    place, copy = Place(f"sqlite:///{tmp_path / 'a.db'}"), tmp_path / "copy.db"
    store = place.open()
    working = start(store_writers.answer_all, place, "ana", 60)
    store.add("first", "ham", "zoe", "", "first")
    with sqlite3.connect(tmp_path / "a.db") as source, sqlite3.connect(copy) as target:
        source.backup(target)
    source.close()
    target.close()
    assert working.says() == []
    restored = AnnotationStore.open(f"sqlite:///{copy}").history()
    assert restored == store.history()[: len(restored)]
    assert "first" in {entry.record for entry in restored}
    assert examine(database_at(f"sqlite:///{copy}")).problems == ()


def test_migrating_into_a_file_is_a_backup(place: Place, tmp_path: Path) -> None:
    """Of either store, verified as it is made; run again it brings the file up to date, and it goes back as well."""
    store, file = place.open(), f"sqlite:///{tmp_path / 'backup.db'}"
    store.add("c1", "spam", "ana", "margin", "op-1")
    transfer(place.database(), database_at(file))
    store.add("c2", "spam", "ana", "margin", "op-2")
    transfer(place.database(), database_at(file))
    assert AnnotationStore.open(file).history() == store.history()
    lost = Place(f"sqlite:///{tmp_path / 'new.db'}")
    transfer(database_at(file), lost.database())
    assert lost.open().history() == store.history()


@pytest.mark.postgres
def test_dump_of_postgres_while_people_answer(server: Cluster, start: Start, memory: Path) -> None:
    """pg_dump by the reader, while people answer, restored into an empty database: rows, rights, guards, numbering."""
    for role in ("keeper", "person", "looker"):
        server.sql(f"CREATE ROLE {role} LOGIN")
    server.sql("CREATE DATABASE labels")
    server.sql("CREATE DATABASE restored")
    url = server.url(user="postgres").replace("/postgres?", "/labels?")
    database = database_at(url)
    database.prepare()
    with database.transaction(write=True) as connection:
        set_up(connection, Roles("keeper", ("person",), ("looker",)))
    store = AnnotationStore.open(url)
    working = start(store_writers.answer_all, Place(url.replace("//postgres@", "//person@")), "ana", 60)
    store.add("first", "ham", "zoe", "", "first")
    memory.chmod(0o777)
    reach = ["--host", str(server.folder), "--port", "54329"]
    server.run("pg_dump", *reach, "--username=looker", "--format=custom", f"--file={memory / 'dump'}", "labels")
    assert working.says() == []
    restoring = ["--exit-on-error", "--single-transaction", "--dbname=restored"]
    server.run("pg_restore", *reach, "--username=postgres", *restoring, str(memory / "dump"))
    again = url.replace("/labels?", "/restored?")
    found, history = examine(database_at(again)), AnnotationStore.open(again).history()
    assert found.problems == ()
    assert history == store.history()[: len(history)]
    assert "first" in {entry.record for entry in history}
    as_person = AnnotationStore.open(again.replace("//postgres@", "//person@"))
    assert as_person.add("new", "ham", "ana", "", "new").sequence > history[-1].sequence
    assert examine(database_at(again.replace("//postgres@", "//person@"))).rights == ("read", "answer")
    assert examine(database_at(again.replace("//postgres@", "//looker@"))).rights == ("read",)
