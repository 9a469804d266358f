"""`labelkit export` and `labelkit import` in a project whose records may have several classes."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import labelkit as lk
from judged_sets import copied, judged_project
from labelkit.annotations.label_sets import set_text
from labelkit.cli.main import labelkit as group
from labelkit.errors import AnswerError, AnswerIsNo, ArtifactError, DataError, UsageError
from labelkit.pipeline.truth import store_of
from projects import Made
from tagged_projects import TOML, tagged_project, whole

GOLDEN = Path(__file__).parent / "golden"
ANSWERS = {
    ("q0", "ana"): ["python", "sql"],
    ("q0", "ben"): ["python"],
    ("q1", "ana"): ["sql"],
    ("q2", "ana"): [],
    ("q3", "ben"): None,
}


@pytest.fixture(scope="module")
def passing(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A project that passed; do not change it."""
    return judged_project(tmp_path_factory.mktemp("passing") / "project")


@pytest.fixture
def made(passing: Made, tmp_path: Path) -> Made:
    """A copy of it, with answers of two people."""
    made = copied(passing, tmp_path / "project")
    for number, ((record, who), labels) in enumerate(ANSWERS.items()):
        whole(made).answer(record, labels, annotator=who, operation=f"op-{number}")
    return made


@pytest.fixture
def other(tmp_path: Path) -> Made:
    """Another project over the same records."""
    return tagged_project(tmp_path / "other")


def shown(made: Made, *arguments: str) -> str:
    """What a command says on stdout and stderr, or the error that ended it, without the ids of runs."""
    done = CliRunner().invoke(group, [*arguments, "--project", str(made.root)], standalone_mode=False)
    said = done.output if done.exception is None else f"{done.exception}\n"
    return re.sub(r"\(run [0-9a-f]+\)", "(run ...)", said)


def stored(made: Made) -> list[tuple[str, str | None, str]]:
    """Record, text and annotator of each entry of the store."""
    return [(entry.record, entry.label, entry.annotator) for entry in store_of(whole(made).folder).history()]


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_reports_as_people_read_them(made: Made, other: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written and read, what was not carried over, and the interface for Label Studio."""
    monkeypatch.chdir(tmp_path)
    said = [shown(made, "export", "tasks.json", "--to", "label-studio")]
    for name in ("doccano.jsonl", "argilla.json", "fasttext.txt", "votes.csv"):
        said += [shown(made, "export", name, "--to", name.split(".")[0], "--unchecked")]
    said += [shown(made, "export", "folder", "--to", "wrench", "--unchecked")]
    said += [shown(other, "import", "tasks.json", "--from", "label-studio", "--annotator", "cem")]
    assert "\n".join(said) == (GOLDEN / "label_sets.txt").read_text()


def test_training_formats_wait_for_the_gate_of_all_classes(passing: Made, made: Made, tmp_path: Path) -> None:
    """Labels that passed are written; when those of one class are other ones, nothing is, and the class is named."""
    whole(passing).export(tmp_path / "out.parquet", to="huggingface")
    assert pq.read_table(tmp_path / "out.parquet").num_rows > 100
    whole(made)["sql"].apply()
    with pytest.raises(AnswerIsNo, match=r'for training, and the labels have not passed the gate: class "sql": labels'):
        whole(made).export(tmp_path / "out.csv", to="csv")
    assert not (tmp_path / "out.csv").exists()


def test_what_passed_is_written_without_later_answers(made: Made, tmp_path: Path) -> None:
    """Files for training hold labels.parquet as it was judged; files for people hold what stands now."""
    joined = {row["id"]: row for row in whole(made).labels().to_pylist()}
    whole(made).export(tmp_path / "judged.parquet", to="parquet")
    for row in pq.read_table(tmp_path / "judged.parquet").to_pylist():
        assert (row["labels"], row["undecided"]) == (joined[row["id"]]["labels"], joined[row["id"]]["undecided"])
    whole(made).export(tmp_path / "now.csv", to="spreadsheet")
    with (tmp_path / "now.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["id"]: (row["labels"], row["settled"], row["source"]) for row in csv.DictReader(file)}
    assert rows["q1"] == ("sql", "python,pandas,sql", "human")
    assert rows["q2"] == ("[]", "python,pandas,sql", "human")
    assert rows["q0"][0] == "python"  # of two people who disagree the later


@pytest.mark.parametrize("source", ["label-studio", "prodigy", "argilla", "jsonl"])
def test_every_tool_brings_sets_back_once(source: str, made: Made, other: Made, tmp_path: Path) -> None:
    """Who chose which classes survives the way through each tool's format; the same file again changes nothing."""
    path = tmp_path / f"file{'.json' if source in ('label-studio', 'argilla') else '.jsonl'}"
    whole(made).export(path, to=source, unchecked=True)
    for _ in range(2):
        whole(other).import_answers(path, source=source, annotator="somebody")
    said = {key: None if labels is None else set_text(labels, list(whole(made))) for key, labels in ANSWERS.items()}
    if source == "label-studio":  # without a choice there is no place for who answered
        said = {(record, who if ANSWERS[record, who] else "somebody"): label for (record, who), label in said.items()}
    if source == "argilla":
        said = {key: label for key, label in said.items() if ANSWERS[key]}  # it knows neither skips nor empty lists
    assert Counter(stored(other)) == Counter((record, label, who) for (record, who), label in said.items())
    if source != "argilla":
        assert whole(other).answers() == whole(made).answers()


@pytest.mark.parametrize(("source", "ending"), [("label-studio", ".json"), ("jsonl", ".jsonl"), ("doccano", ".jsonl")])
def test_the_order_of_classes_makes_no_other_answer(source: str, ending: str, made: Made, tmp_path: Path) -> None:
    """A file that was imported is known again when labelkit.toml names the classes in another order."""
    path = tmp_path / f"file{ending}"
    whole(made).export(path, to=source, unchecked=True)
    whole(made).import_answers(path, source=source, annotator="cem")
    before, toml = stored(made), (made.root / "labelkit.toml").read_text()
    made.write("labelkit.toml", toml.replace('["python", "pandas", "sql"]', '["sql", "python", "pandas"]'))
    whole(made).import_answers(path, source=source, annotator="cem")
    assert stored(made) == before


@pytest.mark.parametrize(("source", "ending"), [("huggingface", ".parquet"), ("spacy", ".spacy"), ("fasttext", ".txt")])
def test_labels_for_training_come_back_as_answers(
    source: str, ending: str, made: Made, other: Made, tmp_path: Path
) -> None:
    """What people settled is an answer again, found by its text where a format has no ids."""
    whole(made).apply()
    whole(made).export(tmp_path / f"file{ending}", to=source, which="human", unchecked=True)
    whole(other).import_answers(tmp_path / f"file{ending}", source=source, annotator="cem", by="text")
    answers = whole(made).answers()
    if source == "fasttext":  # a line begins with its label
        answers = {record: said for record, said in answers.items() if any(said.values())}
    assert whole(other).answers() == answers


def test_formats_of_one_label_take_one_class(made: Made, tmp_path: Path) -> None:
    """WRENCH is refused for all classes at once; one class is a project of yes and no, as in every format."""
    with pytest.raises(UsageError, match=r"a folder of WRENCH holds one label per record.*name one class with --class"):
        whole(made).export(tmp_path / "all", to="wrench", unchecked=True)
    assert not (tmp_path / "all").exists()
    shown(made, "export", str(tmp_path / "sql"), "--to", "wrench", "--unchecked", "--class", "sql")
    assert json.loads((tmp_path / "sql" / "label.json").read_text()) == {"0": "no", "1": "yes"}


def test_answers_about_one_class_alone_are_refused(made: Made, tmp_path: Path) -> None:
    """A file of one class is no answer to the question which of all classes a record has."""
    whole(made)["sql"].export(tmp_path / "sql.json", to="label-studio")
    with pytest.raises(UsageError, match=r'an answer names all classes of a record, not "sql" alone'):
        whole(made)["sql"].import_answers(tmp_path / "sql.json", source="label-studio", annotator="cem")
    with pytest.raises(AnswerError, match=r'no class "(yes|no)"; classes are "python", "pandas", "sql"'):
        whole(made).import_answers(tmp_path / "sql.json", source="label-studio", annotator="cem")


def test_a_set_with_an_unknown_class_stores_nothing(made: Made, tmp_path: Path) -> None:
    """All answers or none; each problem is named with its place."""
    lines = [
        {"text": "x", "label": ["sql"], "record_id": "q5"},
        {"text": "x", "label": ["sql", "pandsa"], "record_id": "q6"},
        {"text": "x", "label": ["sql"], "record_id": "nobody"},
    ]
    (tmp_path / "all.jsonl").write_text("\n".join(map(json.dumps, lines)))
    before = stored(made)
    with pytest.raises(AnswerError) as refused:
        whole(made).import_answers(tmp_path / "all.jsonl", source="doccano", annotator="cem")
    assert str(refused.value).splitlines() == [
        'all.jsonl: line 2: no class "pandsa"; did you mean "pandas"?',
        'all.jsonl: line 3: no record has the id "nobody"; say with --by which field tells records apart',
    ]
    assert stored(made) == before


def test_what_says_nothing_of_any_class_is_refused(made: Made, tmp_path: Path) -> None:
    """Prodigy offered other classes: an empty choice among them is no answer here."""
    line = {"text": "x", "accept": [], "answer": "accept", "options": [{"id": "rust"}], "meta": {"id": "q5"}}
    (tmp_path / "p.jsonl").write_text(json.dumps(line))
    with pytest.raises(AnswerError, match=r"p.jsonl: line 1: the answer says nothing of the project's classes"):
        whole(made).import_answers(tmp_path / "p.jsonl", source="prodigy", annotator="cem")


def test_files_of_the_other_kind_of_project_are_refused(made: Made, passing: Made, tmp_path: Path) -> None:
    """One label per record and several are different questions, and labelkit's own lines say which it was."""
    whole(made)["sql"].export(tmp_path / "one.jsonl", to="jsonl", unchecked=True)
    whole(made).export(tmp_path / "sets.jsonl", to="jsonl", unchecked=True)
    with pytest.raises(DataError, match=r'line 1: "label" is of a project with one labels? per record, and this one'):
        whole(made).import_answers(tmp_path / "one.jsonl", source="jsonl", annotator="cem")
    with pytest.raises(DataError, match=r'line 1: "labels" is of a project with several labels per record'):
        whole(made)["sql"].import_answers(tmp_path / "sets.jsonl", source="jsonl", annotator="cem")
    whole(made)["sql"].export(tmp_path / "one.parquet", to="huggingface", unchecked=True)
    with pytest.raises(DataError, match=r'one.parquet: no list of ClassLabels "labels"'):
        whole(made).import_answers(tmp_path / "one.parquet", source="huggingface", annotator="cem")


def test_answers_one_class_at_a_time_are_one_opinion(made: Made, tmp_path: Path) -> None:
    """Who accepts one label and rejects another has said something of two classes, and nothing of the third."""
    lines = [
        {"text": "x", "label": name, "answer": answer, "meta": {"id": "q9"}}
        for name, answer in [("sql", "accept"), ("python", "reject")]
    ]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, lines)))
    whole(made).import_answers(tmp_path / "p.jsonl", source="prodigy", annotator="cem")
    assert whole(made).answers()["q9"] == {"sql": True, "python": False}
    whole(made).export(tmp_path / "all.jsonl", to="jsonl", unchecked=True)
    (line,) = [line for line in lines_of(tmp_path / "all.jsonl") if line["id"] == "q9"]
    (said,) = line["answers"]  # type: ignore[misc]
    assert (said["labels"], said["undecided"], said["operation"]) == (["sql"], ["pandas"], "")  # type: ignore[has-type]
    whole(made).export(tmp_path / "now.json", to="label-studio")
    (task,) = [task for task in json.loads((tmp_path / "now.json").read_text()) if task["data"]["id"] == "q9"]
    assert task["annotations"][0]["result"][0]["meta"]["undecided"] == ["pandas"]


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".jsonl"])
def test_votes_of_all_classes_are_one_long_table(ending: str, made: Made, tmp_path: Path) -> None:
    """A row for each class of which somebody said something; a skip is of all, and what people settled is theirs."""
    report = whole(made).export(tmp_path / f"votes{ending}", to="votes")
    votes = {name: int((whole(made)[name].votes().votes >= 0).sum()) for name in whole(made)}
    answered = {record for (record, _), labels in ANSWERS.items() if labels is not None}
    believed = sum(
        row[f"p_{name}"] is not None for row in whole(made).labels().to_pylist() for name in votes
        if row["id"] not in answered
    )  # fmt: skip
    opinions = sum(1 if labels is None else 3 for labels in ANSWERS.values())
    assert report.written == sum(votes.values()) + believed + opinions
    if ending == ".parquet":
        table = pq.read_table(tmp_path / "votes.parquet")
        columns = ["record", "class", "source", "kind", "version", "vote", "probability", "time"]
        assert table.column_names == columns
        rows = table.to_pylist()
        counted = Counter(row["class"] for row in rows if row["kind"] == "function")
        assert counted == votes
        assert {row["vote"] for row in rows} == {"yes", "no", None}
        assert all(row["probability"] >= 0.5 for row in rows if row["kind"] == "model")
        assert [row["class"] for row in rows if row["vote"] is None] == [None]


def test_names_in_one_column_are_gold_of_the_next_project(made: Made, tmp_path: Path) -> None:
    """The CSV file's column of labels is read under `[data] gold`, no class and all of them alike."""
    report = whole(made).export(tmp_path / "next" / "questions.csv", to="csv", unchecked=True)
    assert report.written == 120
    toml = TOML.replace('gold = "tags"', 'gold = "labels"')
    (tmp_path / "next" / "labelkit.toml").write_text(toml)
    known = {row["id"]: row["labels"] for row in whole(made).labels().to_pylist()}
    for name in ("python", "sql"):
        gold = lk.MultilabelProject(tmp_path / "next")[name].records().to_table(["labels"]).to_pylist()
        assert {row["id"]: row["labels"] for row in gold} == {
            record: None if labels is None else "yes" if name in labels else "no" for record, labels in known.items()
        }


def test_records_with_several_labels_start_a_project(made: Made, tmp_path: Path) -> None:
    """With --multilabel gold is a list of the classes that all who answered agree on."""
    whole(made).export(tmp_path / "all.json", to="label-studio")
    out = tmp_path / "next" / "questions.parquet"
    source = ("import", str(tmp_path / "all.json"), "--from", "label-studio")
    said = shown(made, *source, "--records", str(out), "--multilabel")
    assert said.startswith("120 records written to ")
    rows = {row["id"]: row for row in pq.read_table(out).to_pylist()}
    assert [rows[record]["gold"] for record in ("q0", "q1", "q2", "q3")] == [None, ["sql"], [], None]
    assert isinstance(rows["q9"]["prediction"], list)
    toml = TOML.replace('gold = "tags"', 'gold = "gold"').replace("questions.csv", "questions.parquet")
    (tmp_path / "next" / "labelkit.toml").write_text(toml)
    gold = lk.MultilabelProject(tmp_path / "next")["sql"].records().to_table(["gold"]).column("gold").to_pylist()
    assert gold[:4] == [None, "yes", "no", None]


def test_a_project_says_itself_that_it_has_several_labels(made: Made, tmp_path: Path) -> None:
    """--multilabel is for records without a project."""
    (tmp_path / "all.json").write_text("[]")
    said = shown(made, "import", str(tmp_path / "all.json"), "--from", "label-studio", "--multilabel")
    assert said == "--multilabel goes with --records; a project says of itself what kind it is\n"


def test_a_class_that_joined_later_is_undecided(made: Made, tmp_path: Path) -> None:
    """Labels and answers that do not know a class say nothing of it; one that left takes its labels along."""
    made.write("labelkit.toml", (made.root / "labelkit.toml").read_text().replace('"sql"]', '"rust"]'))
    whole(made).export(tmp_path / "all.jsonl", to="jsonl", unchecked=True)
    lines = {str(line["id"]): line for line in lines_of(tmp_path / "all.jsonl")}
    assert all("rust" in line["undecided"] for line in lines.values())  # type: ignore[operator]
    (said,) = lines["q1"]["answers"]  # type: ignore[misc]
    assert (said["labels"], said["undecided"]) == ([], ["rust"])  # type: ignore[has-type]
    assert not any("sql" in (line["labels"] or ()) for line in lines.values())  # type: ignore[operator]


def test_answers_that_went_out_before_a_class_joined_say_nothing_of_it(made: Made, tmp_path: Path) -> None:
    """A line of JSON has a probability of each class that there was."""
    whole(made).export(tmp_path / "out.jsonl", to="jsonl", which="human", unchecked=True)
    said = whole(made).answers()
    assert said
    toml = (made.root / "labelkit.toml").read_text().replace('"sql"]', '"sql", "regex"]')
    made.write("labelkit.toml", toml + "[store]\nurl = 'sqlite:///another.db'\n")
    whole(made).import_answers(tmp_path / "out.jsonl", source="jsonl", annotator="somebody")
    assert whole(made).answers() == said


def test_gold_in_a_column_per_class_goes_along(tmp_path: Path) -> None:
    """Columns that say yes or no of one class are written as they are, before there are labels, too."""
    columns = "[data.gold_columns]\nsql = 'tags'"  # any column: nothing is judged here
    made = tagged_project(tmp_path / "project", toml=TOML.replace('gold = "tags"\n', "") + columns)
    whole(made).export(tmp_path / "all.jsonl", to="jsonl", unchecked=True)
    first, *_ = lines_of(tmp_path / "all.jsonl")
    assert first["tags"]
    assert (first["labels"], first["undecided"], first["source"]) == (None, list(whole(made)), "none")


def test_labels_of_other_records_are_refused(made: Made, tmp_path: Path) -> None:
    """Records that changed since labels were made are not written beside them."""
    rows = (made.root / "questions.csv").read_text().splitlines()
    (made.root / "questions.csv").write_text("\n".join([rows[0], *rows[:0:-1]]))
    with pytest.raises(ArtifactError, match=r"labels.parquet is of other records than \[data\] path"):
        whole(made).export(tmp_path / "out.json", to="label-studio")
