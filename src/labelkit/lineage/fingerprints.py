"""Fingerprints: equal content gives an equal hash, whatever the file format or the batch size.

The data fingerprint is SHA-256 over the fingerprints of fixed chunks of 65,536 canonical Arrow rows, in order.
Canonical means: text is UTF-8, whole numbers are int64, other numbers float64, and a null is a null.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
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
    """SHA-256 of a file's bytes."""
    with machine_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_json(value: object) -> str:
    """SHA-256 of a JSON value, independent of key order.

    >>> hash_json({"a": 1, "b": 2}) == hash_json({"b": 2, "a": 1})
    True
    """
    return hash_bytes(json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode())


def hash_tree(folder: Path, patterns: Iterable[str]) -> dict[str, str]:
    """SHA-256 of every file below the folder that fits one of the patterns, by relative path, in name order."""
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

    def add(self, chunk: pa.RecordBatch) -> None:
        """Add the next chunk; all but the last must have CHUNK_ROWS rows."""
        self._hash.update(chunk_fingerprint(chunk))

    def hexdigest(self) -> str:
        """The fingerprint of all chunks so far."""
        return self._hash.hexdigest()


def chunk_fingerprint(chunk: pa.RecordBatch) -> bytes:
    """SHA-256 digest of a chunk's column names, canonical types and values."""
    digest = hashlib.sha256(f"{chunk.num_rows}".encode())
    for name, column in zip(chunk.schema.names, chunk.columns, strict=True):
        digest.update(json.dumps(name).encode())
        _hash_column(digest, column)
    return digest.digest()


def _hash_column(digest: Any, column: pa.Array) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    canonical = canonical_column(column)
    kind = canonical.type
    digest.update(str(kind).encode() + b"\0")
    digest.update(np.packbits(pc.is_valid(canonical).to_numpy(zero_copy_only=False)).tobytes())
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        filled = pc.fill_null(canonical, "" if pa.types.is_large_string(kind) else b"")
        digest.update(np.ascontiguousarray(pc.binary_length(filled).to_numpy()))
        digest.update(b"".join(_value_bytes(filled)))
    else:
        digest.update(np.ascontiguousarray(pc.fill_null(canonical, 0).to_numpy(zero_copy_only=False)))


def _value_bytes(text: pa.Array) -> Iterable[memoryview]:
    """The bytes of all values one after another, without copying."""
    import numpy as np

    _, offsets, values = text.buffers()
    if values is not None and len(text):
        ends = np.frombuffer(offsets, np.int64)[text.offset : text.offset + len(text) + 1]
        yield memoryview(values)[int(ends[0]) : int(ends[-1])]


def canonical_column(column: pa.Array) -> pa.Array:
    """The column in its canonical type: large_string, large_binary, int64, float64, uint8 (bool), or JSON text."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        return canonical_column(column.dictionary_decode())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return column.cast(pa.large_binary())
    if pa.types.is_boolean(kind):
        return column.cast(pa.uint8())
    if pa.types.is_uint64(kind):
        return column
    if pa.types.is_integer(kind):
        return column.cast(pa.int64())
    if pa.types.is_floating(kind):
        return column.cast(pa.float64())
    if pa.types.is_null(kind):
        return pa.nulls(len(column), pa.large_string())
    values = [None if value is None else json.dumps(value, default=str, sort_keys=True) for value in column.to_pylist()]
    return pa.array(values, pa.large_string())
