"""How often votes meet: (m * k, m * k) whole numbers from vote rows, exact however the rows are cut.

Dense votes are counted by matrix product; where few functions vote on a record, one pair of votes at a time.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

CELLS = 1 << 19  # votes and abstains, or cells of a matrix product, looked at at once
AT_ONCE = 1 << 17  # pairs of votes in memory at once: a few MiB
SAMPLE = 2_048  # rows that tell how many votes meet
PAIR_COST = 200  # counting one pair of votes takes as long as so many multiplications of a matrix product
FEW, TENTH = 0.03, 0.1  # shares of True between which `numpy.flatnonzero` is slow


def pair_counts(cells: NDArray[np.int8], times: NDArray[np.int64] | None, k: int) -> NDArray[np.int64]:
    """(m * k, m * k) int64: on how many of (n, m) rows, each `times` times, two votes met; at [i * k + u, j * k + v].

    >>> pair_counts(np.array([[0, 1], [0, -1]], dtype=np.int8), None, k=2).tolist()
    [[2, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1]]
    """
    voters = np.count_nonzero(cells[:: max(1, len(cells) // SAMPLE)] >= 0, axis=1)  # which way is faster
    pairs_of_row = (voters * (voters + 1)).sum() / 2 / max(1, len(voters))
    count = _one_by_one if pairs_of_row * PAIR_COST < (cells.shape[1] * k) ** 2 else _by_product
    return count(cells, times, k)


def _by_product(cells: NDArray[np.int8], times: NDArray[np.int64] | None, k: int) -> NDArray[np.int64]:
    """One-hot rows times one-hot rows: exact in float32 below 2**24 rows, with weights in float64 below 2**53."""
    (n, m), kind = cells.shape, np.float32 if times is None else np.float64
    found, step = np.zeros((k * m, k * m)), max(256, CELLS // max(1, m * k))
    buffer = np.empty((min(n, step), k, m), kind)
    for start in range(0, n, step):
        chunk = cells[start : start + step]
        one_hot = buffer[: len(chunk)]
        for c in range(k):
            one_hot[:, c] = chunk == c
        columns = one_hot.reshape(len(chunk), k * m)
        found += columns.T @ (columns if times is None else columns * times[start : start + step, None])
    return found.reshape(k, m, k, m).transpose(1, 0, 3, 2).reshape(m * k, m * k).astype(np.int64)


def _one_by_one(cells: NDArray[np.int8], times: NDArray[np.int64] | None, k: int) -> NDArray[np.int64]:
    """Number each pair of votes that met, and count the numbers."""
    width = cells.shape[1] * k
    above, step = np.zeros(width**2, np.int64), max(1, CELLS // max(1, cells.shape[1]))
    places = functools.cache(functools.partial(np.triu_indices, k=1))  # pairs of places among so many votes
    for start in range(0, len(cells), step):
        some = slice(start, start + step)
        for met, rows in _met(cells[some], k, places):
            np.add.at(above, met, 1 if times is None else np.resize(times[some][rows], len(met)))
    pairs = above.reshape(width, width)
    pairs += np.triu(pairs, 1).T
    return pairs


def _met(
    cells: NDArray[np.int8], k: int, places: Callable[[int], tuple[NDArray[np.intp], ...]]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Numbers a * m * k + b of the pairs of votes a before b that met, each itself too; and their rows, repeated."""
    (n, m), width = cells.shape, cells.shape[1] * k
    cast = _positions(cells >= 0)
    row = cast // m
    code = (cast - row * m) * k + cells.reshape(-1)[cast]  # row of the pair counts of each vote
    yield code * (width + 1), row
    voters = np.bincount(row, minlength=n)
    first = np.cumsum(voters) - voters  # where each row's votes start in `code`
    for count, records in _by_voters(voters):
        votes = code.take(first[records] + np.arange(count)[:, None])  # (count, records)
        earlier, later = places(count)
        met = (votes * width).take(earlier, axis=0)
        met += votes.take(later, axis=0)
        yield met.reshape(-1), records


def _positions(voted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Where an array is True, flat. Of few True, NumPy takes each in turn; of a tenth and more it goes without branches
    and is several times faster: so a tail of True makes a tenth of them.
    """
    flat, true = voted.reshape(-1), int(np.count_nonzero(voted))
    if not FEW * len(flat) < true <= TENTH * len(flat):
        return np.flatnonzero(flat)
    tail = np.ones(len(flat) // 8 + 1, dtype=bool)
    return np.flatnonzero(np.concatenate([flat, tail]))[:true]


def _by_voters(voters: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Indices of the rows with 2, 3, ... votes, in portions with about AT_ONCE pairs."""
    counts = voters.astype(np.uint16)  # sorted by radix
    order = np.argsort(counts, kind="stable")
    bounds = np.searchsorted(counts[order], np.arange(2, int(counts.max(initial=0)) + 2)).tolist()
    for count, (start, stop) in enumerate(itertools.pairwise(bounds), 2):
        step = max(1, AT_ONCE // (count * (count - 1) // 2))
        for at in range(start, stop, step):
            yield count, order[at : min(at + step, stop)]
