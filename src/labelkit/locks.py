"""One writer at a time: the lock of a project, which says who holds it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from labelkit.errors import ProjectBusyError, visible
from labelkit.files import machine_errors, make_folder, timestamp

_SAYS_WHO = 0.5  # seconds for which a holder may not yet, or no longer, say who it is

_held: dict[tuple[int, str], Mapping[str, object]] = {}
"""Locks of this process, (pid, path) -> holder. To the system a second record lock of one process on one file is the
same lock, and closing any descriptor of the file gives it up: threads must be kept apart before they open it."""


@contextlib.contextmanager
def project_lock(path: Path, verb: str) -> Iterator[None]:
    """Hold the project's one write lock for the block; it keeps processes and threads apart.

    The lock is a POSIX record lock: forked workers do not inherit it and a killed holder frees it at once.
    Raises ProjectBusyError naming who holds it.
    """
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "verb": verb, "since": timestamp()}
    place = (os.getpid(), os.path.realpath(path))
    first = _held.setdefault(place, holder)
    if first is not holder:
        raise ProjectBusyError(_busy(first))
    try:
        with _record_lock(path, holder):
            yield
    finally:
        del _held[place]


@contextlib.contextmanager
def _record_lock(path: Path, holder: Mapping[str, object]) -> Iterator[None]:
    with machine_errors(path):
        make_folder(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        with machine_errors(path):
            _acquire(descriptor, holder)
        try:
            yield
        finally:
            if holder["pid"] == os.getpid():  # not a forked child on its way out
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, holder: Mapping[str, object]) -> None:
    patience = time.monotonic() + _SAYS_WHO
    while not _locked(descriptor):
        other = _read_holder(descriptor)
        if other or time.monotonic() > patience:
            raise ProjectBusyError(_busy(other))
        time.sleep(0.01)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def _locked(descriptor: int) -> bool:
    """Take the lock unless somebody has it."""
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return False
        raise
    return True


def _read_holder(descriptor: int) -> Mapping[str, object]:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
    except (ValueError, RecursionError):
        return {}
    return holder if isinstance(holder, dict) else {}


def _busy(holder: Mapping[str, object]) -> str:
    if {"verb", "pid", "host", "since"} <= holder.keys():
        said = {key: visible(str(value)) for key, value in holder.items()}
        who = "labelkit {verb} (pid {pid} on {host}) has been writing since {since}".format_map(said)
    else:
        who = "another labelkit process is writing"
    return f"the project is busy: {who}; try again when it is done"
