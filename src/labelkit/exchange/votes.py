"""Votes as a long table: one row for each thing that somebody, a function or a model said about a record.

Columns: `record`, `source` (name of the function, person or model), `kind` (row, batch, rule; person, adjudicator;
model), `version` (fingerprint of the function, operation of the answer, run of the model), `vote` (class name; null
for a function that failed and a person who skipped; an abstention is no row), `probability` (of the model's vote) and
`time` (of a person's answer).

Where a record may have several classes there is a row for each class, `class` says which, and `vote` is yes or no of
it; a skip is of all classes, and `class` is null.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.exchange.items import About, Item
from labelkit.exchange.json_files import write_lines
from labelkit.exchange.losses import Losses
from labelkit.files import atomic_write
from labelkit.settings import NO, YES

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 65_536
_COLUMNS = ("record", "source", "kind", "version", "vote", "probability", "time")
_OF_CLASSES = ("record", "class", *_COLUMNS[1:])


def said_alone(item: Item, about: About) -> Iterator[tuple[str | float | None, ...]]:
    """What is said about one record, in the order of the columns."""
    for vote in item.votes:
        yield item.id, vote.source, vote.kind, vote.version, vote.label, None, None
    if item.model_labels is not None:
        yield item.id, "labelkit", "model", about.run, item.label, item.confidence, None
    for each in item.opinions:
        yield item.id, each.annotator, each.role, each.operation, each.label, None, each.time or None


def said_by_class(item: Item, about: About) -> Iterator[tuple[str | float | None, ...]]:
    """The same of a record that may have several classes."""
    for vote in item.votes:
        yield item.id, vote.of_class, vote.source, vote.kind, vote.version, vote.label, None, None
    known = {} if item.model_labels is None else dict(zip(about.classes, item.probs, strict=False))
    for name, p in known.items():
        if p is not None and name not in item.settled:
            yes = name in (item.model_labels or ())
            yield item.id, name, "labelkit", "model", about.run, YES if yes else NO, p if yes else 1 - p, None
    for each in item.opinions:
        said = each.annotator, each.role, each.operation
        if each.labels is None:
            yield item.id, None, *said, None, None, each.time or None
        for name in about.classes if each.labels is not None else ():
            if name not in each.undecided:
                yield item.id, name, *said, YES if name in (each.labels or ()) else NO, None, each.time or None


def write(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write the long table, by the ending of the path: .csv, .jsonl, or else Parquet. Returns the number of rows."""
    rows = _rows(items, about, losses)
    return write_lines(path, rows) if path.suffix == ".jsonl" else _write_tables(rows, path, about)


def _rows(items: Iterable[Item], about: About, losses: Losses) -> Iterator[dict[str, Any]]:
    columns, said_of = _columns(about), said_by_class if about.several else said_alone
    for item in items:
        losses.add("fields", item.id, "a vote names its record by id", len(item.fields))
        for said in said_of(item, about):
            yield dict(zip(columns, said, strict=True))


def _columns(about: About) -> tuple[str, ...]:
    return _OF_CLASSES if about.several else _COLUMNS


def _schema(about: About) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([(name, pa.float64() if name == "probability" else pa.string()) for name in _columns(about)])


def _write_tables(rows: Iterator[dict[str, Any]], path: Path, about: About) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv as arrow_csv

    opened = arrow_csv.CSVWriter if path.suffix == ".csv" else pq.ParquetWriter
    schema, count = _schema(about), 0
    with atomic_write(path) as file, opened(file, schema) as writer:
        held: list[dict[str, Any]] = []
        for row in rows:
            held.append(row)
            if len(held) == _ROWS:
                writer.write_table(pa.Table.from_pylist(held, schema))
                count, held = count + len(held), []
        writer.write_table(pa.Table.from_pylist(held, schema))
    return count + len(held)
