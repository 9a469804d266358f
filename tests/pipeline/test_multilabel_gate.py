"""The gate of a project whose records may have several classes: every class by its suites, and the file of them all."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelkit as lk
from judged_sets import copied, judged_project, written_again
from labelkit.cli.main import labelkit as group
from labelkit.errors import AnswerIsNo, ArtifactError, LabelkitError, SuiteError, UsageError
from labelkit.files import write_bytes
from labelkit.pipeline.multilabel.joint import JointLabels
from labelkit.pipeline.multilabel.validate import verify_all
from labelkit.pipeline.verify import Verification
from labelkit.project import ProjectFolder
from labelkit.reports.document import SCHEMA
from projects import Made, printed, write_csv
from suite_files import COUNT, IN_SET, NOT_NULL, check, with_cell, write_suite
from tagged_projects import questions, whole

GOLDEN = Path(__file__).parent / "golden"
LONGER = """
from snorkel.augmentation import transformation_function

@transformation_function()
def longer(x):
    x.text = x.text + " indeed"
    return x
"""


@pytest.fixture(scope="module")
def passing(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A project that passes; do not change it."""
    return judged_project(tmp_path_factory.mktemp("passing") / "project")


@pytest.fixture
def made(passing: Made, tmp_path: Path) -> Made:
    """A copy of it, for one test."""
    return copied(passing, tmp_path / "project")


def labels(made: Made) -> pa.Table:
    return pq.read_table(made.root / "labels.parquet")


def blocking(made: Made) -> dict[str, tuple[str, ...]]:
    """What blocks: suite -> the columns that it found wanting."""
    found: dict[str, tuple[str, ...]] = {}
    for outcome in whole(made).validate().blocking:
        found[outcome.suite] = (*found.get(outcome.suite, ()), outcome.column or "")
    return found


# The verdict


def test_verdict_as_people_read_it(passing: Made) -> None:
    """Every class is judged by the suites for all and by its own, then the file that joins them."""
    assert printed(passing, "validate") == (GOLDEN / "validate_classes.txt").read_text()


def test_each_class_has_a_verdict_of_its_own(made: Made) -> None:
    """What blocks one class blocks the whole, and the others pass alone."""
    never = check(IN_SET, column="label", value_set=["no"], description="nobody asks about sql")
    write_suite(made.root / "expectations" / "sql" / "never.json", never, table="labels", name="never")
    project = whole(made)
    verdict = project.validate()
    assert (verdict.exit_code, verdict.headline) == (
        1,
        "FAIL: 1 of 28 expectations block; do not train on these labels",
    )
    assert [str(outcome)[:43] for outcome in verdict.blocking] == ["sql/never: fail: nobody asks about sql: 65 "]
    assert {name: one.verify().verified for name, one in project.items()} == {
        "python": True,
        "pandas": True,
        "sql": False,
    }
    assert not project.verify().verified


def test_suites_of_a_class_alone(made: Made) -> None:
    """`--class` judges by the suites for all and by the class's own; the verdict is as a part of the whole."""
    shown = printed(made, "validate", "--class", "sql").partition("\nsuite ")[2].splitlines()
    assert [line.split()[0] for line in shown[1:]] == ["labels", "lineage", "records", "shares"]
    assert "shares" not in printed(made, "validate", "--class", "python")
    assert whole(made).verify().verified


def test_a_folder_of_suites_for_no_class_is_an_error(made: Made) -> None:
    """What is in it would judge nothing, and nobody would know."""
    write_suite(made.root / "expectations" / "sqll" / "more.json", check(NOT_NULL, column="id"), name="more")
    assert not whole(made).verify().verified
    with pytest.raises(SuiteError) as caught:
        whole(made).validate()
    assert str(caught.value) == (
        "expectations/sqll/: no class is called so; a folder holds the suites of the class of its name, and classes "
        'are "python", "pandas", "sql"'
    )


def test_suites_below_the_folder_of_a_class_are_an_error(made: Made) -> None:
    """Nothing reads them."""
    write_suite(made.root / "expectations" / "sql" / "more" / "more.json", check(NOT_NULL, column="id"), name="more")
    with pytest.raises(SuiteError, match=r"^expectations/sql/more/: no class is called so; "):
        whole(made).validate()


def test_a_linked_folder_of_suites_is_watched(made: Made, tmp_path: Path) -> None:
    """What was judged by is what must not change, wherever it lies."""
    shared = tmp_path / "shared"
    write_suite(shared / "more.json", check(NOT_NULL, column="id"), name="more")
    (made.root / "expectations" / "python").symlink_to(shared)
    whole(made).validate().raise_if_failed()
    assert whole(made).verify().verified
    write_suite(shared / "more.json", check(NOT_NULL, column="label"), name="more")
    reasons = whole(made).verify().reasons
    assert list(reasons) == [
        'class "python": suites have changed since: python/more.json; run `labelkit validate` again'
    ]


def test_suites_of_the_same_name(made: Made) -> None:
    """A suite of a class cannot take the name of one for all."""
    write_suite(made.root / "expectations" / "sql" / "again.json", check(NOT_NULL, column="id"), name="labels")
    with pytest.raises(SuiteError, match=r'^class "sql": expectations/labels\.json: name: another suite is called'):
        whole(made).validate()


@pytest.mark.slow
def test_a_failure_that_does_not_block_does_with_strict(made: Made) -> None:
    """`--strict` is for every class."""
    project = whole(made)
    assert project.validate().passed
    assert project.verify().verified
    tolerated = [outcome.suite for outcome in project.validate().tolerated]
    assert tolerated == ["python/labels", "pandas/labels", "sql/labels"]
    assert not project.verify(strict=True).verified
    assert [outcome.suite for outcome in project.validate(strict=True).blocking] == tolerated
    assert project.verify().exit_code == 1
    assert not project["sql"].verify().verified


# What became of labels.parquet since


def other_label(table: pa.Table) -> pa.Table:
    return with_cell(table, "labels", 3, ["pandas", "python", "sql"])


def more_sure(table: pa.Table) -> pa.Table:
    return with_cell(table, "p_sql", 3, 0.123)


def shorter(table: pa.Table) -> pa.Table:
    return table.slice(1)


def another_column(table: pa.Table) -> pa.Table:
    return table.append_column("more", pa.nulls(table.num_rows, pa.string()))


def empty(table: pa.Table) -> pa.Table:
    return table.slice(0, 0)


def other_lists(table: pa.Table) -> pa.Table:
    return table.set_column(1, "labels", pa.array([str(v) for v in table["labels"].to_pylist()]))


def other_types(table: pa.Table) -> pa.Table:
    i = table.schema.get_field_index("source")
    return table.set_column(i, "source", table["source"].cast(pa.large_string()))


@pytest.mark.parametrize(
    ("change", "columns"),
    [
        (other_label, ("as_joined",)),
        pytest.param(more_sure, ("as_joined",), marks=pytest.mark.slow),
        (shorter, ()),
        pytest.param(another_column, ("as_joined",), marks=pytest.mark.slow),
        pytest.param(empty, ("as_joined",), marks=pytest.mark.slow),
        pytest.param(other_lists, ("as_joined",), marks=pytest.mark.slow),
        pytest.param(other_types, ("as_joined",), marks=pytest.mark.slow),
    ],
)
def test_labels_that_are_not_what_the_classes_say(
    made: Made, change: Callable[[pa.Table], pa.Table], columns: tuple[str, ...]
) -> None:
    """A file that was changed blocks, however it was changed, and is found without judging, too."""
    written_again(made, change(labels(made)))
    assert [
        reason.partition(";")[0] for reason in whole(made).verify().reasons
    ] == ["labels.parquet is not the file that was validated"]  # fmt: skip
    found = blocking(made)
    assert found.get("joined labels", ()) == columns
    assert "labels_match" in found["joined lineage"]
    assert ("records_without_row" in found["joined lineage"]) == (change in (shorter, empty))
    assert not any("/" in suite for suite in found)


def test_the_record_that_was_changed_is_named(made: Made) -> None:
    """What the file says of one record alone is wrong, and the verdict says of which."""
    written_again(made, other_label(labels(made)))
    (outcome,) = [o for o in whole(made).validate().blocking if o.suite == "joined labels"]
    assert outcome.failing_ids == ("q3",)


@pytest.mark.slow
def test_labels_without_a_run(made: Made) -> None:
    """A file from elsewhere, which says nothing of a run, does not pass."""
    table = labels(made)
    pq.write_table(table.replace_schema_metadata(None), made.root / "labels.parquet")
    assert "run_recorded" in blocking(made)["joined lineage"]


@pytest.mark.parametrize("name", ["labels.parquet", ".labelkit/classes/sql/labels.parquet"])
def test_labels_that_are_gone(made: Made, name: str) -> None:
    """There is nothing to judge, and of a class it is said of which."""
    (made.root / name).unlink()
    assert not whole(made).verify().verified
    of_class = 'class "sql": ' if "sql" in name else ""
    with pytest.raises(ArtifactError) as caught:
        whole(made).validate()
    assert str(caught.value) == f"{of_class}labels.parquet: no such file; make it with `labelkit apply`"


# What became of a class since


def test_a_class_that_was_labelled_anew(made: Made) -> None:
    """Its labels are not those that were joined; `apply` to all mends it."""
    functions = made.root / "labeling_functions" / "sql" / "words.py"
    functions.write_text(functions.read_text().replace("WORDS[1:3]", "WORDS[1:4]"))
    project = whole(made)
    project["sql"].apply()
    assert [r.partition(";")[0] for r in project.verify().reasons] == [
        'class "sql": labels.parquet is not the file that was validated'
    ]
    project["sql"].validate().raise_if_failed()
    assert project.verify().reasons == (
        'class "sql": its labels are not those in labels.parquet; run `labelkit apply`, then `labelkit validate`',
    )
    (outcome,) = [o for o in project.validate().blocking if o.column == "classes_changed"]
    assert outcome.finding == 'classes_changed = "sql"'
    project.apply()
    assert project.validate().passed


def test_a_class_that_is_replaced_while_others_are_judged(passing: Made) -> None:
    """The labels that were judged must be those that are joined."""
    found = JointLabels.of(whole(passing).folder)
    assert found.tables(found.hashes)["runs"]["classes_changed"].to_pylist() == [""]
    judged = {**found.hashes, "sql": "0" * 64}
    assert found.tables(judged)["runs"]["classes_changed"].to_pylist() == ["sql"]


@pytest.mark.slow
def test_functions_that_were_changed(made: Made) -> None:
    """As in a project of one class, by its suite on lineage."""
    functions = made.root / "labeling_functions" / "pandas" / "words.py"
    functions.write_text(functions.read_text() + "\n")
    assert blocking(made) == {"pandas/lineage": ("functions_changed",)}


def test_records_that_were_changed(made: Made) -> None:
    """The file as a whole and every class are of other records."""
    data = made.root / "questions.csv"
    data.write_text(data.read_text().replace("n17", "n18", 1))
    reasons = whole(made).verify().reasons
    assert [reason.split(" has changed")[0] for reason in reasons] == [
        "questions.csv",
        'class "python": questions.csv',
        'class "pandas": questions.csv',
        'class "sql": questions.csv',
    ]
    with pytest.raises(AnswerIsNo, match=r"has changed since"):
        whole(made).training_set()
    assert set(blocking(made)) == {"python/lineage", "pandas/lineage", "sql/lineage"}


@pytest.mark.slow
def test_classes_of_different_records(made: Made) -> None:
    """One class was labelled again after records came; it is said what to do."""
    with (made.root / "questions.csv").open("a") as file:
        file.write("q999,one more question,sql,train\n")
    whole(made)["python"].apply()
    with pytest.raises(ArtifactError) as caught:
        whole(made).validate()
    assert str(caught.value) == 'labels of class "pandas": of other records; run `labelkit apply` again'


@pytest.mark.slow
def test_an_answer_that_came_since(made: Made) -> None:
    """The label that it contradicts is found in the class that it is about."""
    project = whole(made)
    said = set(labels(made)["labels"][5].as_py())
    project.answer("q5", said ^ {"sql"}, annotator="ana")
    contradicted = check(IN_SET, column="contradicts_people", value_set=[0])
    write_suite(made.root / "expectations" / "people.json", contradicted, table="labels", name="people")
    verdict = project.validate()
    assert [(o.suite, o.failing_ids) for o in verdict.blocking] == [("sql/people", ("q5",))]
    newer = [o.suite for o in verdict.tolerated if o.column == "answers_newer"]
    assert newer == ["python/lineage", "pandas/lineage", "sql/lineage"]
    project.apply()
    assert project.validate().passed


def test_a_class_that_was_added(made: Made) -> None:
    """It has no labels yet: neither what passed before nor the gate lets anything through."""
    toml = (made.root / "labelkit.toml").read_text()
    made.write("labelkit.toml", toml.replace('"sql"]', '"sql", "regex"]'))
    assert 'class "regex": labels.parquet has not been validated; run `labelkit validate`' in (
        whole(made).verify().reasons
    )
    with pytest.raises(ArtifactError, match=r'^class "regex": labels\.parquet: no such file'):
        whole(made).validate()


@pytest.mark.slow
def test_a_class_that_was_removed(made: Made) -> None:
    """labels.parquet still says something of it, and its suites are for nobody."""
    toml = (made.root / "labelkit.toml").read_text()
    made.write("labelkit.toml", toml.replace(', "sql"]', "]").replace('gold = "tags"\n', ""))
    with pytest.raises(SuiteError, match=r"^expectations/sql/: no class is called so"):
        whole(made).validate()
    (made.root / "expectations" / "sql" / "shares.json").unlink()
    (made.root / "expectations" / "sql").rmdir()
    assert not whole(made).verify().verified
    found = blocking(made)
    assert found["joined lineage"] == ("classes_changed",)
    assert found["joined labels"] == ("as_joined",)


def test_a_class_that_was_taken_out_is_found_without_judging(made: Made) -> None:
    """The file that passed says more than the project now asks for."""
    toml = (made.root / "labelkit.toml").read_text()
    made.write("labelkit.toml", toml.replace('"python", ', "").replace('gold = "tags"\n', ""))
    assert whole(made).verify().reasons[-1] == (
        'labels.parquet still has "python", which the project has not; run `labelkit apply`, then `labelkit validate`'
    )


@pytest.mark.parametrize("name", ["labels.json", "sql/shares.json"])
def test_suites_that_were_changed(made: Made, name: str) -> None:
    """What passed by other suites has not passed; a suite of one class is no matter of the others."""
    suite = made.root / "expectations" / name
    write_bytes(suite, suite.read_bytes() + b"\n")
    reasons = whole(made).verify().reasons
    of_one = ['class "sql"'] if "/" in name else ['class "python"', 'class "pandas"', 'class "sql"']
    again = f"suites have changed since: {name}; run `labelkit validate` again"
    assert list(reasons) == [again, *(f"{one}: {again}" for one in of_one)]


@pytest.mark.parametrize("state", [".labelkit", ".labelkit/classes/sql"])
def test_a_verdict_that_was_changed(made: Made, state: str) -> None:
    """Neither that of the whole nor that of a class can be made better by hand."""
    path = made.root / state / "verdict.json"
    content = json.loads(path.read_text())
    content["verdict"]["strict"] = True
    path.write_text(json.dumps(content))
    (reason,) = whole(made).verify().reasons
    assert reason.endswith("verdict.json is damaged; run `labelkit validate` again")


def test_nothing_has_passed_until_there_is_a_verdict(made: Made) -> None:
    """A check that came to none leaves no earlier one in force, though the first classes passed."""
    (made.root / "expectations" / "sql" / "shares.json").write_text("{}")
    with pytest.raises(SuiteError):
        whole(made).validate()
    assert not (made.root / ".labelkit" / "verdict.json").exists()
    assert "labels.parquet has not been validated; run `labelkit validate`" in whole(made).verify().reasons


# Reports


def test_reports_of_all_classes(made: Made, tmp_path: Path) -> None:
    """Text, JSON, JUnit, Markdown and the page come from one verdict, whose suites name their class."""
    never = check(COUNT, max_value=3, description="there are few questions")
    suite = write_suite(made.root / "expectations" / "pandas" / "few.json", never, name="few")
    suite.write_text(json.dumps({**json.loads(suite.read_text()), "notes": "Ask fewer."}))
    names = ("report.html", "report.xml", "report.md")
    html, junit, markdown = (tmp_path / name for name in names)
    options = ["--html", str(html), "--junit", str(junit), "--markdown", str(markdown)]
    document = json.loads(printed(made, "validate", "--json", *options, code=1))
    jsonschema.validate(document, SCHEMA)
    assert document["project"] == "questions"
    assert [o["suite"] for o in document["outcomes"] if o["blocks"]] == ["pandas/few"]
    root = ET.parse(junit).getroot()  # noqa: S314  labelkit wrote it
    suites = [each.get("name") for each in root.iter("testsuite")]
    assert "pandas/few" in suites
    assert "joined lineage" in suites
    assert "pandas/few" in markdown.read_text()
    assert "pandas/few" in html.read_text()
    kept = made.root / ".labelkit" / "runs" / document["run"] / "report.html"
    assert kept.read_text() == html.read_text()


@pytest.mark.slow
def test_annotations_name_the_file_of_the_suite(made: Made) -> None:
    """GitHub shows a failure beside the suite that found it."""
    write_suite(made.root / "expectations" / "pandas" / "few.json", check(COUNT, max_value=3), name="few")
    shown = printed(made, "validate", "--github", code=1)
    assert "::error file=expectations/pandas/few.json,title=pandas/few%3A" in shown


def test_the_page_shows_sets_of_classes(passing: Made) -> None:
    """Shares are of the sets that records have; they add up to all records."""
    background = whole(passing).background()
    assert sum(count for _, count in background.shares) == 120
    assert {"python", "sql", "(none of the classes)"} <= dict(background.shares).keys()
    assert sum(background.confidences) == sum(
        1 for row in labels(passing).to_pylist() for name in ("python", "pandas", "sql") if row[f"p_{name}"] is not None
    )


def test_the_report_of_a_class_is_said_where_it_is(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    """The path that `validate --class` prints leads to its report."""
    assert group(["validate", "--class", "sql", "--project", str(made.root)], standalone_mode=False) == 0
    path = capfd.readouterr().err.strip().removeprefix("labelkit: the report is ")
    assert path.startswith(".labelkit/classes/sql/runs/")
    assert (made.root / path).is_file()


def test_verify_only(made: Made) -> None:
    """`--verify-only` looks at the whole and at every class, and judges nothing."""
    assert printed(made, "validate", "--verify-only").startswith("verified: labels.parquet passed on ")
    (made.root / ".labelkit" / "classes" / "pandas" / "verdict.json").unlink()
    assert printed(made, "validate", "--verify-only", code=1) == (
        'not verified: class "pandas": labels.parquet has not been validated; run `labelkit validate`\n'
    )


@pytest.mark.parametrize("option", [("--engine", "spark"), ("--master", "local[2]"), ("--remote", "sc://host")])
def test_spark_is_for_one_class(passing: Made, option: tuple[str, str]) -> None:
    """The whole is judged on this machine."""
    with pytest.raises(UsageError) as caught:
        printed(passing, "validate", *option)
    assert str(caught.value) == f"{option[0]} is for one class; name it with --class"


# The run


def test_the_run_stands_on_those_of_the_classes(passing: Made) -> None:
    """Its record names the labels of every class, the suites, and the checks and the run that it stands on."""
    project = whole(passing)
    run = project.run(project.background().run).run
    assert run.verb == "validate"
    assert set(run.inputs["labels_of_classes"]) == {"python", "pandas", "sql"}
    assert "sql/shares.json" in run.inputs["suites"]
    checks = {one.background().run for one in project.values()}
    assert checks | {project.run().run.id} == set(run.parents)


def test_suites_are_recorded_of_the_classes_that_they_are_for(passing: Made) -> None:
    """The run of a class names the suites for all and its own."""
    found = {name: set(one.run(one.background().run).run.inputs["suites"]) for name, one in whole(passing).items()}
    everybody = {"labels.json", "lineage.json", "records.json"}
    assert found == {"python": everybody, "pandas": everybody, "sql": {*everybody, "sql/shares.json"}}


# Training


def test_training_set(made: Made) -> None:
    """Rows of split train of which something is known, with the labels that passed; the run says who got what."""
    table = whole(made).training_set()
    assert table.column_names == [
        *("id", "text", "labels", "undecided", "p_python", "p_pandas", "p_sql", "source", "run")
    ]
    wanted = {row["id"]: row for row in labels(made).to_pylist()}
    assert all(row["labels"] == wanted[row["id"]]["labels"] for row in table.to_pylist())
    train = {row["id"] for row in whole(made).records().to_table().to_pylist() if row["split"] == "train"}
    assert set(table["id"].to_pylist()) == {key for key in train if wanted[key]["source"] != "none"}
    (line, *_) = [line for line in whole(made).runs() if line.record is not None and line.record.verb == "train"]
    assert line.record is not None
    assert line.record.counts["records"] == table.num_rows
    assert line.record.counts["labels"]["sql"] == sum("sql" in names for names in table["labels"].to_pylist())
    assert set(whole(made).training_set("test")["id"].to_pylist()) == wanted.keys() - train


def test_training_waits_for_every_class(made: Made) -> None:
    """A class that has not passed holds all of it back."""
    (made.root / ".labelkit" / "classes" / "pandas" / "verdict.json").unlink()
    with pytest.raises(AnswerIsNo) as caught:
        whole(made).training_set()
    assert str(caught.value) == 'class "pandas": labels.parquet has not been validated; run `labelkit validate`'


@pytest.mark.parametrize("change", [other_label, shorter])
def test_training_on_another_file_is_refused(made: Made, change: Callable[[pa.Table], pa.Table]) -> None:
    """Rows come out of the file that passed and of no other."""
    written_again(made, change(labels(made)))
    with pytest.raises(AnswerIsNo, match=r"^labels\.parquet is not the file that was validated"):
        whole(made).training_set()


def test_training_on_a_file_that_was_there_for_a_moment(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is what must have passed, also where the file that passed is back when that is looked at."""
    path, good = made.root / "labels.parquet", (made.root / "labels.parquet").read_bytes()

    def put_back(project: ProjectFolder, **given: Any) -> Verification:
        write_bytes(path, good)
        return verify_all(project, **given)

    written_again(made, other_label(labels(made)))
    monkeypatch.setattr("labelkit.pipeline.multilabel.training.verify_all", put_back)
    with pytest.raises(AnswerIsNo, match=r"^labels\.parquet was replaced in this moment; ask again$"):
        whole(made).training_set()
    assert whole(made).training_set().num_rows > 0


def test_an_export_of_a_file_that_came_in_this_moment(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes out for training is the very file that passed, though another one of a run came after the look."""

    def replaced(project: ProjectFolder, **given: Any) -> Verification:
        found = verify_all(project, **given)
        whole(made).apply()
        return found

    whole(made).answer("q3", ["sql"], annotator="ana")
    monkeypatch.setattr("labelkit.pipeline.multilabel.validate.verify_all", replaced)
    with pytest.raises(AnswerIsNo, match=r"^labels\.parquet was replaced in this moment; export again$"):
        whole(made).export(made.root / "train.jsonl", to="jsonl")
    assert not (made.root / "train.jsonl").exists()


@pytest.mark.parametrize("name", ["labels", "p_sql", "source"])
def test_a_field_called_like_a_column_of_labels_is_not_lost(made: Made, name: str) -> None:
    """Neither stands in the place of the other."""
    lines = (made.root / "questions.csv").read_text().splitlines()
    made.write("questions.csv", "\n".join(line + ("," + name if not i else ",mine") for i, line in enumerate(lines)))
    made.write("labelkit.toml", (made.root / "labelkit.toml").read_text().replace('["text"]', f'["text", "{name}"]'))
    whole(made).apply()
    whole(made).validate().raise_if_failed()
    rows = whole(made).training_set()
    assert set(rows.column(f"record_{name}").to_pylist()) == {"mine"}
    assert "mine" not in rows.column(name).to_pylist()


@pytest.mark.slow
def test_records_of_which_nothing_is_known_are_no_training_data(made: Made) -> None:
    """They are left out; one whose class is undecided stays, and says so."""
    for name in ("python", "pandas", "sql"):
        functions = made.root / "labeling_functions" / name / "words.py"
        functions.write_text(functions.read_text().replace("else NO", "else lk.ABSTAIN"))
    (made.root / "expectations" / "sql" / "shares.json").unlink()
    project = whole(made)
    report = project.apply()
    project.validate().raise_if_failed()
    table = project.training_set()
    nothing = {row["id"] for row in labels(made).to_pylist() if row["labels"] is None}
    assert report.labelled == 120 - len(nothing)
    assert nothing
    assert not nothing & set(table["id"].to_pylist())
    assert any(row["undecided"] for row in table.to_pylist())


# Suites that are written


@pytest.mark.slow
def test_suites_are_guessed_for_every_class(made: Made) -> None:
    """Suites from the records pass for each class, whatever gold says of it; for one class none are guessed."""
    with pytest.raises(LabelkitError, match="leave --class out"):
        printed(made, "validate", "--infer", "--class", "sql")
    assert printed(made, "validate", "--infer").split() == [
        "expectations/inferred_records.json",
        "expectations/inferred_fields.json",
        "reference.json",
    ]
    toml = (made.root / "labelkit.toml").read_text()
    made.write("labelkit.toml", toml.replace('gold = "tags"', 'gold = "tags"\nreference = "reference.json"'))
    whole(made).apply()
    verdict = whole(made).validate()
    assert verdict.passed, str(verdict)
    assert {"python/inferred fields", "sql/inferred records"} <= {outcome.suite for outcome in verdict.outcomes}


@pytest.mark.slow
def test_init_around_a_file_of_several_classes(made: Made, tmp_path: Path) -> None:
    """`init --multilabel` makes a project that runs: classes from gold, a function for each, suites for no and yes."""
    rows = questions(60, seed=6)
    data = made.root / "semicolons.csv"
    write_csv(data, [{**row, "tags": row["tags"].replace("[]", "").replace(",", ";")} for row in rows])
    new = Made(tmp_path / "new")
    options = ["--data", str(data), "--gold", "tags", "--multilabel"]
    assert group(["init", str(new.root), *options], standalone_mode=False) == 0
    project = lk.MultilabelProject(new.root)
    assert list(project) == ["pandas", "python", "sql"]
    assert project.folder.settings.data.separator == ";"
    for name in project:
        functions = (made.root / "labeling_functions" / name / "words.py").read_text()
        new.write(f"labeling_functions/{name}/first.py", functions)
    project.apply()
    assert project.validate().passed


@pytest.mark.slow
def test_augmented_records_have_all_labels_of_their_parents(made: Made) -> None:
    """`augment` is of the records, which the classes share; new ones stand behind the others in the training set."""
    made.write("transformations/longer.py", LONGER)
    project = whole(made)
    report = project.augment()
    project.validate().raise_if_failed()
    plain, table = project.training_set(), project.training_set(augmented=report.file)
    assert table.num_rows == plain.num_rows + report.records
    rows = {row["id"]: row for row in table.to_pylist()}
    new = [row for row in rows.values() if row["augmented_from"] is not None]
    assert len(new) == report.records > 0
    for row in new:
        parent = rows[row["augmented_from"]]
        assert row["text"] == parent["text"] + " indeed"
        assert (row["labels"], row["p_sql"]) == (parent["labels"], parent["p_sql"])
