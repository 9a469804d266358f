"""Waiting for what other threads, processes and pages do.

Pages are asked from here, too: their policy lets nobody evaluate strings in them, as a browser's own waiting would.
"""

from __future__ import annotations

import time
from collections.abc import Callable


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Ask again and again until it is true. Raises TimeoutError when that takes longer."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"what was waited for did not come about in {seconds:g} seconds")
        time.sleep(0.002)
