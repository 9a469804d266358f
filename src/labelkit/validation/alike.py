"""Near-duplicates by embedding: records whose vectors point in nearly the same direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelkit.records.vectors import directions
from labelkit.validation.near import components

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALIKE = 0.95  # cosine similarity from which two embeddings are near-duplicates
_BLOCK = 2_048  # embeddings that are compared with as many at a time


def near_vector_groups(vectors: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n,) int64: records whose embeddings, (n, d), have a cosine similarity of ALIKE or more have the same number.

    Every pair is compared, block by block: time grows with the square of the records. Zeros are near to nothing.

    >>> near_vector_groups(np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.1]])).tolist()
    [0, 1, 0]
    """
    scaled = directions(vectors).astype(np.float32)
    root = np.arange(len(scaled))
    for start in range(0, len(scaled), _BLOCK):
        for other in range(start, len(scaled), _BLOCK):
            like = scaled[start : start + _BLOCK] @ scaled[other : other + _BLOCK].T >= np.float32(ALIKE)
            one, two = (found + begin for found, begin in zip(np.nonzero(like), (start, other), strict=True))
            apart = root[one] != root[two]
            if apart.any():  # those already found in one group need not be kept
                known = np.stack([np.arange(len(root)), root], axis=1)
                root = components(len(root), np.concatenate([known, np.stack([one[apart], two[apart]], axis=1)]))
    return root
