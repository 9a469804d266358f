"""labelkit computes the facts: what follows from labels, records, answers and runs, damaged or not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from labelkit.errors import ConfigError
from labelkit.matrix import FAULT, LabelMatrix
from labelkit.validation import Evidence, RunFacts, fact_tables
from labelkit.validation.facts import FACTS, with_computed
from labelkit.validation.texts import normalised, same_text_groups
from suite_files import CLASSES, CLEAN_RUN, N, clean_evidence, clean_labels, clean_records

ROWS: list[dict[str, Any]] = [
    {"id": "a", "label": "spam", "confidence": 0.75, "p_ham": 0.25, "p_spam": 0.75, "source": "model", "run": "r"},
    {"id": "b", "label": None, "confidence": None, "p_ham": None, "p_spam": None, "source": "none", "run": "r"},
    {"id": "c", "label": "ham", "confidence": 1.0, "p_ham": 1.0, "p_spam": 0.0, "source": "human", "run": "r"},
]
LABELS = pa.Table.from_pylist(
    ROWS,
    schema=pa.schema(
        [
            ("id", pa.string()),
            ("label", pa.string()),
            ("confidence", pa.float64()),
            ("p_ham", pa.float64()),
            ("p_spam", pa.float64()),
            ("source", pa.string()),
            ("run", pa.string()),
        ]
    ),
)
RECORDS = pa.table({"id": ["a", "b", "c"], "text": ["Buy now", "hello", "nice song"]})
EVIDENCE = Evidence(RECORDS, LABELS, ("ham", "spam"), "id", ("text",), answers={"c": 0})


def labels_with(row: int, **cells: Any) -> pa.Table:
    """The labels with some cells of one row changed."""
    rows = [dict(cell) for cell in ROWS]
    rows[row].update(cells)
    return pa.Table.from_pylist(rows, schema=LABELS.schema)


def computed(labels: pa.Table, row: int = 0) -> dict[str, Any]:
    """What follows from one row of labels."""
    names = ["labelled", "p_sum", "missing_p", "label_p", "label_is_argmax", "source_fits"]
    return dict(with_computed(labels, ("ham", "spam")).select(names).slice(row, 1).to_pylist()[0])


def test_healthy_labels_give_healthy_facts() -> None:
    """A model's label, a record without a vote and a person's answer."""
    assert [computed(LABELS, row) for row in range(3)] == [
        {"labelled": 1, "p_sum": 1.0, "missing_p": 0, "label_p": 0.75, "label_is_argmax": 1, "source_fits": 1},
        {"labelled": 0, "p_sum": None, "missing_p": 2, "label_p": None, "label_is_argmax": None, "source_fits": 1},
        {"labelled": 1, "p_sum": 1.0, "missing_p": 0, "label_p": 1.0, "label_is_argmax": 1, "source_fits": 1},
    ]


@pytest.mark.parametrize(
    ("cells", "facts"),
    [
        ({"label": "ham"}, {"label_p": 0.25, "label_is_argmax": 0}),
        ({"label": "spma"}, {"label_p": None, "label_is_argmax": 0}),
        ({"label": None}, {"labelled": 0, "label_p": None, "label_is_argmax": None, "source_fits": 0}),
        ({"p_ham": None}, {"p_sum": 0.75, "missing_p": 1, "source_fits": 0}),
        ({"p_ham": float("nan")}, {"p_sum": 0.75, "missing_p": 1, "source_fits": 0}),
        ({"p_spam": None}, {"p_sum": 0.25, "missing_p": 1, "label_p": None, "label_is_argmax": 0, "source_fits": 0}),
        ({"p_spam": 0.5}, {"p_sum": 0.75, "label_p": 0.5}),
        ({"p_ham": 0.75}, {"p_sum": 1.5}),
        ({"source": "none"}, {"source_fits": 0}),
        ({"source": None}, {"source_fits": 0}),
        ({"source": "Model"}, {"source_fits": 0}),
    ],
)
def test_damage_to_a_row_shows_in_its_facts(cells: dict[str, Any], facts: dict[str, Any]) -> None:
    """Each fact changes with what it is about, and with nothing else; NaN is a missing probability, not a number."""
    assert computed(labels_with(0, **cells)) == {**computed(LABELS), **facts}


def test_a_made_up_label_on_a_record_without_a_vote_does_not_fit_its_source() -> None:
    """Source none says that nobody decided."""
    assert computed(labels_with(1, label="ham"), row=1)["source_fits"] == 0
    assert computed(labels_with(1, p_ham=0.5, p_spam=0.5), row=1)["source_fits"] == 0


def test_classes_are_read_off_the_columns_when_nobody_names_them() -> None:
    """A labels table on its own is enough for the facts that need no records."""
    assert with_computed(LABELS) == with_computed(LABELS, ("ham", "spam"))


def test_a_computed_column_that_the_file_brings_along_is_replaced() -> None:
    """Nobody passes by writing the facts into the file."""
    forged = labels_with(0, p_spam=0.1).append_column("p_sum", pa.array([1.0, None, 1.0]))
    facts = fact_tables(replace(EVIDENCE, labels=forged.append_column("in_records", pa.array([1, 1, 1]))))["labels"]
    assert facts.schema.names.count("p_sum") == facts.schema.names.count("in_records") == 1
    assert facts.column("p_sum").to_pylist() == [0.35, None, 1.0]


def test_a_class_called_sum_is_refused() -> None:
    """Its probability would be taken for the sum of the probabilities."""
    with pytest.raises(ConfigError) as caught:
        with_computed(LABELS, ("ham", "sum"))
    assert str(caught.value) == (
        'a class cannot be called "sum": "p_sum" is the sum of the probabilities; rename the class'
    )


def label_facts(evidence: Evidence, column: str) -> list[Any]:
    """One column of the labels table."""
    return list(fact_tables(evidence)["labels"].column(column).to_pylist())


def test_labels_of_records_that_do_not_exist_are_found() -> None:
    """An unknown id and no id at all are both none of the records."""
    assert label_facts(EVIDENCE, "in_records") == [1, 1, 1]
    assert label_facts(replace(EVIDENCE, labels=labels_with(1, id="z")), "in_records") == [1, 0, 1]
    assert label_facts(replace(EVIDENCE, labels=labels_with(1, id=None)), "in_records") == [1, 0, 1]


def test_a_label_that_people_contradict_is_found() -> None:
    """Another class, or no label where people settled on one."""
    assert label_facts(EVIDENCE, "human_label") == [None, None, "ham"]
    assert label_facts(EVIDENCE, "contradicts_people") == [0, 0, 0]
    answered = replace(EVIDENCE, answers={"a": 0, "b": 1, "c": 0})
    assert label_facts(answered, "human_label") == ["ham", "spam", "ham"]
    assert label_facts(answered, "contradicts_people") == [1, 1, 0]


def test_labels_of_one_text_are_counted_whatever_its_case_and_spacing() -> None:
    """Only labels count: a record without one agrees with everybody."""
    texts = [["Nice  Song", "nice song\n", "NICE SONG"], ["x", "nice song", "x"], ["a", "b", "c"]]
    counts = [[2, 2, 2], [2, 0, 2], [1, 0, 1]]
    for text, count in zip(texts, counts, strict=True):
        records = RECORDS.set_column(1, "text", pa.array(text))
        assert label_facts(replace(EVIDENCE, records=records), "labels_of_same_text") == count


def test_several_fields_make_one_text() -> None:
    """Records are the same only when all their fields are; a null is an empty text."""
    records = pa.table({"id": ["a", "b", "c"], "title": ["x", None, "X "], "stars": [1, 1, 1], "gold": ["h", "s", "s"]})
    groups = same_text_groups(records, ["title", "stars"])
    assert groups is not None
    assert groups.tolist() == [0, 1, 0]
    assert same_text_groups(records, ["title", "size"]) is None
    assert label_facts(replace(EVIDENCE, fields=("size",)), "labels_of_same_text") == [None] * 3


def test_fields_are_not_run_together() -> None:
    """ "ab" and "c" are not "a" and "bc"."""
    assert normalised(["ab", "c"]) != normalised(["a", "bc"])


def test_text_in_many_chunks_is_compared_across_them() -> None:
    """Arrow splits tables where it likes."""
    records = pa.concat_tables([pa.table({"text": ["a", "b"]}), pa.table({"text": ["B", "c"]})])
    groups = same_text_groups(records, ["text"])
    assert groups is not None
    assert groups.tolist() == [0, 1, 1, 2]


def test_functions_are_described_by_their_votes() -> None:
    """The figures of Snorkel's summary and the faults; rows are named by the function."""
    votes = LabelMatrix.from_rows([[0, -1], [1, 1], [0, 1], [FAULT, -1]], names=["short", "link"])
    table = fact_tables(replace(EVIDENCE, votes=votes))["functions"]
    assert table.select(["name", "coverage", "overlaps", "conflicts", "faults"]).to_pylist() == [
        {"name": "short", "coverage": 0.75, "overlaps": 0.5, "conflicts": 0.25, "faults": 1},
        {"name": "link", "coverage": 0.5, "overlaps": 0.5, "conflicts": 0.25, "faults": 0},
    ]
    assert table.select(["judged", "accuracy"]).to_pylist() == [{"judged": 0, "accuracy": None}] * 2
    assert fact_tables(EVIDENCE)["functions"].num_rows == 0


def test_classes_are_counted_with_their_share_of_the_labelled() -> None:
    """A class without labels has a row; without any label there are no shares."""
    assert fact_tables(EVIDENCE)["classes"].select(["class", "records", "share"]).to_pylist() == [
        {"class": "ham", "records": 1, "share": 0.5},
        {"class": "spam", "records": 1, "share": 0.5},
    ]
    nothing = replace(EVIDENCE, labels=LABELS.slice(1, 1))
    assert fact_tables(nothing)["classes"].column("share").to_pylist() == [None, None]


def test_the_run_is_one_row_of_numbers_and_texts() -> None:
    """true is 1; what could not be told is null and keeps its type."""
    known = fact_tables(replace(EVIDENCE, run=replace(CLEAN_RUN, faults=7, max_faults=5)))["runs"].to_pylist()
    assert known[0]["run_recorded"] == 1
    assert (known[0]["faults_over_limit"], known[0]["records_without_row"]) == (2, 0)
    unknown = fact_tables(replace(EVIDENCE, run=RunFacts(), labels=LABELS.slice(1)))["runs"]
    assert unknown.to_pylist()[0] == {
        **dict.fromkeys(RunFacts.__dataclass_fields__),
        "run_recorded": 0,
        "labels_match": 0,
        "data_match": 0,
        "faults_over_limit": None,
        "records_without_row": 1,
        "labels_without_run": 0,
        "runs_in_labels": 1,
        "columns_missing": "",
        "columns_unexpected": "",
        "types_wrong": "",
        "answers_compared": 0,
        "reversal_share": None,
        "annotators": 0,
        "annotator_alpha": None,
        **dict.fromkeys(["model_accuracy", "model_accuracy_low", "model_accuracy_high"]),
    }
    assert {str(field.type) for field in unknown.schema} == {"int64", "string", "double"}


def test_records_keep_their_order_and_are_named_by_their_own_id_column() -> None:
    """Nothing is moved; what is computed comes behind the columns of the file."""
    records = clean_records().rename_columns(["review", "text", "gold", "split"])
    table = fact_tables(clean_evidence(records=records, id="review"))["records"]
    assert table.select(records.schema.names).equals(records)
    assert fact_tables(clean_evidence(records=records, id="review"), {"records": ["text"]})["records"].equals(records)
    assert table.schema.metadata[b"labelkit.row"] == b"review"


def test_duplicated_ids_among_labels_and_records_are_survived() -> None:
    """Both are for the suites to find."""
    records = pa.concat_tables([RECORDS, RECORDS])
    evidence = replace(EVIDENCE, records=records, labels=pa.concat_tables([LABELS, LABELS]))
    assert label_facts(evidence, "in_records") == [1] * 6
    assert label_facts(evidence, "labels_of_same_text") == [1, 0, 1, 1, 0, 1]


columns = st.sampled_from(
    [
        pa.nulls(3),
        pa.array(["a", None, "c"]),
        pa.array(["a", "a", "a"]).dictionary_encode(),
        pa.array([1, None, 3]),
        pa.array([0.5, float("nan"), float("inf")]),
        pa.array([True, None, False]),
        pa.array([b"a", None, b"c"]),
        pa.array([[1], None, []]),
        pa.array([{"x": 1}, None, {"x": 2}]),
        pa.array(["ham", "spam", "ham"], pa.large_string()),
        pa.array([0.25, 0.5, 0.25], pa.float32()),
    ]
)
names = st.sampled_from(
    ["id", "label", "confidence", "p_ham", "p_spam", "p_eggs", "source", "run", "p_sum", "labelled"]
)


@given(st.lists(st.tuples(names, columns), max_size=9), st.booleans())
def test_facts_can_be_told_of_any_labels_file(content: list[tuple[str, pa.Array]], empty: bool) -> None:
    """Missing, doubled and foreign columns, wrong types and zero rows are judged, never a crash."""
    labels = pa.table([column for _, column in content], names=[name for name, _ in content])
    evidence = replace(EVIDENCE, labels=labels.slice(0, 0) if empty else labels)
    tables = fact_tables(evidence)
    assert tables["labels"].num_rows == evidence.labels.num_rows
    assert tables["runs"].num_rows == 1
    assert with_computed(evidence.labels).num_rows == evidence.labels.num_rows


def test_the_demo_tables_of_these_tests_are_healthy() -> None:
    """The clean evidence is what the damage tests damage."""
    tables = fact_tables(clean_evidence())
    assert tables["labels"].num_rows == N
    assert set(clean_labels({}).column("source").to_pylist()) == {"model", "none"}
    assert [row["class"] for row in tables["classes"].to_pylist()] == list(CLASSES)


def test_every_column_is_documented() -> None:
    """docs/facts.md names each column of each table below the table's heading, computed ones with their meaning."""
    page = (Path(__file__).parent.parent.parent / "docs" / "facts.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, flags=re.MULTILINE | re.DOTALL))
    for name, table in fact_tables(clean_evidence()).items():
        if name not in ("records", "labels"):
            assert [column for column in table.schema.names if f"`{column}`" not in sections[name]] == []
        for fact in FACTS.get(name, ()):
            assert all(f"| `{column}` | {meaning} |" in sections[name] for column, meaning in fact.columns.items())


def test_a_fact_computes_the_columns_that_it_names() -> None:
    """With as many values as its table has rows, in the order in which it names them, whatever is missing."""
    for evidence in (clean_evidence(), EVIDENCE, replace(EVIDENCE, records=RECORDS.select(["id"]), votes=None)):
        rows = {name: table.num_rows for name, table in fact_tables(evidence).items()}
        for name, facts in FACTS.items():
            for fact in facts:
                computed = fact.compute(evidence)
                assert list(computed) == list(fact.columns)
                assert {len(values) for values in computed.values()} == {rows[name]}
