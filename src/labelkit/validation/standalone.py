"""One table against one suite, without a project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, UsageError, named, visible
from labelkit.files import refusals
from labelkit.records import Records, read
from labelkit.validation.facts import Evidence, classes_of, fact_table
from labelkit.validation.frames import unmarked
from labelkit.validation.gate import judge
from labelkit.validation.suites import Suite, load_suite
from labelkit.validation.verdict import Verdict

if TYPE_CHECKING:
    import pyarrow as pa


def validate(
    table: Any,
    suite: Suite | str | Path,
    *,
    records: Records | Any = None,
    answers: Mapping[str, str] | None = None,
) -> Verdict:
    """Judge one table by one suite.

    `table` is an Arrow table, anything with `__arrow_c_stream__` (pandas and polars frames among it), the path of a
    Parquet file, or a Spark DataFrame, which is judged where it is, `records` being another one with a column "id";
    `suite` a path or a loaded Suite. A suite on `labels` may name the columns that labelkit computes:
    those that follow from the labels alone, such as p_sum, and with `records` (Records, or what `labelkit.read` takes)
    those that compare labels with their records, such as in_records and labels_of_same_text. Two records have the same
    text when all text columns of `records` agree. `answers` is what people settled on, record id -> class name.
    Columns that only a project knows, such as those about votes or earlier runs, are null here, and so vacuous.

    Raises SuiteError for a suite that does not hold, DataError for a table that cannot be read, UsageError for an
    answer that is no class.

    >>> import json, pathlib, tempfile
    >>> import pyarrow as pa
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "labels.json"
    >>> known = {"column": "label", "value_set": ["ham", "spam"]}
    >>> _ = path.write_text(json.dumps({
    ...     "name": "labels",
    ...     "meta": {"labelkit": {"table": "labels"}},
    ...     "expectations": [{"type": "expect_column_values_to_be_in_set", "kwargs": known}],
    ... }))
    >>> verdict = validate(pa.table({"id": ["a", "b"], "label": ["ham", "smap"]}), path)
    >>> verdict.status, verdict.outcomes[0].failing_ids, verdict.outcomes[0].failing_values
    ('fail', ('b',), ('"smap"',))
    >>> verdict.raise_if_failed()
    Traceback (most recent call last):
    labelkit.errors.AnswerIsNo: FAIL: 1 of 1 expectations block; do not train on these labels
    labels: fail: expect_column_values_to_be_in_set (label): 1 of 2 values not as expected: b = "smap"
    """
    loaded = suite if isinstance(suite, Suite) else load_suite(suite)
    if is_on_spark(table):
        from labelkit.validation.spark.standalone import judged_tables

        return judge([loaded], judged_tables(table, loaded, records, answers))
    given = unmarked(arrow_table(table))
    if loaded.table != "labels":
        return judge([loaded], {loaded.table: given})
    return judge([loaded], {"labels": _label_table(given, loaded, records, answers)})


def _label_table(labels: pa.Table, suite: Suite, records: Any, answers: Mapping[str, str] | None) -> pa.Table:
    """The labels with the columns that the suite reads. The records are let go before GX needs its memory."""
    return fact_table(_evidence(labels, records, answers), "labels", suite.reads, alone=records is None)


def _evidence(labels: pa.Table, records: Any, answers: Mapping[str, str] | None) -> Evidence:
    import pyarrow as pa

    classes = classes_of(labels)
    settled = settled_classes(answers, classes)
    if records is None:
        return Evidence(pa.table({"id": pa.array([], pa.string())}), labels, classes, "id", (), settled)
    source = records if isinstance(records, Records) else read(records)
    content = source.to_table()
    texts = [field.name for field in content.schema if pa.types.is_large_string(field.type)]
    return Evidence(content, labels, classes, source.id, tuple(texts), settled)


def settled_classes(answers: Mapping[str, str] | None, classes: Sequence[str]) -> dict[str, int]:
    """Record id -> class index. Raises UsageError for an answer that is no class."""
    unknown = sorted({str(name) for name in (answers or {}).values()} - set(classes))
    if unknown:
        raise UsageError(f"answers: no class {named(unknown)}; the labels have {named(classes)}")
    return {record: classes.index(name) for record, name in (answers or {}).items()}


def is_on_spark(table: Any) -> bool:
    """Whether a table is a Spark DataFrame, of Spark itself or of Spark Connect."""
    return hasattr(table, "sparkSession") and hasattr(table, "mapInArrow")


def arrow_table(table: Any) -> pa.Table:
    """The table as an Arrow table. Raises UsageError for what is no table, DataError for what cannot be read."""
    import pyarrow as pa

    if isinstance(table, pa.Table):
        return table
    if isinstance(table, str | Path):
        return _read(Path(table))
    try:
        if hasattr(table, "iloc"):  # pandas: its index is no column
            return pa.Table.from_pandas(table, preserve_index=False)
        if hasattr(table, "__arrow_c_stream__"):
            return pa.table(table)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise DataError(f"the frame does not fit into Arrow: {visible(str(error))[:200]}") from error
    raise UsageError(f"{type(table).__name__} is no table; give an Arrow table, a frame or the path of a Parquet file")


def _read(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise DataError(f"{visible(str(path))}: no such file")
    try:
        with refusals(path):
            table = pq.read_table(path, page_checksum_verification=True)
            table.schema.names  # noqa: B018  Arrow looks only now whether they are text
            return table
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise DataError(f"{visible(str(path))}: not a readable Parquet file") from error
