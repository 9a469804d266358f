"""A file that only grows: JSON values, each on a line of its own behind its hash. A line that is not whole is none."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labelkit.files import machine_errors, make_folder

_DIGITS = 16  # of the hash


class Journal:
    """Values kept at `path`; without one, nothing is kept. A value is written whole, by whichever thread."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._descriptor: int | None = None

    def values(self) -> Iterator[Any]:
        """What was kept, in order."""
        if self._path is None:
            return
        with machine_errors(self._path):
            try:
                content = self._path.read_bytes()
            except FileNotFoundError:
                return
        for line in content.split(b"\n"):
            digest, _, body = line.partition(b" ")
            if body and digest.decode("ascii", "replace") == _digest(body):
                with contextlib.suppress(ValueError, RecursionError):  # whoever wrote it was not us
                    yield json.loads(body)

    def append(self, value: Any) -> None:
        """Keep one more. It survives the end of this process at once, and a power cut once the journal is closed."""
        if self._path is None:
            return
        body = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()
        with self._lock, machine_errors(self._path):
            if self._descriptor is None:
                self._descriptor = self._open(self._path)
            os.write(self._descriptor, _digest(body).encode() + b" " + body + b"\n")

    def close(self) -> None:
        """Bring all to disk."""
        with self._lock:
            if self._descriptor is not None:
                os.fsync(self._descriptor)
                os.close(self._descriptor)
                self._descriptor = None

    @staticmethod
    def _open(path: Path) -> int:
        make_folder(path.parent)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(path, flags, 0o666)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":  # whoever wrote last was killed at it
            os.write(descriptor, b"\n")
        return descriptor


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:_DIGITS]
