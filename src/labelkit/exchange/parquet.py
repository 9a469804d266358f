"""Parquet: one row per record, as it is or with the types that Hugging Face's datasets reads.

`datasets` finds the types of columns in Parquet's own metadata, under "huggingface"
(https://huggingface.co/docs/datasets/about_dataset_features), so that `load_dataset("parquet", data_files=...)` knows
`label` as a ClassLabel with the names of the classes, and `labels`, where a record may have several, as a list of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, visible
from labelkit.exchange.items import About, Item, Opinion, certainty, texts_of
from labelkit.exchange.json_files import open_file
from labelkit.exchange.losses import Losses
from labelkit.exchange.rows import BATCH_ROWS, labelled, own_columns, schema_of, tables_of
from labelkit.files import atomic_write, refusals
from labelkit.label_models.labels import probability_column

if TYPE_CHECKING:
    import pyarrow as pa

_KEY = b"huggingface"


def write(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write one row per record."""
    return _write(tables_of(items, about, losses), schema_of(about), path)


def write_huggingface(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write one row per labelled record; `label` is a ClassLabel, or `labels` a list of them."""
    import pyarrow as pa

    schema, name = schema_of(about), _column(about)
    kind = pa.list_(pa.int64()) if about.several else pa.int64()
    schema = schema.set(schema.get_field_index(name), pa.field(name, kind))
    schema = schema.with_metadata({_KEY: json.dumps({"info": {"features": _features(schema, about)}})})
    tables = tables_of(labelled(items, losses, "a ClassLabel has no word for it"), about, losses)
    return _write((_with_indices(table, schema, about) for table in tables), schema, path)


def _write(tables: Iterator[pa.Table], schema: pa.Schema, path: Path) -> int:
    import pyarrow.parquet as pq

    rows = 0
    with atomic_write(path) as file, pq.ParquetWriter(file, schema) as writer:
        for table in tables:
            writer.write_table(table)
            rows += table.num_rows
    return rows


def _with_indices(table: pa.Table, schema: pa.Schema, about: About) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    classes, name = pa.array(about.classes, pa.string()), _column(about)
    column = table.column(name).combine_chunks()
    if about.several:
        values = pc.index_in(column.flatten(), value_set=classes).cast(pa.int64())
        indices = pa.ListArray.from_arrays(column.offsets, values)  # every row has a list: labelled ones only
    else:
        indices = pc.index_in(column, value_set=classes).cast(pa.int64())
    return table.set_column(table.schema.get_field_index(name), name, indices).cast(schema)


def _column(about: About) -> str:
    return "labels" if about.several else "label"


def _features(schema: pa.Schema, about: About) -> dict[str, Any]:
    """Hugging Face's words for the columns."""
    features = {each.name: _feature(each.type) for each in schema}
    one = {"names": list(about.classes), "_type": "ClassLabel"}
    return features | {_column(about): {"feature": one, "_type": "List"} if about.several else one}


def _feature(kind: pa.DataType) -> dict[str, Any]:
    import pyarrow as pa

    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    names = {"double": "float64", "float": "float32", "halffloat": "float16"}
    return {"dtype": names.get(str(kind), str(kind)), "_type": "Value"}


def read_huggingface(path: Path, about: About, losses: Losses) -> Iterator[Item]:
    """Read a Parquet file that `datasets` wrote; what its ClassLabel `label` says becomes an answer.

    Where a record may have several classes, what the list of ClassLabels `labels` says.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = visible(path.name)
    try:
        with refusals(path), pq.ParquetFile(open_file(path)) as file:
            names = _class_names(file.schema_arrow, about, name)
            row = 0
            for batch in file.iter_batches(BATCH_ROWS):
                for values in batch.to_pylist():
                    row += 1
                    yield _item(values, names, about, f"{name}: row {row}")
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:  # Arrow says it with any of them
        raise DataError(f"{name}: not a Parquet file that can be read: {visible(str(error)[:200])}") from error


def _class_names(schema: pa.Schema, about: About, name: str) -> list[str]:
    try:
        features = json.loads((schema.metadata or {})[_KEY])["info"]["features"]
        names = features["labels"]["feature"]["names"] if about.several else features["label"]["names"]
    except (KeyError, TypeError, ValueError) as error:
        what = 'list of ClassLabels "labels"' if about.several else 'ClassLabel "label"'
        raise DataError(f"{name}: no {what}; write the file with `Dataset.to_parquet`") from error
    return [str(each) for each in names]


def _item(values: dict[str, Any], names: list[str], about: About, place: str) -> Item:
    labels = _labels(values.get(_column(about)), names, about, place)
    model = values.get("source") == "model"
    key = values.get(about.id)
    own = {about.id, "confidence", *own_columns(about), *(each for each in values if each.startswith("p_"))}
    told = texts_of(values.get("undecided"), '"undecided"', place) if about.several else ()
    undecided = (*told, *(each for each in about.classes if about.several and each not in names))
    return Item(
        "" if key is None else str(key),
        {name: value for name, value in values.items() if name not in own},
        labels=labels if model else None,
        confidence=_confidence(values, about) if model and labels is not None else None,
        source="model" if model and labels is not None else "none",
        undecided=undecided if model and labels is not None else (),
        opinions=() if labels is None or model else (Opinion(labels, "", undecided=undecided),),
        place=place,
    )


def _confidence(values: dict[str, Any], about: About) -> float | None:
    names = map(probability_column, about.classes) if about.several else ("confidence",)
    found = [value for name in names if isinstance(value := values.get(name), float)]
    return certainty(found) if about.several else next(iter(found), None)


def _labels(said: object, names: list[str], about: About, place: str) -> tuple[str, ...] | None:
    """The classes that a row names by their index; one index alone may be missing, as null or -1."""
    if said is None or (said == -1 and not about.several):
        return None
    if about.several and not isinstance(said, list):
        raise DataError(f'{place}: "labels" must be a list')
    return tuple(
        dict.fromkeys(_class_at(index, names, place) for index in (said if isinstance(said, list) else [said]))
    )


def _class_at(index: object, names: list[str], place: str) -> str:
    if not isinstance(index, int) or not 0 <= index < len(names):
        raise DataError(f"{place}: label {visible(repr(index)[:40])} is no index of the {len(names)} classes")
    return names[index]
