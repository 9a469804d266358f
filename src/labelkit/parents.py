"""Processes that end when the one that started them ends, in whatever way: nobody works on for nobody."""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1
_prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux has it


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends: strictly, the thread of it that started this one.

    Where the kernel knows no such wish, nothing is asked.
    """
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended already
        os._exit(1)
