"""Query strategies: who is asked first.

A strategy sees probabilities and votes of the records that may be asked, and ranks n of them. Margin, entropy and
least confidence are modAL's (Settles 2009, "Active learning literature survey", section 3.1), conflict is the vote
entropy of a query by committee (Dagan and Engelson 1995) with labeling functions as the committee.

Ties are everywhere, since records with the same votes have the same probabilities. They are broken by a seeded
shuffle: the records come to a strategy in shuffled order, so that picks never follow the order of the data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Scores = NDArray[np.float64]
Mask = NDArray[np.bool_]

DIGITS = 12  # two sums of the same numbers in another order are a tie, not a difference


@dataclass(frozen=True)
class Pool:
    """What is known of all n records."""

    probs: NDArray[np.float64]  # (n, k): rows sum to 1
    covered: Mask  # (n,): at least one function voted
    votes: NDArray[np.int8]  # (n, m): class index; negative where a function abstained or failed


@dataclass(frozen=True)
class Strategy:
    """One way to choose."""

    candidates: Callable[[Pool], Mask]
    """(n,) bool: records that the strategy has anything to say about."""
    rank: Callable[[Pool, Rows, int], tuple[Rows, Scores]]
    """The best n <= len(rows) of some shuffled rows, best first, and their scores, both (n,)."""


class PosteriorEstimator:
    """What modAL asks of an estimator, given by a posterior: a sample is the number of a record."""

    def __init__(self, probs: NDArray[np.float64]) -> None:
        self._probs = probs  # (n, k)

    def predict_proba(self, rows: Rows) -> NDArray[np.float64]:
        """(len(rows), k): the posterior's rows."""
        return np.round(self._probs[rows], DIGITS)


def _uncertainty(query_name: str, *, lowest_first: bool = False) -> Callable[[Pool, Rows, int], tuple[Rows, Scores]]:
    """Let a query function of modAL.uncertainty choose, and order its choice, which comes unordered."""

    def rank(pool: Pool, rows: Rows, n: int) -> tuple[Rows, Scores]:
        from modAL import uncertainty

        query: Any = getattr(uncertainty, query_name)
        chosen, scores = query(PosteriorEstimator(pool.probs), rows, n_instances=n)
        order = np.argsort(scores if lowest_first else -scores, kind="stable")
        return rows[chosen[order]], np.asarray(scores[order], dtype=np.float64)

    return rank


def _at_random(_pool: Pool, rows: Rows, n: int) -> tuple[Rows, Scores]:
    """Rank the first of the shuffled rows first."""
    return rows[:n], np.zeros(n)


def _conflict(pool: Pool, rows: Rows, n: int) -> tuple[Rows, Scores]:
    """Rank by vote entropy; of equal entropy, more votes are more disagreement."""
    counts = vote_counts(pool.votes[rows], pool.probs.shape[1])
    scores = np.round(vote_entropy(counts), DIGITS)
    best = np.lexsort((-counts.sum(axis=1), -scores))[:n]
    return rows[best], scores[best]


def vote_counts(votes: NDArray[np.int8], k: int) -> NDArray[np.int64]:
    """(n, k) int64: how many of m functions voted for each class, from (n, m) votes.

    >>> vote_counts(np.array([[0, 1, 1], [-1, -2, 0]], dtype=np.int8), 2)
    array([[1, 2],
           [1, 0]])
    """
    counts = np.zeros((len(votes), k), dtype=np.int64)
    for column in votes.T:
        voted = np.flatnonzero(column >= 0)
        counts[voted, column[voted]] += 1
    return counts


def vote_entropy(counts: NDArray[np.int64]) -> Scores:
    """(n,) float64, nats: entropy of each row's shares of votes, 0 where nobody voted.

    >>> vote_entropy(np.array([[1, 1], [3, 0], [0, 0]])).round(3)
    array([0.693, 0.   , 0.   ])
    """
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shares = counts / total
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.asarray(-(shares * logs).sum(axis=1) + 0.0)


def in_conflict(votes: NDArray[np.int8]) -> Mask:
    """(n,) bool: at least two functions voted for different classes.

    >>> in_conflict(np.array([[0, 1, -1], [1, 1, -1], [-1, -1, 0]], dtype=np.int8))
    array([ True, False, False])
    """
    first = np.full(len(votes), -1, dtype=np.int8)
    different = np.zeros(len(votes), dtype=bool)
    for column in votes.T:
        voted = column >= 0
        different |= voted & (first >= 0) & (column != first)
        first = np.where(voted & (first < 0), column, first)
    return different


def _covered(pool: Pool) -> Mask:
    return pool.covered


STRATEGIES: dict[str, Strategy] = {
    "margin": Strategy(_covered, _uncertainty("margin_sampling", lowest_first=True)),
    "entropy": Strategy(_covered, _uncertainty("entropy_sampling")),
    "least_confidence": Strategy(_covered, _uncertainty("uncertainty_sampling")),
    "conflict": Strategy(lambda pool: in_conflict(pool.votes), _conflict),
    "random": Strategy(_covered, _at_random),
    "uncovered": Strategy(lambda pool: ~pool.covered, _at_random),
}
"""All strategies by name. Records that nobody voted on are asked by `uncovered` alone: their uniform rows would come
first in every ranking by uncertainty and hide what the functions really disagree on."""
