"""A Spark table that the gate judges, through GX's Spark engine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labelkit.errors import SHOWN_PROBLEMS, DataError, named
from labelkit.validation import gx
from labelkit.validation.findings import values_of
from labelkit.validation.frames import naming_column, row_names, to_frame
from labelkit.validation.judged import columns_judged, told_apart
from labelkit.validation.reading import columns_of, columns_read
from labelkit.validation.spark.conditions import kinds_of, matches, quoted
from labelkit.validation.spark.rows import ROW

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 1000
"""Failing rows of one expectation that come to the driver and are named; all are counted."""

_OF_TYPE = (
    "expect_column_type_to_be",
    "expect_column_values_to_be_of_type",
    "expect_column_values_to_be_in_type_list",
)
"""Types that judge the type of a column, under the names that pandas gives to types."""


_DATES = "expect_column_values_to_be_dateutil_parseable"
"""A type that GX's Spark engine has not: what it asks of each value is a column, and that is judged."""

_GREATER = "expect_column_pair_values_a_to_be_greater_than_b"
_ON_PAIRS = (_GREATER, "expect_column_pair_values_to_be_equal")


class SparkTable:
    """A Spark DataFrame of `rows` rows with a column ROW, and what its other columns are as Arrow knows them.

    `refused` says of columns why they cannot be told on Spark: whatever reads one of them is an error.
    """

    def __init__(self, frame: Any, rows: int, schema: pa.Schema, refused: Mapping[str, str] | None = None) -> None:
        self.frame, self.schema, self.num_rows = frame, schema, rows
        self._refused, self._kinds = dict(refused or {}), kinds_of(frame)
        self._failing: dict[int, int] = {}  # number of a row that fails -> its place in `_fetched`
        self._fetched: pa.Table = schema.empty_table()

    def refusal(self, expectation: Any) -> str | None:
        """Why an expectation cannot be evaluated on Spark."""
        for name in columns_read([expectation]):
            if name in self._refused:
                return self._refused[name]
        condition = getattr(expectation, "row_condition", None)
        if expectation.expectation_type == _DATES and self._kinds[expectation.column] != "text":
            return "dates are parsed from text, which this column does not hold"
        try:
            if condition is not None:
                matches(condition, self._kinds)
        except DataError as error:
            return str(error)
        return None

    def answers(self, asked: Mapping[str, Any], guards: Mapping[str, Any]) -> tuple[gx.Results, Mapping[str, int]]:
        """What GX says of expectations and of their guards, and how many values each column has.

        Raises DataError for a table that has two columns of one name.
        """
        twice = sorted({name for name in self.schema.names if self.schema.names.count(name) > 1})
        if twice:
            raise DataError(f"the table has more than one column {named(twice)}")
        on_values, on_columns = told_apart(asked)
        answers = columns_judged(self.schema.empty_table(), on_columns)
        if not on_values:
            return answers, {}
        with strict(self.frame.sparkSession), self._judged_frame({**on_values, **guards}) as (frame, probes):
            filled = _filled(frame, sorted(columns_read(on_values.values())))
            on_types = {key: e for key, e in on_values.items() if e.expectation_type in _OF_TYPE}
            answers |= _types_judged(frame, on_types, filled)
            rest = {key: probe for key, probe in probes.items() if key not in on_types}
            answers |= gx.evaluate_on_spark(frame, rest, ROW, MOST_ROWS) if rest else {}
            answers |= _undecided(frame, {key: probes[key] for key in on_values})
            self._fetch(answers, sorted({name for e in on_values.values() for name in columns_of(e)}))
        return answers, filled

    @contextlib.contextmanager
    def _judged_frame(self, asked: Mapping[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
        """The columns that are read, a NaN made null as pandas has it, and a column for each condition."""
        from pyspark.sql import functions as F

        conditions: dict[str, Any] = {}
        columns, probes = [_without_nan(self.frame, name) for name in sorted(columns_read(asked.values()))], dict(asked)
        for key, expectation in asked.items():
            condition = getattr(expectation, "row_condition", None)
            if condition is not None:
                conditions.setdefault(repr(condition), condition)
                place = list(conditions).index(repr(condition))
                probes[key] = expectation.copy(update={"row_condition": gx.where_one(f"__labelkit_when_{place}")})
            if expectation.expectation_type == _DATES:
                parsed = f"__labelkit_date_{key}"
                columns.append(F.udf(_is_date, "int", useArrow=False)(quoted(expectation.column)).alias(parsed))
                probes[key] = gx.in_set(probes[key], parsed, [1])
        clean = self.frame.select(F.col(ROW), *columns)
        matched = [
            matches(condition, self._kinds).cast("int").alias(f"__labelkit_when_{place}")
            for place, condition in enumerate(conditions.values())
        ]
        frame = clean.select("*", *matched).orderBy(ROW).persist()  # in order: the rows that are named are the first
        try:
            yield frame, probes
        finally:
            frame.unpersist()

    def _fetch(self, answers: gx.Results, columns: Sequence[str]) -> None:
        """Get the rows that fail, as they are."""
        from pyspark.sql import functions as F

        given = [answer for each in answers.values() for answer in each if not isinstance(answer, Exception)]
        rows = sorted({row for answer in given for row in answer.result.get("unexpected_index_list") or []})
        if not rows:
            return
        names = [name for name in dict.fromkeys([naming_column(self.schema), *columns]) if name in self.schema.names]
        wanted = self.frame.sparkSession.createDataFrame([(row,) for row in rows], f"{ROW} bigint")
        shown = self.frame.select(ROW, *(quoted(name) for name in names))
        found = shown.join(F.broadcast(wanted), ROW).toArrow()
        self._failing = {row: place for place, row in enumerate(found.column(ROW).to_pylist())}
        self._fetched = found.drop_columns([ROW]).replace_schema_metadata(self.schema.metadata)

    def failing(self, result: Mapping[str, Any], columns: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The rows that a result of `answers` says fail, by name, and the judged values of the first of them."""
        import pyarrow as pa

        rows = result.get("unexpected_index_list") or []
        if not rows:
            return (), ()
        places = pa.array([self._failing[row] for row in rows], pa.int64())
        names = row_names(self._fetched, places, pa.array(rows, pa.int64()))
        return names, values_of(self._fetched, columns, places[:SHOWN_PROBLEMS])


@contextlib.contextmanager
def strict(session: Any) -> Iterator[None]:
    """Spark's ANSI mode for the block, whatever the session says: a text that is no number is an error, not a null."""
    name = "spark.sql.ansi.enabled"
    before = session.conf.get(name)
    session.conf.set(name, "true")
    try:
        yield
    finally:
        session.conf.set(name, before)


def _without_nan(frame: Any, name: str) -> Any:
    from pyspark.sql import functions as F, types as T

    column, kind = F.col(quoted(name)), frame.schema[name].dataType
    if not isinstance(kind, (T.DoubleType, T.FloatType)):
        return column
    return F.when(~F.isnan(column), column).alias(name)


def _filled(frame: Any, names: Sequence[str]) -> dict[str, int]:
    """How many values each column has."""
    from pyspark.sql import functions as F

    if not names:
        return {}
    counts = frame.agg(*(F.count(F.col(quoted(name))).alias(f"c{i}") for i, name in enumerate(names))).first()
    return dict(zip(names, counts, strict=True))


def _is_date(value: str | None) -> int | None:
    """Runs on executors: 1 for a text that dateutil takes for a date, 0 for any other."""
    from dateutil.parser import parse  # type: ignore[import-untyped]

    if value is None:
        return None
    try:
        parse(value)
    except (ValueError, OverflowError):
        return 0
    return 1


def _undecided(frame: Any, probes: Mapping[str, Any]) -> gx.Results:
    """An error for each expectation on pairs that met nulls of which Spark says neither yes nor no: GX passes these."""
    from pyspark.sql import functions as F

    counts = {}
    for key, probe in probes.items():
        if probe.expectation_type in _ON_PAIRS:
            a, b = (F.col(quoted(name)).isNull() for name in (probe.column_A, probe.column_B))
            ignored = {"both_values_are_missing": a & b, "either_value_is_missing": a | b}.get(probe.ignore_row_if)
            silent = (a | b) if probe.expectation_type == _GREATER else (a & b)
            silent = silent if ignored is None else silent & ~ignored
            condition = probe.row_condition
            chosen = F.lit(True) if condition is None else F.col(condition.column.name) == 1
            counts[key] = F.count_if(silent & chosen)
    found = frame.agg(*counts.values()).first() if counts else ()
    said = "a row with a null was neither right nor wrong to Spark; ignore_row_if says what to do with such rows"
    return {key: [DataError(said)] for key, count in zip(counts, found, strict=True) if count}


def _types_judged(frame: Any, on_types: Mapping[str, Any], filled: Mapping[str, int]) -> gx.Results:
    """Types by the names that pandas gives to them: all rows of a column have one, so that two rows tell it."""
    import pyarrow as pa
    from pyspark.sql import functions as F

    answers: gx.Results = {}
    for key, expectation in on_types.items():
        column = F.col(quoted(expectation.column))
        with_value = frame.where(column.isNotNull()).select(column).limit(1).toArrow()
        without = frame.where(column.isNull()).select(column).limit(1).toArrow()
        sample = pa.concat_tables([with_value, without])
        anywhere = {"row_condition": None} if hasattr(expectation, "row_condition") else {}
        answers |= gx.evaluate(to_frame(sample), {key: expectation.copy(update=anywhere)})
        for answer in answers[key]:
            if not isinstance(answer, Exception) and answer.result.get("unexpected_count"):
                rows = frame.where(column.isNotNull()).select(ROW).orderBy(ROW).limit(MOST_ROWS).collect()
                answer.result["unexpected_index_list"] = [row[0] for row in rows]
                answer.result["unexpected_count"] = filled[expectation.column]
    return answers
