"""What `store check` says of a store: what is in it, and what has come loose."""

from __future__ import annotations

import pytest

from labelkit.annotations.contents import contents
from labelkit.annotations.soundness import examine
from labelkit.annotations.tables import ENTRIES
from labelkit.errors import ArtifactError, UsageError
from stores import Place

LOOSE = {
    "the triggers of annotation": (
        "DROP TRIGGER annotation_no_delete",
        "ALTER TABLE annotation DISABLE TRIGGER annotation_only_append",
        "table annotation has lost the triggers that keep its rows from being changed",
    ),
    "the triggers of remark": (
        "DROP TRIGGER remark_no_update",
        "DROP TRIGGER remark_only_append ON remark",
        "table remark has lost the triggers that keep its rows from being changed",
    ),
    "the numbering": (
        "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'annotation'",
        "SELECT setval('annotation_sequence_seq', 1)",
        "table annotation numbers on from 1, below its last row, 3",
    ),
}


@pytest.fixture
def filled(place: Place) -> Place:
    """Two people answered, one took it back."""
    store = place.open()
    store.add("c1", "spam", "ana", "margin", "op-1")
    store.add("c2", "ham", "ben", "margin", "op-2")
    store.undo("ben", "op-3")
    return place


def test_sound_store_has_no_problems(filled: Place) -> None:
    """What is there is counted, and told by its hash."""
    found = examine(filled.database())
    assert (found.people, found.present, found.problems) == (2, (), ())
    assert [(table.table, table.rows, table.last) for table in found.tables] == [("annotation", 3, 3), ("remark", 0, 0)]
    assert found.tables[0] == contents(filled.database(), ENTRIES)
    expected = ("postgres", ("read", "answer", "change answers", "change the schema"))
    assert (found.role, found.rights) == (expected if filled.durability is None else (None, ()))


@pytest.mark.parametrize("what", LOOSE)
def test_what_has_come_loose_is_said(filled: Place, what: str) -> None:
    """As after a restore that left something out."""
    on_sqlite, on_postgres, problem = LOOSE[what]
    with filled.database().transaction(write=True) as connection:
        connection.exec_driver_sql(on_postgres if filled.durability is None else on_sqlite)
    assert examine(filled.database()).problems == (problem,)


def test_missing_rows_are_noticed_where_others_speak_of_them(filled: Place) -> None:
    """An answer that was taken back must once have been given."""
    with filled.database().transaction(write=True) as connection:
        if filled.durability is None:
            connection.exec_driver_sql("ALTER TABLE annotation DISABLE TRIGGER ALL")
        else:
            connection.exec_driver_sql("DROP TRIGGER annotation_no_delete")
        connection.exec_driver_sql("DELETE FROM annotation WHERE operation = 'op-2'")
    assert "1 answers were taken back that are not there: rows are missing" in examine(filled.database()).problems


def test_schema_of_an_earlier_labelkit_is_said(filled: Place) -> None:
    """Looking does not bring it up to date."""
    with filled.database().transaction(write=True) as connection:
        connection.exec_driver_sql("DELETE FROM labelkit_migration WHERE number = 3")
    for _ in range(2):
        found = examine(filled.database())
        assert found.problems == ("its schema is 2, this labelkit's 3; its owner brings it up by opening it",)


def test_no_store_is_no_sound_one(place: Place) -> None:
    """Nor is one made by asking."""
    for _ in range(2):
        with pytest.raises(UsageError, match="there is no store yet; the first answer makes it"):
            examine(place.database())


def test_half_copied_store_is_refused(filled: Place) -> None:
    """Its hashes would say nothing."""
    from labelkit.annotations.migrations import begin_receiving

    with filled.database().transaction(write=True) as connection:
        begin_receiving(connection, "elsewhere")
    with pytest.raises(ArtifactError, match="some are missing"):
        examine(filled.database())
