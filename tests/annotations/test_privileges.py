"""Roles of a PostgreSQL server: what annotators, readers and the owner may do there, tried by logging in as each."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

import pytest

from labelkit.annotations import AnnotationStore
from labelkit.annotations.database import database_at
from labelkit.annotations.privileges import Roles, grants, may, set_up
from labelkit.errors import LabelkitError, MachineError, UsageError
from postgres_cluster import Cluster

pytestmark = pytest.mark.postgres

_numbers = itertools.count()


@dataclass(frozen=True)
class Office:
    """A store with an owner, an annotator and a reader of its own."""

    server: Cluster
    url: str
    owner: str
    annotator: str
    reader: str

    def at(self, role: str) -> str:
        """URL of the store for one of them."""
        return self.url.replace("//postgres@", f"//{role}@")

    def set_up(self, roles: Roles) -> None:
        """As `labelkit store setup --execute` does it."""
        database = database_at(self.url)
        database.prepare()
        with database.transaction(write=True) as connection:
            set_up(connection, roles)


@pytest.fixture
def office(server: Cluster) -> Office:
    """A new schema and new roles, set up; one name needs quoting."""
    number = next(_numbers)
    owner, annotator, reader = f"own{number}", f'an"no TATOR{number}', f"read{number}"
    for role in (owner, annotator, reader):
        server.sql('CREATE ROLE "{}" LOGIN'.format(role.replace('"', '""')))
    office = Office(server, server.create(f"office_{number}"), owner, quote(annotator), reader)
    office.set_up(Roles(owner, (annotator,), (reader,)))
    return office


def test_annotator_does_all_that_annotating_needs(office: Office) -> None:
    """Open, lease, answer, skip, undo, flag, keep a session, come back: without a right too many."""
    store = AnnotationStore.open(office.at(office.annotator))
    place = store.leases.enter("a session")
    assert place is not None
    assert store.leases.claim_some("ana", ["c1", "c2"], 2, session="a session") == ["c1", "c2"]
    store.add("c1", "spam", "ana", "margin", "op-1")
    store.add("c2", None, "ana", "margin", "op-2")
    assert store.undo("ana", "op-3", hold_seconds=60) is not None
    store.remarks.add("c1", "flag", "ana", "flag")
    store.leases.release("ana", ["c2"])
    place.leave()
    assert store.leases.resume("ana", "another session") == []
    assert [entry.sequence for entry in store.history()] == [1, 2, 3]


def grants_on_annotation(office: Office) -> str:
    """As PostgreSQL writes them: role=rights/who granted them; d is DELETE, and no name stands for everybody."""
    schema = office.url.rsplit("%3D", 1)[1]
    return office.server.sql(f"SELECT relacl FROM pg_class WHERE oid = '{schema}.annotation'::regclass")  # noqa: S608


HARM = [
    "UPDATE annotation SET label = 'ham'",
    "DELETE FROM annotation",
    "TRUNCATE annotation",
    "UPDATE remark SET text = ''",
    "DELETE FROM remark",
    "DELETE FROM labelkit_migration",
    "INSERT INTO labelkit_migration VALUES (4, 'mine', '')",
    "DROP TABLE annotation",
    "ALTER TABLE annotation DISABLE TRIGGER ALL",
    "ALTER TABLE annotation ADD COLUMN mine int",
    "CREATE TABLE mine (id int)",
    "CREATE OR REPLACE FUNCTION labelkit_only_append() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TRIGGER mine BEFORE INSERT ON annotation EXECUTE FUNCTION labelkit_only_append()",
    "CREATE RULE mine AS ON INSERT TO annotation DO INSTEAD NOTHING",
    "SELECT setval('annotation_sequence_seq', 1000)",
    "ALTER SEQUENCE annotation_sequence_seq RESTART",
    "SET session_replication_role = replica",
    (
        "INSERT INTO annotation (sequence, operation, kind, record, label, annotator, strategy, time, role) "
        "VALUES (-1, 'forged', 'label', 'c1', 'ham', 'ana', '', '', 'person')"
    ),
    "GRANT DELETE ON annotation TO PUBLIC",
]


@pytest.mark.parametrize("statement", HARM)
def test_annotator_cannot_harm_an_answer_or_the_schema(office: Office, statement: str) -> None:
    """The server itself says no, whatever program the person uses."""
    store = AnnotationStore.open(office.at(office.annotator))
    said = store.add("c1", "spam", "ana", "margin", "op-1")
    if statement.startswith("GRANT"):  # PostgreSQL only warns
        with store._database.transaction(write=True) as connection:
            connection.exec_driver_sql(statement)
        assert "=d" not in grants_on_annotation(office)
    else:
        with pytest.raises(MachineError) as caught, store._database.transaction(write=True) as connection:
            connection.exec_driver_sql(statement)
        assert any(word in str(caught.value) for word in ("permission denied", "must be owner"))
        assert "labelkit store setup" in str(caught.value)
    assert AnnotationStore.open(office.url).history() == [said]


def test_reader_reads(office: Office) -> None:
    """Enough for `apply`; an answer is refused and says why."""
    AnnotationStore.open(office.at(office.annotator)).add("c1", "spam", "ana", "margin", "op-1")
    store = AnnotationStore.open(office.at(office.reader))
    assert store.answers()["c1"].label == "spam"
    assert store.leases.held() == {}
    acts: list[Callable[[], object]] = [
        lambda: store.add("c2", "ham", "ci", "", "op-2"),
        lambda: store.leases.claim("ci", ["c2"]),
    ]
    for act in acts:
        with pytest.raises(MachineError, match="permission denied for table"):
            act()


def test_stranger_sees_nothing(office: Office) -> None:
    """A role of the server that was given nothing does not get at the answers."""
    office.server.sql("DO $$ BEGIN CREATE ROLE stranger LOGIN; EXCEPTION WHEN duplicate_object THEN END $$")
    with pytest.raises(MachineError, match=r"permission denied|no schema has been selected"):
        AnnotationStore.open(office.at("stranger")).history()


def test_setup_again_adds_and_takes_back(office: Office) -> None:
    """A new annotator joins, an old one becomes a reader; nobody else loses anything."""
    joined = f"joined{next(_numbers)}"
    office.server.sql(f"CREATE ROLE {joined} LOGIN")
    office.set_up(Roles(None, (joined,)))
    AnnotationStore.open(office.at(joined)).add("c1", "spam", "joined", "", "op-1")
    AnnotationStore.open(office.at(office.annotator)).add("c2", "spam", "ana", "", "op-2")
    office.set_up(Roles(None, (), (joined,)))
    with pytest.raises(MachineError, match="permission denied"):
        AnnotationStore.open(office.at(joined)).add("c3", "spam", "joined", "", "op-3")


def test_role_with_rights_by_another_way_is_noticed(office: Office) -> None:
    """A member of the owner could drop the tables: no grant is made, and the message says so."""
    joined = f"joined{next(_numbers)}"
    office.server.sql(f"CREATE ROLE {joined} LOGIN IN ROLE {office.owner}")
    with pytest.raises(UsageError) as caught:
        office.set_up(Roles(None, (joined,)))
    assert str(caught.value).startswith(
        f'role "{joined}" may read and answer and change answers and change the schema instead of read and answer; '
    )
    assert joined not in grants_on_annotation(office)


def test_owner_brings_the_schema_up_and_an_annotator_does_not(office: Office) -> None:
    """After an upgrade of labelkit the owner opens the store first; who is too early is told."""
    with database_at(office.url).transaction(write=True) as connection:
        connection.exec_driver_sql("DELETE FROM labelkit_migration WHERE number = 3")
        connection.exec_driver_sql("ALTER TABLE lease DROP COLUMN session")
    with pytest.raises(MachineError, match=r"must be owner of table lease.*labelkit store setup"):
        AnnotationStore.open(office.at(office.annotator))
    AnnotationStore.open(office.at(office.owner))
    AnnotationStore.open(office.at(office.annotator)).add("c1", "spam", "ana", "", "op-1")


def test_statements_that_are_printed_do_the_same(office: Office) -> None:
    """They can be handed to whoever runs the server, who reads them first."""
    joined = f"joined{next(_numbers)}"
    office.server.sql(f"CREATE ROLE {joined} LOGIN")
    database = database_at(office.url)
    with database.transaction() as connection:
        statements = grants(connection, Roles(office.owner, (joined,)))
        assert may(connection, joined) == ()
    for statement in statements:
        office.server.sql(f"SET search_path = {office.url.rsplit('%3D', 1)[1]}; {statement}")
    with database.transaction() as connection:
        assert may(connection, joined) == ("read", "answer")
        assert may(connection, office.owner)[-1] == "change the schema"


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ((None, (), ()), "name a role: --owner, --annotator or --reader"),
        (("a", ("a",), ()), 'role "a" is named twice; each has one part'),
    ],
)
def test_roles_that_make_no_sense_are_refused(
    roles: tuple[str | None, tuple[str, ...], tuple[str, ...]], message: str
) -> None:
    """Nobody, or one role in two parts."""
    with pytest.raises(UsageError) as caught:
        Roles(*roles)
    assert str(caught.value) == message


def test_role_that_is_not_there_changes_nothing(office: Office) -> None:
    """All statements or none."""
    with pytest.raises(LabelkitError, match='role "nobody at all" does not exist'):
        office.set_up(Roles(None, (office.reader,), ("nobody at all",)))
    with database_at(office.url).transaction() as connection:
        assert may(connection, office.reader) == ("read",)
