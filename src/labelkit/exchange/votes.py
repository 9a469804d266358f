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


def rows_of(item: Item, about: About) -> Iterator[dict[str, Any]]:
    """What is said about one record."""
    empty = {"record": item.id, "probability": None, "time": None}
    for vote in item.votes:
        yield empty | {"source": vote.source, "kind": vote.kind, "version": vote.version, "vote": vote.label}
    if item.model_label is not None:
        model = {"source": "labelkit", "kind": "model", "version": about.run, "vote": item.model_label}
        yield empty | model | {"probability": item.confidence}
    for each in item.opinions:
        said = {"source": each.annotator, "kind": each.role, "version": each.operation, "vote": each.label}
        yield empty | said | {"time": each.time or None}


def write(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write the long table, by the ending of the path: .csv, .jsonl, or else Parquet. Returns the number of rows."""
    rows = (_counted(row) for item in items for row in rows_of(_known(item, losses), about))
    if path.suffix == ".jsonl":
        return write_lines(path, rows)
    return _write_tables(rows, path)


def _known(item: Item, losses: Losses) -> Item:
    losses.add("fields", item.id, "a vote names its record by id", len(item.fields))
    return item


def _counted(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("record", "source", "kind", "version", "vote", "probability", "time")}


def _schema() -> pa.Schema:
    import pyarrow as pa

    texts = [(name, pa.string()) for name in ("record", "source", "kind", "version", "vote")]
    return pa.schema([*texts, ("probability", pa.float64()), ("time", pa.string())])


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
