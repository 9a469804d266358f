"""Verbs on a project whose records may have several classes: apply, explain, runs, and those that are for one class."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelkit as lk
from judged_sets import MAJORITY, copied
from labelkit.cli.main import labelkit as group
from labelkit.errors import AnswerError, ArtifactError, DataError, FunctionError, UsageError
from projects import Made, labelkit, printed
from tagged_projects import TOML, tagged_project, whole

GOLDEN = Path(__file__).parent / "golden"
CLASSES = ("python", "pandas", "sql")
KILL = "import os, pathlib\nif pathlib.Path({trigger!r}).exists():\n    os.kill(os.getpid(), 9)\n"


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A project with 30 answers, applied before and after; do not change it."""
    made = tagged_project(tmp_path_factory.mktemp("applied") / "project", toml=TOML + MAJORITY)
    project = whole(made)
    project.apply()
    project.simulate("tags", budget=30)
    project.apply()
    return made


@pytest.fixture
def made(applied: Made, tmp_path: Path) -> Made:
    """A copy of it, for one test."""
    return copied(applied, tmp_path / "project")


def labels(made: Made) -> pa.Table:
    return pq.read_table(made.root / "labels.parquet")


def without_ids(text: str) -> str:
    """Text in which what differs from run to run is left out."""
    return re.sub(r"[0-9a-f]{12,}|\d{4}-\d\d-\d\dT[\d:.]+Z", "...", text)


# Apply


def test_apply_as_people_read_it(made: Made) -> None:
    """The functions of each class, a line for each class, and what is known of how many records."""
    assert printed(made, "apply") == (GOLDEN / "apply_classes.txt").read_text()


def test_apply_as_json(made: Made) -> None:
    """Figures of the whole, and of each class what `apply` says of a project of one class."""
    found = json.loads(printed(made, "apply", "--json"))
    assert set(found) == {"run", "classes", "labelled", "several", "without", "records"}
    assert found["records"] == 120
    assert {name: one["class_totals"]["yes"] for name, one in found["classes"].items()} == {
        name: sum(name in (row["labels"] or ()) for row in labels(made).to_pylist()) for name in CLASSES
    }
    table = labels(made)
    sizes = [len(names) for names in table["labels"].to_pylist() if names is not None]
    assert (found["labelled"], found["several"], found["without"]) == (
        len(sizes),
        sum(size > 1 for size in sizes),
        sum(size == 0 for size in sizes),
    )


def test_a_class_alone_gives_the_same_labels(made: Made) -> None:
    """What `--class` makes of a class is what it is as a part of the whole, byte for byte."""
    path = made.root / ".labelkit" / "classes" / "sql" / "labels.parquet"
    before = path.read_bytes()
    assert printed(made, "apply", "--class", "sql")
    assert path.read_bytes() == before


def test_answers_outrank_the_functions(applied: Made) -> None:
    """What people said of a record are its labels, and it says so."""
    project = whole(applied)
    rows = {row["id"]: row for row in project.labels().to_pylist()}
    answers = project.answers()
    assert len(answers) == 30
    for record, said in answers.items():
        assert rows[record]["labels"] == [name for name in CLASSES if said[name]]
        assert rows[record]["source"] == "human"
    assert sum(row["source"] == "human" for row in rows.values()) == 30


@pytest.mark.slow
def test_the_same_goes_in_and_the_same_comes_out(made: Made) -> None:
    """The run and every byte of labels.parquet are those of the run before."""
    before = (made.root / "labels.parquet").read_bytes()
    run = whole(made).run().run.id
    assert whole(made).apply().run == run
    assert (made.root / "labels.parquet").read_bytes() == before


@pytest.mark.parametrize("name", ["words.py", "rules.toml"])
def test_functions_of_no_class(made: Made, name: str) -> None:
    """A function that lies beside the folders votes on nothing; the way out is said."""
    made.write(f"labeling_functions/{name}", "")
    with pytest.raises(FunctionError) as caught:
        whole(made).apply()
    assert str(caught.value) == (
        f"labeling_functions/{name}: which class is it for? Move it to labeling_functions/<class>/; one for several "
        "classes goes into each of their folders"
    )


def test_a_class_without_functions(made: Made) -> None:
    """Its folder is named; nothing is applied to the others, either."""
    (made.root / "labeling_functions" / "pandas").rename(made.root / "labeling_functions" / "panda")
    before = (made.root / "labels.parquet").read_bytes()
    with pytest.raises(FunctionError) as caught:
        whole(made).apply()
    assert str(caught.value) == (
        "labeling_functions/pandas/: no such folder; the functions of a class lie in a folder of its name and vote 1 "
        '(yes) or 0 (no); missing are those of "pandas"'
    )
    assert (made.root / "labels.parquet").read_bytes() == before


def test_faults_are_counted_class_by_class(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 when one class has too many; its labels and the file are there all the same."""
    fails = "import labelkit as lk\n\n@lk.labeling_function()\ndef fails(x):\n    raise KeyError(x.text)\n"
    made.write("labeling_functions/sql/fails.py", fails)
    assert group(["apply", "--project", str(made.root)], standalone_mode=False) == 1
    said = capfd.readouterr().err
    assert "labelkit: class sql: 120 faults are more than the 0 allowed (--max-faults)" in said
    assert whole(made).apply(max_faults=120).exit_code == 0


@pytest.mark.slow
def test_a_killed_apply_leaves_the_labels_of_before(made: Made) -> None:
    """Killed after the first class was done, the file is the old one; the next `apply` makes what it would have."""
    before, trigger = (made.root / "labels.parquet").read_bytes(), made.root / "trigger"
    first = made.root / "labeling_functions" / "python" / "words.py"
    first.write_text(first.read_text().replace("WORDS[1:3]", "WORDS[1:4]"))
    second = made.root / "labeling_functions" / "pandas" / "words.py"
    second.write_text(KILL.format(trigger=str(trigger)) + second.read_text())
    untouched = copied(made, made.root.parent / "untouched")
    whole(untouched).apply()
    trigger.touch()
    assert labelkit("apply", cwd=made.root).returncode == -signal.SIGKILL
    member = ".labelkit/classes/python/labels.parquet"
    assert (made.root / member).read_bytes() == (untouched.root / member).read_bytes()
    assert (made.root / "labels.parquet").read_bytes() == before
    trigger.unlink()
    whole(made).apply()
    assert labels(made).drop_columns("run").equals(labels(untouched).drop_columns("run"))


def test_a_class_that_joins_later(made: Made) -> None:
    """Nobody was asked about it: answers of before leave it to its functions, or undecided."""
    toml = (made.root / "labelkit.toml").read_text()
    made.write("labelkit.toml", toml.replace('"sql"]', '"sql", "regex"]'))
    made.write(
        "labeling_functions/regex/words.toml",
        '[regex]\nkind = "keywords"\nfield = "text"\nwords = ["join"]\nlabel = "yes"\n',
    )
    project = whole(made)
    project.apply()
    rows = project.labels().to_pylist()
    answered = project.answers()
    assert {name for said in answered.values() for name in said} == set(CLASSES)
    texts = dict(zip(*(project.records().to_table()[name].to_pylist() for name in ("id", "text")), strict=True))
    assert all(("regex" in row["undecided"]) == ("join" not in texts[row["id"]].split()) for row in rows)
    assert not any(row["source"] == "human" for row in rows)
    record = next(iter(answered))
    project.answer(record, ["regex"], annotator="simulated")
    assert project.answers()[record] == {"python": False, "pandas": False, "sql": False, "regex": True}


def test_answers_of_classes_that_are_not_there(made: Made) -> None:
    """From Python as from the terminal, they are refused and nothing is stored."""
    before = whole(made).answers()
    with pytest.raises(AnswerError, match=r'^no class "perl"; classes are "python", "pandas", "sql"$'):
        whole(made).answer("q1", ["sql", "perl"], annotator="ana")
    assert whole(made).answers() == before


# Explain


@pytest.mark.parametrize("labels", ["", "sql", {"sql": False}])
def test_labels_are_a_list(made: Made, labels: Any) -> None:
    """No characters of a text nor keys of what `answers` gives are taken for classes, and nothing for none of them."""
    before = whole(made).answers()
    with pytest.raises(AnswerError, match=r"^labels must be a list of classes, not "):
        whole(made).answer("q1", labels, annotator="ana")
    assert whole(made).answers() == before


def test_the_store_is_of_all_classes(made: Made) -> None:
    """It is looked at and moved as a whole, and sets arrive as they are."""
    said = whole(made).answers()
    assert "1 people have answered" in printed(made, "store", "check")
    moved = "sqlite:///moved.db"
    assert "url = " in printed(made, "store", "migrate", "--to", moved)
    made.write("labelkit.toml", (made.root / "labelkit.toml").read_text() + f"[store]\nurl = '{moved}'\n")
    assert whole(made).answers() == said


SINGLE = TOML.replace('kind = "multilabel"\n', "").replace('gold = "tags"\n', "")


def test_answers_of_a_project_of_the_other_kind(tmp_path: Path) -> None:
    """A store of one class per record and one of several are told apart, and answers move by the way that is said."""
    made, file = tagged_project(tmp_path / "project", toml=SINGLE), tmp_path / "answers.json"
    project = lk.Project(made.root)
    project.answer("q1", "sql", annotator="ana")
    project.export(file, to="label-studio", which="human", unchecked=True)
    way_out = r"need a store each: name another as url under \[store\], .*`labelkit export --to label-studio`"
    made.write("labelkit.toml", TOML)
    with pytest.raises(AnswerError, match=rf'^"sql" says not of each class whether a record has it; .* {way_out}'):
        whole(made).apply()
    made.write("labelkit.toml", TOML + "[store]\nurl = 'sqlite:///sets.db'\n")
    whole(made).import_answers(file, source="label-studio", annotator="ben")
    assert whole(made).answers() == {"q1": {"python": False, "pandas": False, "sql": True}}
    made.write("labelkit.toml", SINGLE + "[store]\nurl = 'sqlite:///sets.db'\n")
    with pytest.raises(AnswerError, match=rf"^people answered with sets of classes, such as .* {way_out}"):
        lk.Project(made.root).answers()


def test_labels_of_a_project_of_the_other_kind_do_not_go_out(made: Made) -> None:
    """labels.parquet of several classes does not say which one a record has."""
    made.write("labelkit.toml", SINGLE)
    (made.root / ".labelkit" / "annotations.db").unlink()
    with pytest.raises(ArtifactError, match=r'^labels.parquet has no column "label", "confidence"; run '):
        lk.Project(made.root).export(made.root / "x.jsonl", to="jsonl", unchecked=True)


def test_explain_as_people_read_it(applied: Made) -> None:
    """The record once, then for each class its votes, people and runs."""
    record = sorted(whole(applied).answers())[0]
    assert without_ids(printed(applied, "explain", record)) == (GOLDEN / "explain_classes.txt").read_text()


def test_explain_class_by_class(applied: Made) -> None:
    """From Python and as JSON it is the explanation of each class alone."""
    project = whole(applied)
    found = project.explain("q7")
    assert list(found) == list(CLASSES)
    assert found["sql"] == project["sql"].explain("q7")
    assert json.loads(printed(applied, "explain", "q7", "--json")) == {
        name: json.loads(printed(applied, "explain", "q7", "--json", "--class", name)) for name in CLASSES
    }


def test_explain_of_what_is_not_there(applied: Made) -> None:
    """An unknown record names the class that was looked at; earlier runs are those of one class."""
    with pytest.raises(DataError, match=r'^class "python": run [0-9a-f]{16} labelled no record "zz"'):
        printed(applied, "explain", "zz")
    with pytest.raises(UsageError) as caught:
        printed(applied, "explain", "q7", "--run", "previous")
    assert str(caught.value) == "--run is for one class, for each has runs of its own; name it with --class"
    assert printed(applied, "explain", "q7", "--run", "previous", "--class", "sql").startswith("record q7 of ")


# Runs


def test_runs_of_the_whole_and_of_a_class(applied: Made) -> None:
    """Each lists its own; the run that joined the labels stands on those of the classes."""
    shown = printed(applied, "runs", "list", "--verb", "apply")
    assert shown.count("labels of 3 classes, 120 records") == 2
    assert "120 of 120 records labelled" in printed(applied, "runs", "list", "--class", "sql")
    project = whole(applied)
    run = project.run().run
    assert set(run.parents) == {one.run().run.id for one in project.values()}
    assert printed(applied, "runs", "show", run.id[:6]).startswith(f"run {run.id} of apply\n")
    assert [line.run for line in project.runs() if line.current] == [run.id]


@pytest.mark.slow
def test_a_class_is_compared_and_repeated(applied: Made) -> None:
    """`runs diff` and `replay` work on the runs of one class."""
    assert "labels flipped" in printed(applied, "runs", "diff", "--class", "sql")
    assert printed(applied, "replay", "--class", "sql").endswith("every byte is what the run wrote\n")


# What is for one class


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("lf list", "nothing"),
        ("lf show first", "first"),
        ("lf errors last", "q"),
        ("lf prune", "last"),
        ("annotate --agreement", "records answered"),
    ],
)
def test_the_workshop_of_a_class(applied: Made, command: str, shown: str) -> None:
    """With `--class` each command works on the functions of that class, as no and yes."""
    assert shown in printed(applied, *command.split(), "--class", "sql")


def test_examples_of_a_class_are_checked(made: Made) -> None:
    """A function carries records and what it says of them: yes, no, or nothing."""
    rule = '[{}]\nkind = "keywords"\nfield = "text"\nwords = ["{}"]\nlabel = "yes"\nexamples = [["a {}", "{}"]]\n'
    made.write("labeling_functions/sql/more.toml", rule.format("more", "window", "window", "yes"))
    assert printed(made, "lf", "test", "more", "--class", "sql") == "1 examples hold\n"
    made.write("labeling_functions/sql/more.toml", rule.format("more", "window", "window", "no"))
    printed(made, "lf", "test", "more", "--class", "sql", code=1)


def test_rules_are_suggested_for_a_class(applied: Made) -> None:
    """From answers about all classes come rules that vote yes or no of one."""
    found = whole(applied)["sql"].suggest_rules(10)
    assert {rule.label for rule in found.rules} <= {"no", "yes"}
    assert found.rules


def test_functions_of_classes_are_apart(applied: Made) -> None:
    """Those of the same name are others in each class."""
    project = whole(applied)
    coverage = {name: one.votes().votes[:, 0].tolist() for name, one in project.items()}
    assert len({str(votes) for votes in coverage.values()}) == 3
    assert [row.figures.name for row in project["sql"].functions().rows] == ["first", "others", "nothing", "last"]
