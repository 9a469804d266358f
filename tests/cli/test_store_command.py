"""`labelkit store` as a person meets it."""

from __future__ import annotations

import json
import tomllib

import pytest

from labelkit.annotations import AnnotationStore
from labelkit.errors import ConfigError, UsageError
from postgres_cluster import Cluster
from projects import Made, printed


@pytest.fixture
def answered(applied: Made) -> Made:
    """A project in which somebody answered."""
    store = AnnotationStore.open(applied.project.folder.store_url)
    for number in range(30):
        store.add(f"c{number}", "spam", "ana", "margin", f"op-{number}")
    store.remarks.add("c1", "note", "ana", "note", "hm")
    return applied


def use(made: Made, shown: str) -> None:
    """Put what the command says into labelkit.toml, as it says."""
    section = shown.split("put this into labelkit.toml:\n\n", 1)[1]
    made.write("labelkit.toml", (made.root / "labelkit.toml").read_text() + section)


def test_answers_move_to_another_file_and_the_project_goes_on(answered: Made) -> None:
    """Verified table by table; the line that is shown makes the next commands use them."""
    before = printed(answered, "store", "check", "--json")
    shown = printed(answered, "store", "migrate", "--to", "sqlite:///elsewhere/answers.db")
    hashes = [table["sha256"][:16] for table in json.loads(before)["tables"]]
    assert [line.split() for line in shown.splitlines()[:3]] == [
        ["table", "rows", "copied", "sha256", "in", "both"],
        ["annotation", "30", "30", hashes[0], "equal"],
        ["remark", "1", "1", hashes[1], "equal"],
    ]
    assert shown.endswith('[store]\nurl = "sqlite:///elsewhere/answers.db"\n')
    use(answered, shown)
    (answered.root / ".labelkit" / "annotations.db").unlink()
    after = json.loads(printed(answered, "store", "check", "--json"))
    assert after["store"] == str(answered.root / "elsewhere" / "answers.db")
    assert after["tables"] == json.loads(before)["tables"]
    assert answered.project.apply().answered == 30


def test_line_is_toml_whatever_the_file_is_called(answered: Made) -> None:
    """Quotes, backslashes and other scripts."""
    url = 'sqlite:///a "b" \\c/été.db'
    shown = printed(answered, "store", "migrate", "--to", url)
    use(answered, shown)
    assert tomllib.loads((answered.root / "labelkit.toml").read_text())["store"]["url"] == url


def test_migration_says_so_in_json(answered: Made) -> None:
    """For scripts: what was copied, the hashes, the line."""
    done = json.loads(printed(answered, "store", "migrate", "--to", "sqlite:///b.db", "--json"))
    assert done["line"] == 'url = "sqlite:///b.db"'
    assert [(table["new"], table["contents"]["rows"]) for table in done["tables"]] == [(30, 30), (1, 1)]


def test_migrating_twice_says_what_stays_and_what_came_late(answered: Made) -> None:
    """On stderr, in words; and the way out of two histories."""
    to = ["store", "migrate", "--to", "sqlite:///b.db"]
    answered.run(*to)
    AnnotationStore.open(f"sqlite:///{answered.root / 'b.db'}").add("c50", "ham", "ben", "", "there")
    assert f"labelkit: 1 rows were stored in {answered.root / 'b.db'} since; they stay" in answered.run(*to).stderr
    AnnotationStore.open(answered.project.folder.store_url).add("c51", "ham", "ana", "", "here")
    assert "--late appends what only the source has" in answered.run(*to, code=2).stderr
    assert "labelkit: 1 rows came late and stand after what was in the target" in answered.run(*to, "--late").stderr


def test_check_fails_where_something_is_wrong(answered: Made) -> None:
    """Exit code 1, and what it is."""
    import sqlite3

    connection = sqlite3.connect(answered.root / ".labelkit" / "annotations.db")
    connection.execute("DROP TRIGGER annotation_no_update")
    connection.close()
    assert "has lost the triggers" in answered.run("store", "check", code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (["migrate", "--to", "sqlite:///b.db"], UsageError, "annotations.db: holds no answers; there is nothing to"),
        (["migrate", "--to", "mysql://host/db"], ConfigError, '[store] url: no store of kind "mysql"'),
        (["check"], UsageError, "annotations.db: there is no store yet; the first answer makes it"),
        (["setup", "--annotator", "ana"], UsageError, "SQLite knows no roles: who can write its file can change it"),
        (["setup", "--url", "postgresql://h/db"], UsageError, "name a role: --owner, --annotator or --reader"),
    ],
)
def test_what_cannot_be_done_is_said(applied: Made, arguments: list[str], kind: type[Exception], message: str) -> None:
    """Before anything is made."""
    with pytest.raises(kind) as caught:
        printed(applied, "store", *arguments)
    assert message in str(caught.value)
    assert not (applied.root / "b.db").exists()


@pytest.mark.postgres
def test_team_moves_to_postgresql(answered: Made, server: Cluster) -> None:
    """Migrate, set up roles, change labelkit.toml: annotators answer there, and no password is shown anywhere."""
    for role in ("team_owner", "team_ana", "team_ci"):
        server.sql(f"CREATE ROLE {role} LOGIN")
    url = server.create("team").replace("//postgres@", "//postgres:s3cret@")
    moved = answered.run("store", "migrate", "--to", url)
    roles = ["--owner", "team_owner", "--annotator", "team_ana", "--reader", "team_ci"]
    sql = answered.run("store", "setup", "--url", url, *roles).stdout
    assert sql.startswith("BEGIN;\nGRANT USAGE, CREATE ON SCHEMA")
    assert 'ON TABLE "annotation" TO "team_ana";' in sql
    done = answered.run("store", "setup", "--url", url, *roles, "--execute")
    assert done.stderr == "labelkit: done: each role may do what it should and nothing else\n"
    use(answered, moved.stdout.replace("//postgres@", "//team_ana@"))
    toml = (answered.root / "labelkit.toml").read_text()
    assert "s3cret" not in moved.stdout + moved.stderr + sql + toml
    checked = answered.run("store", "check").stdout
    assert 'role "team_ana" may read, answer\n' in checked
    assert answered.project.answer("c60", "ham", annotator="ana").sequence == 31


@pytest.mark.postgres
def test_server_that_is_down_is_the_machines_fault(answered: Made, server: Cluster) -> None:
    """Exit code 3 and where it was looked for; the source stays, and so does labelkit.toml."""
    url = server.url().replace("54329", "54328")
    for arguments in (["migrate", "--to", url], ["check", "--url", url], ["setup", "--url", url, "--reader", "ci"]):
        said = answered.run("store", *arguments, code=3).stderr
        assert said.startswith("labelkit: error: postgresql://postgres@/postgres: ")
