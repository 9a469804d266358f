"""The tables that suites judge: labelkit computes the facts, GX only compares them.

    records     the records' named columns, in record order
    labels      labels.parquet as it is on disk, widened by what follows from it, the records and people's answers
    functions   one row per labeling function: coverage, overlaps, conflicts, faults
    classes     one row per class: how many records carry it
    runs        one row: the run that wrote labels.parquet, and what has changed since

A damaged labels file must be judged, not crash: a computed column is null where what it needs is missing or of the
wrong kind, so that the gate calls it vacuous instead of passing it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit.errors import ConfigError
from labelkit.label_models.labels import HUMAN, MODEL, NONE, probability_column
from labelkit.matrix import LabelMatrix, lf_summary
from labelkit.validation.frames import named_by
from labelkit.validation.texts import labels_per_group, same_text_groups, texts_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

_P_SUM = "p_sum"
_RUN_TEXTS = ("run", "functions_changed", "model_changed", "settings_changed", "parents_missing", "versions_missing")


@dataclass(frozen=True)
class RunFacts:
    """The run that wrote labels.parquet, compared with what is on disk now. None means: could not be told."""

    run: str | None = None  # id of the run that labels.parquet names
    run_recorded: bool = False  # there is a record of it
    labels_match: bool = False  # labels.parquet has the SHA-256 that the run recorded
    data_match: bool = False  # so have the records
    functions_changed: str | None = None  # which functions or files were changed, added or removed since; "" for none
    model_changed: str | None = None  # what of the label model was changed since; "" for nothing
    settings_changed: str | None = None  # which settings were changed since; "" for none
    faults: int | None = None  # cells that functions failed to fill
    max_faults: int | None = None  # how many the project allows
    answers_newer: int | None = None  # people's answers that came after the run
    parents_missing: str | None = None  # runs it stands on that have no record; "" for none
    versions_missing: str | None = None  # libraries whose version it does not name; "" for none
    records: int | None = None  # records it read
    labelled: int | None = None  # records it labelled


@dataclass(frozen=True)
class Evidence:
    """Everything that facts are computed from."""

    records: pa.Table  # named columns of the records: id, fields, gold, split; in record order
    labels: pa.Table  # labels.parquet, damaged or not
    classes: tuple[str, ...]
    id: str  # name of the records' id column
    fields: tuple[str, ...]  # the columns that labeling functions see
    answers: Mapping[str, int] = field(default_factory=dict)  # record id -> class index that people settled on
    votes: LabelMatrix | None = None
    run: RunFacts = RunFacts()


def fact_tables(evidence: Evidence) -> dict[str, pa.Table]:
    """All tables that suites can judge, by name."""
    return {
        "records": named_by(evidence.records, evidence.id),
        "labels": label_facts(evidence),
        "functions": function_facts(evidence.votes),
        "classes": class_facts(evidence),
        "runs": run_facts(evidence),
    }


def label_facts(evidence: Evidence) -> pa.Table:
    """labels.parquet with its own computed columns (`with_computed`) and those that follow from records and answers.

    in_records            int64, 1 when the id is that of a record, else 0
    human_label           string, the class that people settled on, or null
    contradicts_people    int64, 1 when people settled on another class than the label, else 0
    labels_of_same_text   int64, how many different labels the records of this text carry; null without such a record
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    labels = evidence.labels
    ids, label = texts_of(labels, "id"), texts_of(labels, "label")
    row = pc.index_in(ids, value_set=texts_of(evidence.records, evidence.id), skip_nulls=True)
    answered = list(evidence.answers)
    answer = pc.index_in(ids, value_set=pa.array(answered, pa.string()), skip_nulls=True)
    answers = pa.array([evidence.classes[evidence.answers[record]] for record in answered], pa.string())
    human = answers.take(answer)
    contradicts = pc.and_(pc.is_valid(human), pc.invert(pc.fill_null(pc.equal(human, label), fill_value=False)))
    computed = {
        "in_records": pc.is_valid(row).cast(pa.int64()),
        "human_label": human,
        "contradicts_people": contradicts.cast(pa.int64()),
        "labels_of_same_text": _labels_of_same_text(evidence, row, label),
    }
    return with_columns(with_computed(labels, evidence.classes), computed)


def with_computed(labels: pa.Table, classes: Sequence[str] | None = None) -> pa.Table:
    """A labels table with the columns that follow from it alone.

    Without `classes` they are read off the p_ columns.

    labelled          int64, 1 when the row has a label, else 0
    p_sum             float64, sum of the probabilities that are given; null when none is
    missing_p         int64, how many probabilities are null or NaN, 0 to k
    label_p           float64, the probability of the row's own label; null without one
    label_is_argmax   int64, 1 when no class is more probable than the label, else 0; null without a label
    source_fits       int64, 1 when label and every probability are given for source human or model, and neither for
                      source none; 0 for everything else

    >>> import pyarrow as pa
    >>> labels = pa.table({"id": ["a"], "label": ["ham"], "p_ham": [0.25], "p_spam": [0.75]})
    >>> with_computed(labels).select(["p_sum", "label_p", "label_is_argmax"]).to_pylist()
    [{'p_sum': 1.0, 'label_p': 0.25, 'label_is_argmax': 0}]
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if classes is None:
        classes = [name[2:] for name in labels.schema.names if name.startswith("p_") and name != _P_SUM]
    if _P_SUM in map(probability_column, classes):
        raise ConfigError('a class cannot be called "sum": "p_sum" is the sum of the probabilities; rename the class')
    probs = _probabilities(labels, classes)
    given = ~np.isnan(probs)
    label = texts_of(labels, "label")
    labelled = pc.is_valid(label).to_numpy(zero_copy_only=False)
    index = pc.fill_null(pc.index_in(label, value_set=pa.array(classes, pa.string()), skip_nulls=True), -1).to_numpy()
    padded = np.column_stack([probs, np.full(len(probs), np.nan)])  # index -1, no known class, takes the last column
    own = padded[np.arange(len(probs)), index]
    highest = np.where(given, probs, -np.inf).max(axis=1, initial=-np.inf)
    source = texts_of(labels, "source")
    decided = pc.is_in(source, value_set=pa.array([HUMAN, MODEL])).to_numpy(zero_copy_only=False)
    undecided = pc.is_in(source, value_set=pa.array([NONE])).to_numpy(zero_copy_only=False)
    fits = (decided & labelled & given.all(axis=1)) | (undecided & ~labelled & ~given.any(axis=1))
    computed = {
        "labelled": labelled.astype(np.int64),
        "p_sum": pa.array(np.where(given, probs, 0.0).sum(axis=1), mask=~given.any(axis=1)),
        "missing_p": (~given).sum(axis=1),
        "label_p": pa.array(own, mask=np.isnan(own)),
        "label_is_argmax": pa.array((own >= highest).astype(np.int64), mask=~labelled),
        "source_fits": fits.astype(np.int64),
    }
    return with_columns(named_by(labels, "id"), computed)


def with_columns(table: pa.Table, columns: Mapping[str, Any]) -> pa.Table:
    """The table with these columns at its end. A column of the same name that it brought along is not trusted."""
    import pyarrow as pa

    kept = [i for i, name in enumerate(table.schema.names) if name not in columns]
    widened = table.select(kept)
    for name, values in columns.items():
        widened = widened.append_column(
            name, values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
        )
    return widened


def _labels_of_same_text(evidence: Evidence, row: pa.Array, label: pa.Array) -> pa.Array:
    """(rows of labels,) int64 or null. `row` is the place of each label's record among the records, or null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    groups = same_text_groups(evidence.records, evidence.fields)
    if groups is None or not len(groups):
        return pa.nulls(len(row), pa.int64())
    place = pc.fill_null(row, -1).to_numpy()
    group = np.where(place >= 0, groups[place], -1)
    codes = pc.fill_null(label.dictionary_encode().indices, -1).to_numpy().astype(np.int64)
    counts = labels_per_group(group, codes)
    return pa.array(np.append(counts, 0)[group], mask=group < 0)  # group -1 takes the 0 at the end, and is masked


def _probabilities(table: pa.Table, classes: Sequence[str]) -> NDArray[np.float64]:
    """(n, k) float64: NaN where a probability is null, or its column is missing, ambiguous or holds no numbers."""
    import pyarrow as pa

    probs = np.full((table.num_rows, len(classes)), np.nan)
    for c, name in enumerate(map(probability_column, classes)):
        kind = table.schema.field(name).type if table.schema.names.count(name) == 1 else pa.null()
        if pa.types.is_floating(kind) or pa.types.is_integer(kind):
            probs[:, c] = table.column(name).cast(pa.float64(), safe=False).to_numpy()
    return probs


def function_facts(votes: LabelMatrix | None) -> pa.Table:
    """One row per labeling function. Shares are of all records; without votes there is no row."""
    import pyarrow as pa

    rows = () if votes is None else lf_summary(votes).rows
    table = pa.table(
        {
            "name": pa.array([row.name for row in rows], pa.string()),
            "coverage": pa.array([row.coverage for row in rows], pa.float64()),
            "overlaps": pa.array([row.overlaps for row in rows], pa.float64()),
            "conflicts": pa.array([row.conflicts for row in rows], pa.float64()),
            "faults": pa.array([row.faults for row in rows], pa.int64()),
        }
    )
    return named_by(table, "name")


def class_facts(evidence: Evidence) -> pa.Table:
    """One row per class of the project: the records that carry it, and their share of the labelled ones."""
    import pyarrow as pa

    found = texts_of(evidence.labels, "label").value_counts().to_pylist()
    counts = {entry["values"]: entry["counts"] for entry in found if entry["values"] is not None}
    records = [counts.get(name, 0) for name in evidence.classes]
    total = sum(counts.values())
    table = pa.table(
        {
            "class": pa.array(evidence.classes, pa.string()),
            "records": pa.array(records, pa.int64()),
            "share": pa.array([count / total if total else None for count in records], pa.float64()),
        }
    )
    return named_by(table, "class")


def run_facts(evidence: Evidence) -> pa.Table:
    """One row: the fields of RunFacts (true is 1, false is 0) and what follows from them and the tables.

    faults_over_limit     int64, faults beyond max_faults
    records_without_row   int64, records of which labels.parquet says nothing
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    facts = evidence.run
    over = None if facts.faults is None or facts.max_faults is None else max(0, facts.faults - facts.max_faults)
    known = pc.is_in(texts_of(evidence.records, evidence.id), value_set=texts_of(evidence.labels, "id"))
    without = len(known) - (pc.sum(known).as_py() or 0)
    row = {**asdict(facts), "faults_over_limit": over, "records_without_row": without}
    columns = {
        name: pa.array([value], pa.string()) if name in _RUN_TEXTS else pa.array([value]).cast(pa.int64())
        for name, value in row.items()
    }
    return named_by(pa.table(columns), "run")
