"""What a file of records seems to hold: ids, types, and which column is what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labelkit.errors import DataError, named, visible
from labelkit.records import numbered, read
from labelkit.validation.inference import Roles, guess_roles

if TYPE_CHECKING:
    import pyarrow as pa

COPY = "data/records.parquet"  # of records that had no ids
_WHOLE, _NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})"), re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_MISSING = {"na", "n/a", "nan", "null", "none", "-", "?"}  # what people write for no number


@dataclass(frozen=True)
class Guessed:
    """The records of a file and what its columns are."""

    table: pa.Table
    roles: Roles
    types: Mapping[str, str]  # CSV column -> type to be declared; none for a copy, which has its own
    nearly: Mapping[str, str]  # CSV column of numbers -> the word that makes it text


def guessed_from(data: Path, gold: str | None, *, number: bool) -> Guessed:
    """Read a file, numbering its records if so wished. Raises DataError where nothing could be the id."""
    key = "id" if number else _any_id(data)
    texts = numbered(data) if number else read(data, id=key).to_table()
    types, nearly = _csv_types(texts, key) if data.suffix.lower() == ".csv" else ({}, {})
    if number:
        table = read(numbered(data, types), id=key).to_table()
        return Guessed(table, guess_roles(table, visible(data.name), gold), {}, nearly)
    table = read(data, id=key, types=types).to_table()
    roles = guess_roles(table, visible(data.name), gold)
    types = {name: kind for name, kind in types.items() if name != roles.id}
    return Guessed(read(data, id=roles.id, types=types).to_table(), roles, types, nearly)


def as_parquet(table: pa.Table) -> bytes:
    """A table as the content of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = pa.BufferOutputStream()
    pq.write_table(table, content)
    return bytes(content.getvalue())


def _csv_types(texts: pa.Table, key: str) -> tuple[dict[str, str], dict[str, str]]:
    """Columns that hold numbers in every row, and those that would but for one word; all others are text."""
    types, nearly = dict[str, str](), dict[str, str]()
    for name in texts.schema.names:
        values = {value for value in texts.column(name).unique().to_pylist() if value not in (None, "")}
        words = {value for value in values if value.lower() in _MISSING}
        kind = None if name == key else _kind(values - words)
        if kind is not None and not words:
            types[name] = kind
        elif kind is not None and len(words) == 1:
            nearly[name] = words.pop()
    return types, nearly


def _kind(values: set[str]) -> str | None:
    if values and all(_WHOLE.fullmatch(value) for value in values):
        return "int64"
    if values and all(_WHOLE.fullmatch(value) or _NUMBER.fullmatch(value) for value in values):
        return "float64"
    return None


def _any_id(data: Path) -> str:
    """A column whose values are unique ids, found by trying: the strict reader decides."""
    refused: DataError | None = None
    for name in _columns(data):
        try:
            for _ in read(data, id=name, columns=()).batches():
                pass
        except DataError as error:
            refused = refused or error
        else:
            return name
    raise DataError(
        f"{visible(data.name)}: no column could be the id, for none is different in every row "
        f"(columns are {named(_columns(data))}); --number writes a copy with numbers as ids"
    ) from refused


def _columns(data: Path) -> list[str]:
    """Column names, those that sound like an id first."""
    from labelkit.records.opening import source_columns

    names = source_columns(data)
    return sorted(names, key=lambda name: re.search(r"(^|_)(id|key|uuid|guid)$", name, re.IGNORECASE) is None)
