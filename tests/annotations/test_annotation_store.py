"""The annotation store on real SQLite files, in both journal modes."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelkit.annotations import AnnotationStore, Answer, standing
from labelkit.annotations.durability import JOURNAL, WAL, Durability
from labelkit.annotations.migrations import LATEST
from labelkit.annotations.sqlite import SqliteDatabase
from labelkit.errors import AnswerError, ArtifactError, ConfigError, MachineError


def open_at(path: Path) -> AnnotationStore:
    return AnnotationStore.open(f"sqlite:///{path}")


def open_with(path: Path, durability: Durability) -> AnnotationStore:
    """A store with the durability of another SQLite library than the one found."""
    database = SqliteDatabase(path, durability)
    database.prepare()
    return AnnotationStore(database)


@pytest.fixture(params=[JOURNAL, WAL], ids=lambda durability: durability.journal_mode)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> AnnotationStore:
    return open_with(tmp_path / "annotations.db", request.param)


def test_stored_answer_comes_back_as_it_went_in(store: AnnotationStore) -> None:
    """`add` returns what `history` holds."""
    said = store.add("c7", "spam", "ana", "margin", "op-1")
    assert (said.record, said.label, said.annotator, said.strategy, said.operation) == (
        "c7",
        "spam",
        "ana",
        "margin",
        "op-1",
    )
    assert (said.sequence, said.kind, said.undoes) == (1, "label", None)
    assert store.history() == [said]


def test_answers_outlive_the_store(store: AnnotationStore) -> None:
    """A store opened again on the same file knows what was said."""
    said = store.add("c7", "spam", "ana", "margin", "op-1")
    assert open_with(store._database.path, store._database.durability).answers() == {"c7": said}


def test_retried_operation_is_one_answer(store: AnnotationStore) -> None:
    """The same operation again returns the stored answer and stores nothing."""
    said = store.add("c7", "spam", "ana", "margin", "op-1")
    assert store.add("c7", "spam", "ana", "margin", "op-1") == said
    assert store.history() == [said]


@pytest.mark.parametrize(
    "change", [("c8", "spam", "ana"), ("c7", "ham", "ana"), ("c7", None, "ana"), ("c7", "spam", "ben")]
)
def test_operation_cannot_stand_for_two_answers(store: AnnotationStore, change: tuple[str, str | None, str]) -> None:
    """Another record, label, skip or person under a used operation id is refused."""
    store.add("c7", "spam", "ana", "margin", "op-1")
    record, label, annotator = change
    with pytest.raises(AnswerError) as caught:
        store.add(record, label, annotator, "margin", "op-1")
    assert str(caught.value) == (
        'operation "op-1" already stands for "ana" calling "c7" "spam"; give each answer an operation id of its own'
    )
    assert len(store.history()) == 1


def test_several_answers_are_stored_all_or_none(store: AnnotationStore) -> None:
    """One refused answer keeps its whole batch out."""
    store.add("c1", "ham", "ana", "margin", "op-1")
    batch = [Answer("c2", "ham", "ana", "", "op-2"), Answer("c3", "ham", "ana", "", "op-1")]
    with pytest.raises(AnswerError):
        store.add_all(batch)
    assert store.last_sequence == 1


def test_skip_is_asked_but_not_answered(store: AnnotationStore) -> None:
    """A skipped record is not asked again of that person, and has no answer."""
    store.add("c7", None, "ana", "margin", "op-1")
    assert store.asked("ana") == {"c7"}
    assert store.asked("ben") == frozenset()
    assert store.answers() == {}


def test_undo_takes_back_the_latest_of_that_person(store: AnnotationStore) -> None:
    """Undo appends an entry and leaves other people's answers alone."""
    first = store.add("c1", "ham", "ana", "margin", "op-1")
    second = store.add("c2", None, "ana", "margin", "op-2")
    other = store.add("c3", "spam", "ben", "margin", "op-3")
    assert store.undo("ana", "op-4") == second
    assert store.undo("ana", "op-5") == first
    assert store.undo("ana", "op-6") is None
    assert store.answers() == {"c3": other}
    assert store.asked("ana") == frozenset()
    assert [e.kind for e in store.history()] == ["label", "skip", "label", "undo", "undo"]


def test_retried_undo_takes_back_once(store: AnnotationStore) -> None:
    """The same undo again returns the same answer and takes nothing more back."""
    first = store.add("c1", "ham", "ana", "margin", "op-1")
    second = store.add("c2", "ham", "ana", "margin", "op-2")
    assert store.undo("ana", "op-3") == second
    assert store.undo("ana", "op-3") == second
    assert store.answers() == {"c1": first}


def test_undo_of_a_named_answer(store: AnnotationStore) -> None:
    """Undo can name the answer; somebody else's, or one taken back already, is not there to take back."""
    first = store.add("c1", "ham", "ana", "margin", "op-1")
    store.add("c2", "ham", "ana", "margin", "op-2")
    assert store.undo("ben", "op-3", undoes="op-1") is None
    assert store.undo("ana", "op-4", undoes="op-1") == first
    assert store.undo("ana", "op-5", undoes="op-1") is None
    assert set(store.answers()) == {"c2"}


def test_operation_of_an_answer_is_no_undo(store: AnnotationStore) -> None:
    """An undo under the operation id of an answer is refused, and the other way round."""
    store.add("c1", "ham", "ana", "margin", "op-1")
    with pytest.raises(AnswerError, match='operation "op-1" already stands for "ana" calling "c1" "ham"'):
        store.undo("ana", "op-1")
    store.undo("ana", "op-2")
    with pytest.raises(AnswerError, match='operation "op-2" already stands for an undo by "ana"'):
        store.add("c1", "ham", "ana", "margin", "op-2")


def test_fingerprint_depends_on_standing_answers_only(tmp_path: Path) -> None:
    """Who answered, when and in which order is not in the fingerprint; what stands is."""
    one, two = open_at(tmp_path / "one.db"), open_at(tmp_path / "two.db")
    empty = one.fingerprint()
    one.add("c1", "ham", "ana", "margin", "a")
    one.add("c2", "spam", "ben", "margin", "b")
    two.add("c2", "ham", "cem", "random", "c")
    two.add("c2", "spam", "cem", "random", "d")
    two.add("c1", "ham", "cem", "", "e")
    assert one.fingerprint() == two.fingerprint() != empty
    two.undo("cem", "f")
    assert one.fingerprint() != two.fingerprint()


@pytest.mark.parametrize("statement", ["UPDATE annotation SET label = 'ham'", "DELETE FROM annotation"])
def test_database_itself_refuses_changes(store: AnnotationStore, statement: str) -> None:
    """Also another program cannot change or delete an answer by mistake."""
    store.add("c7", "spam", "ana", "margin", "op-1")
    with (
        sqlite3.connect(store._database.path) as connection,
        pytest.raises(sqlite3.IntegrityError, match="only ever appended"),
    ):
        connection.execute(statement)
    connection.close()


def test_hostile_text_is_only_text(store: AnnotationStore) -> None:
    """Ids, names and labels that look like SQL or hold quotes, escapes and other scripts come back unchanged."""
    texts = ["'; DROP TABLE annotation; --", '"', "\x1b[2J", "नमस्ते", "a\nb", "%s :x ?", " ", "👩‍👩‍👧"]
    for number, text in enumerate(texts):
        store.add(text, text, text, text, f"op-{number}")
    assert [(e.record, e.label, e.annotator, e.strategy) for e in store.history()] == [(t, t, t, t) for t in texts]


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("text", ["a\0b", "\ud83d"])
def test_text_that_databases_disagree_on_is_refused(store: AnnotationStore, place: int, text: str) -> None:
    """NUL and lone surrogates do not get in, wherever they stand."""
    words = ["c7", "spam", "ana", "margin", "op-1"]
    words[place] = text
    with pytest.raises(AnswerError, match="holds a NUL or half a surrogate pair"):
        store.add(*words)
    assert store.history() == []


_acts = st.lists(
    st.tuples(
        st.sampled_from(["label", "skip", "undo", "retry"]),
        st.sampled_from(["ana", "ben"]),
        st.sampled_from(["c1", "c2", "c3"]),
        st.sampled_from(["ham", "spam"]),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(acts=_acts)
def test_store_agrees_with_a_plain_list(
    acts: list[tuple[str, str, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """After any sequence of acts the store holds what lists of answers per person hold."""
    store = open_at(tmp_path_factory.mktemp("store") / "annotations.db")
    plain: dict[str, list[tuple[str, str | None]]] = {"ana": [], "ben": []}
    for number, (act, who, record, label) in enumerate(acts):
        if act == "undo":
            undone = store.undo(who, f"op-{number}")
            expected = plain[who].pop() if plain[who] else None
            assert (undone and (undone.record, undone.label)) == expected
            continue
        said = None if act == "skip" else label
        plain[who].append((record, said))
        for _ in range(2 if act == "retry" else 1):
            store.add(record, said, who, "margin", f"op-{number}")
    for who, entries in plain.items():
        assert store.asked(who) == {record for record, _ in entries}
    labelled = {record for entries in plain.values() for record, label in entries if label is not None}
    assert set(store.answers()) == labelled
    assert store.answers() == standing(store.history())
    assert [e.sequence for e in store.history()] == list(range(1, store.last_sequence + 1))


# Opening


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


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "postgresql://ana:secret@host/labels",
            '[store] url: no store of kind "postgresql"; write sqlite:/// and the path of a file',
        ),
        ("annotations.db", '[store] url: no store of kind "annotations.db"; write sqlite:/// and the path of a file'),
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
    assert str(caught.value) == f"{path}: holds other tables than labelkit's; name another file under [store] url"


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
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, migrations.Migration(2, "fails", fails)))
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
