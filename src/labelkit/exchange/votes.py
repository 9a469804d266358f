"""Votes as a long table: one row for each thing that somebody, a function or a model said about a record.

Columns: `record`, `source` (name of the function, person or model), `kind` (row, batch, rule; person, adjudicator;
model), `version` (fingerprint of the function, operation of the answer, run of the model), `vote` (class name; null
for a function that failed and a person who skipped; an abstention is no row), `probability` (of the model's vote) and
`time` (of a person's answer).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.exchange.items import About, Item
from labelkit.exchange.json_files import write_lines
from labelkit.exchange.losses import Losses
from labelkit.files import atomic_write

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 65_536
_COLUMNS = ("record", "source", "kind", "version", "vote", "probability", "time")


def said_of(item: Item, about: About) -> Iterator[tuple[str | float | None, ...]]:
    """What is said about one record, in the order of the columns."""
    for vote in item.votes:
        yield item.id, vote.source, vote.kind, vote.version, vote.label, None, None
    if item.model_label is not None:
        yield item.id, "labelkit", "model", about.run, item.model_label, item.confidence, None
    for each in item.opinions:
        yield item.id, each.annotator, each.role, each.operation, each.label, None, each.time or None


def write(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write the long table, by the ending of the path: .csv, .jsonl, or else Parquet. Returns the number of rows."""
    rows = _rows(items, about, losses)
    return write_lines(path, rows) if path.suffix == ".jsonl" else _write_tables(rows, path)


def _rows(items: Iterable[Item], about: About, losses: Losses) -> Iterator[dict[str, Any]]:
    for item in items:
        losses.add("fields", item.id, "a vote names its record by id", len(item.fields))
        for said in said_of(item, about):
            yield dict(zip(_COLUMNS, said, strict=True))


def _schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema([(name, pa.float64() if name == "probability" else pa.string()) for name in _COLUMNS])


def _write_tables(rows: Iterator[dict[str, Any]], path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv as arrow_csv

    opened = arrow_csv.CSVWriter if path.suffix == ".csv" else pq.ParquetWriter
    schema, count = _schema(), 0
    with atomic_write(path) as file, opened(file, schema) as writer:
        held: list[dict[str, Any]] = []
        for row in rows:
            held.append(row)
            if len(held) == _ROWS:
                writer.write_table(pa.Table.from_pylist(held, schema))
                count, held = count + len(held), []
        writer.write_table(pa.Table.from_pylist(held, schema))
    return count + len(held)
