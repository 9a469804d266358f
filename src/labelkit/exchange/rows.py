"""Items as rows of a table: id, fields, gold and split, then label, confidence, source and p_<class>."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from labelkit.errors import UsageError, named
from labelkit.exchange.items import About, Item
from labelkit.exchange.losses import Losses
from labelkit.label_models.labels import probability_column

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 8192


def schema_of(about: About) -> pa.Schema:
    """Columns and types of the table. A column of the records that has the name of one of labels gets "record_" before.

    Raises UsageError when that name is taken as well.
    """
    import pyarrow as pa

    texts = pa.schema([(name, pa.string()) for name in (about.id, *about.fields)])
    own = [("label", pa.string()), ("confidence", pa.float64()), ("source", pa.string())]
    own += [(probability_column(name), pa.float64()) for name in about.classes]
    records = [pa.field(shown(each.name, about), each.type) for each in about.schema or texts]
    names = [each.name for each in records] + [name for name, _ in own]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{named(twice)} would be the name of two columns; rename it in the records")
    return pa.schema([*records, *(pa.field(name, kind) for name, kind in own)])


def shown(column: str, about: About) -> str:
    """The name under which a column of the records is written.

    >>> shown("label", About()), shown("p_ham", About(classes=("ham",))), shown("text", About())
    ('record_label', 'record_p_ham', 'text')
    """
    own = {"label", "confidence", "source", *map(probability_column, about.classes)}
    return f"record_{column}" if column in own else column


def row_of(item: Item, about: About) -> dict[str, object]:
    """A record as one row."""
    row: dict[str, object] = {about.id: item.id}
    row |= {shown(name, about): value for name, value in {**item.fields, **item.metadata}.items()}
    row |= {"label": item.label, "confidence": item.confidence, "source": item.source}
    return row | dict(zip(map(probability_column, about.classes), item.probs, strict=False))


def tables_of(items: Iterable[Item], about: About, losses: Losses) -> Iterator[pa.Table]:
    """Tables of at most BATCH_ROWS rows, one at least; what a row cannot hold is counted as lost."""
    import pyarrow as pa

    schema, held, written = schema_of(about), [], False
    for item in items:
        beside = len(item.opinions) - (item.source == "human")
        losses.add("votes of functions", item.id, "a row is a record; export votes beside it", len(item.votes))
        losses.add("answers beside the standing one", item.id, "a row has one label; export votes beside it", beside)
        held.append(row_of(item, about))
        if len(held) == BATCH_ROWS:
            yield pa.Table.from_pylist(held, schema)
            held, written = [], True
    if held or not written:
        yield pa.Table.from_pylist(held, schema)


def labelled(items: Iterable[Item], losses: Losses, why: str) -> Iterator[Item]:
    """The items that have a label; the others are counted as lost."""
    for item in items:
        if item.label is None:
            losses.add("records without a label", item.id, why)
        else:
            yield item
