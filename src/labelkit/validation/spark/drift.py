"""The table `fields` on Spark: executors count along the reference's quantiles, the driver compares counts."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import DataError, visible
from labelkit.validation.facts.drift import (
    BINS,
    NumberCounts,
    compared_column,
    compared_labels,
    compared_numbers,
    compared_shares,
    described,
    roles_of,
    shift_of,
)
from labelkit.validation.profile import MOST_VALUES, FieldProfile, Kind, as_text, kind_of, type_of
from labelkit.validation.spark.conditions import quoted
from labelkit.validation.spark.evidence import SparkEvidence, text_column
from labelkit.validation.spark.labels import counted
from labelkit.validation.spark.rows import ROW, placed, plainly

if TYPE_CHECKING:
    import pyarrow as pa

MOST_CATEGORIES = 100_000
"""Different values of a column that the reference knows as a category; more of them do not come to the driver."""

_LABEL, _VALUE = "__labelkit_label", "__labelkit_value"


def field_table(evidence: SparkEvidence) -> pa.Table:
    """One row per field, metadata column and label; see `facts.drift.field_table`.

    Raises DataError where a category has become so many values that they are none.
    """
    records = _with_labels(evidence).persist()
    try:
        rows = [
            {"field": name, "role": role, **_Column(evidence, records, name).described()}
            for name, role in roles_of(evidence.fields, evidence.metadata, evidence.gold, evidence.record_schema)
        ]
    finally:
        records.unpersist()
    label = compared_labels(counted(evidence), evidence.labels.rows, evidence.reference)
    return described([*rows, {"field": "label", "role": "label", **label}])


def _with_labels(evidence: SparkEvidence) -> Any:
    """The records, each with its label; of several labels the last."""
    from pyspark.sql import functions as F

    schema = evidence.label_schema
    named = evidence.labels.frame.select(
        text_column(schema, "id").alias("__labelkit_id"), text_column(schema, "label").alias(_LABEL), ROW
    )
    labels = named.where(f"__labelkit_id is not null and {_LABEL} is not null")
    last = labels.groupBy("__labelkit_id").agg(F.max_by(_LABEL, ROW).alias(_LABEL))
    records = evidence.records.frame
    return records.join(last, records[quoted(evidence.id)] == last["__labelkit_id"], "left")


@dataclass(frozen=True)
class _Column:
    """One column of the records."""

    evidence: SparkEvidence
    records: Any  # with labels
    name: str

    def described(self) -> dict[str, Any]:
        """Its row of the table."""
        from pyspark.sql import functions as F

        reference, rows = self.evidence.reference, self.evidence.records.rows
        then = None if reference is None else reference.fields.get(self.name)
        filled = self.records.agg(F.count(F.col(quoted(self.name)))).first()[0]
        nulls = (rows - filled) / max(rows, 1)
        kind = self._kind(filled)
        found: dict[str, Any] = {"kind": then.kind if then else kind, "nulls": nulls}
        if self.name != self.evidence.gold:
            found |= self._shift(kind)
        if then is None or reference is None:
            return found
        against = self._against(then, reference.rows) if nulls < 1 else {}
        return compared_column(found, then, type_of(self._empty, self.name), against)

    @property
    def _empty(self) -> pa.Table:
        return self.evidence.record_schema.empty_table()

    def _kind(self, filled: int) -> Kind:
        if kind_of(self._empty, self.name) == "number":
            return "number"
        column = self.records.select(quoted(self.name))
        different = column.where(column[0].isNotNull()).distinct().limit(MOST_VALUES + 1).count() if filled else 0
        return "category" if different <= MOST_VALUES and different * 5 <= self.evidence.records.rows else "text"

    def _numbers(self, kind: Kind) -> Any:
        """The numbers of the column, or the lengths of its texts, with the labels; null for what is neither."""
        import pyarrow as pa
        from pyspark.sql import functions as F

        own = self.evidence.record_schema.field(self.name).type
        if kind == "text":
            value = F.length(text_column(self.evidence.record_schema, self.name)).cast("double")
        elif pa.types.is_integer(own) or pa.types.is_floating(own) or pa.types.is_decimal(own):
            plain = F.col(quoted(self.name)).cast("double")
            value = F.when(~F.isnan(plain) & (F.abs(plain) != float("inf")), plain)
        else:
            value = F.lit(None).cast("double")
        return self.records.select(value.alias(_VALUE), _LABEL)

    def _texts(self) -> Any:
        """The values as text, with labels and places."""
        read = self.records.select(quoted(self.name), _LABEL, ROW)
        return (
            plainly(read)
            .mapInArrow(_as_texts, f"{_VALUE} string, {_LABEL} string, {ROW} bigint")
            .where(f"{_VALUE} is not null")
        )

    def _against(self, then: FieldProfile, rows: int) -> dict[str, Any]:
        if then.kind != "category":
            numbers = self._numbers(then.kind).where(f"{_VALUE} is not null").select(_VALUE)
            parts = numbers.mapInArrow(_Count(then), "content binary").collect()
            counts = (pickle.loads(bytes(part[0])) for part in parts)  # noqa: S301  from our own executors
            return compared_numbers(reduce(_added, counts, NumberCounts.of(np.empty(0), then)), then, rows)
        values = self._texts().groupBy(_VALUE).count().limit(MOST_CATEGORIES + 1).collect()
        if len(values) > MOST_CATEGORIES:
            raise DataError(
                f'column "{visible(self.name)}" was a category of {len(then.values):,} values in the reference and has '
                f"more than {MOST_CATEGORIES:,} now; write a reference profile anew with `labelkit validate --infer`"
            )
        return compared_shares(dict(map(tuple, values)), then.values, rows * (1 - then.nulls))

    def _shift(self, kind: Kind) -> dict[str, Any]:
        """How strongly the label depends on the column, over the records that have both."""
        from pyspark.sql import functions as F

        numbers = None if kind == "category" else self._numbers(kind)
        edges = np.empty(0) if numbers is None else _tenths(numbers.where(f"{_VALUE} is not null").select(_VALUE))
        if numbers is None or (kind == "text" and not len(edges)):
            texts = self._texts()
            first = texts.groupBy(_VALUE).agg(F.min(ROW).alias("first")).orderBy("first").limit(MOST_VALUES)
            known = F.when(F.col(_VALUE).isin([row[0] for row in first.collect()]), F.col(_VALUE))  # others: one bin
            both = texts.where(f"{_LABEL} is not null").select(known.alias(_VALUE), _LABEL)
        else:
            inner = [float(edge) for edge in np.unique(edges)[1:-1]]
            bin_of = reduce(lambda total, edge: total + (F.col(_VALUE) > edge).cast("int"), inner, F.lit(0))
            labelled = numbers.where(f"{_VALUE} is not null and {_LABEL} is not null")
            both = labelled.select(bin_of.alias(_VALUE), _LABEL)
        return _shifted([tuple(row) for row in both.groupBy(_VALUE, _LABEL).count().collect()])


def _shifted(counts: list[tuple[Any, str, int]]) -> dict[str, Any]:
    """From (bin, label, records)."""
    if not counts:
        return {}
    bins = {value: place for place, value in enumerate(dict.fromkeys(row[0] for row in counts))}
    labels = {value: place for place, value in enumerate(sorted({row[1] for row in counts}))}
    table = np.zeros((len(bins), len(labels)), dtype=np.int64)
    for value, label, count in counts:
        table[bins[value], labels[label]] += count
    return shift_of(table)


def _tenths(values: Any) -> NDArray[np.float64]:
    """The quantiles 0, 0.1, ... 1 of a frame of one column without nulls, as NumPy's inverted_cdf; empty without any.

    Exact: the values are sorted where they are, and the eleven that stand at these places come here.
    """
    from pyspark.sql import functions as F

    found = placed(values.orderBy(values[0]), by_files=False)
    if not found.rows:
        return np.empty(0)
    places = ranks(found.rows, BINS)
    rows = found.frame.where(F.col(ROW).isin([int(place) for place in set(places)])).collect()
    at = {row[ROW]: row[0] for row in rows}
    return np.array([at[place] for place in places], dtype=np.float64)


def ranks(n: int, parts: int) -> list[int]:
    """Places, from 0, of the quantiles 0, 1 / parts, ... 1 among n sorted values, as NumPy's inverted_cdf has them.

    >>> ranks(20, 10)
    [0, 1, 3, 6, 7, 9, 12, 14, 15, 17, 19]
    """
    index = n * np.linspace(0, 1, parts + 1) - 1
    below = np.floor(index)
    return [max(0, int(place)) for place in np.where(index > below, below + 1, below)]


def _as_texts(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Runs on executors: values in, texts out."""
    import pyarrow as pa

    for batch in batches:
        texts = as_text(pa.chunked_array([batch.column(0)])).cast(pa.string())
        yield pa.RecordBatch.from_arrays([texts, *batch.columns[1:]], names=[_VALUE, _LABEL, ROW])


@dataclass(frozen=True)
class _Count:
    """Runs on executors: numbers in, counts out."""

    then: FieldProfile

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        total = NumberCounts.of(np.empty(0), self.then)
        for batch in batches:
            total += NumberCounts.of(batch.column(0).to_numpy(zero_copy_only=False), self.then)
        yield pa.RecordBatch.from_pydict({"content": pa.array([pickle.dumps(total)], pa.binary())})


def _added(a: NumberCounts, b: NumberCounts) -> NumberCounts:
    return a + b
