"""The PostgreSQL server under the store: what is checked, what is said, and what happens when it dies."""

from __future__ import annotations

import contextlib
import os
import time

import pytest

import store_writers
from labelkit.annotations import AnnotationStore
from labelkit.annotations.migrations import LATEST
from labelkit.errors import ArtifactError, ConfigError, MachineError
from postgres_cluster import Cluster, cluster
from stores import Place, Start

SECRET = "s3cret-word"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresqlite://ana:s3cret-word@host/labels", 'no store of kind "postgresqlite"'),
        ("postgresql+asyncpg://ana:s3cret-word@host/labels", 'no store of kind "postgresql+asyncpg"'),
        ("postgresql://ana:s3cret-word@host", "write postgresql://user@host:port/database"),
        ("postgresql://ana:s3cret@word@host/labels", "in a password @ is written %40"),
        ("postgresql://ana:s3cret-word@host:port/labels", "write postgresql://user@host:port/database"),
        ("postgresql://ana@host/labels?password=s3cret-word", 'unknown option "password"; known are "connect_timeout"'),
    ],
)
def test_url_that_cannot_be_used_is_refused_without_repeating_it(url: str, message: str) -> None:
    """What is wrong is said, and no part of a password."""
    with pytest.raises(ConfigError) as caught:
        AnnotationStore.open(url)
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "word@" not in str(caught.value)


def test_server_that_is_not_there_is_the_machines_fault() -> None:
    """The message names host and database, and no password."""
    with pytest.raises(MachineError) as caught:
        AnnotationStore.open(f"postgresql://ana:{SECRET}@127.0.0.1:1/labels")
    message = str(caught.value)
    assert message.startswith("postgresql://ana:***@127.0.0.1:1/labels: ")
    assert "refused" in message
    assert SECRET not in message
    assert caught.value.__cause__ is None


@pytest.mark.postgres
def test_refused_password_is_not_repeated(server: Cluster) -> None:
    """Not in the message, not in what it was raised from."""
    server.sql("DO $$ BEGIN CREATE ROLE nobody_here NOLOGIN; EXCEPTION WHEN duplicate_object THEN END $$")
    with pytest.raises(MachineError) as caught:
        AnnotationStore.open(server.url(user="nobody_here", password=SECRET))
    assert "not permitted to log in" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.postgres
def test_schema_of_something_else_is_refused(server: Cluster, postgres_url: str) -> None:
    """labelkit does not put its tables beside somebody else's."""
    schema = postgres_url.rsplit("%3D", 1)[1]
    server.sql(f"CREATE TABLE {schema}.customers (id int)")
    with pytest.raises(ArtifactError) as caught:
        AnnotationStore.open(postgres_url)
    assert str(caught.value) == (
        "postgresql://postgres@/postgres: holds other tables than labelkit's; name another database under [store] url"
    )


@pytest.mark.postgres
def test_database_of_a_newer_labelkit_is_refused(server: Cluster, postgres_url: str) -> None:
    """What this version does not know it does not touch."""
    AnnotationStore.open(postgres_url)
    schema = postgres_url.rsplit("%3D", 1)[1]
    server.sql(f"INSERT INTO {schema}.labelkit_migration VALUES ({LATEST + 1}, 'tomorrow', '')")  # noqa: S608
    with pytest.raises(ArtifactError, match=rf"written by a newer labelkit \(schema {LATEST + 1}"):
        AnnotationStore.open(postgres_url)


@pytest.mark.postgres
def test_truncating_is_refused_too(server: Cluster, postgres_url: str) -> None:
    """TRUNCATE is no DELETE to PostgreSQL."""
    store = AnnotationStore.open(postgres_url)
    store.add("c7", "spam", "ana", "margin", "op-1")
    schema = postgres_url.rsplit("%3D", 1)[1]
    with pytest.raises(Exception, match="annotations are only ever appended"):
        server.sql(f"TRUNCATE {schema}.annotation")
    assert store.last_sequence == 1


@pytest.mark.postgres
def test_session_waits_for_the_disk_whatever_the_role_is_set_to(server: Cluster, postgres_url: str) -> None:
    """A default of synchronous_commit = off does not reach the store's connections."""
    server.sql("DO $$ BEGIN CREATE ROLE hasty LOGIN SUPERUSER; EXCEPTION WHEN duplicate_object THEN END $$")
    server.sql("ALTER ROLE hasty SET synchronous_commit = off")
    store = AnnotationStore.open(postgres_url.replace("//postgres@", "//hasty@"))
    with store._database.transaction(write=True) as connection:
        assert connection.exec_driver_sql("SELECT current_user").scalar() == "hasty"
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


@pytest.mark.postgres
def test_child_process_does_not_use_its_parents_connection(postgres_url: str) -> None:
    """After a fork both can answer."""
    store = AnnotationStore.open(postgres_url)
    store.add("c1", "spam", "ana", "", "op-1")
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            store.add("c2", "spam", "ben", "", "op-2")
            code = 0
        os._exit(code)
    store.add("c3", "spam", "ana", "", "op-3")
    assert os.waitpid(child, 0)[1] == 0
    assert set(store.answers()) == {"c1", "c2", "c3"}


@pytest.mark.postgres
def test_writer_that_stands_still_is_put_out(
    server: Cluster, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody frozen in the middle of a transaction neither blocks the others for ever nor stores half of it."""
    monkeypatch.setattr("labelkit.annotations.postgres._STUCK_SECONDS", 1)
    frozen, other = AnnotationStore.open(postgres_url), AnnotationStore.open(postgres_url)
    with (
        pytest.raises(MachineError, match="what is stored already is not stored twice"),
        frozen._database.transaction(write=True),
    ):
        other.add("c1", "spam", "ben", "", "op-1")
    assert other.last_sequence == 1


@pytest.mark.postgres
def test_writer_says_when_it_waited_too_long(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that never gets its turn fails with the reason instead of hanging."""
    monkeypatch.setattr("labelkit.annotations.postgres.WAIT_SECONDS", 0.2)
    one, two = AnnotationStore.open(postgres_url), AnnotationStore.open(postgres_url)
    with one._database.transaction(write=True), pytest.raises(MachineError) as caught:
        two.add("c1", "spam", "ana", "", "op-1")
    assert str(caught.value) == ("postgresql://postgres@/postgres: others have been writing for 0.2 seconds; try again")


@pytest.mark.postgres
def test_server_that_forgets_is_refused() -> None:
    """With fsync = off an acknowledged answer would not survive a power cut."""
    with cluster() as forgetful:
        forgetful.stop("fast")
        forgetful.start(fsync="off")
        with pytest.raises(ConfigError) as caught:
            AnnotationStore.open(forgetful.url())
    assert str(caught.value) == (
        "postgresql://postgres@/postgres: fsync is off there, so a power cut loses answers; "
        "set fsync = on in postgresql.conf"
    )


@pytest.mark.postgres
def test_killed_server_loses_no_acknowledged_answer(start: Start) -> None:
    """The server dies under two people, again and again: they try again, and every answer is there once."""
    with cluster() as mortal:
        place = Place(mortal.create("labels"))
        store = place.open()
        store.add("c0", "ham", "zoe", "", "zoe")
        people = ("ana", "ben")
        working = [start(store_writers.answer_stubbornly, place, who, 150) for who in people]
        assert [started.says() for started in working] == ["open"] * 2
        for _ in range(3):
            time.sleep(0.3)
            mortal.stop("immediate")
            time.sleep(0.1)
            mortal.start()
        for started in working:
            assert started.says() == 150
        history = store.history()
        assert sorted(e.operation for e in history) == sorted(
            ["zoe", *(f"{who}-{number}" for who in people for number in range(150))]
        )
