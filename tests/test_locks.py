"""One process at a time writes to a project: shown by killing and racing."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from labelkit.errors import MachineError, ProjectBusyError
from labelkit.locks import project_lock

# Forking is the point here; newer Pythons warn of it where other tests have started threads.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """Path of a project's lock."""
    return tmp_path / ".labelkit" / "lock"


def hold(lock: Path, connection: Connection) -> None:
    with project_lock(lock, "apply"):
        connection.send("held")
        connection.poll(30)


@contextmanager
def holder(lock: Path) -> Iterator[Any]:
    """Another process that holds the lock."""
    here, there = FORK.Pipe()
    process = FORK.Process(target=hold, args=(lock, there))
    process.start()
    assert here.poll(30)
    here.recv()
    try:
        yield process
    finally:
        here.send("enough")
        process.join()
        here.close()
        there.close()


def is_free(lock: Path) -> bool:
    """Whether a fresh process gets the lock."""

    def try_it() -> None:
        try:
            with project_lock(lock, "validate"):
                os._exit(0)
        except ProjectBusyError:
            os._exit(4)

    process = FORK.Process(target=try_it)
    process.start()
    process.join()
    return process.exitcode == 0


def test_a_second_process_is_told_who_is_writing(lock: Path) -> None:
    """The second writer gets exit code 4 and the verb, pid, host and start of the first one; then the lock is free."""
    with holder(lock) as process:
        about = json.loads(lock.read_bytes())
        with pytest.raises(ProjectBusyError) as caught, project_lock(lock, "validate"):
            pytest.fail("two writers")
        assert str(caught.value) == (
            f"the project is busy: labelkit apply (pid {process.pid} on {os.uname().nodename}) "
            f"has been writing since {about['since']}; try again when it is done"
        )
        assert caught.value.exit_code == 4
        assert not is_free(lock)
    assert is_free(lock)


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_holder_frees_the_lock(lock: Path, signum: int) -> None:
    """A lock does not outlive its holder: nothing has to be cleaned up by hand."""
    with holder(lock) as process:
        os.kill(process.pid, signum)
        process.join()
        assert is_free(lock)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 4000, b'{"verb": "apply", "pid": 1}', b"9" * 4096],
)
def test_a_holder_that_cannot_be_named_is_still_a_holder(lock: Path, content: bytes) -> None:
    """Whatever stands in the lock file, a held lock is busy."""
    with holder(lock):
        lock.write_bytes(content)
        with pytest.raises(ProjectBusyError) as caught, project_lock(lock, "validate"):
            pytest.fail("two writers")
    assert str(caught.value) == ("the project is busy: another labelkit process is writing; try again when it is done")


def test_the_name_of_a_holder_cannot_steer_a_terminal(lock: Path) -> None:
    """The lock file may come from somebody else's project: what it says is made visible."""
    with holder(lock):
        lock.write_text(json.dumps({"verb": "\x1b[2J", "pid": "{host.__class__}", "host": [1], "since": None}))
        with pytest.raises(ProjectBusyError, match=r"labelkit \\x1b\[2J \(pid \{host.__class__\} on \[1\]\)"), \
             project_lock(lock, "validate"):  # fmt: skip
            pytest.fail("two writers")


def test_a_forked_child_does_not_keep_the_lock(lock: Path) -> None:
    """Workers forked under the lock neither hold it nor, when they end, give it up."""
    read_end, write_end = os.pipe()
    with project_lock(lock, "apply"):
        child = os.fork()
        if child == 0:
            os.close(write_end)
            os.read(read_end, 1)  # until the parent is out of the block
            os._exit(0)
        dying = os.fork()
        if dying == 0:
            sys.exit(0) if False else os._exit(0)
        os.waitpid(dying, 0)
        assert not is_free(lock)
    assert is_free(lock)
    os.close(write_end)
    os.close(read_end)
    os.waitpid(child, 0)


def test_a_child_that_leaves_the_block_takes_nothing_along(lock: Path) -> None:
    """A forked child that runs out of the block leaves the parent's lock and name in place."""
    with project_lock(lock, "apply"):
        pid = os.getpid()
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            assert not is_free(lock)
            assert json.loads(lock.read_bytes())["pid"] == pid
    if os.getpid() != pid:
        os._exit(0)


def test_threads_are_kept_apart(lock: Path) -> None:
    """To the system a process cannot block itself; labelkit sees to it that two threads do not write at once."""
    got: list[str] = []

    def try_it() -> None:
        try:
            with project_lock(lock, "validate"):
                got.append("lock")
        except ProjectBusyError as error:
            got.append(str(error))

    with project_lock(lock, "apply"):
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
        assert not is_free(lock), "the other thread's attempt must not free the lock"
        with pytest.raises(ProjectBusyError), project_lock(lock.parent / ".." / ".labelkit" / "lock", "apply"):
            pytest.fail("two writers")
    assert got[0].startswith(f"the project is busy: labelkit apply (pid {os.getpid()} on ")
    thread = threading.Thread(target=try_it)
    thread.start()
    thread.join()
    assert got[1] == "lock"


def test_of_many_racing_processes_one_wins(lock: Path) -> None:
    """However many start at once, never do two of them hold the lock at the same time."""
    count, barrier = lock.parent.parent / "count", FORK.Barrier(6)

    def race() -> None:
        barrier.wait(30)
        for _ in range(20):
            try:
                with project_lock(lock, "apply"):
                    fd = os.open(count, os.O_CREAT | os.O_EXCL)  # fails when somebody else is inside
                    os.close(fd)
                    count.unlink()
            except ProjectBusyError:
                continue
        os._exit(0)

    processes = [FORK.Process(target=race) for _ in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 6


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path, lock: Path) -> None:
    """A link in place of the lock cannot make labelkit write somewhere else."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    lock.parent.mkdir()
    lock.symlink_to(victim)
    with pytest.raises(MachineError, match=r"lock: too many levels of symbolic links$"), project_lock(lock, "apply"):
        pytest.fail("followed")
    assert victim.read_text() == "precious"
