"""Batches of records that are unlike one another and unlike what was asked already.

Two ways to choose the next of a batch, given how near each record is to the nearest one asked or chosen:

    ranked   the largest  alpha * (1 - 1 / (1 + distance)) + (1 - alpha) * uncertainty,  where alpha is the share of
             records that are neither asked nor chosen (Cardoso, Silva, Canuto, Moro and Gonçalves, "Ranked batch-mode
             active learning", Information Sciences 379, 2017); modAL's ranked batch makes the same picks
    diverse  the farthest (Gonzalez 1985; a greedy core-set, Sener and Savarese, ICLR 2018)

A pick changes each record's nearest distance only by its own: that is kept from pick to pick, so a pick costs one
product of the features with one vector, however many were asked before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.active.pool import DIGITS, Rows, Scores

SEEN_AT_ONCE = 8  # records that are compared with all others in one product
COLD_START = 2_000  # records among which the most central one is looked for, when nothing was asked yet


class NearestDistance:
    """For each of n records the Euclidean distance to the nearest of those seen; infinite while none was."""

    def __init__(self, features: Any) -> None:
        self._features = features  # (n, d) dense or CSR
        self._norms = _squared_norms(features)
        self._squared = np.full(features.shape[0], np.inf)

    def see(self, others: Any) -> None:
        """Take records, (s, d), among those that distances are measured to."""
        for start in range(0, others.shape[0], SEEN_AT_ONCE):
            block = others[start : start + SEEN_AT_ONCE]
            near = np.asarray(self._features @ _dense(block).T)  # (n, s)
            near *= -2.0
            near += _squared_norms(block)
            np.minimum(self._squared, near.min(axis=1) + self._norms, out=self._squared)

    @property
    def distances(self) -> Scores:
        """(n,) float64."""
        return np.sqrt(np.maximum(self._squared, 0.0))


def ranked_batch(features: Any, uncertainty: Scores, asked: Any, n: int) -> tuple[Rows, Scores]:
    """Choose n of the rows of `features`, (p, d), by uncertainty, (p,), and distance to `asked`, (a, d).

    Returns their places among the p in the order of picking, and the score each was picked for, both (n,).

    >>> features = np.array([[0.0], [0.1], [5.0], [9.0]])
    >>> ranked_batch(features, np.array([0.5, 0.4, 0.2, 0.1]), features[:1], 2)[0].tolist()
    [3, 2]
    """
    nearest, free = NearestDistance(features), np.ones(features.shape[0], dtype=bool)
    picks, scores = np.empty(n, dtype=np.int64), np.zeros(n)
    labelled = asked.shape[0]
    nearest.see(asked)
    for place in range(n):
        if labelled == 0:
            pick = _most_central(features)
        else:
            alpha = (len(free) - place) / (len(free) - place + labelled)
            worth = alpha * (1 - 1 / (1 + nearest.distances)) + (1 - alpha) * uncertainty
            pick = int(np.argmax(np.where(free, np.round(worth, DIGITS), -np.inf)))
            scores[place] = worth[pick]
        picks[place], free[pick] = pick, False
        labelled += 1
        nearest.see(features[pick : pick + 1])
    return picks, scores


def farthest_first(features: Any, asked: Any, n: int) -> tuple[Rows, Scores]:
    """Choose n of the rows of `features`, (p, d), each the farthest from `asked`, (a, d), and from those before it.

    Returns places in the order of picking and the distance each had then, both (n,). Where nothing was asked the first
    row comes first, at distance 0.

    >>> features = np.array([[0.0], [1.0], [10.0]])
    >>> [values.tolist() for values in farthest_first(features, features[:0], 2)]
    [[0, 2], [0.0, 10.0]]
    """
    nearest, free = NearestDistance(features), np.ones(features.shape[0], dtype=bool)
    picks, scores = np.empty(n, dtype=np.int64), np.zeros(n)
    nearest.see(asked)
    for place in range(n):
        distances = np.round(nearest.distances, DIGITS)
        pick = int(np.argmax(np.where(free, distances, -np.inf)))
        picks[place], free[pick] = pick, False
        scores[place] = distances[pick] if np.isfinite(distances[pick]) else 0.0
        nearest.see(features[pick : pick + 1])
    return picks, scores


def _most_central(features: Any) -> int:
    """The record with the least mean distance to the others, as modAL starts; of many records, to an even sample."""
    places = np.unique(np.linspace(0, features.shape[0] - 1, COLD_START).astype(np.int64))
    sample = features[places]
    total = np.zeros(len(places))
    for row in range(len(places)):
        one = NearestDistance(sample)
        one.see(sample[row : row + 1])
        total += one.distances
    return int(places[np.argmin(np.round(total, DIGITS))])


def _squared_norms(features: Any) -> NDArray[np.float64]:
    if isinstance(features, np.ndarray):
        return np.asarray((features * features).sum(axis=1))
    return np.asarray(features.multiply(features).sum(axis=1)).ravel()


def _dense(features: Any) -> NDArray[np.float64]:
    return features if isinstance(features, np.ndarray) else np.asarray(features.toarray())
