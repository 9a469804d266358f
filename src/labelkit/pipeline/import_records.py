"""`import --records`: records for a new project, from another tool's file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from labelkit.errors import DataError, visible
from labelkit.exchange import About, Item, Losses, Opinion, format_of
from labelkit.exchange.items import as_json
from labelkit.files import atomic_write
from labelkit.pipeline.imports import ImportReport


def records_from(
    path: Path,
    format: str,  # noqa: A002
    out: Path,
    *,
    text: str = "",
    several: bool = False,
) -> ImportReport:
    """Write the records of another tool's file as Parquet, for a project of its own.

    Columns: `id` (numbered where the file has none), the fields, what else the file says, `gold` (the label that all
    who answered agree on), `prediction` and `prediction_score`, and the votes of functions as `vote_<name>`. With
    `several` a record may have several labels: gold and prediction are lists of them, votes `vote_<class>_<name>`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    losses, about, name = Losses(), About(text=text, several=several), visible(path.name)
    items = format_of(format).read(path, about, losses)
    rows = [_row(item, number, about, losses) for number, item in enumerate(items, 1)]
    if not rows:
        raise DataError(f"{name}: no record in it")
    twice = [key for key, times in Counter(row["id"] for row in rows).items() if times > 1]
    if twice:
        raise DataError(f'{name}: {len(twice):,} ids stand for several records; first "{visible(twice[0])}"')
    columns = list(dict.fromkeys(column for row in rows for column in row))
    try:
        table = pa.table({column: [row.get(column) for row in rows] for column in columns})
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"{name}: a column holds values of several types: {visible(str(error)[:200])}") from error
    with atomic_write(out) as file:
        pq.write_table(table, file)
    return ImportReport(format, len(rows), losses, records=str(out))


def _row(item: Item, number: int, about: About, losses: Losses) -> dict[str, Any]:
    row: dict[str, Any] = {"id": item.id or str(number)}
    row |= {name: as_json(value) for name, value in {**item.fields, **item.metadata}.items()}
    gold = _agreed(item.opinions, row["id"], losses)
    row |= {"gold": _cell(gold, about)} if gold is not None or "gold" not in row else {}
    if item.source == "model":
        row |= {"prediction": _cell(item.labels, about), "prediction_score": item.confidence}
    return row | {f"vote_{f'{each.of_class}_' * about.several}{each.source}": each.label for each in item.votes}


def _cell(labels: tuple[str, ...] | None, about: About) -> object:
    """Labels as a column holds them."""
    return None if labels is None else list(labels) if about.several else labels[0]


def _agreed(opinions: Iterable[Opinion], record: str, losses: Losses) -> tuple[str, ...] | None:
    """The labels that all who answered agree on."""
    labels = Counter(tuple(sorted(opinion.labels)) for opinion in opinions if opinion.labels is not None)
    if len(labels) > 1:
        losses.add("answers that contradict one another", record, "gold is empty there", sum(labels.values()))
        return None
    losses.add(
        "names of annotators", record, "gold is one label; import answers into a project to keep them", labels.total()
    )
    return next(iter(labels), None)
