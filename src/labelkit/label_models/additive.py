"""Additive label models: every vote adds its own evidence for each class.

    log P(y | votes) = prior[y] + sum over votes of tables[j, v, y] / voters ** sharing + const

Functions that are independent given the class share nothing (0); those that repeat one another are averaged (1), as in
a logarithmic opinion pool (Genest and Zidek, "Combining probability distributions", Statistical Science 1, 1986).
Majority vote without answers apart, the models here predict so (`lookup`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models.lookup import Fill, each_posterior, filled_by_sums, filled_by_tables

LEAST = 0.01  # natural logarithm: what a vote for a class that all others vote for too counts at least


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
        usual, k = self._fill(self.tables), len(self.log_prior)
        if self.agreed is None:
            return each_posterior(cells, k, usual)
        agreed = self._fill(self.agreed)

        def fill(some: NDArray[np.int8], probs: NDArray[np.float64]) -> None:
            usual(some, probs)
            rows = np.flatnonzero(unanimous(some))
            found = np.empty((len(rows), k))
            agreed(some[rows], found)
            probs[rows] = found

        return each_posterior(cells, k, fill)

    def _fill(self, tables: NDArray[np.float64]) -> Fill:
        """How probabilities are looked up in these tables."""
        if not self.sharing:
            return filled_by_tables(tables, self.log_prior)
        return filled_by_sums(tables, self.log_prior, self.shares)

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
