"""Whole files or none: atomic writes, and what an `OSError` means to a user.

A file is published by: temporary file in the same folder, fsync, rename, fsync of the folder. A reader sees the old
file or the new one, never a part, also after a power cut.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from labelkit.errors import MachineError, visible

TEMPORARY = ".tmp-labelkit"


@contextlib.contextmanager
def machine_errors(path: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into a `MachineError` that names the path."""
    try:
        yield
    except OSError as error:
        raise _machine_error(error, path) from error


_REFUSALS = frozenset(
    {
        *(errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.ESTALE, errno.ENOMEM),
        *(errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE),
    }
)


@contextlib.contextmanager
def refusals(path: Path) -> Iterator[None]:
    """The same for those errors only that say nothing of what is in the file: readers of formats know no others."""
    try:
        yield
    except OSError as error:
        if error.errno not in _REFUSALS:
            raise
        raise _machine_error(error, path) from error


def _machine_error(error: OSError, path: Path) -> MachineError:
    named = error.filename if isinstance(error.filename, str) else ""
    shown = path if not named or named.endswith(TEMPORARY) else named
    reason = error.strerror or str(error) or type(error).__name__
    return MachineError(f"{visible(str(shown))}: {reason[:1].lower()}{visible(reason[1:])}")


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a binary file that replaces `path` when, and only when, the block ends well.

    The permissions of a file that is replaced stay; a symbolic link is replaced, not followed.
    Raises MachineError when the disk does not take it; the old file then stands untouched.
    """
    with machine_errors(path):
        make_folder(path.parent)
        temporary = path.parent / f".{secrets.token_hex(8)}{TEMPORARY}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            with os.fdopen(descriptor, "wb") as file:
                with contextlib.suppress(OSError):  # a file system without locks: `sweep` leaves the file alone
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _keep_permissions(path, descriptor)
                yield file
                file.flush()
                os.fsync(descriptor)
                temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)


@contextlib.contextmanager
def staged(path: Path) -> Iterator[Path]:
    """A name for a new file that is renamed to `path` when, and only when, the block ends well."""
    temporary = path.parent / f".{secrets.token_hex(8)}{TEMPORARY}"
    with machine_errors(path):
        try:
            yield temporary
            replace_file(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def _keep_permissions(path: Path, descriptor: int) -> None:
    """Nobody who could not read the old file can read the new one."""
    with contextlib.suppress(FileNotFoundError):
        mode = os.lstat(path).st_mode
        if stat.S_ISREG(mode):
            os.fchmod(descriptor, stat.S_IMODE(mode))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file atomically."""
    with atomic_write(path) as file:
        file.write(content)


def write_json(path: Path, content: object) -> None:
    """Write JSON atomically, keys sorted, as a person would like to read it."""
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    # A file name that is not UTF-8 comes from the system with lone surrogates; JSON writes those as \udc80.
    write_bytes(path, (text + "\n").encode("utf-8", "backslashreplace"))


def replace_file(staged: Path, path: Path) -> None:
    """Publish a file that was written elsewhere on the same file system: fsync, rename, fsync of the folder."""
    with machine_errors(path):
        descriptor = os.open(staged, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _keep_permissions(path, descriptor)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        staged.replace(path)
        sync_folder(path.parent)


def link_file(staged: Path, path: Path) -> None:
    """Give a finished file a second name, which replaces `path`; a copy, where the file system has no links.

    The two must not be written to in place: whoever replaces one leaves the other as it is.
    """
    temporary = path.parent / f".{secrets.token_hex(8)}{TEMPORARY}"
    with machine_errors(path):
        try:
            try:
                os.link(staged, temporary, follow_symlinks=False)
            except OSError:
                shutil.copyfile(staged, temporary)
            replace_file(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def replace_output(staged: Path, path: Path) -> None:
    """`replace_file`, also for a folder of files that are on the disk already, and where a folder is in the way."""
    with machine_errors(path):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        if staged.is_dir():
            path.unlink(missing_ok=True)
            sync_folder(staged)
            staged.replace(path)
            sync_folder(path.parent)
        else:
            replace_file(staged, path)


def remove_output(path: Path) -> None:
    """Remove a file or a folder, if it is there; what cannot be removed stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def point_to(target: Path, path: Path) -> None:
    """Let `path` be a symbolic link to `target`, in place of what it was; a kill leaves one or the other."""
    temporary = path.parent / f".{secrets.token_hex(8)}{TEMPORARY}"
    with machine_errors(path):
        try:
            temporary.symlink_to(os.path.relpath(target, path.parent))
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, so that they survive a power cut."""
    with machine_errors(folder):
        if folder.is_dir() or folder == folder.parent:
            return
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path, *, below: bool = False) -> None:
    """Remove temporary files that killed processes left in the folder (and, with `below`, in those below it).

    A file that somebody is still writing is locked, and stays.
    """
    with machine_errors(folder):
        leftovers = list((folder.rglob if below else folder.glob)(f".*{TEMPORARY}"))
    for leftover in leftovers:
        with contextlib.suppress(OSError):
            descriptor = os.open(leftover, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                leftover.unlink()
            finally:
                os.close(descriptor)


def timestamp(seconds: float | None = None) -> str:
    """UTC time in ISO 8601 with milliseconds, as all of labelkit's files write it.

    >>> timestamp(0)
    '1970-01-01T00:00:00.000Z'
    """
    milliseconds = time.time_ns() // 1_000_000 if seconds is None else round(seconds * 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds // 1000)) + f".{milliseconds % 1000:03d}Z"
