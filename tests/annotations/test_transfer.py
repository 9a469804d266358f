"""Answers move from one database into another: all of them, in order, once, or the reason why not."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import store_writers
from labelkit.annotations import AnnotationStore, Answer, contents as contents_module
from labelkit.annotations.contents import APPENDED, contents
from labelkit.annotations.database import Database
from labelkit.annotations.migrations import MIGRATIONS
from labelkit.annotations.tables import ENTRIES
from labelkit.annotations.transfer import Transfer, transfer
from labelkit.errors import ArtifactError, UsageError
from stores import Place, Start

Way = tuple[Place, Place]

HOSTILE = ["'; DROP TABLE annotation; --", "\x1b[2J", "नमस्ते", "a\nb", "%s :x ? %(y)s", " ", "👩‍👩‍👧", "\\"]


def filled(place: Place, count: int = 12) -> AnnotationStore:
    """A store with labels, skips, an undo, an adjudication, flags and notes."""
    store = place.open()
    store.add_all([Answer(f"c{i}", None if i % 5 == 4 else "spam", "ana", "margin", f"op-{i}") for i in range(count)])
    store.undo("ana", "undo-1")
    store.add("c1", "ham", "dora", "adjudicate", "decided", role="adjudicator")
    store.remarks.add("c1", "flag", "ana", "flag-1")
    store.remarks.add("c1", "note", "ana", "note-1", "two people in one")
    return store


def move(way: Way, *, late: bool = False) -> Transfer:
    """Copy, as a new process would."""
    source, target = way
    return transfer(source.database(), target.database(), late=late)


def said(place: Place) -> tuple[object, ...]:
    """All that people said in a store, in order."""
    store = place.open()
    return (*store.history(), *store.remarks.history())


def state(database: Database) -> object:
    """The bytes of a SQLite file, or everything that a PostgreSQL database holds."""
    path = getattr(database, "path", None)
    if path is not None:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    with database.transaction() as connection:
        tables = ("annotation", "remark", "lease", "labelkit_migration")
        return [list(connection.exec_driver_sql(f"SELECT * FROM {name} ORDER BY 1")) for name in tables]  # noqa: S608


def test_every_row_arrives_in_its_place(way: Way) -> None:
    """Answers, skips, undos, roles, flags and notes are the same there, with the sequences that runs refer to."""
    filled(way[0])
    done = move(way)
    assert said(way[0]) == said(way[1])
    assert [(table.contents.rows, table.new, table.late, table.beyond) for table in done.tables] == [
        (14, 14, 0, 0),
        (2, 2, 0, 0),
    ]
    for table, copied in zip(APPENDED, done.tables, strict=True):
        assert copied.contents == contents(way[1].database(), table)


def test_source_is_left_untouched(way: Way) -> None:
    """Not a byte of its file, or a row of its tables, is another one afterwards."""
    filled(way[0])
    before = state(way[0].database())
    move(way)
    assert state(way[0].database()) == before


def test_target_numbers_on_from_the_last_row(way: Way) -> None:
    """The first answer given there comes after all that were copied."""
    last = filled(way[0]).last_sequence
    move(way)
    store = way[1].open()
    assert store.add("new", "ham", "ana", "margin", "new").sequence == last + 1
    assert store.remarks.add("new", "flag", "ana", "new").sequence == 3


def test_second_call_copies_nothing(way: Way) -> None:
    """What is there is compared again, and nothing is doubled."""
    filled(way[0])
    first, second = move(way), move(way)
    assert [table.new for table in second.tables] == [0, 0]
    assert [table.contents for table in first.tables] == [table.contents for table in second.tables]
    assert said(way[0]) == said(way[1])


def test_second_call_brings_over_what_was_said_since(way: Way) -> None:
    """Somebody answered into the source after the first call, and nobody into the target yet."""
    store = filled(way[0])
    move(way)
    store.add("later", "ham", "ana", "margin", "later")
    assert [table.new for table in move(way).tables] == [1, 0]
    assert said(way[0]) == said(way[1])


def test_rows_are_copied_in_pages(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither memory nor a transaction grows with the store; page borders fall anywhere."""
    filled(way[0], 20)
    for size in (1, 7):
        monkeypatch.setattr(contents_module, "PAGE", size)
        move(way)
    assert said(way[0]) == said(way[1])


def test_target_with_other_answers_is_refused(way: Way) -> None:
    """It keeps them, and gets none."""
    filled(way[0])
    way[1].open().add("c0", "ham", "zoe", "", "other")
    before = state(way[1].database())
    for late in (False, True):
        with pytest.raises(ArtifactError) as caught:
            move(way, late=late)
        name = way[1].database().name
        assert str(caught.value) == (
            f"{name}: holds other answers, which stay as they are; name an empty database or schema"
        )
    assert state(way[1].database()) == before


def test_stores_that_both_went_on_are_not_mixed_unasked(way: Way) -> None:
    """Which of two answers of a person came last, no sequence would say."""
    filled(way[0])
    move(way)
    way[1].open().add("c7", "ham", "ana", "", "there")
    assert [table.beyond for table in move(way).tables] == [1, 0]  # the target alone went on: nothing is amiss
    way[0].open().add("c8", "ham", "ana", "", "here")
    before = state(way[1].database())
    with pytest.raises(ArtifactError, match="since the answers were copied; --late appends what only the source has"):
        move(way)
    assert state(way[1].database()) == before


def test_late_answers_are_appended_once(way: Way) -> None:
    """With `late` both keep all of theirs, and a second call doubles nothing."""
    source = filled(way[0])
    move(way)
    target = way[1].open()
    target.add("there", "ham", "ana", "", "there")
    source.add("here", "ham", "ben", "", "here")
    source.undo("ben", "here-undone")
    source.remarks.add("here", "note", "ben", "here", "hm")
    target.remarks.add("there", "flag", "ana", "there")
    done = move(way, late=True)
    assert [(table.new, table.late, table.beyond) for table in done.tables] == [(2, 2, 1), (1, 1, 1)]
    again = move(way, late=True)
    assert [(table.new, table.late, table.beyond) for table in again.tables] == [(0, 2, 1), (0, 1, 1)]
    assert [entry.operation for entry in target.history()[-3:]] == ["there", "here", "here-undone"]
    assert [entry.operation for entry in target.remarks.history()[-2:]] == ["there", "here"]
    assert "here" not in target.answers()


def test_answer_taken_back_in_both_is_taken_back_once(way: Way) -> None:
    """The database allows one undo of an answer, and one is enough."""
    source = filled(way[0])
    move(way)
    target = way[1].open()
    assert source.undo("dora", "undo-here", undoes="decided") is not None
    assert target.undo("dora", "undo-there", undoes="decided") is not None
    assert move(way, late=True).tables[0].new == 0
    assert target.answers()["c1"].label == "spam"


def test_late_answer_whose_operation_stands_for_another_is_refused(way: Way) -> None:
    """One id for two answers: neither is taken for the other."""
    filled(way[0])
    move(way)
    way[0].open().add("c7", "ham", "ana", "", "same")
    way[1].open().add("c7", "spam", "ana", "", "same")
    with pytest.raises(ArtifactError, match='operation "same" stands for something else there'):
        move(way, late=True)
    assert way[1].open().answers()["c7"].label == "spam"


def half_copied(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop a copy after its second page."""
    filled(way[0])
    calls = []

    def stop(done: int, total: int | None) -> None:
        calls.append(done)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(contents_module, "PAGE", 5)
    with pytest.raises(KeyboardInterrupt):
        transfer(way[0].database(), way[1].database(), progress=stop)
    assert contents(way[1].database(), ENTRIES).rows == 10


def test_part_is_not_taken_for_the_whole(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody annotates into a store that lacks answers: neither by opening it nor through a store opened before."""
    early = way[1].open()
    half_copied(way, monkeypatch)
    acts: list[Callable[[], object]] = [
        way[1].open if way[1].durability is None else lambda: AnnotationStore.open(way[1].url),
        lambda: early.add("c99", "ham", "zoe", "", "zoe"),
        lambda: early.undo("zoe", "zoe"),
        lambda: early.remarks.add("c99", "flag", "zoe", "zoe"),
    ]
    for act in acts:
        with pytest.raises(ArtifactError, match="answers are being copied here and some are missing; run the same"):
            act()
    move(way)
    assert said(way[0]) == said(way[1])
    early.add("c99", "ham", "zoe", "", "zoe")


def test_half_copied_store_of_another_source_is_refused(
    way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Going on with answers of somebody else would mix two projects."""
    half_copied(way, monkeypatch)
    other = Place(f"sqlite:///{tmp_path / 'other.db'}")
    other.open().add("c0", "ham", "zoe", "", "zoe")
    with pytest.raises(ArtifactError, match="holds other answers"):
        move((other, way[1]))
    with pytest.raises(ArtifactError, match="is the target of a migration that has not ended"):
        move((way[1], other))


def test_row_that_changes_on_its_way_is_noticed(tmp_path: Path) -> None:
    """Counts and hashes are those of what the target gives back, not of what was sent."""
    way = Place(f"sqlite:///{tmp_path / 'a.db'}"), Place(f"sqlite:///{tmp_path / 'b.db'}")
    filled(way[0])
    way[1].open()
    connection = sqlite3.connect(tmp_path / "b.db")
    connection.executescript(
        "DROP TRIGGER annotation_no_update; CREATE TRIGGER spoil AFTER INSERT ON annotation "
        "BEGIN UPDATE annotation SET label = 'ham' WHERE sequence = NEW.sequence AND kind = 'label'; END;"
    )
    connection.close()
    with pytest.raises(ArtifactError, match=r"table annotation holds 14 rows with hash \w{12}, the source 14 "):
        move(way)
    with pytest.raises(ArtifactError, match="some are missing"):
        way[1].open()


@pytest.mark.parametrize("schema", [1, 2])
def test_store_of_an_earlier_labelkit_is_read_as_it_is(tmp_path: Path, schema: int) -> None:
    """Copying does not bring the source up to date: who goes back to the earlier version finds it as it was."""
    way = Place(f"sqlite:///{tmp_path / 'a.db'}"), Place(f"sqlite:///{tmp_path / 'b.db'}")
    way[0].open()
    way[0].database().path.unlink()  # type: ignore[attr-defined]
    with sqlite3.connect(tmp_path / "a.db") as made:
        made.execute("PRAGMA journal_mode = delete")
    made.close()
    with way[0].database().transaction(write=True) as connection:
        from labelkit.annotations.migrations import _journal

        _journal.create(connection)
        for migration in MIGRATIONS[:schema]:
            migration.apply(connection)
            connection.execute(_journal.insert(), {"number": migration.number, "what": "", "applied": ""})
        connection.exec_driver_sql(
            "INSERT INTO annotation (operation, kind, record, label, annotator, strategy, time) "
            "VALUES ('op-1', 'label', 'c7', 'spam', 'ana', 'margin', '2026-01-05T10:00:01.000Z')"
        )
    before = state(way[0].database())
    done = move(way)
    assert state(way[0].database()) == before
    assert (done.tables[0].new, done.tables[1].new, done.present) == (1, 0, ())
    assert [(entry.record, entry.label, entry.role) for entry in way[1].open().history()] == [("c7", "spam", "person")]


def test_store_is_not_copied_onto_itself(way: Way) -> None:
    """Two URLs of one database are noticed."""
    filled(way[0])
    with pytest.raises(UsageError, match="is where the answers are already"):
        move((way[0], way[0]))


def test_nothing_is_nothing_to_migrate(way: Way) -> None:
    """A place where nobody has answered is no source, and is not made one."""
    with pytest.raises(UsageError, match="holds no answers; there is nothing to migrate"):
        move(way)


def test_whoever_is_still_answering_is_named(way: Way) -> None:
    """A session in the source goes on into the source: somebody has to be told."""
    store = filled(way[0])
    place = store.leases.enter("a session")
    store.leases.claim_some("ana", ["c50"], 1, session="a session")
    store.leases.claim_some("ben", ["c51"], 1, session="one that has died")
    assert move(way).present == ("ana",)
    assert place is not None
    place.leave()
    assert move(way).present == ()


def test_people_answer_while_their_answers_move(start: Start, way: Way) -> None:
    """Nobody waits and nothing is lost: the call after the last answer brings over what is missing."""
    way[0].open()
    people = [f"person-{i}" for i in range(3)]
    working = [start(store_writers.answer_all, way[0], who, 40) for who in people]
    way[0].open().add("first", "ham", "zoe", "", "first")
    moved = [move(way) for _ in range(5)]
    assert [started.says() for started in working] == [[]] * 3
    moved.append(move(way))
    assert sum(each.tables[0].new for each in moved) == 121
    assert said(way[0]) == said(way[1])


_acts = st.lists(
    st.tuples(st.sampled_from(["label", "skip", "undo", "note"]), st.sampled_from(HOSTILE), st.sampled_from(HOSTILE)),
    max_size=10,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=_acts)
def test_any_history_arrives_as_it_is(acts: list[tuple[str, str, str]], way: Way, tmp_path: Path) -> None:
    """Whatever people said and whatever they are called; there and back again into a third store."""
    source, target = way[0].open(), way[1]
    before = source.last_sequence
    for number, (act, record, text) in enumerate(acts, start=before):
        if act == "undo":
            source.undo(text, f"op-{number}-{before}")
        elif act == "note":
            source.remarks.add(record, "note", text, f"op-{number}-{before}", text)
        else:
            source.add(record, text if act == "label" else None, text, "", f"op-{number}-{before}")
    move(way)
    back = Place(f"sqlite:///{tmp_path / str(before)}-{len(list(tmp_path.iterdir()))}.db")
    move((target, back))
    assert said(way[0]) == said(target) == said(back)
