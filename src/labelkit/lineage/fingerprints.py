"""Fingerprints: equal content gives an equal hash, whatever the file format or the batch size.

The data fingerprint is SHA-256 over the fingerprints of fixed chunks of 65,536 canonical Arrow rows, in order.
Canonical means: text is UTF-8, whole numbers are int64, other numbers float64, and a null is a null.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.files import machine_errors

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_ROWS = 65_536


def hash_bytes(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder, which is a file in parts, `hash_parts`."""
    if path.is_dir():
        return hash_parts(hash_tree(path, ["*"]))
    with machine_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_parts(parts: Mapping[str, str]) -> str:
    """The hash of a folder whose files, by name, have these hashes: SHA-256 of that as JSON."""
    return hash_json(dict(parts))


def hash_json(value: object) -> str:
    """SHA-256 of a JSON value, independent of key order.

    >>> hash_json({"a": 1, "b": 2}) == hash_json({"b": 2, "a": 1})
    True
    """
    return hash_bytes(json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode())


def hash_tree(folder: Path, patterns: Iterable[str]) -> dict[str, str]:
    """SHA-256 of every file below the folder that fits one of the patterns, by relative path, in name order."""
    with machine_errors(folder):
        paths = sorted({path for pattern in patterns for path in folder.rglob(pattern) if path.is_file()})
    return {path.relative_to(folder).as_posix(): hash_file(path) for path in paths if "__pycache__" not in path.parts}


class DataFingerprint:
    """Fingerprint of records, fed chunk by chunk.

    >>> import pyarrow as pa
    >>> small, wide = DataFingerprint(), DataFingerprint()
    >>> small.add(pa.record_batch({"id": pa.array(["a"]), "n": pa.array([1], pa.int8())}))
    >>> wide.add(pa.record_batch({"id": pa.array(["a"], pa.large_string()), "n": pa.array([1], pa.int64())}))
    >>> small.hexdigest() == wide.hexdigest()
    True
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._last = CHUNK_ROWS  # rows of the last chunk

    def add(self, chunk: pa.RecordBatch) -> None:
        """Add the next chunk. All but the last must have CHUNK_ROWS rows: ValueError for any that follows another."""
        self.add_digest(chunk_fingerprint(column_digests(chunk), chunk.num_rows), chunk.num_rows)

    def add_digest(self, digest: bytes, rows: int) -> None:
        """Add the next chunk by its fingerprint, worked out elsewhere."""
        if self._last != CHUNK_ROWS or rows > CHUNK_ROWS:
            raise ValueError(f"chunks of {CHUNK_ROWS} rows are needed, not {self._last} then {rows}")
        self._last = rows
        self._hash.update(digest)

    def hexdigest(self) -> str:
        """The fingerprint of all chunks so far."""
        return self._hash.hexdigest()


def chunk_fingerprint(columns: Iterable[bytes], rows: int) -> bytes:
    """SHA-256 digest of a chunk, or of some of its columns, from `column_digests`."""
    digest = hashlib.sha256(f"{rows}".encode())
    for column in columns:
        digest.update(column)
    return digest.digest()


def column_digests(chunk: pa.RecordBatch) -> list[bytes]:
    """SHA-256 digest of each column's name, canonical type and values."""
    digests = []
    for name, column in zip(chunk.schema.names, chunk.columns, strict=True):
        digest = hashlib.sha256(json.dumps(name).encode())
        _hash_column(digest, column)
        digests.append(digest.digest())
    return digests


def _hash_column(digest: Any, column: pa.Array) -> None:
    """Kind, which values are null, their lengths where they have any, their bytes; of lists and structs their parts."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, values = _hashable(column)
    digest.update(kind.encode() + b"\0")
    digest.update(np.packbits(pc.is_valid(values).to_numpy(zero_copy_only=False)).tobytes())
    if kind == "list":
        lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
        digest.update(lengths.astype(np.int64))
        _hash_column(digest, values.flatten())
    elif kind == "struct":
        parts = dict(zip((field.name for field in values.type), values.flatten(), strict=True))
        digest.update(json.dumps(sorted(parts)).encode())
        for name in sorted(parts):
            _hash_column(digest, parts[name])
    elif pa.types.is_large_binary(values.type):
        filled = pc.fill_null(values, b"")
        digest.update(np.ascontiguousarray(pc.binary_length(filled).to_numpy()))
        digest.update(_value_bytes(filled))
    else:
        numbers = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
        if kind == "float":
            numbers = np.where(np.isnan(numbers), np.nan, numbers)  # one NaN out of the 2**52 that there are
        digest.update(np.ascontiguousarray(numbers))


def _hashable(column: pa.Array) -> tuple[str, pa.Array]:
    """The kind of a column as the hash names it, and its values as large_binary or as numbers."""
    import pyarrow as pa

    column = canonical_column(column)
    kind = column.type
    if column.null_count == len(column):  # nothing in it tells what it could have held
        return "text", pa.nulls(len(column), pa.large_binary())
    if pa.types.is_large_string(kind):
        return "text", column.cast(pa.large_binary())
    if pa.types.is_large_binary(kind):
        return "bytes", column
    if pa.types.is_uint64(kind):
        return _narrowed(column)
    if pa.types.is_int64(kind):
        return "int", column
    if pa.types.is_floating(kind):
        return "float", column
    return _hashable_other(column)


def _hashable_other(column: pa.Array) -> tuple[str, pa.Array]:
    """The same of a column that is neither text nor bytes nor numbers."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_boolean(kind):
        return "bool", column.cast(pa.uint8())
    if pa.types.is_date(kind):
        return "date", column.cast(pa.date32()).cast(pa.int32())
    if pa.types.is_decimal(kind):
        return "decimal", column.cast(pa.large_string()).cast(pa.large_binary())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return "list", column
    if pa.types.is_struct(kind) and len({field.name for field in kind}) == kind.num_fields:
        return "struct", column
    return _moments(column) if pa.types.is_timestamp(kind) else _as_json(column)


def _moments(column: pa.Array) -> tuple[str, pa.Array]:
    """Times as microseconds, or nanoseconds where there are any: whatever unit a file keeps them in."""
    import pyarrow as pa

    zone = column.type.tz or ""
    for unit in ("us", "ns"):
        try:
            return f"time {unit} {zone}", column.cast(pa.timestamp(unit, column.type.tz)).cast(pa.int64())
        except pa.ArrowInvalid:  # finer than that, or beyond what fits
            continue
    return _as_json(column)


def _as_json(column: pa.Array) -> tuple[str, pa.Array]:
    import pyarrow as pa

    return "json", pa.array(_json_texts(column), pa.large_string()).cast(pa.large_binary())


def _narrowed(column: pa.Array) -> tuple[str, pa.Array]:
    """Whole numbers without sign are whole numbers like any other, where they fit."""
    import pyarrow as pa

    try:
        return "int", column.cast(pa.int64())
    except pa.ArrowInvalid:
        return "uint", column


def _json_texts(column: pa.Array) -> list[str | None]:
    """Values of any other type as JSON text."""
    import pyarrow as pa

    try:
        values = column.to_pylist()
    except (OverflowError, ValueError):  # a date beyond those of Python
        values = column.cast(pa.string()).to_pylist()
    return [None if value is None else json.dumps(value, default=str, sort_keys=True) for value in values]


def _value_bytes(values: pa.Array) -> memoryview:
    """The bytes of all values one after another, without copying."""
    import numpy as np

    _, offsets, content = values.buffers()
    if content is None or not len(values):
        return memoryview(b"")
    ends = np.frombuffer(offsets, np.int64)[values.offset : values.offset + len(values) + 1]
    return memoryview(content)[int(ends[0]) : int(ends[-1])]


def canonical_column(column: pa.Array) -> pa.Array:
    """The column in its canonical type, without loss: see `canonical_type`.

    >>> import pyarrow as pa
    >>> canonical_column(pa.array(["a", "b", "a"]).dictionary_encode()).type
    DataType(large_string)
    """
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        return canonical_column(column.dictionary_decode())
    kind = canonical_type(column.type)
    return column if column.type == kind else column.cast(kind)


def canonical_type(kind: pa.DataType) -> pa.DataType:
    """large_string, large_binary, int64 (uint64 stays), float64; a type that is none of these stays as it is."""
    import pyarrow as pa
    import pyarrow.types as is_a

    if is_a.is_dictionary(kind):
        return canonical_type(kind.value_type)
    if is_a.is_string(kind) or is_a.is_string_view(kind) or is_a.is_null(kind):
        return pa.large_string()
    if is_a.is_binary(kind) or is_a.is_binary_view(kind) or is_a.is_fixed_size_binary(kind):
        return pa.large_binary()
    if is_a.is_integer(kind) and not is_a.is_uint64(kind):
        return pa.int64()
    if is_a.is_floating(kind):
        return pa.float64()
    return kind
