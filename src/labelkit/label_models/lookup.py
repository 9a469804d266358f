"""Class probabilities of many vote rows, looked up in tables of what each vote adds.

A few functions together have few possible votes, so their evidence is looked up in one table row, and rows that repeat
are worked out once. Each record comes out the same whatever chunk it is in, and whichever thread works on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelkit.matrix.repeats import few_different
from labelkit.threads import over_stretches

TABLE_ROWS = 1331  # of a table for several functions at once: small enough for a processor's cache
CHUNK = 16_384  # rows among which repetitions are looked for
CELLS = 65_536  # probabilities worked on at once, of 512 rows at least
REACH = 300.0  # natural logarithm: products keep classes that are no further apart

Fill: TypeAlias = Callable[[NDArray[np.int8], NDArray[np.float64]], None]
"""Writes the probabilities of (n, m) votes, class index or ABSTAIN, into an (n, k) array."""


def table_posterior(
    cells: NDArray[np.int8], tables: NDArray[np.float64], log_prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(n, k) float64 probabilities of (n, m) votes (class index or ABSTAIN); rows without a vote are uniform.

    `tables` is (m, k + 1, k): what function j's vote v adds to the logarithm of class y; its last row is for abstains.

    >>> tables = np.log(np.array([[[0.9, 0.1], [0.2, 0.8], [1.0, 1.0]]]))
    >>> table_posterior(np.array([[0], [1], [-1]], dtype=np.int8), tables, np.log([0.5, 0.5])).round(2)
    array([[0.9, 0.1],
           [0.2, 0.8],
           [0.5, 0.5]])
    """
    return each_posterior(cells, len(log_prior), filled_by_tables(tables, log_prior))


def each_posterior(cells: NDArray[np.int8], k: int, fill: Fill) -> NDArray[np.float64]:
    """(n, k) probabilities of (n, m) votes as `fill` has them; the rows are shared among threads."""
    out = np.empty((len(cells), k))

    def work(rows: slice) -> None:
        for start in range(rows.start, rows.stop, CHUNK):
            some = slice(start, min(start + CHUNK, rows.stop))
            _fill_once(cells[some], out[some], fill)

    over_stretches(work, len(cells), CHUNK)
    return out


def _fill_once(cells: NDArray[np.int8], probs: NDArray[np.float64], fill: Fill) -> None:
    """Fill (n, k) probabilities, those of rows that repeat once where they are many."""
    found = few_different(cells)
    rows = cells if found is None else cells[found[0]]
    once = probs if found is None else np.empty((len(rows), probs.shape[1]))
    step = max(512, CELLS // probs.shape[1])
    for start in range(0, len(rows), step):
        fill(rows[start : start + step], once[start : start + step])
    if found is not None:
        np.take(once, found[1], axis=0, out=probs, mode="clip")  # in place; "raise" would take a copy


def filled_by_tables(tables: NDArray[np.float64], log_prior: NDArray[np.float64]) -> Fill:
    """By products of table rows, each for several functions; by sums of their logarithms where those are too far apart.

    `tables` is (m, k + 1, k), `log_prior` (k,).
    """
    k = len(log_prior)
    size = group_size(k)
    radix, logs = _radix(len(tables), k, size), _grouped(tables, size)
    silent = radix.sum(axis=1, keepdims=True)  # what votes of -1 lack
    reaches = [float(-rows.min()) for rows in logs]  # how far a table can set two classes apart
    steep = max(reaches, default=0.0) > REACH
    grouped = logs if steep else [np.exp(rows) for rows in logs]

    def fill(cells: NDArray[np.int8], probs: NDArray[np.float64]) -> None:
        codes = (radix @ cells.astype(np.float32).T + silent).astype(np.intp)  # (groups + 1, rows) whole numbers
        if steep:
            probs[:] = _summed(codes, grouped, log_prior)
        else:
            lost = _multiplied(codes, grouped, reaches, log_prior, probs)
            if len(lost):
                probs[lost] = _summed(codes[:, lost], logs, log_prior)
        probs /= _over_classes(np.add, probs)
        probs[codes[-1] == 0] = 1 / k

    return fill


def filled_by_sums(
    tables: NDArray[np.float64],
    log_prior: NDArray[np.float64],
    shares: Callable[[NDArray[np.int8]], NDArray[np.float64]],
) -> Fill:
    """By the sum over a row's votes, times the row's share."""
    flat = tables.reshape(-1, len(log_prior))

    def fill(cells: NDArray[np.int8], probs: NDArray[np.float64]) -> None:
        logits = log_prior + shares(cells)[:, None] * _sums_of_votes(cells, flat)
        logits = np.exp(logits - _over_classes(np.maximum, logits))
        probs[:] = logits / _over_classes(np.add, logits)
        probs[(cells < 0).all(axis=1)] = 1 / len(log_prior)

    return fill


def _sums_of_votes(cells: NDArray[np.int8], flat: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, k): the sum over each row's votes, in the order of functions; rows with equally many votes together."""
    row, column = np.nonzero(cells >= 0)
    voters = np.bincount(row, minlength=len(cells))
    code = column * (flat.shape[1] + 1) + cells[row, column]
    first, sums = np.cumsum(voters) - voters, np.zeros((len(cells), flat.shape[1]))
    for count in np.unique(voters[voters > 0]):
        rows = np.flatnonzero(voters == count)
        found = flat[code[first[rows]]]
        for at in range(1, count):
            found += flat[code[first[rows] + at]]
        sums[rows] = found
    return sums


def _multiplied(
    codes: NDArray[np.intp],
    grouped: list[NDArray[np.float64]],
    reaches: list[float],
    log_prior: NDArray[np.float64],
    probs: NDArray[np.float64],
) -> NDArray[np.intp]:
    """Fill (rows, k) with products of table rows. Says on which rows a class fell so low that another way is needed."""
    probs[:] = np.exp(np.maximum(log_prior - log_prior.max(), -REACH))
    found, lost = np.empty_like(probs), np.zeros(len(probs), dtype=bool)
    reach = float(min(REACH, log_prior.max() - log_prior.min()))
    for code, table, further in zip(codes, grouped, reaches, strict=False):
        reach += further
        if reach > 2 * REACH:  # the highest class may be at exp(-600), still a normal float64
            probs /= _over_classes(np.maximum, probs)
            lost |= _over_classes(np.minimum, probs)[:, 0] < np.exp(-REACH)
            reach = further
        probs *= np.take(table, code, axis=0, out=found, mode="clip")
    return np.flatnonzero(lost)


def _summed(
    codes: NDArray[np.intp], logs: list[NDArray[np.float64]], log_prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(rows, k) exponentials of the sums of table rows, the highest 1."""
    total = np.tile(log_prior, (codes.shape[1], 1))
    for code, table in zip(codes, logs, strict=False):
        total += table[code]
    total -= _over_classes(np.maximum, total)
    return np.asarray(np.exp(total))


def group_size(k: int) -> int:
    """How many functions of k classes share a table."""
    return max(1, int(np.log(TABLE_ROWS) / np.log(k + 1) + 1e-9))


def _radix(m: int, k: int, size: int) -> NDArray[np.float32]:
    """(groups + 1, m) float32 that turns votes + 1 into rows of the grouped tables; the last row just sums."""
    radix = np.zeros((-(-m // size) + 1, m), np.float32)
    radix[np.arange(m) // size, np.arange(m)] = float(k + 1) ** (np.arange(m) % size)
    radix[-1] = 1
    return radix


def _grouped(tables: NDArray[np.float64], size: int) -> list[NDArray[np.float64]]:
    """Per group of functions, (rows, k): the logarithms of all combinations of their votes, each row's highest 0."""
    k, grouped = tables.shape[2], []
    digits = np.roll(tables, 1, axis=1)  # abstain first, as votes + 1 are numbered
    for start in range(0, len(tables), size):
        rows = np.zeros((1, k))
        for table in digits[start : start + size]:
            rows = (table[:, None, :] + rows).reshape(-1, k)
        grouped.append(rows - rows.max(axis=1, keepdims=True))
    return grouped


def _over_classes(combine: np.ufunc, probs: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 1): the columns of (n, k) combined one after the other, which for few classes beats a reduction."""
    if probs.shape[1] > 32:
        return np.asarray(combine.reduce(probs, axis=1, keepdims=True))
    total = probs[:, 0].copy()
    for column in probs.T[1:]:
        combine(total, column, out=total)
    return total[:, None]
