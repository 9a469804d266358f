"""One table against one suite, without a project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, UsageError, visible
from labelkit.validation.facts import with_computed
from labelkit.validation.gate import judge
from labelkit.validation.suites import Suite, load_suite
from labelkit.validation.verdict import Verdict

if TYPE_CHECKING:
    import pyarrow as pa


def validate(table: Any, suite: Suite | str | Path) -> Verdict:
    """Judge one table by one suite.

    `table` is an Arrow table, anything with `__arrow_c_stream__` (pandas and polars frames among it), or the path of a
    Parquet file; `suite` a path or a loaded Suite. A suite on `labels` may name the columns that follow from the
    labels alone, such as p_sum; those that need records or answers are only known in a project.

    Raises SuiteError for a suite that does not hold, DataError for a table that cannot be read.

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
    facts = arrow_table(table)
    return judge([loaded], {loaded.table: with_computed(facts) if loaded.table == "labels" else facts})


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
        return pq.read_table(path, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{visible(str(path))}: not a readable Parquet file") from error
