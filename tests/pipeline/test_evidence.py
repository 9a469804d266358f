"""What a real project says for its suites: earlier runs, people, metadata, the reference."""

from __future__ import annotations

import json
from typing import Any

import pyarrow.compute as pc
import pytest

from labelkit.errors import ArtifactError, DataError
from labelkit.label_models import read_labels
from labelkit.pipeline.current import current_run
from labelkit.pipeline.evidence import evidence_of, run_behind
from labelkit.records import open_records
from labelkit.validation import Evidence, fact_tables
from projects import FUNCTIONS, Made, MakeProject, comments


def evidence(made: Made) -> Evidence:
    """What the project's suites would judge."""
    folder = made.project.folder
    labels, records = read_labels(folder.labels_path), open_records(folder)
    return evidence_of(folder, labels, "", records, records.fingerprint(), run_behind(folder, labels))


def column(made: Made, table: str, name: str) -> list[Any]:
    """One column of one table."""
    return list(fact_tables(evidence(made), {table: [name]})[table].column(name).to_pylist())


def test_flips_are_those_since_the_last_apply_of_other_functions(make_project: MakeProject) -> None:
    """The first run has none before it; functions turned round turn every label round."""
    made = make_project()
    made.project.apply()
    assert set(column(made, "labels", "flipped")) == {None}
    before = {row["id"]: row["label"] for row in made.project.labels().to_pylist()}
    made.write("labeling_functions/first.py", FUNCTIONS.replace("HAM, SPAM = 0, 1", "HAM, SPAM = 1, 0"))
    made.project.apply()
    now = made.project.labels().to_pylist()
    expected = [
        None if before[row["id"]] is None or row["label"] is None else int(row["label"] != before[row["id"]])
        for row in now
    ]
    assert column(made, "labels", "flipped") == expected
    assert sum(flipped or 0 for flipped in expected) > 20


def test_the_model_is_asked_without_the_answers(make_project: MakeProject) -> None:
    """An answer replaces the label in the file; what the model said is told all the same."""
    made = make_project()
    made.project.apply()
    model = made.project.labels().filter(pc.equal(made.project.labels().column("source"), "model")).slice(0, 5)
    for row in model.to_pylist():
        made.project.answer(row["id"], "ham" if row["label"] == "spam" else "spam", annotator="ana")
    made.project.apply()
    found = fact_tables(evidence(made))
    assert found["annotators"].select(["annotator", "labels"]).to_pylist() == [{"annotator": "ana", "labels": 5}]
    run = found["runs"].to_pylist()[0]
    assert (run["answers_compared"], run["annotators"], run["annotator_alpha"]) == (5, 1, None)
    model_says = current_run(made.project.folder).posterior.to_labels().column("label").to_pylist()
    assert found["labels"].column("model_label").to_pylist() == model_says
    said = [
        model_says[i] == human for i, human in enumerate(found["labels"].column("human_label").to_pylist()) if human
    ]
    assert run["model_accuracy"] == sum(said) / 5
    assert sum(found["labels"].column("contradicts_people").to_pylist()) == 0


def test_metadata_is_judged_and_never_labelled_by(make_project: MakeProject) -> None:
    """A column under [data] metadata is in the tables of records and fields, and no function sees it."""
    rows = [{**row, "source": "web" if row["gold"] == "ham" else "mail"} for row in comments(200, seed=3)]
    made = make_project(rows=rows, toml='metadata = ["source"]\n')
    report = made.project.apply()
    assert report.fault_count == 0
    found = evidence(made)
    assert found.records.column_names == ["id", "text", "gold", "split", "source"]
    fields = {row["field"]: row for row in fact_tables(found, {"fields": []})["fields"].to_pylist()}
    assert fields["source"]["role"] == "metadata"
    assert fields["source"]["label_shift"] > 0.5
    missing = make_project(toml='metadata = ["sauce"]\n', folder="other")
    missing.project.apply()
    with pytest.raises(DataError, match='no column "sauce"; columns are'):
        evidence(missing)


def test_a_reference_that_is_not_there_is_refused(make_project: MakeProject) -> None:
    """A gate without its reference would check nothing."""
    made = make_project(toml='reference = "reference.json"\n')
    made.project.apply()
    made.write(
        "expectations/fields.json",
        json.dumps(
            {
                "name": "fields",
                "meta": {"labelkit": {"table": "fields"}},
                "expectations": [
                    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "psi", "max_value": 0.2}}
                ],
            }
        ),
    )
    with pytest.raises(ArtifactError) as caught:
        made.project.validate()
    assert str(caught.value) == (
        "reference.json: no such file; write a reference profile with `labelkit validate --infer`"
    )


def test_votes_that_are_gone_leave_the_facts_null(make_project: MakeProject) -> None:
    """A run without its model cannot say what it said; the gate calls it vacuous, nothing crashes."""
    made = make_project()
    run = made.project.apply().run
    (made.root / ".labelkit" / "runs" / run / "model.npz").unlink()
    assert set(column(made, "labels", "model_label")) == {None}
