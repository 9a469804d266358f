"""What `apply` says of how far its labels can be trusted: reliability, the choice of model, functions to look into."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pyarrow.parquet as pq
import pytest

from labelkit.label_models import CalibrationCounts, load_model
from labelkit.lineage import RunStore
from labelkit.matrix import read_votes
from labelkit.pipeline.apply_report import ApplyReport
from projects import FUNCTIONS, Made, MakeProject, comments, write_csv

CONTRARY = """
wrong = lk.rules.keywords("wrong", ["melody", "chorus", "singer", "album"], field="text", label="spam")
again = lk.rules.pattern("again", r"\\b(visit|channel|subscribed)\\b", field="text", label=SPAM)
"""
AUTO = '[model]\nname = "auto"\n'


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A project without gold whose model answers choose; 120 of its 600 records are answered. Apply it, no more."""
    rows, made = comments(600, seed=3), Made(tmp_path_factory.mktemp("answered"))
    write_csv(made.root / "data" / "comments.csv", [{"id": row["id"], "text": row["text"]} for row in rows])
    project = '[project]\nname = "comments"\nclasses = ["ham", "spam"]\n'
    made.write("labelkit.toml", f'{project}[data]\npath = "data/comments.csv"\nfields = ["text"]\n{AUTO}')
    made.write("labeling_functions/first.py", FUNCTIONS + CONTRARY)
    for row in rows[:120]:
        made.project.answer(row["id"], row["gold"], annotator="ana")
    return made


@pytest.fixture(scope="module")
def report(answered: Made) -> ApplyReport:
    """What applying it says."""
    return answered.project.apply()


def run_of(made: Made, run: str) -> dict[str, dict[str, object]]:
    path = made.root / ".labelkit" / "runs" / run / "run.json"
    found: dict[str, dict[str, object]] = json.loads(path.read_text())
    return found


def test_gold_tells_how_reliable_beliefs_are(make_project: MakeProject) -> None:
    """The figures are those of the published probabilities on records with gold outside split dev."""
    made, rows = make_project(), comments(200, seed=3)
    report = made.project.apply()
    labels = pq.read_table(made.root / "labels.parquet").to_pandas()
    usable = np.array([row["split"] != "dev" for row in rows]) & labels["p_ham"].notna().to_numpy()
    truth = np.array([row["gold"] == "spam" for row in rows]).astype(np.int64)
    expected = CalibrationCounts.of(labels[["p_ham", "p_spam"]].to_numpy()[usable], truth[usable]).calibration()
    assert report.calibration is not None
    assert (report.calibration.error, report.calibration.brier) == pytest.approx((expected.error, expected.brier))
    assert [part.records for part in report.calibration.bins] == [part.records for part in expected.bins]
    assert report.calibrated_on == report.basis == "gold outside split dev"


def test_answers_are_held_out_where_they_are_the_yardstick(report: ApplyReport) -> None:
    """What the model learned from is no test of it: accuracy and reliability are cross-validated, and say so."""
    assert report.calibration is not None
    assert report.calibrated_on == "answers of people (120), each held out from the model"
    assert [item.name for item in report.agreements] == ["majority vote", "label model (auto), held out"]
    assert report.agreements[1].accuracy == report.calibration.accuracy
    assert report.agreements[1].records == report.calibration.records <= 120


def test_too_few_answers_are_said_to_be_what_the_model_learned_from(make_project: MakeProject) -> None:
    """With ten answers nothing is held out; the row says that it flatters."""
    made = make_project(gold=False)
    for row in comments(200, seed=3)[:10]:
        made.project.answer(row["id"], row["gold"], annotator="ana")
    report = made.project.apply()
    assert report.calibration is None
    assert report.agreements[1].name == "label model (snorkel), which learned from them"


def test_the_choice_is_reported_recorded_and_stored(answered: Made, report: ApplyReport) -> None:
    """The table that decided is in the report, in the run record and in the model; the model repeats the labels."""
    assert report.choice is not None
    assert len(report.choice.candidates) >= 4
    assert run_of(answered, report.run)["about"]["choice"] == report.choice.to_json() | {
        "candidates": [vars(one) for one in report.choice.candidates]
    }
    folder = RunStore(answered.root / ".labelkit" / "runs").path(report.run)
    model, votes = load_model(folder), read_votes(folder / "votes.arrow")
    labels = pq.read_table(answered.root / "labels.parquet").to_pandas()
    found = labels["source"] == "model"
    probs = model.predict_proba(votes).probs
    assert np.array_equal(labels[["p_ham", "p_spam"]].to_numpy()[found], probs[found.to_numpy()])


def test_run_records_keep_to_their_schema(answered: Made, report: ApplyReport) -> None:
    """With a choice and a calibration in them."""
    from importlib.resources import files

    schema = json.loads(files("labelkit.lineage").joinpath("run.schema.json").read_text())
    jsonschema.validate(run_of(answered, report.run), schema)


def test_functions_to_look_into_are_named(report: ApplyReport) -> None:
    """A near-copy stands in the table; a function worse than chance is warned about, with the way out."""
    remarks = {row.name: row.remark for row in report.summary}
    assert remarks["again"] == "copies place"
    assert remarks["wrong"] == "worse than chance"
    (note,) = [note for note in report.notes if note.startswith("function ")]
    row = next(row for row in report.summary if row.name == "wrong")
    assert row.interval is not None
    assert note == (
        f'function "wrong" is worse than chance: right in {row.correct} of {(row.correct or 0) + (row.incorrect or 0)} '
        f"votes ({row.interval[0]:.0%} to {row.interval[1]:.0%}), where votes at random would be right in "
        f"{row.by_chance:.0%} of them; turn it round, mend it or take it out"
    )


def test_copies_that_a_model_counts_in_full_are_said(make_project: MakeProject) -> None:
    """With the way out; pooled votes count them as one, and nothing needs saying."""
    for model, said in (("snorkel", True), ("pooled", False)):
        made = make_project(functions=FUNCTIONS + CONTRARY, toml=f'[model]\nname = "{model}"\n', folder=model)
        notes = [note for note in made.project.apply().notes if "near-copies" in note]
        expected = (
            "2 functions are near-copies of others (see Remarks), and label model snorkel counts each in full; "
            'keep one of each, or set name = "pooled" under [model], which counts copies as one'
        )
        assert notes == [expected] * int(said)


def test_the_command_prints_what_decided(answered: Made) -> None:
    """Tables on stdout, the reason on stderr, everything in --json."""
    done = answered.run("apply")
    assert '\nmodel = "auto", by ' in done.stdout
    assert "\n> " in done.stdout
    assert "above the chosen" in done.stdout
    assert "\nreliability of the label model's beliefs, by answers of people (120), each held out" in done.stdout
    assert "\nexpected calibration error " in done.stdout
    assert 'labelkit: note: model "auto" ' in done.stderr
    content = json.loads(answered.run("apply", "--json").stdout)
    assert content["choice"]["chosen"] in {one["name"] for one in content["choice"]["candidates"]}
    assert content["calibration"]["records"] == content["choice"]["answers"]
    assert {row["name"] for row in content["functions"] if row["worse"]} == {"wrong"}


def test_without_answers_nobody_has_checked(make_project: MakeProject) -> None:
    """The command says so, prints no table of candidates, and labels all the same; one function will do."""
    functions = FUNCTIONS.split("\n@lk.labeling_function()\ndef sings")[0]
    made = make_project(gold=False, toml=AUTO, functions=functions)
    done = made.run("apply")
    assert "nobody has checked it on these records" in done.stderr
    assert 'model = "auto", by' not in done.stdout
    assert (made.root / "labels.parquet").is_file()


def test_the_same_answers_give_the_same_bytes(answered: Made, report: ApplyReport) -> None:
    """Choosing and scaling draw nothing: applied twice, the labels are the same."""
    content = (answered.root / "labels.parquet").read_bytes()
    (answered.root / "labels.parquet").unlink()
    assert answered.project.apply().run == report.run
    assert Path(answered.root / "labels.parquet").read_bytes() == content
