"""Rows of votes that are equal: found by a hash of their bytes, so that what is the same is worked out once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio: multiplying by it spreads the high bits


def row_hashes(words: list[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """(n,) numbers that are equal for equal rows, and next to never for others; from the rows' `row_words`."""
    hashes = words[0] * FACTOR
    for word in words[1:]:
        hashes += word
        hashes *= FACTOR
    return hashes


def row_words(cells: NDArray[np.int8]) -> list[NDArray[np.uint64]]:
    """(n,) views, each of 8 votes of (n, m) rows, that together hold all of a row; the last two may overlap.

    >>> [word.tolist() for word in row_words(np.array([[1, 0, 2]], dtype=np.int8))]
    [[131073]]
    """
    n, m = cells.shape
    rows = np.ascontiguousarray(cells)
    if m < 8:
        rows = np.zeros((n, 8), np.int8)
        rows[:, :m] = cells
    width = rows.shape[1]
    return [np.ndarray(n, "<u8", rows, start, (width,)) for start in (*range(0, width - 8, 8), width - 8)]


def few_different(cells: NDArray[np.int8]) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """Which rows will do, and for each of (n, m) rows the number of its equal among them; None where most differ.

    Not every repetition is found: two rows that fall on the same slot of a table may keep others from their equals.

    >>> first, number = few_different(np.array([[0, 1], [1, 1], [0, 1], [0, 1], [1, 1]], dtype=np.int8))
    >>> first.tolist(), number.tolist()
    ([3, 4], [0, 1, 0, 0, 1])
    """
    own = np.arange(len(cells))
    words = row_words(cells)
    bits = len(cells).bit_length()
    slots = (row_hashes(words) >> np.uint64(64 - bits)).view(np.int64)
    holder = np.empty(1 << bits, np.intp)
    holder[slots] = own  # the last row of each slot
    equal = holder.take(slots)
    if 2 * np.count_nonzero(equal == own) > len(own):
        return None
    for word in words:
        np.copyto(equal, own, where=word.take(equal) != word)
    first = np.flatnonzero(equal == own)
    holder[first] = np.arange(len(first))  # from here on by row, not by slot
    return first, holder.take(equal)
