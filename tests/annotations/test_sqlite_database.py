"""The SQLite file under the store: how it is opened, and what is refused."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from labelkit.annotations import AnnotationStore, Answer
from labelkit.annotations.durability import JOURNAL, WAL, Durability
from labelkit.annotations.migrations import LATEST
from labelkit.annotations.sqlite import SqliteDatabase
from labelkit.errors import ArtifactError, ConfigError, MachineError


def open_at(path: Path) -> AnnotationStore:
    return AnnotationStore.open(f"sqlite:///{path}")


def open_with(path: Path, durability: Durability) -> AnnotationStore:
    """A store with the durability of another SQLite library than the one found."""
    database = SqliteDatabase(path, durability)
    database.prepare()
    return AnnotationStore(database)


def test_new_database_is_private_and_its_folder_made(tmp_path: Path) -> None:
    """The file is its owner's alone."""
    path = tmp_path / "deep" / "down" / "annotations.db"
    open_at(path).add("c7", "spam", "ana", "margin", "op-1")
    assert [stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()] == [0o600, 0o600]  # and its lock


@pytest.mark.parametrize("name", ["with space.db", "what?.db", "100%41.db", "a#b.db", "ümläut.db", "it's.db"])
def test_every_file_name_is_taken_as_it_is_written(tmp_path: Path, name: str) -> None:
    """Characters with a meaning in URLs are plain characters of a path."""
    open_at(tmp_path / name).add("c7", "spam", "ana", "margin", "op-1")
    assert (tmp_path / name).stat().st_size > 0
    assert open_at(tmp_path / name).last_sequence == 1


WRITE = "write sqlite:/// and the path of a file, or postgresql://host/database"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "mysql://ana:secret@host/labels",
            f'[store] url: no store of kind "mysql"; {WRITE}',
        ),
        (
            "annotations.db",
            f'[store] url: no store of kind "annotations.db"; {WRITE}',
        ),
        (
            "sqlite:///:memory:",
            "[store] url: answers kept in memory would be lost; write sqlite:/// and the path of a file",
        ),
        ("sqlite:///", "[store] url: answers kept in memory would be lost; write sqlite:/// and the path of a file"),
        (
            "sqlite:///a.db?mode=memory",
            "[store] url: options after ? are not supported; labelkit sets what keeps answers safe",
        ),
    ],
)
def test_url_that_is_no_file_is_refused(url: str, message: str) -> None:
    """Other schemes, memory and options are refused, and a password in the URL is not repeated."""
    with pytest.raises(ConfigError) as caught:
        AnnotationStore.open(url)
    assert str(caught.value) == message


def test_file_of_something_else_is_refused(tmp_path: Path) -> None:
    """A file that is no SQLite database is left as it is."""
    path = tmp_path / "annotations.db"
    path.write_bytes(b"id,text\n1,hello\n" * 100)
    with pytest.raises(ArtifactError) as caught:
        open_at(path)
    assert str(caught.value) == (
        f"{path}: not a whole database of labelkit (file is not a database); restore it from a copy"
    )
    assert path.read_bytes() == b"id,text\n1,hello\n" * 100


def test_database_of_something_else_is_refused(tmp_path: Path) -> None:
    """labelkit does not put its tables beside somebody else's."""
    path = tmp_path / "annotations.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE customers (id)")
    connection.close()
    with pytest.raises(ArtifactError) as caught:
        open_at(path)
    assert str(caught.value) == f"{path}: holds other tables than labelkit's; name another database under [store] url"


def test_database_of_a_newer_labelkit_is_refused(tmp_path: Path) -> None:
    """What this version does not know it does not touch."""
    path = tmp_path / "annotations.db"
    open_at(path)
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO labelkit_migration VALUES (?, 'tomorrow', '')", [LATEST + 1])
    connection.commit()
    connection.close()
    with pytest.raises(ArtifactError) as caught:
        open_at(path)
    assert str(caught.value) == (
        f"{path}: written by a newer labelkit (schema {LATEST + 1}, this one knows {LATEST}); upgrade labelkit"
    )


def test_damaged_database_is_refused(tmp_path: Path) -> None:
    """No page of a database can be overwritten unnoticed: opening says that it is damaged."""
    path = tmp_path / "annotations.db"
    store = open_at(path)
    store.add_all([Answer(f"c{i}", "spam", "ana", "margin", f"op-{i}") for i in range(500)])
    whole = path.read_bytes()
    pages = len(whole) // 4096
    assert pages > 10
    for page in range(pages):
        path.write_bytes(whole[: page * 4096] + b"\xa5" * 4096 + whole[(page + 1) * 4096 :])
        with pytest.raises(ArtifactError, match=r"damaged|not a whole database"):
            open_at(path)


def test_truncated_database_is_refused(tmp_path: Path) -> None:
    """A file cut short is damaged, never an emptier store."""
    path = tmp_path / "annotations.db"
    open_at(path).add_all([Answer(f"c{i}", "spam", "ana", "margin", f"op-{i}") for i in range(500)])
    whole = path.read_bytes()
    for size in [*range(1, 600), *range(4096, len(whole), 4096), len(whole) - 1]:
        path.write_bytes(whole[:size])
        with pytest.raises(ArtifactError):
            open_at(path)


def test_lost_database_is_not_replaced_by_an_empty_one(tmp_path: Path) -> None:
    """An answer for a file that was moved away is refused aloud."""
    path = tmp_path / "annotations.db"
    store = open_at(path)
    path.rename(tmp_path / "moved.db")
    with pytest.raises(MachineError, match="unable to open database file; nothing was stored"):
        store.add("c7", "spam", "ana", "margin", "op-1")
    assert not path.exists()


def test_folder_that_cannot_be_made_is_the_machines_fault(tmp_path: Path) -> None:
    """A file where a folder should be is named."""
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError) as caught:
        open_at(tmp_path / "file" / "annotations.db")
    assert str(caught.value) == f"{tmp_path / 'file'}: file exists"


def test_half_made_database_is_finished(tmp_path: Path) -> None:
    """A process killed between making the file and its tables leaves a file that the next one completes."""
    path = tmp_path / "annotations.db"
    path.touch()
    assert open_at(path).last_sequence == 0


def test_broken_migration_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrations happen all or none: a failing second step undoes the first."""
    from labelkit.annotations import migrations

    def fails(connection: object) -> None:
        raise MachineError("the disk is full")

    path = tmp_path / "annotations.db"
    failing = migrations.Migration(LATEST + 1, "fails", fails)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, failing))
    with pytest.raises(MachineError):
        open_at(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()
    monkeypatch.undo()
    assert open_at(path).last_sequence == 0


def test_journal_mode_follows_the_library(tmp_path: Path) -> None:
    """A database made under one SQLite library is turned over to the mode that is safe under another."""
    path = tmp_path / "annotations.db"
    for durability in (WAL, JOURNAL, WAL):
        store = open_with(path, durability)
        store.add("c7", "spam", "ana", "margin", f"op-{durability.journal_mode}")
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA journal_mode").fetchone() == (durability.journal_mode,)
        connection.close()
    assert store.last_sequence == 2


@pytest.mark.parametrize(("durability", "level"), [(WAL, 2), (JOURNAL, 3)], ids=["FULL", "EXTRA"])
def test_every_connection_syncs_as_decided(tmp_path: Path, durability: Durability, level: int) -> None:
    """The synchronous pragma belongs to a connection, so each one sets it."""
    database = SqliteDatabase(tmp_path / "annotations.db", durability)
    database.prepare()
    with database.transaction(write=True) as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == level


def test_importing_the_package_does_not_load_sqlalchemy() -> None:
    """Only who asks for the store pays for it."""
    import subprocess
    import sys

    code = "import sys, labelkit.annotations; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
