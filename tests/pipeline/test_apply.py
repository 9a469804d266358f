"""`apply` on small projects: what it publishes, what it records, what it refuses."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from labelkit.errors import AnswerError, ConfigError, DataError, FunctionError, ProjectBusyError
from labelkit.label_models import load_model
from labelkit.lineage import RunStore, hash_file
from labelkit.locks import project_lock
from projects import FUNCTIONS, MakeProject, comments, write_csv


def test_every_record_gets_a_row_in_record_order(make_project: MakeProject) -> None:
    """labels.parquet has one row per record, in the order of the records, with the documented columns."""
    made = make_project()
    made.project.apply()
    labels = pq.read_table(made.root / "labels.parquet")
    assert labels.column_names == ["id", "label", "confidence", "p_ham", "p_spam", "source", "run"]
    assert labels.column("id").to_pylist() == [row["id"] for row in comments(200, seed=3)]


def test_labels_are_mostly_right(make_project: MakeProject) -> None:
    """On records whose words tell their class, the labels agree with gold far more often than chance."""
    report = make_project().project.apply()
    assert [item.name for item in report.agreements] == ["majority vote", "label model (snorkel)"]
    assert all(item.accuracy > 0.85 for item in report.agreements)


def test_a_record_without_votes_says_so(make_project: MakeProject) -> None:
    """A record on which nobody voted has no label, no probabilities and source none."""
    rows = [*comments(60, seed=1), {"id": "x", "text": "nothing to see", "gold": "ham", "split": "train"}]
    made = make_project(rows=rows)
    report = made.project.apply()
    last = pq.read_table(made.root / "labels.parquet").to_pylist()[-1]
    assert (last["label"], last["confidence"], last["p_ham"], last["p_spam"], last["source"]) == (
        None, None, None, None, "none",
    )  # fmt: skip
    assert report.uncovered >= 1


def test_dev_records_stay_out_of_every_accuracy(make_project: MakeProject) -> None:
    """Records that were looked at while functions were written are not counted where accuracy is measured."""
    rows = comments(200, seed=3)
    report = make_project(rows=rows).project.apply()
    outside = sum(row["split"] != "dev" for row in rows)
    assert all(item.records <= outside for item in report.agreements)
    assert all((row.correct or 0) + (row.incorrect or 0) <= outside for row in report.summary)


def test_the_run_says_what_went_in_and_what_came_out(make_project: MakeProject) -> None:
    """run.json names data, functions, parameters, versions and the hash of every output."""
    made = make_project()
    report = made.project.apply()
    folder = made.root / ".labelkit" / "runs" / report.run
    run = json.loads((folder / "run.json").read_text())
    assert {path.name for path in folder.iterdir()} == {"run.json", *run["outputs"]}
    assert {name: hash_file(folder / name) for name in run["outputs"]} == run["outputs"]
    assert set(run["inputs"]["functions"]) == {"begs", "sings", "money", "music", "place"}
    assert set(run["inputs"]["files"]) == {"first.py"}
    assert set(run["outputs"]) == {"labels.parquet", "votes.arrow", "model.json", "model.npz", "rules.json"}
    assert run["counts"]["records"] == 200
    assert run["parameters"]["seed"] == 0
    assert run["versions"]["snorkel"]


def test_the_run_holds_nothing_of_a_record(make_project: MakeProject) -> None:
    """No text of a record gets into the run record."""
    made = make_project()
    report = made.project.apply()
    text = (made.root / ".labelkit" / "runs" / report.run / "run.json").read_text()
    assert not any(row["text"] in text or '"' + row["id"] + '"' in text for row in comments(200, seed=3))


def test_the_same_inputs_give_the_same_run_and_the_same_bytes(make_project: MakeProject) -> None:
    """Applying twice, in two folders, gives one run id and one sequence of bytes."""
    first, second = make_project(folder="one"), make_project(folder="two")
    runs = [made.project.apply().run for made in (first, second, first)]
    assert len(set(runs)) == 1
    assert (first.root / "labels.parquet").read_bytes() == (second.root / "labels.parquet").read_bytes()


@pytest.mark.parametrize("change", ["data", "functions", "seed", "model", "answer"])
def test_whatever_decides_the_labels_changes_the_run(make_project: MakeProject, change: str) -> None:
    """A change of data, functions, seed, model or answers is another run."""
    made = make_project()
    before = made.project.apply().run
    if change == "data":
        write_csv(made.root / "data" / "comments.csv", comments(201, seed=3))
    elif change == "functions":
        made.write("labeling_functions/first.py", FUNCTIONS + "\n# a comment\n")
    elif change == "answer":
        made.project.answer("c30", "spam", annotator="ana")
    else:
        setting = "seed = 8" if change == "seed" else 'name = "majority"'
        made.write("labelkit.toml", (made.root / "labelkit.toml").read_text() + f"[model]\n{setting}\n")
    assert made.project.apply().run != before


def test_the_saved_model_gives_the_published_probabilities(make_project: MakeProject) -> None:
    """The model in the run folder, read back, reproduces labels.parquet exactly."""
    made = make_project()
    report = made.project.apply()
    posterior = load_model(RunStore(made.root / ".labelkit" / "runs").path(report.run)).predict_proba(
        made.project.votes()
    )
    labels = made.project.labels()
    published = np.column_stack([labels.column("p_ham").to_numpy(), labels.column("p_spam").to_numpy()])
    assert np.array_equal(posterior.probs[posterior.covered], published[posterior.covered])


def test_an_answer_settles_its_record_and_informs_the_model(make_project: MakeProject) -> None:
    """People's answers become labels with confidence 1, and move the model's other probabilities."""
    made = make_project()
    made.project.apply()
    before = made.project.labels()
    rows = [row for row in comments(200, seed=3) if row["split"] == "train"][:40]
    for row in rows:
        made.project.answer(row["id"], "spam" if row["gold"] == "spam" else "ham", annotator="ana")
    report = made.project.apply()
    after = {row["id"]: row for row in made.project.labels().to_pylist()}
    assert report.answered == 40
    assert all(after[row["id"]]["source"] == "human" and after[row["id"]]["confidence"] == 1.0 for row in rows)
    assert all(after[row["id"]]["label"] == row["gold"] for row in rows)
    others = [row for row in before.to_pylist() if after[row["id"]]["source"] == "model"]
    assert any(row["p_spam"] != after[row["id"]]["p_spam"] for row in others)


def test_answered_records_stay_out_of_the_accuracy(make_project: MakeProject) -> None:
    """Accuracy is measured on records that nobody was asked about."""
    made = make_project()
    before = made.project.apply().agreements[0].records
    covered = set(made.project.labels().filter(pc_equal(made, "model")).column("id").to_pylist())
    asked = [row for row in comments(200, seed=3) if row["split"] == "train" and row["id"] in covered][:10]
    for row in asked:
        made.project.answer(row["id"], row["gold"], annotator="ana")
    report = made.project.apply()
    assert report.agreements[0].records == before - 10
    assert "nobody was asked about" in report.basis


def pc_equal(made: object, source: str) -> object:
    import pyarrow.compute as pc

    return pc.field("source") == source


def test_without_gold_answers_are_the_yardstick(make_project: MakeProject) -> None:
    """A project without gold compares functions and models with people's answers."""
    made = make_project(gold=False)
    assert made.project.apply().agreements == ()
    for row in comments(200, seed=3)[:30]:
        made.project.answer(row["id"], row["gold"], annotator="ana")
    report = made.project.apply()
    assert report.basis == "answers of people (30)"
    assert any(row.accuracy is not None for row in report.summary)


def test_faults_are_counted_and_the_labels_published(make_project: MakeProject) -> None:
    """A crashing function costs its own cells: labels come out, the report says exit 1."""
    made = make_project(
        functions=FUNCTIONS + "\n@lk.labeling_function()\ndef broken(x):\n    return HAM if x.gold else -1\n"
    )
    report = made.project.apply()
    assert report.exit_code == 1
    assert len(report.faults) == 200
    assert {fault.function for fault in report.faults} == {"broken"}
    assert 'sees only "text", not "gold"' in report.faults[0].message
    assert (made.root / "labels.parquet").exists()


def test_max_faults_is_a_limit(make_project: MakeProject) -> None:
    """Faults up to the limit are accepted."""
    made = make_project(
        functions=FUNCTIONS + '\n@lk.labeling_function()\ndef picky(x):\n    return -1 if x.text < "s" else 1 / 0\n'
    )
    faults = len(made.project.apply().faults)
    assert faults > 0
    assert made.project.apply(max_faults=faults).exit_code == 0
    assert made.project.apply(max_faults=faults - 1).exit_code == 1


def test_two_functions_fall_back_to_majority_vote_and_say_so(make_project: MakeProject) -> None:
    """Where Snorkel's model is undefined, majority vote is used with a plain warning."""
    functions = "\n".join(FUNCTIONS.split("money")[0].splitlines())
    report = make_project(functions=functions).project.apply()
    (note,) = report.notes
    assert note == (
        "Snorkel's label model is undefined here: it needs at least 3 labeling functions, there are 2; "
        "majority vote was used instead"
    )


def test_no_records_is_an_error_and_old_labels_stay(make_project: MakeProject) -> None:
    """An empty file is refused, and the labels of the last run stay as they were."""
    made = make_project()
    made.project.apply()
    before = (made.root / "labels.parquet").read_bytes()
    made.write("data/comments.csv", "id,text,gold,split\n")
    with pytest.raises(DataError, match=r"comments\.csv: no records in it"):
        made.project.apply()
    assert (made.root / "labels.parquet").read_bytes() == before


def test_gold_that_is_no_class_is_named(make_project: MakeProject) -> None:
    """A gold value that is no class names its row and the classes."""
    rows = comments(20, seed=1)
    rows[4]["gold"] = "spma"
    with pytest.raises(DataError) as caught:
        make_project(rows=rows).project.apply()
    assert str(caught.value) == ('comments.csv: row 6, column "gold": \'spma\' is no class; classes are "ham", "spam"')


def test_an_answer_for_a_class_that_is_gone_loses_nothing(make_project: MakeProject) -> None:
    """When a class with answers disappears from labelkit.toml, apply says which and touches nothing."""
    made = make_project()
    made.project.answer("c30", "spam", annotator="ana")
    toml = (made.root / "labelkit.toml").read_text()
    made.write("labelkit.toml", toml.replace('["ham", "spam"]', '["ham", "junk"]'))
    made.write("labeling_functions/first.py", FUNCTIONS.replace('"spam"', '"junk"'))
    with pytest.raises(AnswerError, match='people answered "spam", which'):
        made.project.answers()


def test_a_field_that_is_not_there_is_named(make_project: MakeProject) -> None:
    """A field that the data does not have is refused with the columns there are."""
    made = make_project(toml='encoding = "utf-8"\n')
    toml = (made.root / "labelkit.toml").read_text()
    made.write("labelkit.toml", toml.replace('fields = ["text"]', 'fields = ["txt"]'))
    with pytest.raises(DataError) as caught:
        made.project.apply()
    assert str(caught.value) == 'comments.csv: no column "txt"; columns are "id", "text", "gold", "split"'


def test_functions_that_do_not_load_are_named_with_their_line(make_project: MakeProject) -> None:
    """A syntax error names file and line."""
    made = make_project(functions="import labelkit as lk\n\ndef broken(:\n")
    with pytest.raises(FunctionError, match=r"labeling_functions/first.py:3: "):
        made.project.apply()


def test_a_second_writer_is_told_who_is_busy(make_project: MakeProject) -> None:
    """While another process writes, apply stops at once and names it. (POSIX locks belong to processes: ask one.)"""
    made = make_project()
    with project_lock(made.root / ".labelkit" / "lock", "apply"):
        done = made.run("apply", code=4)
    assert "the project is busy: labelkit apply (pid " in done.stderr
    assert issubclass(ProjectBusyError, Exception)


def test_outside_a_project_the_way_in_is_named(tmp_path: Path) -> None:
    """Without a labelkit.toml the message says how to start."""
    import labelkit as lk

    with pytest.raises(ConfigError, match="start a project with `labelkit init`"):
        lk.Project(tmp_path)


def test_a_model_of_rows_learns_from_a_sample_where_rows_are_too_many(make_project: MakeProject) -> None:
    """Seventeen functions that vote like dice make more distinct rows than are kept; the model still learns."""
    dice = "".join(
        f"""
@lk.batch_labeling_function()
def dice_{i}(x):
    return np.array([(zlib.crc32(f"{{text}}{i}".encode()) % 3) - 1 for text in x["text"]])
"""
        for i in range(17)
    )
    rows = [{"id": f"r{i}", "text": f"t{i}", "gold": "ham", "split": "train"} for i in range(70_000)]
    functions = "import zlib\nimport numpy as np\nimport labelkit as lk\n" + dice
    made = make_project(rows=rows, functions=functions, toml='[model]\nname = "dawid_skene"\n')
    report = made.project.apply()
    assert report.records == 70_000
    assert sum(report.class_totals.values()) == 70_000 - report.uncovered


def test_the_sample_is_seeded_and_in_record_order(tmp_path: Path) -> None:
    """The same seed draws the same records, without replacement, as they come."""
    from labelkit.matrix import LabelMatrix, VotesFile
    from labelkit.pipeline.casting import sampled

    with (tmp_path / "votes.arrow").open("wb") as file:
        LabelMatrix.from_rows(np.arange(150_000).reshape(-1, 1) % 2).write(file)
    votes = VotesFile(tmp_path / "votes.arrow")
    one, two, other = (sampled(votes, 150_000, seed, limit=1000) for seed in (1, 1, 2))
    ids = [int(record) for record in one.ids.to_pylist()]
    assert ids == sorted(set(ids))
    assert len(ids) == 1000
    assert np.array_equal(one.votes[:, 0], np.array(ids) % 2)
    assert one.ids.equals(two.ids)
    assert not one.ids.equals(other.ids)


def test_records_may_come_from_a_database(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A .sql file and a database give the same labels and the same data fingerprint as a file with the same rows."""
    import sqlite3

    from_file, from_query = make_project(folder="file"), make_project(folder="query")
    rows = comments(200, seed=3)
    with contextlib.closing(sqlite3.connect(from_query.root / "comments.db")) as database, database:
        database.execute("CREATE TABLE comment (id TEXT, text TEXT, gold TEXT, split TEXT)")
        database.executemany("INSERT INTO comment VALUES (:id, :text, :gold, :split)", rows)
    from_query.write("data/comments.sql", "SELECT * FROM comment ORDER BY rowid")
    toml = (from_query.root / "labelkit.toml").read_text()
    from_query.write(
        "labelkit.toml", toml.replace('"data/comments.csv"', '"data/comments.sql"\nurl = "sqlite:///comments.db"')
    )
    monkeypatch.chdir(tmp_path)  # a relative database lies in the project
    assert from_file.project.apply().run == from_query.project.apply().run
    assert from_file.project.labels().equals(from_query.project.labels())


@pytest.mark.parametrize("path", ["data/comments.sql", "data/comments.csv"])
def test_a_query_and_a_database_go_together(make_project: MakeProject, path: str) -> None:
    """One without the other is refused."""
    made = make_project()
    toml = (made.root / "labelkit.toml").read_text().replace("data/comments.csv", path)
    made.write("labelkit.toml", toml if path.endswith("sql") else toml + 'url = "sqlite:///x.db"\n')
    with pytest.raises(ConfigError, match=r"\[data\]: path = a \.sql file and url = the database it asks go together"):
        made.project.apply()
