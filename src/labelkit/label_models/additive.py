"""Additive label models: every vote adds its own evidence for each class.

    log P(y | votes) = prior[y] + sum over votes of tables[j, v, y] / voters ** sharing + const

Functions that are independent given the class share nothing (0); those that repeat one another are averaged (1), as in
a logarithmic opinion pool (Genest and Zidek, "Combining probability distributions", Statistical Science 1, 1986).
Majority vote without answers apart, the models here predict so. A few functions together have few possible votes, so
their evidence is looked up in one table row; each record comes out the same whatever chunk it is in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models.products import steady_product
from labelkit.threads import over_stretches

LEAST = 0.01  # natural logarithm: what a vote for a class that all others vote for too counts at least
TABLE_ROWS = 1331  # of a table for several functions at once: small enough for a processor's cache
SHARED_ROWS = 16_384  # in memory at once where votes share
REACH = 300.0  # natural logarithm: products keep classes that are no further apart


@dataclass(frozen=True, eq=False)
class Contributions:
    """What each vote adds to a record's label, abstains nothing.

    Additive: natural logarithms, each class against the average of all; `start` plus a record's sum over functions is
    the logarithm of its probabilities, but for a constant. Otherwise: by how much each class is more probable than if
    the vote were left out, alone; these differences need not add up.
    """

    values: NDArray[np.float64]  # (n, m, k)
    start: NDArray[np.float64]  # (k,): before any vote
    additive: bool


@dataclass(frozen=True, eq=False)
class Evidence:
    """The parameters of an additive model."""

    tables: NDArray[np.float64]  # (m, k + 1, k): what vote v of function j adds to log P(class y); v = k: abstain
    log_prior: NDArray[np.float64]  # (k,)
    agreed: NDArray[np.float64] | None = None  # (m, k + 1, k): in place of `tables` where all votes are for one class
    sharing: float = 0.0  # from 0 to 1

    def posterior(self, cells: NDArray[np.int8]) -> NDArray[np.float64]:
        """(n, k) probabilities of (n, m) votes (class index or ABSTAIN)."""
        probs = self._looked_up(cells, self.tables)
        if self.agreed is not None:
            rows = np.flatnonzero(unanimous(cells))
            probs[rows] = self._looked_up(cells[rows], self.agreed)
        return probs

    def _looked_up(self, cells: NDArray[np.int8], tables: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, k) probabilities."""
        if not self.sharing:
            return table_posterior(cells, tables, self.log_prior)
        return shared_posterior(cells, tables, self.log_prior, self.shares)

    def shares(self, cells: NDArray[np.int8]) -> NDArray[np.float64]:
        """(n,): what is left of a vote's evidence in each row."""
        return np.asarray(np.maximum((cells >= 0).sum(axis=1), 1).astype(np.float64) ** -self.sharing)

    def contributions(self, cells: NDArray[np.int8]) -> Contributions:
        """What each of the (n, m) votes adds."""
        own = np.arange(len(self.tables))
        values = self.tables[own, cells]  # ABSTAIN = -1 takes the last row, which is zero
        if self.agreed is not None:
            rows = np.flatnonzero(unanimous(cells))
            values[rows] = self.agreed[own, cells[rows]]
        values *= self.shares(cells)[:, None, None]
        start = self.log_prior - self.log_prior.mean()
        return Contributions(values - values.mean(axis=2, keepdims=True), start, additive=True)

    def never_against_all(self) -> Evidence:
        """The same, but where all votes are for one class, each counts a little for it at worst."""
        m, k = len(self.tables), len(self.log_prior)
        agreed, own = self.tables.copy(), np.arange(k)
        highest = self.tables[:, own, own][:, :, None] - LEAST
        agreed[:, :k] = np.where(np.eye(k, dtype=bool), self.tables[:, :k], np.minimum(self.tables[:, :k], highest))
        same = m == 0 or np.array_equal(agreed, self.tables)
        return Evidence(self.tables, self.log_prior, None if same else agreed, self.sharing)


def unanimous(cells: NDArray[np.int8]) -> NDArray[np.bool_]:
    """(n,): somebody voted, and all who did voted for the same class.

    >>> unanimous(np.array([[1, -1, 1], [0, 1, -1], [-1, -1, -1]], dtype=np.int8))
    array([ True, False, False])
    """
    if not cells.shape[1]:
        return np.zeros(len(cells), dtype=bool)
    highest = cells.max(axis=1)
    lowest = cells.view(np.uint8).min(axis=1)  # an abstain is 255
    return np.asarray((highest >= 0) & (highest == lowest))


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
    n, k = len(cells), len(log_prior)
    size = group_size(k)
    radix, logs = _radix(len(tables), k, size), _grouped(tables, size)
    reaches = [float(-rows.min()) for rows in logs]  # how far a table can set two classes apart
    steep = max(reaches, default=0.0) > REACH
    grouped = logs if steep else [np.exp(rows) for rows in logs]
    out = np.empty((n, k))
    step = max(512, min(16_384, 65_536 // k))

    def fill(rows: slice) -> None:
        for start in range(rows.start, rows.stop, step):
            some = slice(start, min(start + step, rows.stop))
            codes = steady_product(cells[some].astype(np.float32) + 1, radix).astype(np.intp).T  # (groups + 1, rows)
            probs = out[some]
            if steep:
                probs[:] = _summed(codes, grouped, log_prior)
            else:
                lost = _multiplied(codes, grouped, reaches, log_prior, probs)
                if len(lost):
                    probs[lost] = _summed(codes[:, lost], logs, log_prior)
            probs /= _over_classes(np.add, probs)
            probs[codes[-1] == 0] = 1 / k

    over_stretches(fill, n, step)
    return out


def shared_posterior(
    cells: NDArray[np.int8],
    tables: NDArray[np.float64],
    log_prior: NDArray[np.float64],
    shares: Callable[[NDArray[np.int8]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """(n, k) float64 probabilities as `table_posterior` has them, the sum over a row's votes times the row's share."""
    out, flat = np.empty((len(cells), len(log_prior))), tables.reshape(-1, len(log_prior))

    def fill(rows: slice) -> None:
        for start in range(rows.start, rows.stop, SHARED_ROWS):
            some = slice(start, min(start + SHARED_ROWS, rows.stop))
            logits = log_prior + shares(cells[some])[:, None] * _sums_of_votes(cells[some], flat)
            logits = np.exp(logits - _over_classes(np.maximum, logits))
            out[some] = logits / _over_classes(np.add, logits)
            out[some][(cells[some] < 0).all(axis=1)] = 1 / len(log_prior)

    over_stretches(fill, len(cells), SHARED_ROWS)
    return out


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
    """(m, groups + 1) float32 that turns votes + 1 into rows of the grouped tables; the last column just sums."""
    radix = np.zeros((m, -(-m // size) + 1), np.float32)
    radix[np.arange(m), np.arange(m) // size] = float(k + 1) ** (np.arange(m) % size)
    radix[:, -1] = 1
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
