"""`labelkit export` and `labelkit import` in real projects."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import click
import pyarrow.parquet as pq
import pytest

from applied_projects import applied
from labelkit.errors import AnswerError, AnswerIsNo, DataError, UsageError
from labelkit.exchange import FORMATS
from labelkit.files import timestamp
from labelkit.pipeline.truth import store_of
from projects import FUNCTIONS, Made, MakeProject, printed


@pytest.fixture
def made(make_project: MakeProject) -> Made:
    """A project with labels and two people's answers."""
    made = applied(make_project, FUNCTIONS)
    ids = made.project.records().to_table().column(0).to_pylist()
    made.project.answer(ids[0], "spam", annotator="ana", operation="op-1")
    made.project.answer(ids[0], "ham", annotator="ben", operation="op-2")
    made.project.answer(ids[1], None, annotator="ana", operation="op-3")
    return made


def ids_of(made: Made) -> list[str]:
    """Record ids in record order."""
    return list(made.project.records().to_table().column(0).to_pylist())


def test_training_formats_wait_for_the_gate(made: Made, tmp_path: Path) -> None:
    """A file for training is written only of labels that passed, or when somebody insists; the run says so."""
    with pytest.raises(AnswerIsNo, match=r"for training, and the labels have not passed the gate.*--unchecked"):
        made.project.export(tmp_path / "out.csv", to="csv")
    assert not (tmp_path / "out.csv").exists()
    report = made.project.export(tmp_path / "out.csv", to="csv", unchecked=True)
    assert made.project.run(report.run).run.parameters["unchecked"] is True


def test_what_was_exported_is_imported_once(made: Made, make_project: MakeProject, tmp_path: Path) -> None:
    """Answers go to Label Studio's format and into another project, where the same file again changes nothing."""
    made.project.export(tmp_path / "tasks.json", to="label-studio")
    other = make_project(folder="other")
    for stored in (2, 2):
        report = other.project.import_answers(tmp_path / "tasks.json", source="label-studio", annotator="somebody")
        assert report.answers is not None
        assert (report.answers.labelled, report.answers.skipped) == (stored, 1)
    assert other.project.answers() == made.project.answers()


@pytest.mark.parametrize("source", ["label-studio", "prodigy", "argilla", "jsonl"])
def test_every_tool_brings_answers_back(source: str, made: Made, make_project: MakeProject, tmp_path: Path) -> None:
    """Who said what survives the way through each tool's format."""
    endings = {"label-studio": ".json", "argilla": ".json"}
    path = tmp_path / f"file{endings.get(source, '.jsonl')}"
    made.project.export(path, to=source, unchecked=True)
    other = make_project(folder="other")
    other.project.import_answers(path, source=source, annotator="somebody")
    assert other.project.answers() == made.project.answers()


def test_answers_that_come_home_are_there_already(made: Made, tmp_path: Path) -> None:
    """Label Studio forgets who skipped and names who took the tasks in: the same act is stored once all the same."""
    made.project.export(tmp_path / "tasks.json", to="label-studio")
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    for task in tasks:
        for annotation in task["annotations"]:
            annotation["completed_by"] = 1
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    before = store_of(made.project.folder).history()
    made.project.import_answers(tmp_path / "tasks.json", source="label-studio", annotator="cem")
    assert store_of(made.project.folder).history() == before


def test_answers_keep_the_time_at_which_they_were_given(made: Made, make_project: MakeProject, tmp_path: Path) -> None:
    """A tool's time is kept, in UTC; one that is none is counted, and the answer has the time of the import."""
    first, second, *_ = ids_of(made)
    times = {first: "2020-01-02T03:04:05+01:00", second: "03:04"}
    tasks = [
        {"data": {"id": key}, "annotations": [{"created_at": time, "completed_by": 5, "result": [
            {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["spam"]}}]}]}
        for key, time in times.items()
    ]  # fmt: skip
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    other, before = make_project(folder="other"), timestamp()
    report = other.project.import_answers(tmp_path / "tasks.json", source="label-studio", annotator="ana")
    assert dict(report.losses.counts) == {"times of answers": 1}
    given, imported = store_of(other.project.folder).history()
    assert given.time == "2020-01-02T02:04:05.000Z"
    assert imported.time >= before


def test_records_without_ids_are_found_by_their_text(made: Made, tmp_path: Path) -> None:
    """fastText knows no ids: a text that only one record has names it, another one names none."""
    texts = made.project.records().to_table().column("text").to_pylist()
    (tmp_path / "lines.txt").write_text(f"__label__spam {texts[2]}\n")
    with pytest.raises(AnswerError, match=r"lines.txt: line 1: the file names no record; say with --by which field"):
        made.project.import_answers(tmp_path / "lines.txt", source="fasttext", annotator="cem")
    made.project.import_answers(tmp_path / "lines.txt", source="fasttext", annotator="cem", by="text")
    assert made.project.answers()[ids_of(made)[2]] == "spam"
    (tmp_path / "lines.txt").write_text("__label__spam never seen\n")
    with pytest.raises(AnswerError, match=r'line 1: no records have this text in field "text"'):
        made.project.import_answers(tmp_path / "lines.txt", source="fasttext", annotator="cem", by="text")


def test_a_file_with_one_bad_answer_stores_nothing(made: Made, tmp_path: Path) -> None:
    """All answers or none; each problem is named with its place and the nearest class."""
    first, second, *_ = ids_of(made)
    lines = [
        {"text": "x", "accept": ["spam"], "answer": "accept", "meta": {"id": first}},
        {"text": "y", "accept": ["spamm"], "answer": "accept", "meta": {"id": second}},
        {"text": "z", "accept": ["ham"], "answer": "accept", "meta": {"id": "nobody"}},
    ]
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    before = made.project.answers()
    with pytest.raises(AnswerError) as refused:
        made.project.import_answers(path, source="prodigy", annotator="cem")
    assert str(refused.value).splitlines() == [
        'answers.jsonl: line 2: no class "spamm"; did you mean "spam"?',
        'answers.jsonl: line 3: no record has the id "nobody"; say with --by which field tells records apart',
    ]
    assert made.project.answers() == before


def test_formulas_are_disarmed_for_spreadsheets(make_project: MakeProject, tmp_path: Path) -> None:
    """No cell of text begins like a formula, in whatever column; numbers stay numbers."""
    texts = ["=1+1", "+49 30", "-2", "@SUM(A1)", "\t=1", " =cmd|' /C calc'!A0", "\uff1d1", "fine", "'quoted", "=\n2"]
    rows = [{"id": f"={i}", "text": text} for i, text in enumerate(texts)]
    made = make_project(rows=rows, functions=FUNCTIONS, gold=False)
    made.project.apply()
    report = made.project.export(tmp_path / "out.csv", to="spreadsheet")
    content = (tmp_path / "out.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    cells = [cell for row in csv.reader(content.decode("utf-8-sig").splitlines(keepends=True)) for cell in row]
    assert not [cell for cell in cells if cell.lstrip()[:1] in set("=+-@\t\r\uff1d")]
    assert report.losses.counts["cells that begin like a formula"] == len(texts) + 8


def test_csv_comes_back_as_records(made: Made, tmp_path: Path) -> None:
    """The exact CSV is read by labelkit again, ids and texts unchanged."""
    made.project.export(tmp_path / "out.csv", to="csv", unchecked=True)
    import labelkit as lk

    again = lk.read(tmp_path / "out.csv", columns=["text"]).to_table()
    assert again.to_pylist() == made.project.records().to_table(["text"]).to_pylist()


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".jsonl"])
def test_votes_are_a_long_table(ending: str, made: Made, tmp_path: Path) -> None:
    """One row for each vote, label of the model and answer; what functions abstained from is no row."""
    report = made.project.export(tmp_path / f"votes{ending}", to="votes")
    matrix = made.project.votes()
    model = sum(source == "model" for source in made.project.labels().column("source").to_pylist())
    answered = 1  # of the record with answers the model's label no longer stands
    covered = int(matrix.covered[0])
    assert report.written == int((matrix.votes >= 0).sum()) + model - covered * answered + 3
    if ending == ".parquet":
        table = pq.read_table(tmp_path / "votes.parquet")
        assert table.column_names == ["record", "source", "kind", "version", "vote", "probability", "time"]
        assert {*table.column("kind").to_pylist()} == {"function", "model", "person"}


def test_records_of_another_tool_start_a_project(tmp_path: Path, made: Made) -> None:
    """Without a project the records go to Parquet, agreed labels as gold, votes as columns."""
    made.project.export(tmp_path / "all.jsonl", to="jsonl", unchecked=True)
    out = printed(
        made, "import", str(tmp_path / "all.jsonl"), "--from", "jsonl", "--records", str(tmp_path / "r.parquet")
    )
    assert out.startswith(f"{len(ids_of(made)):,} records written to ")
    table = pq.read_table(tmp_path / "r.parquet")
    assert table.column("id").to_pylist() == ids_of(made)
    assert {"text", "gold", "prediction", "prediction_score"} <= {*table.column_names}


def test_columns_with_names_of_labels_are_renamed(make_project: MakeProject, tmp_path: Path) -> None:
    """A gold column called label is written as record_label, beside the label; a name that is taken is refused."""
    more = 'gold = "label"\nmetadata = ["record_source", "source"]'
    row = {"id": "a", "text": "song", "label": "ham", "source": "web", "record_source": "x"}
    made = make_project(rows=[row], gold=False, toml=more)
    with pytest.raises(UsageError, match='"record_source" would be the name of two columns'):
        made.project.export(tmp_path / "x.parquet", to="parquet", unchecked=True)
    assert not list(tmp_path.glob("*.parquet"))
    made.write("labelkit.toml", (made.root / "labelkit.toml").read_text().replace('"record_source", ', ""))
    made.project.export(tmp_path / "x.parquet", to="parquet", unchecked=True)
    (row,) = pq.read_table(tmp_path / "x.parquet").to_pylist()
    assert (row["record_label"], row["label"], row["record_source"], row["source"]) == ("ham", None, "web", "none")


def test_ids_that_stand_for_several_records_are_refused(tmp_path: Path) -> None:
    """Records for a new project need ids of their own."""
    from labelkit.pipeline.import_records import records_from

    lines: list[dict[str, object]] = [{"text": text, "record_id": "a", "label": []} for text in ("x", "y")]
    (tmp_path / "d.jsonl").write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(DataError, match=r'd.jsonl: 1 ids stand for several records; first "a"'):
        records_from(tmp_path / "d.jsonl", "doccano", tmp_path / "out.parquet")


def test_the_command_line_names_every_format() -> None:
    """Those that can be written under --to, those that can be read under --from."""
    from labelkit.cli.exchange import export, import_

    offered = {name: option.type.choices for command in (export, import_) for option in command.params
               for name in option.opts if isinstance(option.type, click.Choice)}  # fmt: skip
    assert list(offered["--to"]) == list(FORMATS)
    assert list(offered["--from"]) == [name for name, kind in FORMATS.items() if kind.reader]
