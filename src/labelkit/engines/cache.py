"""Votes that were cast before: one file per chunk of field values, one column per function.

A column is found again by the content of the fields and by the function's fingerprint, never by name or position:
appended records and an edited function cost only themselves. A file that is not whole is as good as none, so writing
needs no fsync. Columns with faults are not kept: the next run shall say again what failed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labelkit.files import TEMPORARY
from labelkit.labeling import LabelingFunction
from labelkit.lineage import hash_json

MAGIC = b"labelkit votes 1\n"
MAX_COLUMNS = 1024  # of one chunk; beyond that, functions that are no longer there go first
MAX_BYTES = 4 * 2**30  # of all files; beyond that, the longest unused go first


@dataclass(frozen=True)
class Column:
    """One function's votes on one chunk."""

    votes: NDArray[np.int8]  # (n,)
    seconds: float  # that casting them took


def column_key(function: LabelingFunction, classes: Sequence[str]) -> str:
    """What a function's votes depend on besides the records."""
    return key_of(function.fingerprint, classes)


def key_of(fingerprint: str, classes: Sequence[str]) -> str:
    """The same of a function that is known by its fingerprint only."""
    return hash_json([fingerprint, list(classes)])[:40]


class VoteCache:
    """The folder .labelkit/cache/votes of a project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, chunk: str) -> dict[str, Column]:
        """The columns of a chunk by key; empty when there are none."""
        path = self._path(chunk)
        try:
            content = path.read_bytes()
            columns = _decoded(content)
        except (OSError, ValueError, KeyError, TypeError):
            return {}
        with contextlib.suppress(OSError):
            os.utime(path)
        return columns

    def write(self, chunk: str, new: Mapping[str, Column], old: Mapping[str, Column]) -> None:
        """Keep new columns of a chunk beside the old ones. A full disk is no failure: it only saves nothing."""
        kept = dict(list({**new, **old}.items())[:MAX_COLUMNS])
        path = self._path(chunk)
        temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(_encoded(kept))
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def seconds(self, keys: Collection[str]) -> dict[str, tuple[float, int]]:
        """Key -> seconds that casting took, and on how many records, in all chunks that hold the column."""
        found: dict[str, tuple[float, int]] = {}
        for path in self.folder.glob("*/*"):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError), path.open("rb") as file:
                file.seek(len(MAGIC) + hashlib.sha256().digest_size)
                about = json.loads(file.readline())
                for key, seconds in about["columns"]:
                    if key in keys:
                        before = found.get(key, (0.0, 0))
                        found[key] = (before[0] + float(seconds), before[1] + int(about["rows"]))
        return found

    def trim(self, limit: int = MAX_BYTES) -> None:
        """Remove the longest unused files beyond the limit, and what killed processes left."""
        found = []
        for path in self.folder.glob("*/*"):
            with contextlib.suppress(OSError):
                if path.name.endswith(TEMPORARY):
                    path.unlink()
                else:
                    about = path.stat()
                    found.append((about.st_mtime, about.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= limit:
                break
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size

    def _path(self, chunk: str) -> Path:
        return self.folder / chunk[:2] / chunk


def _encoded(columns: Mapping[str, Column]) -> bytes:
    import pyarrow as pa

    raw = b"".join(np.ascontiguousarray(column.votes).tobytes() for column in columns.values())
    packed = pa.compress(raw, codec="lz4", asbytes=True) if raw else b""
    rows = len(next(iter(columns.values())).votes) if columns else 0
    about = {"rows": rows, "columns": [[key, round(column.seconds, 6)] for key, column in columns.items()]}
    body = json.dumps(about).encode() + b"\n" + packed
    return MAGIC + hashlib.sha256(body).digest() + body


def _decoded(content: bytes) -> dict[str, Column]:
    """Columns of a file. Raises ValueError, KeyError or TypeError for one that is not whole."""
    import pyarrow as pa

    body = content[len(MAGIC) + 32 :]
    if not content.startswith(MAGIC) or content[len(MAGIC) :][:32] != hashlib.sha256(body).digest():
        raise ValueError("not a whole file of votes")
    line, _, packed = body.partition(b"\n")
    about = json.loads(line)
    rows, keys = about["rows"], about["columns"]
    size = rows * len(keys)
    votes = np.frombuffer(pa.decompress(packed, size, codec="lz4", asbytes=True) if size else b"", dtype=np.int8)
    return {key: Column(votes[i * rows : (i + 1) * rows], seconds) for i, (key, seconds) in enumerate(keys)}
