"""Suites and projects guessed from data: they run, they say what they guessed, they overwrite nothing."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelkit.errors import DataError, UsageError
from labelkit.pipeline.infer import infer, init_from
from labelkit.pipeline.init import init
from labelkit.pipeline.project import Project
from labelkit.project import find_project
from projects import labelkit

GENRES = ["ham", "spam"]


def comments(folder: Path, name: str = "comments.csv", n: int = 200) -> Path:
    """A file of comments whose id is not its first column."""
    rng = np.random.default_rng(3)
    rows = {
        "text": [f"A comment of many words {'AND MORE ' * int(k)}{i}" for i, k in enumerate(rng.integers(0, 5, n))],
        "stars": [int(star) for star in rng.integers(1, 6, n)],
        "price": [round(float(price), 2) + 0.001 for price in rng.uniform(1, 9, n)],
        "zip": [f"0{i % 10}{i % 7}11" for i in range(n)],
        "comment_id": [f"c{i}" for i in range(n)],
        "label": [GENRES[i % 2] for i in range(n)],
    }
    if name.endswith(".parquet"):
        pq.write_table(pa.table(rows), folder / name)
    else:
        lines = [",".join(rows), *(",".join(map(str, row)) for row in zip(*rows.values(), strict=True))]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / name


@pytest.mark.parametrize("name", ["comments.csv", "comments.parquet"])
def test_a_project_is_built_around_a_file(tmp_path: Path, name: str) -> None:
    """Id, fields, types and classes are guessed; what was guessed from the data passes on the data."""
    written = init_from(tmp_path / "project", comments(tmp_path, name))
    settings = tomllib.loads((tmp_path / "project" / "labelkit.toml").read_text(encoding="utf-8"))
    assert set(written) >= {"labelkit.toml", "reference.json", "expectations/records.json", "expectations/fields.json"}
    assert settings["project"]["classes"] == GENRES
    data = settings["data"]
    assert (data["path"], data["id"], data["gold"]) == (f"../{name}", "comment_id", "label")
    assert data["fields"] == ["text", "stars", "price", "zip"]
    assert data.get("types") == ({"stars": "int64", "price": "float64"} if name.endswith(".csv") else None)
    project = Project(tmp_path / "project")
    project.apply()
    verdict = project.validate()
    blocking = {(outcome.table, outcome.column) for outcome in verdict.blocking}
    assert {table for table, _ in blocking} <= {"labels", "fields"}, str(verdict)
    assert not [outcome for outcome in verdict.blocking if outcome.table == "fields" and outcome.status != "vacuous"]


def test_what_follows_later_is_compared_with_what_was_there(tmp_path: Path) -> None:
    """A price in another currency is refused by the guessed suites."""
    path = comments(tmp_path)
    init_from(tmp_path / "project", path)
    project = Project(tmp_path / "project")
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = [line.split(",") for line in lines[1:]]
    path.write_text("\n".join([lines[0], *(",".join([*c[:2], str(float(c[2]) * 3), *c[3:]]) for c in cells)]) + "\n")
    project.apply()
    failed = {(o.table, o.column, o.failing_ids) for o in project.validate().blocking if o.status == "fail"}
    assert ("fields", "psi", ("price",)) in failed


def test_suites_are_guessed_beside_those_that_are_there(tmp_path: Path) -> None:
    """They have names of their own, need only the reference to be named, and are not written twice."""
    init(tmp_path)
    Project(tmp_path).apply()
    done = labelkit("validate", "--infer", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        "expectations/inferred_records.json",
        "expectations/inferred_fields.json",
        "reference.json",
    ]
    assert 'add reference = "reference.json" under [data]' in done.stderr
    assert json.loads((tmp_path / "reference.json").read_bytes())["labels"]
    assert not Project(tmp_path).validate().passed  # without a reference the distances are vacuous
    toml = (tmp_path / "labelkit.toml").read_text(encoding="utf-8")
    (tmp_path / "labelkit.toml").write_text(toml.replace('id = "id"', 'reference = "reference.json"\nid = "id"'))
    verdict = Project(tmp_path).validate()
    assert verdict.passed, str(verdict)
    with pytest.raises(UsageError, match=r"inferred_records\.json.* is there already; move it away to guess again$"):
        infer(find_project(tmp_path))


def test_a_file_without_an_id_is_refused(tmp_path: Path) -> None:
    """The message says what is missing; nothing is written."""
    (tmp_path / "a.csv").write_text("text,kind\nhello,a\nhello,a\n")
    with pytest.raises(DataError) as caught:
        init_from(tmp_path / "project", tmp_path / "a.csv")
    assert str(caught.value) == (
        'a.csv: no column could be the id, for none is different in every row (columns are "text", "kind"); '
        "--number writes a copy with numbers as ids"
    )
    assert not (tmp_path / "project").exists()


def test_records_without_ids_are_numbered_in_a_copy(tmp_path: Path) -> None:
    """The copy lies in the project with the types of the file; the file stays as it is."""
    content = b"text,size,kind\nhello,2,b\nhello,,a\n"
    (tmp_path / "a.csv").write_bytes(content)
    init_from(tmp_path / "project", tmp_path / "a.csv", gold="kind", number=True)
    project = Project(tmp_path / "project")
    assert project.records().to_table().to_pylist() == [
        {"id": "1", "text": "hello", "size": 2, "kind": "b"},
        {"id": "2", "text": "hello", "size": None, "kind": "a"},
    ]
    assert (tmp_path / "a.csv").read_bytes() == content
    assert project.apply().records == 2


def test_options_about_records_need_records(tmp_path: Path) -> None:
    """Without --data there is nothing to number; nothing is written."""
    done = labelkit("init", "new", "--number", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "labelkit: error: --gold, --number and --multilabel are about the records of --data\n",
    )
    assert not (tmp_path / "new").exists()


def test_a_file_with_a_broken_id_is_not_numbered(tmp_path: Path) -> None:
    """A second column of this name would hide what is wrong with the first."""
    (tmp_path / "a.csv").write_text("id,text\n1,a\n1,b\n")
    with pytest.raises(DataError, match=r'^a\.csv: there is a column "id" already; mend'):
        init_from(tmp_path / "project", tmp_path / "a.csv", number=True)


def test_gold_may_have_any_name(tmp_path: Path) -> None:
    """Its values become the classes, and functions do not see it."""
    path = comments(tmp_path)
    path.write_text(path.read_text().replace("label", "species", 1))
    init_from(tmp_path / "project", path, gold="species")
    settings = tomllib.loads((tmp_path / "project" / "labelkit.toml").read_text())
    assert (settings["project"]["classes"], settings["data"]["gold"]) == (GENRES, "species")
    assert "species" not in settings["data"]["fields"]


@pytest.mark.parametrize(
    ("gold", "message"),
    [("genre", 'no column "genre"; columns are'), ("comment_id", 'column "comment_id" has 200 different values; 2 to')],
)
def test_gold_that_names_no_classes_is_refused(tmp_path: Path, gold: str, message: str) -> None:
    """Nothing is guessed in its place."""
    path = comments(tmp_path)
    path.write_text("\n".join(f"{line},{i}" for i, line in enumerate(path.read_text().splitlines())))
    with pytest.raises(DataError, match=message):
        init_from(tmp_path / "project", path, gold=gold)


def test_numbers_with_a_word_for_none_are_pointed_out(tmp_path: Path) -> None:
    """Such a column is text, which a function that compares it would stumble over."""
    (tmp_path / "a.csv").write_text("id,bill\na,39.1\nb,NA\nc,40\n")
    init_from(tmp_path / "project", tmp_path / "a.csv")
    toml = (tmp_path / "project" / "labelkit.toml").read_text()
    assert '# "bill" holds numbers but for "NA", so it is text; empty these cells to declare it' in toml


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A project that is there stays as it is."""
    path = comments(tmp_path)
    init_from(tmp_path / "project", path)
    before = (tmp_path / "project" / "labelkit.toml").read_bytes()
    with pytest.raises(UsageError, match="is there already"):
        init_from(tmp_path / "project", path)
    assert (tmp_path / "project" / "labelkit.toml").read_bytes() == before
