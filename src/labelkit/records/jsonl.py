"""JSON lines, read strictly: one object per line, plain values, one type per column.

A first pass finds the columns and their types, so that nothing depends on what the first lines happen to hold. A key
that a record does not have is null. Refused: repeated keys, NaN and Infinity, whole numbers beyond 64 bits, a column
that is text here and a number there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, visible
from labelkit.records.text import BATCH_ROWS, arrow_type, decoded_lines

if TYPE_CHECKING:
    import pyarrow as pa

NESTED = "nested"
KINDS = {str: "string", bool: "bool", int: "int64", float: "float64", list: NESTED, dict: NESTED}


class _Refused(ValueError):
    """A line that JSON's own reader would let through."""


@dataclass(frozen=True)
class JsonlSource:
    """A file with one JSON object per line."""

    path: Path
    encoding: str = "utf-8"
    types: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name."""
        return visible(self.path.name)

    def columns(self) -> list[str]:
        """Every key that any record has, in order of first appearance."""
        return list(self._kinds)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns, 8,192 records at a time."""
        for column in columns:
            if self._kinds[column] == NESTED:
                raise DataError(
                    f'{self.name}: column "{visible(column)}" holds lists or objects; fields are plain values'
                )
        held: list[dict[str, Any]] = []
        for _, record in self._records():
            held.append(record)
            if len(held) == BATCH_ROWS:
                yield self._batch(held, columns)
                held = []
        if held:
            yield self._batch(held, columns)

    def place(self, index: int) -> str:
        """Line number of the record with this index."""
        for i, (line, _) in enumerate(self._records()):
            if i == index:
                return f"row {line}"
        return f"record {index + 1}"

    def _batch(self, held: list[dict[str, Any]], columns: Sequence[str]) -> pa.RecordBatch:
        import pyarrow as pa

        arrays = []
        for column in columns:
            kind = self._kinds[column]
            values = [record.get(column) for record in held]
            if kind == "float64":
                values = [None if value is None else float(value) for value in values]
            arrays.append(pa.array(values, arrow_type(kind)))
        return pa.RecordBatch.from_arrays(arrays, names=list(columns))

    @cached_property
    def _kinds(self) -> dict[str, str]:
        """Type of each column over the whole file."""
        kinds: dict[str, str] = {}
        for line, record in self._records():
            for key, value in record.items():
                if value is None:
                    kinds.setdefault(key, "")
                    continue
                kind, known = KINDS[type(value)], kinds.get(key, "")
                if {kind, known} == {"int64", "float64"}:
                    kind = "float64"
                elif known not in ("", kind):
                    raise DataError(
                        f'{self.name}: row {line}, column "{visible(key)}": {kind} here, {known} in the rows before'
                    )
                kinds[key] = kind
        if not kinds:
            raise DataError(f"{self.name}: no record in it")
        return {key: self.types.get(key, kind or "string") for key, kind in kinds.items()}

    def _records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """(line number, record) of every line that is not blank."""
        for number, line in enumerate(decoded_lines(self.path, self.encoding), start=1):
            if line.strip():
                yield number, self._parsed(line, number)

    def _parsed(self, line: str, number: int) -> dict[str, Any]:
        where = f"{self.name}: row {number}"
        try:
            record = json.loads(line, object_pairs_hook=_distinct, parse_constant=_no_constant, parse_int=_int64)
        except _Refused as error:
            raise DataError(f"{where}: {error}") from error
        except RecursionError as error:
            raise DataError(f"{where}: nested too deeply") from error
        except ValueError as error:
            raise DataError(f"{where}: not JSON: {visible(str(error))}") from error
        if not isinstance(record, dict):
            raise DataError(f"{where}: a {type(record).__name__}, not an object like {{...}}")
        for key, value in record.items():
            if isinstance(value, str) and not value.isascii():
                self._check_text(value, f'{where}, column "{visible(key)}"')
        return record

    def _check_text(self, value: str, where: str) -> None:
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise DataError(f"{where}: half of a surrogate pair at offset {error.start}; it is no character") from error


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _Refused(f'key "{visible(twice)}" stands twice')
    return record


def _no_constant(name: str) -> Any:
    raise _Refused(f"{name} is no JSON value; write null")


def _int64(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= int(text) < 2**63:
        raise _Refused(f"{text[:30]} does not fit 64 bits; write it as text")
    return int(text)
