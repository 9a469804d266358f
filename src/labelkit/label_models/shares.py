"""The shares of a majority vote, which several label models start from or fall back to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def majority_probs(votes: NDArray[np.int8], k: int) -> NDArray[np.float64]:
    """(n, k) float64 from (n, m) votes: the most voted classes share the belief; nobody voted: uniform.

    >>> majority_probs(np.array([[2, 2, -1]], dtype=np.int8), 3)
    array([[0., 0., 1.]])
    """
    counts = np.stack([(votes == c).sum(axis=1) for c in range(k)], axis=1)  # (n, k)
    best = counts == counts.max(axis=1, keepdims=True)
    return np.asarray(best / best.sum(axis=1, keepdims=True))
