"""Work on long arrays of rows, shared among the processors of this process."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

WORTH = 1 << 17  # rows for which starting a thread pays

_BLAS = threading.Lock()


def over_stretches(work: Callable[[slice], Result], n: int, step: int = 1) -> list[Result]:
    """What `work` returns for each stretch of n rows, in order. A stretch starts at a multiple of `step` rows.

    Long arrays are cut into one stretch for each processor, which threads work on while NumPy's own threads rest; short
    ones are one stretch in this thread. `work` must give the same whatever the cut.

    >>> over_stretches(lambda rows: rows.stop - rows.start, 1000)
    [1000]
    """
    count = min(os.cpu_count() or 1, n // WORTH)
    if count < 2 or not _BLAS.acquire(blocking=False):  # somebody else's threads are at work already
        return [work(slice(0, n))]
    try:
        from threadpoolctl import threadpool_limits

        bounds = [*(step * round(n * i / count / step) for i in range(count)), n]
        stretches = [slice(*pair) for pair in itertools.pairwise(bounds)]
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(count) as pool:
            return list(pool.map(work, stretches))
    finally:
        _BLAS.release()
