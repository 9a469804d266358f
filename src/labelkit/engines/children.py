"""Child processes: born by fork, dying with their parent, and how they ended."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable

from labelkit.parents import die_with


def fork(work: Callable[[], None]) -> int:
    """Run `work` in a child that dies with this process; its pid. What the child leaves unsaid is not said twice."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        die_with(parent)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        work()
        code = 0
    finally:
        os._exit(code)


def ended(pid: int) -> str | None:
    """How a child ended, in words; None while it runs."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return said(status) if found else None


def kill(pid: int) -> str:
    """End a child for good; how it ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return said(os.waitpid(pid, 0)[1])


def said(status: int) -> str:
    """A wait status in words.

    >>> said(0), said(256 * 3), said(11)
    ('exit code 0', 'exit code 3', 'SIGSEGV')
    """
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
