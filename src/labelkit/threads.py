"""Work on long arrays of rows, shared among the processors of this process."""

from __future__ import annotations

import functools
import itertools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

Result = TypeVar("Result")

WORTH = 1 << 17  # rows for which starting a thread pays

_BLAS = threading.Lock()


def over_stretches(work: Callable[[slice], Result], n: int, step: int = 1) -> list[Result]:
    """What `work` returns for each stretch of n rows, in order. A stretch starts at a multiple of `step` rows.

    Long arrays are cut into one stretch for each processor, which threads work on; short ones are one stretch in this
    thread. NumPy's own threads rest meanwhile. `work` must give the same whatever the cut.

    >>> over_stretches(lambda rows: rows.stop - rows.start, 1000)
    [1000]
    """
    if not _BLAS.acquire(blocking=False):  # somebody else's threads are at work already
        return [work(slice(0, n))]
    try:
        with _controller().limit(limits=1, user_api="blas"):
            count = min(os.cpu_count() or 1, n // WORTH)
            if count < 2:
                return [work(slice(0, n))]
            bounds = [*(step * round(n * i / count / step) for i in range(count)), n]
            with ThreadPoolExecutor(count) as pool:
                return list(pool.map(work, [slice(*pair) for pair in itertools.pairwise(bounds)]))
    finally:
        _BLAS.release()


@functools.cache
def _controller() -> ThreadpoolController:
    """Of the threads of the libraries that NumPy uses; looking for them takes longer than short work."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
