"""Items as rows of a table: id, fields, gold and split, then label, confidence, source and p_<class>.

Where a record may have several classes: labels, undecided and settled (lists of names), source and p_<class>.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from labelkit.errors import UsageError, named
from labelkit.exchange.items import About, Item
from labelkit.exchange.losses import Losses
from labelkit.label_models.labels import probability_column

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 8192
_LISTS = ("labels", "undecided", "settled")  # of names


def own_columns(about: About) -> tuple[str, ...]:
    """The columns of labels, in their order."""
    first = (*_LISTS, "source") if about.several else ("label", "confidence", "source")
    return *first, *map(probability_column, about.classes)


def schema_of(about: About) -> pa.Schema:
    """Columns and types of the table. A column of the records that has the name of one of labels gets "record_" before.

    Raises UsageError when that name is taken as well.
    """
    import pyarrow as pa

    texts = pa.schema([(name, pa.string()) for name in (about.id, *about.fields)])
    kinds = {"confidence": pa.float64(), **dict.fromkeys(_LISTS, pa.list_(pa.string()))}
    kinds |= {probability_column(name): pa.float64() for name in about.classes}
    own = [(name, kinds.get(name, pa.string())) for name in own_columns(about)]
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
    return f"record_{column}" if column in own_columns(about) else column


def row_of(item: Item, about: About) -> dict[str, object]:
    """A record as one row."""
    row: dict[str, object] = {about.id: item.id}
    row |= {shown(name, about): value for name, value in {**item.fields, **item.metadata}.items()}
    if about.several:
        labels = None if item.labels is None else list(item.labels)
        row |= dict(zip(_LISTS, (labels, list(item.undecided), list(item.settled)), strict=True))
        row |= {"source": item.source}
    else:
        row |= {"label": item.label, "confidence": item.confidence, "source": item.source}
    return row | dict(zip(map(probability_column, about.classes), item.probs, strict=False))


def joined(names: Sequence[str], about: About) -> str:
    """Names as one text, as `[data] gold` reads them: none is an empty list, for an empty text says nothing.

    >>> joined(["pandas", "regex"], About()), joined(["a, b"], About()), joined([], About())
    ('pandas,regex', '["a, b"]', '[]')
    """
    text = about.separator.join(names)
    plain = [part.strip() for part in text.split(about.separator)] == [*names] and not text.lstrip().startswith("[")
    return text if plain and all(names) else json.dumps([*names], ensure_ascii=False)


def tables_of(items: Iterable[Item], about: About, losses: Losses) -> Iterator[pa.Table]:
    """Tables of at most BATCH_ROWS rows, one at least; what a row cannot hold is counted as lost."""
    import pyarrow as pa

    schema, held, written = schema_of(about), [], False
    for item in items:
        beside = max(len(item.opinions) - (item.source == "human" or bool(item.settled)), 0)
        losses.add("votes of functions", item.id, "a row is a record; export votes beside it", len(item.votes))
        losses.add("answers beside the standing one", item.id, "a row has what stands; export votes beside it", beside)
        held.append(row_of(item, about))
        if len(held) == BATCH_ROWS:
            yield pa.Table.from_pylist(held, schema)
            held, written = [], True
    if held or not written:
        yield pa.Table.from_pylist(held, schema)


def labelled(items: Iterable[Item], losses: Losses, why: str) -> Iterator[Item]:
    """The items that have a label; the others are counted as lost."""
    for item in items:
        if item.labels is None:
            losses.add("records without a label", item.id, why)
        else:
            yield item
