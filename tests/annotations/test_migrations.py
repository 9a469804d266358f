"""Databases of earlier versions of labelkit are brought up to date, with everything that was in them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from labelkit.annotations import AnnotationStore, migrations
from labelkit.annotations.migrations import LATEST, MIGRATIONS
from stores import Place

# A database as the first version left it.
VERSION_1 = """
CREATE TABLE labelkit_migration (number INTEGER NOT NULL, what TEXT NOT NULL, applied TEXT NOT NULL,
    PRIMARY KEY (number));
INSERT INTO labelkit_migration VALUES(1,'annotations, append-only','2026-01-05T10:00:00.000Z');
CREATE TABLE annotation (sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, operation TEXT NOT NULL,
    kind TEXT NOT NULL, record TEXT NOT NULL, label TEXT, annotator TEXT NOT NULL, strategy TEXT NOT NULL,
    time TEXT NOT NULL, undoes TEXT,
    CONSTRAINT annotation_kind CHECK (kind IN ('label', 'skip', 'undo')),
    CONSTRAINT annotation_label CHECK ((kind = 'label') = (label IS NOT NULL)),
    CONSTRAINT annotation_undoes CHECK ((kind = 'undo') = (undoes IS NOT NULL)),
    UNIQUE (operation), UNIQUE (undoes));
INSERT INTO annotation VALUES(1,'op-1','label','c7','spam','ana','margin','2026-01-05T10:00:01.000Z',NULL);
INSERT INTO annotation VALUES(2,'op-2','skip','c8',NULL,'ana','margin','2026-01-05T10:00:02.000Z',NULL);
INSERT INTO annotation VALUES(3,'op-3','label','c9','ham','ben','random','2026-01-05T10:00:03.000Z',NULL);
INSERT INTO annotation VALUES(4,'op-4','undo','c9',NULL,'ben','random','2026-01-05T10:00:04.000Z','op-3');
CREATE INDEX annotation_by_annotator ON annotation (annotator, sequence);
CREATE TRIGGER annotation_no_update BEFORE UPDATE ON annotation
    BEGIN SELECT RAISE(ABORT, 'annotations are only ever appended'); END;
CREATE TRIGGER annotation_no_delete BEFORE DELETE ON annotation
    BEGIN SELECT RAISE(ABORT, 'annotations are only ever appended'); END;
"""


def shape(path: Path) -> list[tuple[str, ...]]:
    """Columns and indexes of every table."""
    connection = sqlite3.connect(path)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
    found = []
    for table in tables:
        found += [(table, *map(str, row[1:])) for row in connection.execute(f"PRAGMA table_info({table})")]
        found += sorted((table, str(row[1])) for row in connection.execute(f"PRAGMA index_list({table})"))
    triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY 1").fetchall()
    connection.close()
    return [*found, *triggers]


def test_database_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """Its answers stay as they are, those of people; and it ends in the same shape as a new one."""
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    connection = sqlite3.connect(old)
    connection.executescript(VERSION_1)
    connection.close()
    store = AnnotationStore.open(f"sqlite:///{old}")
    assert [
        (e.sequence, e.kind, e.record, e.label, e.annotator, e.time, e.undoes, e.role) for e in store.history()
    ] == [
        (1, "label", "c7", "spam", "ana", "2026-01-05T10:00:01.000Z", None, "person"),
        (2, "skip", "c8", None, "ana", "2026-01-05T10:00:02.000Z", None, "person"),
        (3, "label", "c9", "ham", "ben", "2026-01-05T10:00:03.000Z", None, "person"),
        (4, "undo", "c9", None, "ben", "2026-01-05T10:00:04.000Z", "op-3", "person"),
    ]
    assert store.leases.claim("ben", ["c7", "c9"]) == "c9"
    assert store.add("c9", "ham", "ben", "", "op-5").sequence == 5
    AnnotationStore.open(f"sqlite:///{new}")
    assert shape(old) == shape(new)


@pytest.mark.parametrize("reached", range(len(MIGRATIONS)))
def test_every_step_can_be_taken_from_the_one_before(
    place: Place, reached: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store stopped at any step goes on from there."""
    with monkeypatch.context() as past:
        past.setattr(migrations, "MIGRATIONS", MIGRATIONS[:reached])
        past.setattr(migrations, "LATEST", reached)
        place.open()
    store = place.open()
    assert store.add("c1", "ham", "ana", "", "op-1").sequence == 1
    with store._database.transaction() as connection:
        assert migrations.version(connection) == LATEST == len(MIGRATIONS)
