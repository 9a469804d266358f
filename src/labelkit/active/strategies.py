"""Query strategies: who is asked first.

A strategy sees probabilities and votes of the records that may be asked, and ranks n of them. Margin, entropy, least
confidence and committee are modAL's (Settles 2009, "Active learning literature survey", sections 3.1 and 3.2), conflict
is the vote entropy of a query by committee (Dagan and Engelson 1995) with labeling functions as the committee. Where
there is a learner, the uncertainty is that of the learner: asking by the model that is to be trained works better than
asking by another one.

Ties are everywhere, since records with the same votes have the same probabilities. They are broken by a hash of id and
seed: the records come to a strategy in that order, so that picks never follow the order of the data, and are the same
wherever the records are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.active.learned import by_answers, by_committee, by_diversity, by_rank, by_rarity, with_a_learner
from labelkit.active.pool import DIGITS, Mask, Pool, PosteriorEstimator, Rows, Scores, Strategy, lowest
from labelkit.active.reasons import left_open, reason_for
from labelkit.matrix import LabelMatrix


def _uncertainty(measure_name: str, *, lowest_first: bool = False) -> Callable[[Pool, Rows, int], tuple[Rows, Scores]]:
    """Rank by a measure of modAL.uncertainty. Its query functions choose any of equal records, here the first ones."""

    def rank(pool: Pool, rows: Rows, n: int) -> tuple[Rows, Scores]:
        from modAL import uncertainty

        measure: Any = getattr(uncertainty, measure_name)
        scores: Scores = np.asarray(measure(PosteriorEstimator(pool.believed), rows), dtype=np.float64).round(DIGITS)
        best = lowest(scores if lowest_first else -scores, n)
        return rows[best], scores[best]

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


def _unvoted(pool: Pool, rows: Rows, n: int) -> tuple[Rows, Scores]:
    """Explore: uncertain records that are unlike one another where a learner's features are known, else any."""
    if pool.learned is None or pool.learned.features is None:
        return _at_random(pool, rows, n)
    return by_diversity(pool, rows, n)


def _by_region(pool: Pool, rows: Rows, n: int) -> tuple[Rows, Scores]:
    """Rank by what a function for the record's region would be worth; regions take turns."""
    return pool.regions.in_turn(rows, pool.asked, n)


def _why_of_region(pool: Pool, row: int, votes: LabelMatrix) -> str:
    return pool.regions.reason(row, votes.names, votes.classes, votes.votes[row])


def _why_of_answers(pool: Pool, row: int, votes: LabelMatrix) -> str:
    if pool.learned is None or pool.learned.of_answers is None:
        learned = None if pool.learned is None else pool.learned.probs[row]
        return reason_for("margin", pool.probs[row], {}, votes.classes, learned=learned)
    return left_open(pool.of_answers[row], votes.classes)


STRATEGIES: dict[str, Strategy] = {
    "margin": Strategy(_covered, _uncertainty("classifier_margin", lowest_first=True)),
    "answers": Strategy(with_a_learner, by_answers, why=_why_of_answers),
    "entropy": Strategy(_covered, _uncertainty("classifier_entropy")),
    "least_confidence": Strategy(_covered, _uncertainty("classifier_uncertainty")),
    "conflict": Strategy(lambda pool: in_conflict(pool.votes), _conflict),
    "random": Strategy(_covered, _at_random),
    "uncovered": Strategy(lambda pool: ~pool.covered, _unvoted),
    "rare": Strategy(with_a_learner, by_rarity),
    "committee": Strategy(_covered, by_committee, "learner"),
    "ranked": Strategy(_covered, by_rank, "features"),
    "diverse": Strategy(_covered, by_diversity, "features"),
    "explore": Strategy(lambda pool: pool.regions.of >= 0, _by_region, "features", _why_of_region),
}
"""All strategies by name. Records that nobody voted on are asked by `uncovered` and `explore`, and by `rare` and
`answers` where a learner knows them: their uniform rows would come first in every ranking by uncertainty and hide what
functions really disagree on."""
