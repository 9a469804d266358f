"""Files are whole or not there: shown by killing and by filling disks."""

from __future__ import annotations

import errno
import multiprocessing
import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from labelkit import files
from labelkit.errors import MachineError
from labelkit.files import (
    TEMPORARY,
    atomic_write,
    machine_errors,
    make_folder,
    replace_file,
    sweep,
    timestamp,
    write_bytes,
    write_json,
)

OLD, NEW = b"old" * 1000, b"new" * 1000
# Forking is the point here; newer Pythons warn of it where other tests have started threads.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
FORK = multiprocessing.get_context("fork")


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.endswith(TEMPORARY)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with old content."""
    made = tmp_path / "labels.parquet"
    made.write_bytes(OLD)
    return made


def test_a_write_replaces_the_whole_file(path: Path) -> None:
    """After the block the file has the new content, and nothing else is in the folder."""
    with atomic_write(path) as file:
        file.write(NEW[:100])
        assert path.read_bytes() == OLD
        file.write(NEW[100:])
    assert path.read_bytes() == NEW
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_exception_leaves_the_old_file(path: Path, error: type[BaseException]) -> None:
    """Whatever ends the block early, the old file stands, and the new one is cleaned away."""
    with pytest.raises(error), atomic_write(path) as file:  # noqa: PT012  that is the block
        file.write(NEW)
        raise error
    assert path.read_bytes() == OLD
    assert list(path.parent.iterdir()) == [path]


def test_folders_are_made(tmp_path: Path) -> None:
    """Missing folders above the file are made; a file in their place is named."""
    write_json(tmp_path / "a" / "b" / "c.json", {"b": 1, "a": "\u00fc\udcff"})
    assert (tmp_path / "a" / "b" / "c.json").read_bytes() == '{\n  "a": "ü\\udcff",\n  "b": 1\n}\n'.encode()
    with pytest.raises(MachineError) as caught:
        write_bytes(tmp_path / "a" / "b" / "c.json" / "d", b"")
    assert str(caught.value) == f"{tmp_path}/a/b/c.json: file exists"


def test_json_that_is_none_is_not_written(path: Path) -> None:
    """NaN is no JSON: a reader elsewhere would refuse the file."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"p": float("nan")})
    assert path.read_bytes() == OLD


def test_two_writers_of_one_process_do_not_meet(path: Path) -> None:
    """Writers of the same file at the same time use different temporary files; the last one to finish wins."""
    with atomic_write(path) as one, atomic_write(path) as other:
        one.write(b"one")
        other.write(b"other")
        one.flush()
    assert path.read_bytes() == b"one"
    assert list(path.parent.iterdir()) == [path]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path, path: Path) -> None:
    """A symbolic link in place of the file is replaced; what it points to is left alone."""
    link = tmp_path / "link"
    link.symlink_to(path)
    write_bytes(link, NEW)
    assert not link.is_symlink()
    assert (link.read_bytes(), path.read_bytes()) == (NEW, OLD)


@pytest.mark.parametrize("trap", ["symlink", "hard link", "folder"])
def test_a_trap_in_place_of_the_temporary_file_is_not_entered(
    tmp_path: Path, path: Path, trap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even somebody who knew the temporary file's name could not have it written through a link."""
    monkeypatch.setattr(secrets, "token_hex", lambda _: "known")
    victim, place = tmp_path / "victim", tmp_path / f".known{TEMPORARY}"
    victim.write_bytes(b"precious")
    if trap == "folder":
        place.mkdir()
    else:
        (place.symlink_to if trap == "symlink" else place.hardlink_to)(victim)
    with pytest.raises(MachineError) as caught:
        write_bytes(path, NEW)
    assert str(caught.value) == f"{path}: file exists"
    assert (victim.read_bytes(), path.read_bytes()) == (b"precious", OLD)


def test_permissions_of_the_old_file_stay(tmp_path: Path, path: Path) -> None:
    """A file that only its owner may read stays so when it is replaced; a new one follows the umask."""
    path.chmod(0o600)
    write_bytes(path, NEW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    staged = tmp_path / "staged"
    staged.write_bytes(OLD)
    replace_file(staged, path)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (OLD, 0o600)
    umask = os.umask(0o027)
    try:
        write_bytes(tmp_path / "fresh", NEW)
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "fresh").stat().st_mode) == 0o640


def test_the_order_is_sync_rename_sync(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content is on the disk before the name changes, and the name after it: no power cut can show less."""
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        done.append("sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync file")
        fsync(descriptor)

    def noted_replace(self: Path, target: Path) -> Path:
        done.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    write_bytes(path, NEW)
    assert done == ["sync file", "rename", "sync folder"]
    done.clear()
    make_folder(path.parent / "a" / "b")
    assert done == ["sync folder", "sync folder"]  # that of a, that of b


# What a crash leaves: the writer is forked and killed before its n-th line inside labelkit.files, for every n.


def killed_at(line: int, write: Callable[[], None]) -> bool:
    """Run `write` in a forked process that kills itself before the given line of files.py; whether it got there."""
    child = os.fork()
    if child == 0:
        count = 0

        def trace(frame: Any, event: str, argument: Any) -> Any:
            nonlocal count
            if frame.f_code.co_filename != files.__file__:
                return None
            if event == "line":
                count += 1
                if count == line:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        write()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def write_in_steps(path: Path) -> None:
    with atomic_write(path) as file:
        for start in range(0, len(NEW), 500):
            file.write(NEW[start : start + 500])
            file.flush()


@pytest.mark.parametrize("exists", [True, False])
def test_a_kill_at_any_step_leaves_the_old_file_or_the_new_one(tmp_path: Path, exists: bool) -> None:
    """Killed at any line of the write, the file is the old one or the new one; a sweep removes the rest."""
    path = tmp_path / "new folder" / "labels.parquet" if not exists else tmp_path / "labels.parquet"
    seen: list[bytes | None] = []
    line = 0
    killed = True
    while killed:
        line += 1
        if exists:
            path.write_bytes(OLD)
        killed = killed_at(line, lambda: write_in_steps(path))
        found = path.read_bytes() if path.exists() else None
        assert found in ((OLD, NEW) if exists else (None, NEW))
        seen.append(found)
        if path.parent.exists():
            sweep(path.parent)
            assert leftovers(path.parent) == []
            if not exists:
                shutil.rmtree(path.parent)
    assert line > 25
    assert seen == sorted(seen, key=lambda found: found == NEW), "once the new file is there it stays"
    assert seen[-1] == NEW


def test_a_sweep_spares_what_somebody_is_writing(tmp_path: Path) -> None:
    """A sweep removes what killed writers left, here and below if asked to, and nothing else."""
    path = tmp_path / "runs" / "a.json"
    for _ in range(3):
        assert killed_at(25, lambda: write_in_steps(path))
    outside = tmp_path / "precious"
    outside.write_text("x")
    (path.parent / f".link{TEMPORARY}").symlink_to(outside)
    (path.parent / f".folder{TEMPORARY}").mkdir()
    (path.parent / "notes.txt").write_text("mine")
    sweep(tmp_path)
    assert len(leftovers(path.parent)) == 5
    with atomic_write(path) as file:
        file.write(NEW)
        sweep(tmp_path, below=True)
        assert len(leftovers(path.parent)) == 3
    assert path.read_bytes() == NEW
    assert outside.read_text() == "x"
    assert (path.parent / "notes.txt").read_text() == "mine"


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A small file system in memory; only root can have one."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False, capture_output=True)
    if done.returncode:
        pytest.skip("mounting a file system needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("options", ["size=64k", "nr_inodes=4"])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, options: str) -> None:
    """Where the disk is full the old file stands, the error names it, and the retry succeeds once there is room."""
    with mounted(tmp_path / "disk", options):
        path = tmp_path / "disk" / "labels.parquet"
        write_bytes(path, OLD)
        filler = tmp_path / "disk" / "filler"
        filler.mkdir()
        with suppress(OSError):
            for i in range(100):
                (filler / str(i)).write_bytes(b"x" * 2000)
        assert i < 99
        with pytest.raises(MachineError) as caught:
            write_bytes(path, NEW * 30)
        assert str(caught.value) == f"{path}: no space left on device"
        assert isinstance(caught.value.__cause__, OSError)
        assert path.read_bytes() == OLD
        assert leftovers(path.parent) == []
        for child in filler.iterdir():
            child.unlink()
        write_bytes(path, NEW)
        assert path.read_bytes() == NEW


def test_a_disk_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    """On a read-only file system the error names the file that was asked for, not the temporary one."""
    with mounted(tmp_path / "disk", "size=64k"):
        path = tmp_path / "disk" / "labels.parquet"
        write_bytes(path, OLD)
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path / "disk")], check=True)
        with pytest.raises(MachineError) as caught:
            write_bytes(path, NEW)
        assert str(caught.value) == f"{path}: read-only file system"
        assert path.read_bytes() == OLD


def test_a_sync_that_fails_is_not_retried(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk says that it could not keep the content, the write fails and the old file stands."""

    def failing(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(MachineError) as caught:
        write_bytes(path, NEW)
    assert str(caught.value) == f"{path}: input/output error"
    assert path.read_bytes() == OLD
    assert leftovers(path.parent) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "a\\x1bb: no space left on device"),
        (OSError(errno.EACCES, "Permission denied", "c\x1bd"), "c\\x1bd: permission denied"),
        (OSError(errno.EACCES, "Permission denied", f".x{TEMPORARY}"), "a\\x1bb: permission denied"),
        (OSError(errno.EBADF, "Bad file descriptor", 7), "a\\x1bb: bad file descriptor"),
        (OSError("Arrow has no number\x1b for it"), "a\\x1bb: arrow has no number\\x1b for it"),
        (TimeoutError(), "a\\x1bb: timeoutError"),
    ],
)
def test_an_error_of_the_system_names_the_path(error: OSError, said: str) -> None:
    """Whatever the system or a library says, the message names a path and cannot steer a terminal."""
    with pytest.raises(MachineError) as caught, machine_errors(Path("a\x1bb")):
        raise error
    assert str(caught.value) == said
    assert caught.value.exit_code == 3


def test_times_are_utc_with_milliseconds() -> None:
    """Times are written in one way, and sort as texts do."""
    assert timestamp(1.001) == "1970-01-01T00:00:01.001Z"
    assert timestamp(0.9996) == "1970-01-01T00:00:01.000Z"
    assert timestamp(1e9 + 0.5) == "2001-09-09T01:46:40.500Z"
    assert timestamp() <= timestamp()
