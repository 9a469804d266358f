"""Lists of words in files."""

from __future__ import annotations

import csv
from pathlib import Path

from labelkit.errors import FunctionError, named, visible
from labelkit.files import machine_errors

COMMENT = "# "


def read_words(rule: str, path: Path, column: str | None) -> list[str]:
    """The words of a text file, one per line, or of a column of a `.csv` or `.parquet` file; nulls are passed over.

    Raises FunctionError, naming rule and file, for a file, a column or a word that cannot be read.
    """
    where = f'rule "{visible(rule)}": {visible(path.name)}'
    if not path.is_file():
        raise FunctionError(f"{where}: no such file; a relative path begins at the file that declares the rule")
    kind = path.suffix.lower()
    if kind not in (".csv", ".parquet") and column is not None:
        raise FunctionError(f"{where}: only .csv and .parquet files have columns")
    with machine_errors(path):
        try:
            words = _of_parquet(where, path, column) if kind == ".parquet" else _of_text(where, path, kind, column)
        except UnicodeDecodeError as error:
            raise FunctionError(f"{where}: byte {error.start + 1:,} is not UTF-8; save the file as UTF-8") from None
    if not words:
        raise FunctionError(f"{where}: no word in it")
    return words


def _of_text(where: str, path: Path, kind: str, column: str | None) -> list[str]:
    text = path.read_bytes().decode("utf-8-sig")
    if kind != ".csv":
        lines = (line.strip() for line in text.splitlines())
        return [line for line in lines if line and not (line + " ").startswith(COMMENT)]
    try:
        rows = list(csv.reader(text.splitlines(keepends=True), strict=True))
    except csv.Error as error:
        raise FunctionError(f"{where}: not a CSV file: {visible(str(error))}") from None
    header, body = (rows[0], rows[1:]) if rows else ([], [])
    at = header.index(_column(where, header, column))
    return [row[at].strip() for row in body if len(row) > at and row[at].strip()]


def _of_parquet(where: str, path: Path, column: str | None) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        name = _column(where, schema.names, column)
        values = pq.read_table(path, columns=[name]).column(0)
    except pa.ArrowInvalid as error:
        raise FunctionError(f"{where}: not a Parquet file: {visible(str(error).splitlines()[0][:200])}") from None
    if not all(isinstance(value, str) for value in values.drop_null().to_pylist()):
        raise FunctionError(f'{where}: column "{visible(name)}" is {values.type}, not text')
    return [value for value in values.drop_null().to_pylist() if value.strip()]


def _column(where: str, columns: list[str], column: str | None) -> str:
    if column is None and len(columns) == 1:
        return columns[0]
    if column is None:
        raise FunctionError(f"{where}: say which column holds the words; there are {named(columns)}")
    if column not in columns:
        raise FunctionError(f'{where}: no column "{visible(column)}"; there are {named(columns)}')
    return column
