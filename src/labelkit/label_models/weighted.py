r"""Weighted vote: every function has one accuracy, learned from how often it agrees with the others.

    E[(k * agree - 1) / (k - 1)] = s[i] * s[j]           for functions i, j that vote independently given the class
    P(y | votes) ~ exp(sum of weights of the votes for y),   weight = log((k - 1) a / (1 - a)),  a = (1 + (k - 1) s) / k

The rank-one form of crowd accuracies of Ghosh, Kale and McAfee, "Who moderates the moderators?", EC 2011, and of
Dalvi et al., "Aggregating crowdsourced binary ratings", WWW 2013; the weights are those of Li and Yu, "Error rate
bounds and iterative weighted majority voting for crowdsourcing", 2014. Fitted by alternating least squares on pair
counts, drawn towards an accuracy of 0.7. No function is believed to be worse than guessing, so that a unanimous vote
stands. One number per function cannot tell a function that is right about one class and wrong about another.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models.answers import with_answers
from labelkit.label_models.base import BaseLabelModel, Learned, counted
from labelkit.label_models.fitted import Fitted
from labelkit.label_models.majority import WEIGHT, equal_weights
from labelkit.matrix import LabelMatrix
from labelkit.matrix.counts import MAX_WIDTH, VoteCounts

ACCURACY, STRENGTH = 0.7, 10.0  # what is believed of a function beforehand, and as how many meetings with others
LOWEST, HIGHEST = 0.02, 0.98  # of s: from hardly better than guessing to nearly always right
ROUNDS = 500
SETTLED = 1e-9


class WeightedLabelModel(BaseLabelModel):
    """Vote weighted by accuracies that agreement gives away; answers then correct the weights (`answers`).

    The seed is not used: nothing is drawn.

    >>> votes = LabelMatrix.from_rows([[0, 0, 1, 0], [1, 1, 1, 0], [0, 0, 1, 1], [1, 1, 0, 1]] * 20)
    >>> model = WeightedLabelModel(classes=["ham", "spam"]).fit(votes)
    >>> model.predict_votes(np.array([[0, -1, 1, 1]], dtype=np.int8)).round(2)
    array([[0.98, 0.02]])
    """

    name: ClassVar[str] = "weighted"

    def _learn(self, votes: LabelMatrix | VoteCounts, names: tuple[str, ...]) -> Learned:
        counts, k = counted(votes, self.classes), len(self.classes)
        notes, evidence = tuple[str, ...](), equal_weights(counts.m, k)
        if counts.too_wide:
            size = f"{counts.m:,} functions times {k} classes are more than the {MAX_WIDTH:,}"
            notes = (f"{size} whose agreement can be counted; every function has the same weight",)
        else:
            accuracy, rounds = accuracies(counts)
            evidence.tables[:, np.arange(k), np.arange(k)] = np.log((k - 1) * accuracy / (1 - accuracy))[:, None]
            if rounds > ROUNDS:
                notes = (f"the weights of the functions had not settled after {ROUNDS} rounds",)
        return lambda gold: (Fitted(self.classes, names, with_answers(evidence, gold, WEIGHT)), notes)


def accuracies(counts: VoteCounts) -> tuple[NDArray[np.float64], int]:
    """(m,) accuracy of each function, between guessing and 1, and the rounds it took (ROUNDS + 1: not settled)."""
    m, k = counts.m, counts.k
    pairs = counts.pairs.reshape(m, k, m, k)
    met = pairs.sum(axis=(1, 3)).astype(np.float64)
    agreed = np.trace(pairs, axis1=1, axis2=3).astype(np.float64)
    above = (k * agreed - met) / (k - 1)
    met[np.diag_indices(m)] = above[np.diag_indices(m)] = 0  # a function does not meet itself
    start = (k * ACCURACY - 1) / (k - 1)
    skill = np.full(m, start)
    rounds = 0
    for rounds in range(1, ROUNDS + 2):  # noqa: B007  # how many it took is returned
        numerator = (above * skill).sum(axis=1) + STRENGTH * start
        new = np.clip(numerator / ((met * skill**2).sum(axis=1) + STRENGTH), LOWEST, HIGHEST)
        new = (new + skill) / 2  # all functions at once may swing
        if np.abs(new - skill).max(initial=0) < SETTLED:
            break
        skill = new
    return (1 + (k - 1) * skill) / k, rounds
