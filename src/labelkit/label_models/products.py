"""Matrix products whose every bit is the same whatever the number of threads."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 18  # multiplications: OpenBLAS leaves products up to this size to one thread

Float = TypeVar("Float", np.float32, np.float64)


def steady_product(a: NDArray[Float], b: NDArray[Float]) -> NDArray[Float]:
    """`a @ b` of two matrices, or of two stacks of them, in blocks too small to be shared among threads.

    >>> steady_product(np.eye(2), np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[1., 2.],
           [3., 4.]])
    """
    (rows, inner), columns = a.shape[-2:], b.shape[-1]
    if rows * inner * columns <= BLOCK:
        return np.asarray(a @ b)
    if a.ndim == 3:
        return np.stack([steady_product(one, other) for one, other in zip(a, b, strict=True)])
    wide, deep = min(columns, 256), min(inner, 256)
    high = BLOCK // (wide * deep)
    out = np.zeros((rows, columns), a.dtype)
    for i in range(0, rows, high):
        for j in range(0, columns, wide):
            for at in range(0, inner, deep):
                out[i : i + high, j : j + wide] += a[i : i + high, at : at + deep] @ b[at : at + deep, j : j + wide]
    return out
