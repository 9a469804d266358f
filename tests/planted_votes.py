"""Votes whose truth is known, for the tests of label models."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labelkit.matrix import ABSTAIN


def voted(n: int = 800, m: int = 6, seed: int = 0) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """(n, m) votes of independent functions of different quality that abstain half of the time, and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    right = rng.random((n, m)) < rng.uniform(0.55, 0.9, m)
    votes = np.where(right, truth[:, None], 1 - truth[:, None]).astype(np.int8)
    votes[rng.random((n, m)) < 0.5] = ABSTAIN
    return votes, truth
