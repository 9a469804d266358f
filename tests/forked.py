"""Children that are forked from a program which has everything loaded, and what strace can do to them.

For programs of their own only: a test process has threads, which a fork leaves behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import struct
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from labelkit.errors import LabelkitError
from waiting import until


@dataclass(frozen=True)
class Ended:
    """How a child ended, and what it said."""

    status: int  # as os.waitpid gives it
    said: str
    hit: bool = False  # whether the injection came about

    @property
    def killed(self) -> bool:
        """By SIGKILL."""
        return os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGKILL

    @property
    def code(self) -> int:
        """Exit code, negative for a signal."""
        return os.waitstatus_to_exitcode(self.status)


class ExitCode(Exception):
    """Raised by work to end its child with a code, and something to say."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code


@dataclass(frozen=True)
class Injection:
    """What strace is to do at the n-th call of some system call: `signal=KILL`, `error=ENOSPC`, ..."""

    syscall: str
    deed: str
    when: str  # "7" for the seventh call, "7+" for it and all that follow

    def __str__(self) -> str:
        return f"{self.syscall}:{self.deed}:when={self.when}"


def respect_permissions() -> None:
    """Give up root's right to pass over the permissions of files, for this process and its children."""
    header = struct.pack("Ii", 0x20080522, 0)
    content = ctypes.create_string_buffer(24)
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.capget(header, content) == 0
    sets = list(struct.unpack("6I", content.raw))
    for i in range(3):  # effective, permitted, inheritable; CAP_DAC_OVERRIDE is 1, CAP_DAC_READ_SEARCH is 2
        sets[i] &= ~0b110
    assert libc.capset(header, struct.pack("6I", *sets)) == 0


def in_child(work: Callable[[], object], injection: Injection | None = None) -> Ended:
    """Run `work` in a fork. It says what `work` returns, or the error that ended it."""
    ear, mouth = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(ear)
        _quietly(work, mouth, wait=injection is not None)
    os.close(mouth)
    with contextlib.ExitStack() as stack:
        log = None if injection is None else stack.enter_context(_traced(pid, injection))
        with os.fdopen(ear, "rb") as said:
            text = said.read().decode(errors="replace")
        status = os.waitpid(pid, 0)[1]
    hit = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if log is not None:
        hit = hit or "(INJECTED)" in log.read_text(errors="replace")
        log.unlink()
    return Ended(status, text, hit)


def _quietly(work: Callable[[], object], mouth: int, *, wait: bool) -> None:
    os.setsid()
    quiet = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(quiet, descriptor)
    code = 0
    try:
        if wait:
            os.kill(os.getpid(), signal.SIGSTOP)
        said = str(work() or "")
    except LabelkitError as error:
        said, code = f"{type(error).__name__}: {error}", error.exit_code
    except ExitCode as error:
        said, code = str(error), error.code
    except BaseException as error:  # noqa: BLE001  what it is, the parent says
        said, code = f"BUG {type(error).__name__}: {error}", 70
    with contextlib.suppress(OSError):
        os.write(mouth, said.encode(errors="replace")[:60_000])
    os._exit(code)


@contextlib.contextmanager
def _traced(pid: int, injection: Injection) -> Iterator[Path]:
    """Attach strace to a child that has stopped itself, let it go on, and wait for both. Gives strace's log."""
    log = Path(f"/dev/shm/labelkit-strace-{os.getpid()}")
    until(lambda: _state(pid, "State").startswith("T"))
    command = ["strace", "-f", "-q", "-o", str(log), "-p", str(pid), "-e", f"trace={injection.syscall}",
               "-e", f"inject={injection}"]  # fmt: skip
    tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: _state(pid, "TracerPid") != "0" or tracer.poll() is not None)
    os.kill(pid, signal.SIGCONT)
    try:
        yield log
    finally:
        tracer.wait()


def _state(pid: int, name: str) -> str:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return line.split(":", 1)[1].strip()
    return ""
