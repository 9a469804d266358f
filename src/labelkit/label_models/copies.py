r"""Near-copies: functions that vote alike far more often than being right about the same records explains.

Two functions vote alike for two reasons: both see the class, or one repeats the other. What the first would give is
counted out, as in Cohen's kappa ("A coefficient of agreement for nominal scales", 1960):

    copied = (differ expected - differ) / (differ expected + DOUBT)

where `differ` counts records on which either voted and the other did not vote the same. Expected is what two functions
give that are independent given the class: from their coverage of the records of a class where one of them votes for one
class only, so that to vote at all is its message; else on the records where both voted, from how often each agrees with
the functions that are not like it. Groups are merged by mean linkage down to ALIKE. Source of the idea that copying is
told from shared accuracy: Dong, Berti-Equille and Srivastava, "Integrating conflicting data: the role of source
dependence", VLDB 2009.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelkit.matrix import ABSTAIN
from labelkit.matrix.counts import VoteCounts

ALIKE = 0.55  # share of the differences to be expected that is missing between near-copies
DOUBT = 3.0  # differences more that must be missing: a few votes in common are no copy
SAME = 0.6  # of the records on which either voted: near-copies of one class vote alike on no smaller a share
ABOVE_CHANCE = 0.79  # of what guessing leaves, where both voted: other near-copies vote alike on no smaller a share
WITNESSES = 0.5  # of the functions that one meets: those that agree least with it testify to its accuracy
ONE_SIDED = 0.85  # share of a function's votes for one class from which to vote at all is its message
MEETINGS, USUAL = 10.0, 0.85  # agreement with others believed beforehand
MOST = 2_000  # functions: of more, pairs are not compared


@dataclass(frozen=True, eq=False)
class NearCopies:
    """Which functions repeat one another."""

    groups: tuple[tuple[int, ...], ...]  # function indices, at least two each, in order of the first
    weights: NDArray[np.float64]  # (m,): 1 / size of the function's group

    @classmethod
    def of(cls, groups: Iterable[tuple[int, ...]], m: int) -> NearCopies:
        """Groups among m functions."""
        weights, found = np.ones(m), tuple(groups)
        for group in found:
            weights[list(group)] = 1 / len(group)
        return cls(found, weights)

    @property
    def column(self) -> NDArray[np.int64]:
        """(m,): number of each function when groups count as one, in the order of their first functions."""
        first = np.arange(len(self.weights))
        for group in self.groups:
            first[list(group)] = group[0]
        return np.asarray(np.unique(first, return_inverse=True)[1])

    def named(self, names: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        """The groups by function name."""
        return tuple(tuple(names[j] for j in group) for group in self.groups)


def near_copies(counts: VoteCounts) -> NearCopies:
    """Groups of functions that repeat one another, and the weight each function is left with.

    Functions that never vote are in no group. Where pairs are too many to count, none is found.

    >>> rng = np.random.default_rng(0)
    >>> votes = rng.integers(0, 2, (200, 4)).astype(np.int8)
    >>> votes[:, 2] = votes[:, 0]
    >>> found = near_copies(VoteCounts.of(votes, 2))
    >>> found.groups, found.weights.tolist()
    (((0, 2),), [0.5, 1.0, 0.5, 1.0])
    """
    comparable = 2 <= counts.m <= MOST and not counts.too_wide
    return NearCopies.of(_linked(copied(counts)) if comparable else (), counts.m)


def copies_from(column: NDArray[np.int64]) -> NearCopies:
    """The groups that `NearCopies.column` numbers.

    >>> copies_from(np.array([0, 1, 0])).groups
    ((0, 2),)
    """
    groups = (tuple(np.flatnonzero(column == number).tolist()) for number in np.unique(column))
    return NearCopies.of((group for group in groups if len(group) > 1), len(column))


def without_copies(cells: NDArray[np.int8], copies: NearCopies, k: int) -> NDArray[np.int8]:
    """(n, c) votes with one column for each group or single function, numbered by `NearCopies.column`.

    A group votes for what most of its members vote for, where at least half of them vote and no two classes tie.

    >>> both = NearCopies.of([(0, 2)], 3)
    >>> without_copies(np.array([[0, 1, -1], [0, -1, 1]], np.int8), both, 2).tolist()
    [[0, 1], [-1, -1]]
    """
    if not copies.groups:
        return cells
    column = copies.column
    found = cells[:, np.unique(column, return_index=True)[1]]
    for group in copies.groups:
        members = list(group)
        shares = np.stack([(cells[:, members] == c).sum(axis=1) for c in range(k)], axis=1)
        top = shares.max(axis=1)
        clear = ((shares == top[:, None]).sum(axis=1) == 1) & (2 * shares.sum(axis=1) >= len(members))
        found[:, column[group[0]]] = np.where(clear, shares.argmax(axis=1), ABSTAIN)
    return found


def copied(counts: VoteCounts) -> NDArray[np.float64]:
    """(m, m) float64, at most 1: how much of the differences to be expected between two functions is missing.

    0 is independence or too little in common, 1 sameness. Symmetric, the diagonal 1.
    """
    m, k = counts.m, counts.k
    pairs = counts.pairs.reshape(m, k, m, k)
    alike = np.trace(pairs, axis1=1, axis2=3).astype(np.float64)
    met = pairs.sum(axis=(1, 3)).astype(np.float64)
    votes = counts.votes_cast.astype(np.float64)
    cast = votes.sum(axis=1)
    either = cast[:, None] + cast - met
    sided = votes.max(axis=1, initial=0) >= ONE_SIDED * np.maximum(cast, 1)
    one_sided = sided[:, None] | sided
    agree = _agreement(alike, met, k)
    expected = np.where(one_sided, _by_coverage(votes, counts.n), met * agree)
    expected = np.minimum(expected, np.minimum(cast[:, None], cast))
    union = np.where(one_sided, cast[:, None] + cast - expected, met)
    differ = np.where(one_sided, either, met) - alike
    found = (union - expected - differ) / (union - expected + DOUBT)
    found[alike < np.where(one_sided, SAME * either, (1 + (k - 1) * ABOVE_CHANCE) / k * met)] = 0
    np.fill_diagonal(found, 1)
    return np.asarray((found + found.T) / 2)


def _by_coverage(votes: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """(m, m): how often two functions would vote alike that are always right and independent given the class.

    A class has as many records as its share of all votes says; functions that each find three quarters of a class or
    more may therefore be taken for near-copies where most functions vote for that class.
    """
    records = np.maximum(n * votes.sum(axis=0) / max(1.0, votes.sum()), votes.max(axis=0, initial=1))
    scaled = votes / np.sqrt(records)
    return np.asarray(scaled @ scaled.T)


def _agreement(alike: NDArray[np.float64], met: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """(m, m): how often two functions agree where they meet, by their agreement with functions unlike them."""
    rate = np.where(met > 0, alike / np.maximum(met, 1), np.inf)
    np.fill_diagonal(rate, np.inf)
    meets = np.isfinite(rate).sum(axis=1)
    last = np.maximum(np.ceil(WITNESSES * meets), np.minimum(meets, 2)).astype(np.intp)
    bound = np.sort(rate, axis=1)[np.arange(len(rate)), np.maximum(last - 1, 0)]
    weight = np.where((rate <= bound[:, None]) & (met > 0), met, 0.0)
    np.fill_diagonal(weight, 0)
    above = (k * np.where(weight > 0, rate, 0) - 1) / (k - 1) * weight
    start = (k * USUAL - 1) / (k - 1)
    skill = np.full(len(alike), start)
    for _ in range(30):
        new = ((above * skill).sum(axis=1) + MEETINGS * start) / ((weight * skill**2).sum(axis=1) + MEETINGS)
        skill = (skill + np.clip(new, 0.02, 0.98)) / 2
    return np.asarray((1 + (k - 1) * skill[:, None] * skill) / k)


def _linked(alike: NDArray[np.float64]) -> list[tuple[int, ...]]:
    """Groups of at least two that are on average at least ALIKE; the most alike are joined first."""
    members = [[j] for j in range(len(alike))]
    total = np.where(alike > 0, alike, 0.0)  # sums over pairs of members; mean linkage
    np.fill_diagonal(total, -1)
    mean = total.copy()
    while True:
        i, j = sorted(divmod(int(mean.argmax()), len(mean)))
        if mean[i, j] < ALIKE:
            return sorted(tuple(sorted(group)) for group in members if len(group) > 1)
        members[i], members[j] = members[i] + members[j], []
        total[i] += total[j]
        total[:, i] = total[i]
        sizes = np.array([max(1, len(group)) for group in members])
        mean[i] = mean[:, i] = total[i] / (len(members[i]) * sizes)
        mean[i, i] = mean[j] = -1
        mean[:, j] = -1
        total[j] = total[:, j] = -1e9
