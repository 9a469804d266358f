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

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelkit.label_models.additive import Contributions
from labelkit.label_models.answers import with_answers
from labelkit.label_models.base import GoldVotes, checked_seed, counted, gold_votes, names_of
from labelkit.label_models.fitted import Fitted, must_be_fitted, read_state, saved_state
from labelkit.label_models.majority import WEIGHT, equal_weights
from labelkit.label_models.posterior import Posterior
from labelkit.matrix import LabelMatrix, checked_classes
from labelkit.matrix.counts import MAX_WIDTH, VoteCounts

ACCURACY, STRENGTH = 0.7, 10.0  # what is believed of a function beforehand, and as how many meetings with others
LOWEST, HIGHEST = 0.02, 0.98  # of s: from hardly better than guessing to nearly always right
ROUNDS = 500
SETTLED = 1e-9


class WeightedLabelModel:
    """Vote weighted by accuracies that agreement gives away.

    >>> votes = LabelMatrix.from_rows([[0, 0, 1, 0], [1, 1, 1, 0], [0, 0, 1, 1], [1, 1, 0, 1]] * 20)
    >>> model = WeightedLabelModel(classes=["ham", "spam"]).fit(votes)
    >>> model.predict_votes(np.array([[0, -1, 1, 1]], dtype=np.int8)).round(2)
    array([[0.98, 0.02]])
    """

    name: ClassVar[str] = "weighted"

    def __init__(self, classes: Sequence[str], seed: int = 0) -> None:
        self.classes = checked_classes(classes)
        self.seed = checked_seed(seed)  # not used: nothing is drawn
        self.notes: tuple[str, ...] = ()  # what a user should know about this fit, in plain words
        self.fitted: Fitted | None = None

    def fit(
        self,
        votes: LabelMatrix | VoteCounts,
        gold: ArrayLike | GoldVotes | None = None,
        *,
        names: Sequence[str] | None = None,
    ) -> Self:
        """Fit on votes or on counts of them; answers then correct the weights (`answers`).

        Raises ModelError when the votes are for other classes.
        """
        counts, k = counted(votes, self.classes), len(self.classes)
        answered, functions = gold_votes(votes, gold, k), names_of(votes, names)
        self.notes, evidence = (), equal_weights(counts.m, k)
        if counts.too_wide:
            size = f"{counts.m:,} functions times {k} classes are more than the {MAX_WIDTH:,}"
            self.notes = (f"{size} whose agreement can be counted; every function has the same weight",)
        else:
            accuracy, rounds = accuracies(counts)
            evidence.tables[:, np.arange(k), np.arange(k)] = np.log((k - 1) * accuracy / (1 - accuracy))[:, None]
            if rounds > ROUNDS:
                self.notes = (f"the weights of the functions had not settled after {ROUNDS} rounds",)
        self.fitted = Fitted(self.classes, functions, with_answers(evidence, answered, WEIGHT))
        return self

    def predict_proba(self, votes: LabelMatrix) -> Posterior:
        """Posterior of each record."""
        return must_be_fitted(self.fitted).predict_proba(votes)

    def predict_votes(self, cells: NDArray[np.int8]) -> NDArray[np.float64]:
        """(n, k) probabilities of (n, m) int8 votes, a chunk of any size."""
        return must_be_fitted(self.fitted).predict_votes(cells)

    def contributions(self, votes: LabelMatrix) -> Contributions:
        """What each vote adds to the logarithm of each class."""
        return must_be_fitted(self.fitted).contributions(votes)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
        """What model.json and model.npz hold."""
        return saved_state(self.classes, self.seed, self.notes, self.fitted)

    @classmethod
    def from_state(cls, about: dict[str, Any], arrays: dict[str, NDArray[np.float64]]) -> Self:
        """The model that `state` described. Raises ValueError when its parts do not fit together."""
        model = cls(about["classes"], about["seed"])
        model.notes, model.fitted = tuple(about["notes"]), read_state(about, arrays)
        return model


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
