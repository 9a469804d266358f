"""The gate on the demo project: real labels pass, and every planted damage is refused with its cause."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from demo_copies import copied_demo
from labelkit.errors import AnswerIsNo
from projects import Made

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A copy of the demo project with fresh labels."""
    made = Made(copied_demo(tmp_path_factory.mktemp("demo")))
    made.project.apply()
    return made


@pytest.fixture
def demo(applied: Made, tmp_path: Path) -> Made:
    """A copy of the applied project, to be damaged."""
    shutil.copytree(applied.root, tmp_path / "demo")
    return Made(tmp_path / "demo")


def test_undamaged_labels_pass_and_train(demo: Made) -> None:
    """What apply made passes all three suites, and training may start."""
    done = demo.run("validate")
    assert done.stdout.startswith("PASS: ")
    train = demo.project.training_set()
    assert train.column_names == ["id", "text", "label", "confidence", "p_negative", "p_positive", "source", "run"]
    assert set(train.column("label").to_pylist()) == {"negative", "positive"}


def change_labels(made: Made, change: Callable[[pa.Table], pa.Table]) -> None:
    """Rewrite labels.parquet, its metadata kept."""
    path = made.root / "labels.parquet"
    before = pq.read_table(path)
    pq.write_table(change(before).replace_schema_metadata(before.schema.metadata), path)


def set_cell(table: pa.Table, column: str, row: int, value: object) -> pa.Table:
    """The table with one cell changed."""
    values = table.column(column).to_pylist()
    values[row] = value
    return table.set_column(table.column_names.index(column), column, pa.array(values, table.schema.field(column).type))


def labelled_rows(table: pa.Table) -> list[int]:
    """Indices of rows that the model labelled."""
    return [i for i, source in enumerate(table.column("source").to_pylist()) if source == "model"]


def null_id(made: Made) -> str:
    change_labels(made, lambda labels: set_cell(labels, "id", labelled_rows(labels)[0], None))
    return "every label says which record it belongs to"


def class_typo(made: Made) -> str:
    change_labels(made, lambda labels: set_cell(labels, "label", labelled_rows(labels)[3], "postive"))
    return "postive"


def probabilities_off(made: Made) -> str:
    change_labels(made, lambda labels: set_cell(labels, "p_positive", labelled_rows(labels)[5], 0.999))
    return "p_sum"


def one_text_two_labels(made: Made) -> str:
    """Give a record the text of one with another label; apply again so that the data is the run's own."""
    path = made.root / "data" / "reviews.parquet"
    labels, records = made.project.labels(), pq.read_table(path)
    by_label = {
        label: labels.filter(pc.and_(pc.equal(labels["label"], label), pc.equal(labels["source"], "model")))["id"][
            0
        ].as_py()
        for label in ("negative", "positive")
    }
    ids = records.column("id").to_pylist()
    text = records.column("text")[ids.index(by_label["negative"])].as_py()
    copied = set_cell(records, "text", ids.index(by_label["positive"]), f"  {text.upper()} ")
    pq.write_table(copied, path)
    for label, record in by_label.items():
        made.project.answer(record, label, annotator="ana")
    made.project.apply()
    return str(by_label["positive"])


def function_edited(made: Made) -> str:
    path = next((made.root / "labeling_functions").glob("praise*.py"))
    path.write_text(path.read_text() + "\n# a thought that came later\n")
    return f"{path.name} changed"


def no_labels(made: Made) -> str:
    change_labels(made, lambda labels: labels.slice(0, 0))
    return "the labels file has rows"


DAMAGES = [null_id, class_typo, probabilities_off, one_text_two_labels, function_edited, no_labels]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_is_refused_with_its_cause(demo: Made, damage: Callable[[Made], str]) -> None:
    """Each planted damage makes validate exit with 1, name the cause, and keep the door to training shut."""
    cause = damage(demo)
    done = demo.run("validate", code=1)
    assert done.stdout.startswith("FAIL")
    assert cause in done.stdout
    with pytest.raises(AnswerIsNo):
        demo.project.training_set()


def test_a_misspelt_expectation_is_refused_with_its_cause(demo: Made) -> None:
    """A suite with an expectation that GX does not know cannot be trusted: exit 2, file, index and the near name."""
    path = demo.root / "expectations" / "labels.json"
    suite = json.loads(path.read_text())
    suite["expectations"][2]["type"] = "expect_column_values_to_not_be_nul"
    path.write_text(json.dumps(suite))
    done = demo.run("validate", code=2)
    assert "expectations/labels.json" in done.stderr
    assert "expectations[2]" in done.stderr
    assert "expect_column_values_to_not_be_null" in done.stderr


def test_a_null_id_among_the_records_names_its_row(demo: Made) -> None:
    """A record without id is refused by every verb, with the row."""
    path = demo.root / "data" / "reviews.parquet"
    pq.write_table(set_cell(pq.read_table(path), "id", 16, None), path)
    for verb in ("apply", "validate"):
        assert 'reviews.parquet: row 17, column "id": the id is null' in demo.run(verb, code=2).stderr


def test_labels_that_changed_after_the_verdict_do_not_train(demo: Made) -> None:
    """A file that is not byte for byte the one that passed is refused at the door."""
    demo.project.validate().raise_if_failed()
    change_labels(demo, lambda labels: labels)
    with pytest.raises(AnswerIsNo, match="not the file that was validated"):
        demo.project.training_set()


def test_labels_that_nobody_judged_do_not_train(demo: Made) -> None:
    """Without a verdict there is no training set."""
    with pytest.raises(AnswerIsNo, match="has not been validated"):
        demo.project.training_set()


@pytest.mark.parametrize("what", ["suite", "data"])
def test_a_pass_does_not_outlive_what_it_was_about(demo: Made, what: str) -> None:
    """A verdict is about these suites and these records; when they change it is worth nothing."""
    demo.project.validate().raise_if_failed()
    if what == "suite":
        path = demo.root / "expectations" / "labels.json"
        path.write_text(path.read_text().replace("critical", "info"))
    else:
        path = demo.root / "data" / "reviews.parquet"
        records = pq.read_table(path)
        pq.write_table(set_cell(records, "text", 0, "another text"), path)
    with pytest.raises(AnswerIsNo, match=r"ha(s|ve) changed"):
        demo.project.training_set()
