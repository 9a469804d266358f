"""Whole files or none: atomic writes, the project lock, and what an `OSError` means to a user.

A file is published by: temporary file in the same folder, fsync, rename, fsync of the folder. A reader sees the old
file or the new one, never a part, also after a power cut.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from labelkit.errors import MachineError, ProjectBusyError, visible

TEMPORARY = ".tmp-labelkit"


@contextlib.contextmanager
def machine_errors(path: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into a `MachineError` that names the path."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise MachineError(f"{visible(str(error.filename or path))}: {reason[:1].lower()}{reason[1:]}") from error


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a binary file that replaces `path` when, and only when, the block ends well.

    Raises MachineError when the disk does not take it; the old file then stands untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    with machine_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o666)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file atomically."""
    with atomic_write(path) as file:
        file.write(content)


def write_json(path: Path, content: object) -> None:
    """Write JSON atomically, keys sorted, as a person would like to read it."""
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_bytes(path, (text + "\n").encode())


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove temporary files that a killed process left behind. Call it only while holding the lock."""
    for leftover in folder.glob(f".*{TEMPORARY}"):
        with contextlib.suppress(OSError):
            leftover.unlink()


@contextlib.contextmanager
def project_lock(path: Path, verb: str) -> Iterator[None]:
    """Hold the project's one write lock for the block.

    The lock is a POSIX record lock: forked workers do not inherit it and a killed holder frees it at once.
    Raises ProjectBusyError naming who holds it.
    """
    with machine_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ProjectBusyError(_who_holds(descriptor)) from error
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "verb": verb, "since": timestamp()}
        with machine_errors(path):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _who_holds(descriptor: int) -> str:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        who = "labelkit {verb} (pid {pid} on {host}) has been writing since {since}".format(**holder)
    except (ValueError, KeyError, TypeError):
        who = "another labelkit process is writing"
    return f"the project is busy: {who}; try again when it is done"


def timestamp(seconds: float | None = None) -> str:
    """UTC time in ISO 8601 with milliseconds, as all of labelkit's files write it.

    >>> timestamp(0)
    '1970-01-01T00:00:00.000Z'
    """
    seconds = time.time() if seconds is None else seconds
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds * 1000) % 1000:03d}Z"
