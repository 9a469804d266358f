"""Records that Spark itself reads, from its tables or any format that it knows: a query, and what it gave.

The result is written once, in order of id, as a folder of Parquet. All passes read that: a table may change while they
run, and without an order of its own it has no first record. Nothing goes through the driver.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labelkit.engines.spark.blocks import said, spark_errors
from labelkit.errors import DataError, visible
from labelkit.records.base import check_columns


def take_snapshot(session: Any, query: str, name: str, columns: Sequence[str], folder: Path) -> None:
    """Write these columns of the query's result to a folder, in order of the first, which is the id.

    `name` is what messages call the query. Raises DataError for a query that Spark cannot run or that lacks a column.
    """
    from pyspark.errors import AnalysisException, ParseException

    session.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    try:
        found = session.sql(query)
        check_columns(columns, found.columns, name)
        rows = found.select([found[f"`{column.replace('`', '``')}`"] for column in columns])
    except (AnalysisException, ParseException) as error:
        raise DataError(f"{name}: Spark: {visible(said(error))}") from error
    with spark_errors():
        rows.orderBy(rows[0]).write.mode("overwrite").parquet(str(folder))
