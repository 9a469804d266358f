"""The best of all candidates, each worth what it adds to those before it.

The worth of a rule is the share of its class that it newly covers, times how far its precision is above that of naming
the class every time. Both are cautious: the precision is its lower bound (`precision`), and a record on which functions
vote for the class already counts half for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelkit.suggest.candidates import Candidate, is_one_of
from labelkit.suggest.pool import Holds, RulePool
from labelkit.suggest.precision import Evidence, lower_bound

Votes = NDArray[np.int8]
Numbers = NDArray[np.float32]

ALIKE = 0.8  # share of all records with a vote of either on which two rules of a class both vote: near-duplicates
HALF_AS_GOOD = 0.5  # what a record counts for a rule where another one votes for the class
LEAST_WORTH = 0.005


@dataclass(frozen=True)
class Pick:
    """A chosen candidate as a vote for a class."""

    candidate: Candidate
    label: int
    hits: float
    trials: float
    soft: float  # precision by what is believed
    holds: int  # records
    worth: float

    def low(self, weight: float) -> float:
        """Lower bound of the precision where beliefs count as so many answers."""
        return float(lower_bound(np.array(self.hits), np.array(self.trials), np.array(self.soft), weight))

    def with_values_of(self, other: Pick) -> Pick:
        """One pick of both value sets of a field, which no record has both of."""
        holds = self.holds + other.holds
        return Pick(
            is_one_of(self.candidate.field, (*self.candidate.values, *other.candidate.values)),
            self.label,
            self.hits + other.hits,
            self.trials + other.trials,
            (self.soft * self.holds + other.soft * other.holds) / max(holds, 1),
            holds,
            self.worth + other.worth,
        )


def chosen_of(pool: RulePool, evidence: Evidence, votes: Votes | None, most: int) -> tuple[list[Pick], int]:
    """Up to `most` picks, the worthiest first, and how many good candidates functions have near-duplicates of.

    `votes`, (n, m), are those of the functions.
    """
    search = _Search(pool, evidence)
    duplicates = search.past([] if votes is None else list(votes.T))
    picks = []
    for j, c, worth in search.best(most):
        hits, trials, soft = (float(table[j, c]) for table in (evidence.hits, evidence.trials, evidence.soft))
        picks.append(Pick(pool.candidates[j], c, hits, trials, soft, int(pool.holds[:, j].sum()), worth))
    return picks, duplicates


class _Search:
    """What is still worth choosing."""

    def __init__(self, pool: RulePool, evidence: Evidence) -> None:
        self._holds, self._held = pool.holds, pool.holds.astype(np.float32)
        self._size, self._families = self._held.sum(axis=0), [one.family for one in pool.candidates]
        self._good = evidence.good  # (c, k)
        shares, low = evidence.shares, evidence.low
        self._above = low * (low - shares) / (shares * (1 - shares))  # of a record of the class, were it all new
        self._weight = np.ones((len(pool.holds), len(shares)), dtype=np.float32)  # (n, k): how new each record is

    def past(self, functions: Sequence[Votes]) -> int:
        """Take the votes of functions for granted; how many good candidates they make needless."""
        before = self._good.copy()
        for column in functions:
            for c in np.unique(column[column >= 0]).tolist():
                self._weight[column == c, c] *= HALF_AS_GOOD
                self._good[self._overlap(column == c) > ALIKE, c] = False
        return int((before & ~self._good).any(axis=1).sum())

    def best(self, most: int) -> Iterator[tuple[int, int, float]]:
        """(candidate, class, worth), one after the other."""
        for _ in range(most if self._good.size else 0):
            new = self._held.T @ self._weight / max(len(self._holds), 1)
            worth = np.where(self._good, self._above * new, 0)
            j, c = (int(place) for place in np.unravel_index(worth.argmax(), worth.shape))
            if worth[j, c] < LEAST_WORTH:
                return
            yield j, c, float(worth[j, c])
            self._weight[self._holds[:, j], c] *= HALF_AS_GOOD
            self._good[self._overlap(self._holds[:, j]) > ALIKE] = False
            family = self._families[j]
            self._good[[bool(family) and family == one for one in self._families], c] = False

    def _overlap(self, rows: Holds) -> Numbers:
        """(c,): records on which a candidate and these rows agree, as a share of those of either (Jaccard)."""
        shared = self._held.T @ rows.astype(np.float32)
        return np.asarray(shared / np.maximum(self._size + rows.sum() - shared, 1))


def merged(picks: Sequence[Pick]) -> list[Pick]:
    """Picks in which the values of one field that vote for one class are one rule, the worthiest first."""
    out: dict[tuple[object, ...], Pick] = {}
    for number, pick in enumerate(picks):
        key = (pick.candidate.field, pick.label) if pick.candidate.values else (number,)
        out[key] = out[key].with_values_of(pick) if key in out else pick
    return sorted(out.values(), key=lambda pick: -pick.worth)
