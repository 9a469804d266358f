"""Counts of votes: all that some label models need of any number of records.

How often each vote meets each other vote is a matrix of whole numbers, however many records there are; the distinct
vote rows are kept as well while they are few. Both are gathered chunk by chunk and merge with `+`, and neither depends
on how the records were cut into chunks.
"""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelkit.matrix.pairs import pair_counts
from labelkit.matrix.repeats import row_hashes, row_words
from labelkit.matrix.votes import ABSTAIN
from labelkit.threads import over_stretches

MAX_DISTINCT = 50_000
"""As many distinct vote rows are kept; of more, only the pair counts are."""

MAX_WIDTH = 10_000
"""Functions times classes: of more, pairs are not counted, for their matrix would not fit into memory."""

CHUNK = 16_384  # rows
RADIX_BITS = 52  # a whole number up to 2**52 is exact in float64, sums on the way included
TABLE = 1 << 17  # as many possible rows are counted in a table, more are sorted

Rows: TypeAlias = tuple[NDArray[np.int8], NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class VoteCounts:
    """Counts over n records of m functions' votes for k classes. Faults count as abstains.

    >>> first = VoteCounts.of(np.array([[0, 1], [0, -1]], dtype=np.int8), k=2)
    >>> both = first + VoteCounts.of(np.array([[0, 1]], dtype=np.int8), k=2)
    >>> both.n, both.pairs.tolist()
    (3, [[3, 0, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0], [2, 0, 0, 2]])
    >>> rows, times = both.distinct
    >>> rows.tolist(), times.tolist()
    ([[0, -1], [0, 1]], [1, 2])
    """

    n: int  # records
    m: int  # functions
    k: int  # classes
    distinct: Rows | None  # (g, m) int8 rows in lexicographic order and (g,) int64 how often; None beyond MAX_DISTINCT
    _counted: NDArray[np.int64] | None  # (m * k, m * k): pair counts once `distinct` is None

    @classmethod
    def empty(cls, m: int, k: int) -> VoteCounts:
        """Counts of no records."""
        return cls(0, m, k, _no_rows(m), None)

    @classmethod
    def of(cls, votes: NDArray[np.int8], k: int) -> VoteCounts:
        """Counts of (n, m) int8 votes: class index below k, ABSTAIN or FAULT. Raises ValueError for anything else."""
        if votes.ndim != 2 or votes.dtype != np.int8:
            raise ValueError(f"votes must be int8 of two dimensions, not {votes.dtype} of shape {votes.shape}")
        return cls.empty(votes.shape[1], k).add(votes)

    def add(self, votes: NDArray[np.int8]) -> VoteCounts:
        """These counts and those of (n, m) int8 votes. Raises ValueError when the votes are of another shape or range.

        A new value; this one stays as it is.
        """
        if votes.ndim != 2 or votes.dtype != np.int8 or votes.shape[1] != self.m:
            raise ValueError(f"votes must be int8 of {self.m} functions, not {votes.dtype} of shape {votes.shape}")
        if votes.size and int(votes.max()) >= self.k:
            raise ValueError(f"votes must be below {self.k}, the number of classes, not {int(votes.max())}")
        keep = self.distinct is not None and not _surely_many(votes[: 8 * CHUNK], self.k)
        found = over_stretches(lambda rows: self._of_stretch(votes[rows], keep=keep), len(votes))
        return functools.reduce(operator.add, found, self)

    def _of_stretch(self, votes: NDArray[np.int8], *, keep: bool) -> VoteCounts:
        """Counts of these votes alone: the distinct rows, if they are to be kept and are few."""
        distinct = _few_distinct(votes, self.k) if keep else None
        counted = None
        if distinct is None and not self.too_wide:
            counted = pair_counts(votes, None, self.k)
        return VoteCounts(len(votes), self.m, self.k, distinct, counted)

    def __add__(self, other: VoteCounts) -> VoteCounts:
        if (self.m, self.k) != (other.m, other.k):
            raise ValueError(
                f"counts of {self.m} functions and {self.k} classes do not add to counts of "
                f"{other.m} functions and {other.k} classes"
            )
        if not self.n or not other.n:
            return self if self.n else other
        n = self.n + other.n
        if self.distinct is not None and other.distinct is not None:
            rows = _merged([self.distinct, other.distinct], self.k)
            if len(rows[1]) <= MAX_DISTINCT:
                return VoteCounts(n, self.m, self.k, rows, None)
        return VoteCounts(n, self.m, self.k, None, None if self.too_wide else self.pairs + other.pairs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VoteCounts):
            return NotImplemented
        if (self.n, self.m, self.k) != (other.n, other.m, other.k):
            return False
        if self.distinct is None or other.distinct is None:
            return self.distinct is other.distinct and (self.too_wide or np.array_equal(self.pairs, other.pairs))
        (rows, times), (other_rows, other_times) = self.distinct, other.distinct
        return np.array_equal(rows, other_rows) and np.array_equal(times, other_times)

    __hash__ = None  # type: ignore[assignment]  # holds arrays

    @property
    def too_wide(self) -> bool:
        """Whether there are too many functions times classes to count pairs."""
        return self.m * self.k > MAX_WIDTH

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """(m * k, m * k) int64: records on which function i voted u and function j voted v, at [i * k + u, j * k + v].

        The diagonal holds how often each vote was cast. Raises ValueError where that is `too_wide`.
        """
        if self.too_wide:
            raise ValueError(f"{self.m:,} functions times {self.k} classes are too many to count their pairs")
        if self._counted is not None:
            return self._counted
        rows, times = self.distinct or _no_rows(self.m)
        found = over_stretches(lambda some: pair_counts(rows[some], times[some], self.k), len(rows))
        return functools.reduce(operator.add, found)

    @property
    def votes_cast(self) -> NDArray[np.int64]:
        """(m, k) int64: how often each function voted for each class."""
        return np.diagonal(self.pairs).reshape(self.m, self.k)


def _surely_many(votes: NDArray[np.int8], k: int) -> bool:
    """Whether there are more than MAX_DISTINCT distinct rows for sure: equal rows have equal hashes."""
    if len(votes) <= MAX_DISTINCT or (k + 1) ** votes.shape[1] <= max(MAX_DISTINCT, TABLE):
        return False
    chunks = (np.maximum(votes[at : at + CHUNK], np.int8(ABSTAIN)) for at in range(0, len(votes), CHUNK))
    hashes = np.sort(np.concatenate([row_hashes(row_words(chunk)) for chunk in chunks]))
    return int(np.count_nonzero(hashes[1:] != hashes[:-1])) >= MAX_DISTINCT


def _few_distinct(votes: NDArray[np.int8], k: int) -> Rows | None:
    """The distinct rows; None as soon as they are more than MAX_DISTINCT."""
    n, m = votes.shape
    if (k + 1) ** m <= TABLE:
        found = _tabled(votes, None, k)
        return found if len(found[1]) <= MAX_DISTINCT else None
    found, waiting, many = _no_rows(m), [], 0
    for at in range(0, n, CHUNK):
        waiting.append(distinct_rows(np.maximum(votes[at : at + CHUNK], np.int8(ABSTAIN)), None, k))
        many += len(waiting[-1][1])
        if many > max(CHUNK, len(found[1])) or at + CHUNK >= n:  # merging often would take longer than counting
            found, waiting, many = _merged([found, *waiting], k), [], 0
            if len(found[1]) > MAX_DISTINCT:
                return None
    return found


def _no_rows(m: int) -> Rows:
    return np.empty((0, m), np.int8), np.empty(0, np.int64)


def distinct_rows(cells: NDArray[np.int8], times: NDArray[np.int64] | None, k: int) -> Rows:
    """The distinct rows of (n, m) votes in lexicographic order, and how often each occurs (`times` each, or once)."""
    n, m = cells.shape
    if not n or not m:
        total = n if times is None else int(times.sum())
        return (cells[: min(n, 1)], np.array([total] * min(n, 1), np.int64))
    if (k + 1) ** m <= TABLE:
        return _tabled(cells, times, k)
    per = max(1, int(RADIX_BITS / np.log2(k + 1)))
    keys = [_packed(cells[:, start : start + per], k) for start in range(0, m, per)]
    if len(keys) == 1 and times is None:
        ordered = np.sort(keys[0])
        first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        return _unpacked(ordered[first], m, k), np.diff(np.append(first, n))
    order = np.argsort(keys[0], kind="stable") if len(keys) == 1 else np.lexsort(keys[::-1])
    changed = np.zeros(n - 1, dtype=bool)
    for key in keys:
        changed |= key[order][1:] != key[order][:-1]
    first = np.flatnonzero(np.concatenate([[True], changed]))
    counts = np.diff(np.append(first, n)) if times is None else np.add.reduceat(times[order], first)
    return cells[order[first]], counts


def _tabled(cells: NDArray[np.int8], times: NDArray[np.int64] | None, k: int) -> Rows:
    """`distinct_rows` by a table of all possible rows; faults count as abstains."""
    table = np.zeros((k + 1) ** cells.shape[1], np.int64)
    for at in range(0, len(cells), CHUNK):
        keys = _packed(np.maximum(cells[at : at + CHUNK], np.int8(ABSTAIN)), k).astype(np.intp)
        np.add.at(table, keys, 1 if times is None else times[at : at + CHUNK])
    found = np.flatnonzero(table)
    return _unpacked(found.astype(np.float64), cells.shape[1], k), table[found]


def _merged(parts: list[Rows], k: int) -> Rows:
    """Distinct rows of several parts, how often each occurs in all of them."""
    return distinct_rows(np.concatenate([rows for rows, _ in parts]), np.concatenate([times for _, times in parts]), k)


def _packed(cells: NDArray[np.int8], k: int) -> NDArray[np.float64]:
    """(n,) float64 whole numbers below 2**52 that order as the (n, m) rows do: the votes as digits of base k + 1."""
    n, m = cells.shape
    digits = np.power(float(k + 1), np.arange(m)[::-1])
    keys, step = np.empty(n), max(1, (1 << 17) // max(1, m))
    for start in range(0, n, step):
        keys[start : start + step] = cells[start : start + step].astype(np.float64) @ digits
    keys += digits.sum()
    return keys


def _unpacked(keys: NDArray[np.float64], m: int, k: int) -> NDArray[np.int8]:
    rest, cells = keys.astype(np.int64), np.empty((len(keys), m), np.int8)
    for j in range(m - 1, -1, -1):
        rest, digit = np.divmod(rest, k + 1)
        cells[:, j] = digit - 1
    return cells
