"""Query strategies that ask a learner: committee, ranked, diverse and rare."""

from __future__ import annotations

from typing import Any

import numpy as np

from labelkit.active.batches import farthest_first, ranked_batch
from labelkit.active.pool import DIGITS, Mask, Pool, PosteriorEstimator, Rows, Scores, lowest

MOST_PICKED = 100  # records of a batch that are picked one by one; more are taken in the order of their margin
SHORTLIST = 10  # a diverse batch is chosen among so many times as many uncertain records


def by_committee(pool: Pool, rows: Rows, n: int) -> tuple[Rows, Scores]:
    """Rank by how far label model and learner are from what they believe together (the largest Kullback-Leibler
    divergence; McCallum and Nigam, ICML 1998).
    """
    from modAL.disagreement import max_disagreement_sampling
    from modAL.models import ActiveLearner, Committee

    members = [ActiveLearner(estimator=PosteriorEstimator(_sure(probs))) for probs in (pool.probs, pool.believed)]
    chosen, scores = max_disagreement_sampling(Committee(learner_list=members), rows, n_instances=n)
    order = np.argsort(-np.round(scores, DIGITS), kind="stable")
    return rows[chosen[order]], np.asarray(scores[order], dtype=np.float64)


def by_rank(pool: Pool, rows: Rows, n: int) -> tuple[Rows, Scores]:
    """Rank as modAL's ranked batch does, by uncertainty and distance to everything asked."""
    features, uncertainty = _features(pool), 1 - pool.believed[rows].max(axis=1)
    picks, scores = ranked_batch(features[rows], uncertainty, features[pool.asked], min(n, MOST_PICKED))
    return _with_the_rest(pool, rows, picks, scores, n)


def by_diversity(pool: Pool, rows: Rows, n: int) -> tuple[Rows, Scores]:
    """Of the most uncertain records, SHORTLIST times as many as wanted, rank those first that are unlike the others."""
    most = min(n, MOST_PICKED)
    short = most_uncertain(pool, rows, max(SHORTLIST * most, 200))
    features = _features(pool)
    picks, scores = farthest_first(features[short], features[pool.asked], most)
    places = np.argsort(rows)[np.searchsorted(np.sort(rows), short[picks])]
    return _with_the_rest(pool, rows, places, scores, n)


def by_answers(pool: Pool, rows: Rows, n: int) -> tuple[Rows, Scores]:
    """Rank by how close the two likeliest classes are to a regression on the answers alone.

    A model that knows the functions is sure of what they cover; the other one needs these records too, to be worth its
    part of the hybrid.
    """
    top = np.sort(pool.of_answers[rows], axis=1)
    scores = np.round(top[:, -1] - top[:, -2], DIGITS)
    best = lowest(scores, n)
    return rows[best], scores[best]


def by_rarity(pool: Pool, rows: Rows, n: int) -> tuple[Rows, Scores]:
    """Rank by the probability of the rarest class, to find examples of it at all (Attenberg and Provost, KDD 2010)."""
    scores = np.round(pool.believed[rows, pool.rarest], DIGITS)
    best = np.argsort(-scores, kind="stable")[:n]
    return rows[best], scores[best]


def most_uncertain(pool: Pool, rows: Rows, n: int) -> Rows:
    """The n rows, or all of them, whose two likeliest classes are closest, in the order of that."""
    top = np.sort(pool.believed[rows], axis=1)
    return rows[lowest(np.round(top[:, -1] - top[:, -2], DIGITS), n)]


def with_a_learner(pool: Pool) -> Mask:
    """(n,) bool: all records, voted on or not, where a learner says something about them; else those voted on."""
    return pool.covered if pool.learned is None else np.ones(len(pool.covered), dtype=bool)


def _sure(probs: Any) -> Any:
    """Probabilities without zeros, whose divergence is finite."""
    kept = np.maximum(probs, 1e-9)
    return kept / kept.sum(axis=1, keepdims=True)


def _with_the_rest(pool: Pool, rows: Rows, picks: Rows, scores: Scores, n: int) -> tuple[Rows, Scores]:
    """Picked rows, and behind them the most uncertain others, up to n."""
    rest = np.delete(rows, picks)
    behind = most_uncertain(pool, rest, n - len(picks)) if n > len(picks) else rest[:0]
    return np.concatenate([rows[picks], behind]), np.concatenate([scores, np.zeros(len(behind))])


def _features(pool: Pool) -> Any:
    assert pool.learned is not None  # noqa: S101  `in_order` has asked for it
    return pool.learned.features
