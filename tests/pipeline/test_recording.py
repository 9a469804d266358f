"""Every verb leaves a run record that its schema describes, and earlier runs can be looked into."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest

from labelkit.lineage import Run, RunStore, hash_file, run_schema
from labelkit.pipeline.annotate import export_queue, import_answers
from labelkit.pipeline.infer import infer, init_from
from labelkit.pipeline.init import init
from projects import FUNCTIONS, Made, MakeProject, comments, write_csv
from repositories import commit_all, git

FAST = "[model]\nname = 'majority'\n[apply]\nworkers = 1\n"
FILES = {"labels.parquet", "votes.arrow"}


def runs_of(made: Made) -> list[Run]:
    """All runs of a project, oldest first, each checked against the schema."""
    store = RunStore(made.root / ".labelkit" / "runs")
    for path in store.folder.glob("*/run.json"):
        jsonschema.validate(json.loads(path.read_bytes()), run_schema())
    return list(store)


def test_every_verb_is_recorded(made: Made) -> None:
    """From apply to training, each verb leaves a record whose parents are there."""
    project = made.project
    folder, answers = project.folder, made.write("answers.jsonl", '{"id": "c3", "label": "ham"}\n')
    infer(folder)
    export_queue(folder, 3, made.root / "queue.jsonl", annotator="ana")
    import_answers(folder, answers, annotator="ana")
    project.apply()
    for name in ("inferred_fields.json", "inferred_records.json"):
        (folder.suites_folder / name).unlink()
    project.validate()
    project.training_set()
    runs = runs_of(made)
    assert {run.verb for run in runs} == {"infer", "annotate", "apply", "validate", "train"}
    known = {run.id for run in runs}
    assert all(set(run.parents) <= known for run in runs)
    assert all(run.started <= run.finished and run.versions["python"] for run in runs)
    assert all(run.git == {} for run in runs)


def test_a_new_project_begins_with_a_record(tmp_path: Path) -> None:
    """What `init` wrote is on record, with the data that it guessed from."""
    write_csv(tmp_path / "rows.csv", comments(40, seed=3))
    init(tmp_path / "plain")
    init_from(tmp_path / "guessed", tmp_path / "rows.csv")
    for name, inputs in (("plain", set[str]()), ("guessed", {"data"})):
        (run,) = runs_of(Made(tmp_path / name))
        assert run.verb == "init"
        assert run.inputs.keys() == inputs
        assert run.outputs["labelkit.toml"] == hash_file(tmp_path / name / "labelkit.toml")


def test_training_is_recorded_once(made: Made) -> None:
    """The same rows handed out again are the same run, which says how many of which class went out."""
    made.project.validate()
    table = made.project.training_set()
    assert made.project.training_set().equals(table)
    (run,) = [run for run in runs_of(made) if run.verb == "train"]
    assert run.counts["records"] == table.num_rows == sum(run.counts["labels"].values())
    assert run.parameters == {"split": "train"}
    (checked,) = [run for run in runs_of(made) if run.verb == "validate"]
    assert run.parents == (checked.id,)


def test_the_commit_and_what_differs_from_it_are_recorded(make_project: MakeProject) -> None:
    """A run names the commit of the project, and the files that were edited since."""
    made = make_project(toml=FAST)
    commit = commit_all(made.root)
    made.project.apply()
    made.write("labeling_functions/first.py", FUNCTIONS + "\nrules = lk.rules\n")
    made.project.apply()
    clean, dirty = runs_of(made)
    assert clean.git == {"commit": commit, "dirty": False, "changed": []}
    assert dirty.git == {"commit": commit, "dirty": True, "changed": ["labeling_functions/first.py"]}


def test_the_commit_is_no_part_of_the_run_id(make_project: MakeProject) -> None:
    """The same functions on the same data are the same run, committed or not."""
    made = make_project(toml=FAST)
    before = made.project.apply().run
    commit_all(made.root)
    git(made.root, "commit", "--quiet", "--allow-empty", "--message", "more")
    assert made.project.apply().run == before


def test_functions_are_recorded_with_file_and_line(make_project: MakeProject) -> None:
    """A run knows where each function stood when it voted."""
    made = make_project(toml=FAST)
    made.project.apply()
    (run,) = runs_of(made)
    assert run.about["functions"]["begs"] == "labeling_functions/first.py:6"


def test_no_secret_gets_into_a_run(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the environment nor a password in a database URL is recorded."""
    import sqlite3

    monkeypatch.setenv("SECRET_TOKEN", "s3cret-in-environment")
    made = make_project(gold=False, toml=FAST)
    database = sqlite3.connect(made.root / "c.db")
    database.execute("CREATE TABLE comments (id TEXT, text TEXT)")
    rows = [(row["id"], row["text"]) for row in comments(50, seed=3)]
    database.executemany("INSERT INTO comments VALUES (?, ?)", rows)
    database.commit()
    database.close()
    made.write("rows.sql", "SELECT id, text FROM comments ORDER BY id")
    url = "sqlite:///c.db?check_same_thread=false"
    toml = (
        (made.root / "labelkit.toml")
        .read_text()
        .replace('path = "data/comments.csv"', f'path = "rows.sql"\nurl = "{url}"')
    )
    made.write("labelkit.toml", toml)
    made.project.apply()
    (run,) = runs_of(made)
    text = (made.root / ".labelkit" / "runs" / run.id / "run.json").read_text()
    assert run.about["database"] == "sqlite:///c.db"
    assert "s3cret" not in text
    assert "check_same_thread" not in text


def test_earlier_runs_keep_their_votes_and_labels(make_project: MakeProject) -> None:
    """The last `[runs] keep` runs can be compared; older ones keep their record and model."""
    made = make_project(toml=FAST + "[runs]\nkeep = 2\n")
    ids = []
    for n in range(4):
        made.write("labeling_functions/first.py", FUNCTIONS.replace('"click"', f'"click{n}"'))
        ids.append(made.project.apply().run)
    folder = made.root / ".labelkit" / "runs"
    names = [{path.name for path in (folder / run).iterdir()} for run in ids]
    assert [kept >= FILES for kept in names] == [False, False, True, True]
    assert all({"run.json", "model.json", "model.npz"} <= kept for kept in names)
    assert not any(FILES & kept for kept in names[:2])


def test_kept_labels_cost_no_space(make_project: MakeProject) -> None:
    """labels.parquet and what its run keeps are one file under two names, until the next run."""
    made = make_project(toml=FAST)
    first = made.project.apply().run
    kept = made.root / ".labelkit" / "runs" / first / "labels.parquet"
    assert kept.samefile(made.root / "labels.parquet")
    before = kept.read_bytes()
    made.write("labeling_functions/first.py", FUNCTIONS.replace('"click"', '"win"'))
    made.project.apply()
    assert kept.read_bytes() == before
    assert not kept.samefile(made.root / "labels.parquet")


def test_a_file_system_without_links_gets_a_copy(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no second name can be given, the run keeps a copy."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    made = make_project(toml=FAST)
    run = made.project.apply().run
    kept = made.root / ".labelkit" / "runs" / run / "labels.parquet"
    assert not kept.samefile(made.root / "labels.parquet")
    assert kept.read_bytes() == (made.root / "labels.parquet").read_bytes()
