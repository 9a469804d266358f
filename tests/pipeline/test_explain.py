"""`labelkit explain`: a label can say where it comes from, and the numbers add up."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelkit as lk
from labelkit.errors import ArtifactError, UsageError
from projects import FUNCTIONS, Made, MakeProject, comments, printed, write_csv

GOLDEN = Path(__file__).parent / "golden"
WORKERS = "[apply]\nworkers = 1\n"

THREE = """
import labelkit as lk

@lk.labeling_function()
def one(x):
    return len(x.text) % 4 - 1

@lk.labeling_function()
def two(x):
    return x.text.count("s") % 4 - 1

@lk.labeling_function()
def three(x):
    return x.text.count("e") % 3

@lk.labeling_function()
def silent(x):
    return lk.ABSTAIN
"""


def many_classes(k: int) -> str:
    """Functions that vote for any of k classes."""
    return THREE.replace("% 4", f"% {k + 1}").replace("% 3", f"% {k}")


def project(make_project: MakeProject, model: str, k: int = 2) -> Made:
    """A project of k classes, applied."""
    functions = FUNCTIONS if k == 2 else many_classes(k)
    made = make_project(functions=functions, gold=False, toml=f"[model]\nname = '{model}'\n{WORKERS}")
    if k != 2:
        toml = (made.root / "labelkit.toml").read_text()
        classes = json.dumps([f"c{i}" for i in range(k)])
        made.write("labelkit.toml", toml.replace('["ham", "spam"]', classes))
    made.project.apply()
    return made


def numbers(line: str) -> list[float]:
    """The signed numbers of a table's row."""
    return [float(number) for number in re.findall(r"[+-]\d+\.\d+", line)]


def shown(made: Made, record: str, *more: str) -> str:
    """What `labelkit explain` prints."""
    return printed(made, "explain", record, *more)


@pytest.mark.parametrize(("model", "k"), [("snorkel", 2), ("dawid_skene", 9), ("weighted", 3), ("majority", 3)])
def test_the_numbers_give_the_stored_probability(make_project: MakeProject, model: str, k: int) -> None:
    """For every record and model, start and votes add up to the stored probabilities, or are said not to."""
    made = project(make_project, model, k)
    for row in made.project.labels().to_pylist()[:40]:
        found = made.project.explain(row["id"])
        assert found.label == row["label"]
        assert found.stored == {name: row[f"p_{name}"] for name in made.project.folder.settings.project.classes}
        if found.arithmetic is None:
            assert row["source"] == "none"
            continue
        start, total = found.arithmetic.start, found.arithmetic.total
        for name in found.stored:
            added = sum(vote.adds[name] for vote in found.votes)
            assert total[name] == pytest.approx(start[name] + added, abs=1e-9) or not found.arithmetic.additive
        assert found.arithmetic.additive == (model != "majority")
        whole = sum(math.exp(value) for value in total.values())
        for name, probability in found.stored.items():
            computed = math.exp(total[name]) / whole if found.arithmetic.additive else total[name]
            assert computed == pytest.approx(probability, abs=1e-6)


def test_what_is_printed_gives_the_stored_probability(make_project: MakeProject) -> None:
    """Somebody with the printed page and a calculator comes to the number in labels.parquet."""
    made = project(make_project, "snorkel")
    rows = [row for row in made.project.labels().to_pylist() if row["source"] == "model"]
    for row in rows[:3]:
        text = shown(made, row["id"])
        start = text.index("(before any vote)")
        lines = text[start : text.index("\nsum")].splitlines()
        odds = sum(numbers(line)[0] for line in lines)
        assert 1 / (1 + math.exp(-odds)) == pytest.approx(row["confidence"], abs=1e-6)
        assert f"labels.parquet has {row['confidence']:.6f}" in text


@pytest.mark.parametrize("k", [3, 9])
def test_more_classes_have_a_column_each(make_project: MakeProject, k: int) -> None:
    """With many classes the most probable are shown, the others as one number, and the page still adds up."""
    made = project(make_project, "dawid_skene", k)
    row = next(row for row in made.project.labels().to_pylist() if row["source"] == "model")
    text = shown(made, row["id"])
    header = next(line for line in text.splitlines() if line.startswith("function "))
    classes = header.split()[3:]
    assert len(classes) == min(k, 4 if k > 5 else k)
    lines = text[text.index("(before any vote)") : text.index("\nsum")].splitlines()
    sums = [sum(column) for column in zip(*map(numbers, lines), strict=True)]
    share = 1 - float(match[1]) if (match := re.search(r"have (0\.\d+) together", text)) else 1
    whole = sum(map(math.exp, sums))
    for name, total in zip(classes, sums, strict=True):
        assert share * math.exp(total) / whole == pytest.approx(row[f"p_{name}"], abs=1e-6)


def test_a_model_that_does_not_add_up_says_so(make_project: MakeProject) -> None:
    """Majority vote is explained by leaving each vote out, and the page says that this is what it shows."""
    made = project(make_project, "majority")
    row = next(row for row in made.project.labels().to_pylist() if row["source"] == "model")
    text = shown(made, row["id"])
    assert "this label model does not add votes up" in text
    found = made.project.explain(row["id"])
    assert found.arithmetic is not None
    assert not found.arithmetic.additive


def test_the_page_is_what_it_was(make_project: MakeProject) -> None:
    """The whole page, for a record that functions voted on, people answered, and a function failed on."""
    broken = "\n@lk.labeling_function()\ndef fails(x):\n    return 1 if len(x.text) / 0 else 0\n"
    made = make_project(functions=FUNCTIONS + broken, toml=f"[model]\nname = 'dawid_skene'\n{WORKERS}")
    made.project.answer("c30", "spam", annotator="ana")
    made.project.answer("c30", None, annotator="ben")
    made.project.answer("c30", "ham", annotator="cem", strategy="margin")
    made.project.apply(max_faults=200)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "2020-01-02T03:04:05.678Z", shown(made, "c30"))
    text = re.sub(r"\b[0-9a-f]{16}\b", "0123456789abcdef", re.sub(r"\b[0-9a-f]{12}\b", "0123456789ab", text))
    path = GOLDEN / "explain.txt"
    assert text == path.read_text(encoding="utf-8")


def test_json_has_everything(make_project: MakeProject) -> None:
    """`--json` names votes with places, arithmetic, people and the run with its hashes."""
    made = project(make_project, "dawid_skene")
    made.project.answer("c3", "spam", annotator="ana")
    content = json.loads(shown(made, "c3", "--json"))
    assert content["record"] == "c3"
    assert content["votes"][0]["place"] == "labeling_functions/first.py:6"
    assert content["votes"][2]["place"] == "labeling_functions/first.py:14"
    assert content["answers"][0]["annotator"] == "ana"
    assert content["answers"][0]["stands"] is True
    assert content["run"]["inputs"]["functions"].keys() == {"begs", "sings", "money", "music", "place"}
    assert content["arithmetic"]["additive"] is True


def test_any_value_of_a_record_can_be_shown(tmp_path: Path) -> None:
    """Dates, NaN, bytes, vectors and nulls of a record are shown, and are JSON under `--json`."""
    made = Made(tmp_path)
    columns = {
        "id": ["a", "b"],
        "text": ["free", None],
        "day": [dt.date(2020, 1, 2), None],
        "x": [math.nan, math.inf],
        "raw": [b"\x1b[2J", None],
        "vector": [[1.0, math.nan], None],
    }
    pq.write_table(pa.table(columns), tmp_path / "data.parquet")
    fields = json.dumps(list(columns)[1:])
    made.write(
        "labelkit.toml",
        f'[project]\nname = "p"\nclasses = ["ham", "spam"]\n[data]\npath = "data.parquet"\nfields = {fields}\n'
        f"[model]\nname = 'majority'\n{WORKERS}",
    )
    made.write("labeling_functions/first.py", FUNCTIONS.replace("in x.text", "in (x.text or '')"))
    made.project.apply()
    assert json.loads(shown(made, "a", "--json"))["fields"] == {
        "text": "free", "day": "2020-01-02", "x": "nan", "raw": "b'\\x1b[2J'", "vector": [1.0, "nan"],
    }  # fmt: skip
    assert "\x1b" not in shown(made, "a")
    assert re.search(r"text +\(null\)", shown(made, "b"))


def test_a_record_that_only_people_speak_of_has_no_sum(make_project: MakeProject) -> None:
    """Where no function voted and somebody answered, there is nothing to add up."""
    made = project(make_project, "dawid_skene")
    row = next(row for row in made.project.labels().to_pylist() if row["source"] == "none")
    made.project.answer(row["id"], "spam", annotator="ana")
    made.project.apply()
    found = made.project.explain(row["id"])
    assert (found.label, found.source, found.arithmetic) == ("spam", "human", None)
    text = shown(made, row["id"])
    assert "label: spam, settled by people" in text
    assert "before any vote" not in text
    assert "left out" not in text


def test_what_people_took_back_is_told(make_project: MakeProject) -> None:
    """An answer that was taken back is shown as such; it does not stand."""
    made = project(make_project, "majority")
    store = lk.AnnotationStore.open(made.project.folder.store_url)
    store.add("c3", "spam", "ana", "", "op-1")
    store.undo("ana", "op-2")
    text = shown(made, "c3")
    assert re.search(r"ana +spam .* taken back", text)
    assert "stands" not in text


def test_an_earlier_run_is_explained_as_it_was(make_project: MakeProject) -> None:
    """`--run` explains what an earlier run said, with the lines of then."""
    made = project(make_project, "dawid_skene")
    before = made.project.explain("c5")
    made.write("labeling_functions/first.py", "import labelkit as lk\n\n\n" + FUNCTIONS.replace('"song"', '"singer"'))
    after = made.project.apply()
    earlier = made.project.explain("c5", run=before.run.id[:6])
    assert earlier.votes == before.votes
    assert earlier.stored == before.stored
    assert (earlier.current, earlier.changed) == (False, ("first.py",))
    assert made.project.explain("c5", run="previous").run == earlier.run
    assert made.project.explain("c5").run.id == after.run
    assert "changed since: first.py" in shown(made, "c5", "--run", before.run.id)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["c999"], r'run [0-9a-f]{16} labelled no record "c999"; its first ids are "c0", "c1", "c2"'),
        (["c0", "--run", "abcdef"], 'no run "abcdef"; `labelkit runs list` shows all of them'),
        (["c0", "--run", "../.."], 'no run "../.."; `labelkit runs list` shows all of them'),
        (["c0", "--run", "previous"], "there is no run of apply before the current one, [0-9a-f]{16}"),
    ],
)
def test_what_cannot_be_explained_is_said(make_project: MakeProject, arguments: list[str], message: str) -> None:
    """A record or run that is not there is named with the way out, exit code 2."""
    made = project(make_project, "majority")
    done = made.run("explain", *arguments, code=2)
    assert re.fullmatch(f"labelkit: error: {message}\n", done.stderr)


def test_labels_that_somebody_edited_are_not_explained(make_project: MakeProject) -> None:
    """The arithmetic is that of the run; of a file that says otherwise nothing is explained."""
    made = project(make_project, "majority")
    edited = made.project.labels().slice(1)
    (made.root / "labels.parquet").unlink()
    pq.write_table(edited, made.root / "labels.parquet")
    with pytest.raises(ArtifactError, match=r"labels\.parquet is not what run [0-9a-f]{16} wrote"):
        made.project.explain("c3")


def test_a_record_that_left_the_data_is_explained_without_its_text(make_project: MakeProject) -> None:
    """Votes and labels of a record are kept in the run when the data no longer has it."""
    made = project(make_project, "majority")
    write_csv(made.root / "data" / "comments.csv", comments(200, seed=3)[:100])
    assert "record c150 is no longer in data/comments.csv" in shown(made, "c150")


def test_text_of_records_cannot_steer_the_terminal(make_project: MakeProject) -> None:
    """Escapes in a record or its id are shown, not sent."""
    hostile = {"id": "\x1b[2J", "text": "free \x1b]0;x\x07\u202e", "gold": "", "split": ""}
    rows = [*comments(20, seed=3), hostile]
    made = make_project(rows=rows, toml=f"[model]\nname = 'majority'\n{WORKERS}")
    made.project.apply()
    text = shown(made, "\x1b[2J")
    assert "\x1b" not in text
    assert "\\x1b]0;x\\x07\\u202e" in text


def test_only_apply_makes_labels(made: Made) -> None:
    """A run of another verb has no labels to explain."""
    made.project.validate()
    (run,) = [path.parent.name for path in (made.root / ".labelkit" / "runs").glob("*/verdict.json")]
    with pytest.raises(UsageError, match=f"run {run} is one of validate; only apply makes labels"):
        made.project.explain("c0", run=run)
