"""How precise a rule is, by answers that had no part in proposing it.

Answers are dealt into folds. For each fold candidates are proposed by the answers of the others alone, and those that
are have the answers of this one as their test: hits and misses on them are added up over the folds. The precision of a
candidate then has a Beta distribution, with what is believed of all records on which it holds as a prior that weighs
PRIOR_HITS answers, and the end of its one-sided interval is what may be counted on. As candidates are many, and the
luckiest of them are proposed, that belief is drawn halfway in to the share of the class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelkit.suggest.belief import Answers
from labelkit.suggest.pool import Holds

Floats = NDArray[np.float64]

PRIOR_HITS, MODEL_HITS = 4.0, 6.0  # and so many more where only the label model is asked
SURE = 0.95  # that the precision is above the lower bound
FOLDS = 5
DRAWN_IN = 0.5  # of the belief about a candidate's precision, towards the share of the class
FEW = 2.0  # records with the shares of all, by which the belief about few records is drawn in further
NEARLY = 0.1  # by so much the bound may be too low for a candidate that is to be tested


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of c candidates, each as a vote for each of k classes."""

    hits: Floats  # (c, k): held-out answers that are of the class
    trials: Floats  # (c, k): held-out answers on which the candidate was tested as a vote for the class
    soft: Floats  # (c, k): precision by what is believed of all records
    shares: Floats  # (k,) of the classes
    weight: float  # answers that `soft` counts as

    @property
    def low(self) -> Floats:
        """(c, k): the precision is above this with probability SURE."""
        return lower_bound(self.hits, self.trials, self.soft, self.weight)

    @property
    def good(self) -> NDArray[np.bool_]:
        """(c, k): more often right than wrong, and better than naming the class every time."""
        return np.asarray(self.low > np.maximum(self.shares, 0.5))


@dataclass(frozen=True)
class Caution:
    """How far beliefs count, when the label model has a part in them."""

    model: float  # share of the beliefs that is the label model's; the rest comes from answers

    @property
    def weight(self) -> float:
        """Answers that a belief counts as."""
        return PRIOR_HITS + MODEL_HITS * self.model

    @property
    def drawn_in(self) -> float:
        """How far a belief is drawn in: those that answers taught fit the very candidates that are proposed by them."""
        return DRAWN_IN * (1 - self.model)


def lower_bound(hits: Floats, trials: Floats, prior: Floats, weight: float = PRIOR_HITS) -> Floats:
    """Lower end of the one-sided interval of a precision with a Beta prior of mean `prior`; any shape.

    >>> lower_bound(np.array([9.0, 2.0]), np.array([10.0, 2.0]), np.array([0.8, 0.8])).round(2)
    array([0.7, 0.6])
    """
    from scipy.special import betaincinv

    right = weight * prior + hits
    wrong = weight * (1 - prior) + trials - hits
    return np.asarray(betaincinv(np.maximum(right, 1e-3), np.maximum(wrong, 1e-3), 1 - SURE))


def soft_precision(holds: Holds, belief: Floats, shares: Floats, drawn_in: float = DRAWN_IN) -> Floats:
    """(c, k): mean belief where each candidate holds, drawn in to the shares; rows of NaN are nobody's belief."""
    known = ~np.isnan(belief[:, 0])
    held = holds[known].T.astype(np.float32)
    total = held @ belief[known].astype(np.float32) + FEW * shares
    mean = np.asarray(total / (held.sum(axis=1, keepdims=True) + FEW), dtype=np.float64)
    return (1 - drawn_in) * mean + drawn_in * shares


def counted(holds: Holds, answers: Answers) -> tuple[Floats, Floats]:
    """(c, k) answers of each class where each candidate holds, and (c, 1) all of them."""
    hits = holds[answers.rows].T.astype(np.float64) @ answers.one_hot
    return hits, hits.sum(axis=1, keepdims=True)


def dealt(answers: Answers, seed: int) -> NDArray[np.int64]:
    """(a,): the fold of each answer; the classes are spread evenly.

    >>> sorted(dealt(Answers(np.arange(4), np.array([0, 1, 0, 1]), 2), 0).tolist())
    [0, 1, 2, 3]
    """
    order = np.random.default_rng(seed).permutation(len(answers.rows))
    order = order[np.argsort(answers.labels[order], kind="stable")]
    folds = np.empty(len(order), dtype=np.int64)
    folds[order] = np.arange(len(order)) % FOLDS
    return folds


def tested(holds: Holds, answers: Answers, proposed: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """(c, k) hits and trials of candidates that were proposed without these answers."""
    hits, trials = counted(holds, answers)
    return np.where(proposed, hits, 0), np.where(proposed, trials, 0)


def would_propose(holds: Holds, answers: Answers, soft: Floats, weight: float) -> NDArray[np.bool_]:
    """(c, k): what these answers alone would propose, or nearly."""
    hits, trials = counted(holds, answers)
    return np.asarray(lower_bound(hits, trials, soft, weight) > np.maximum(answers.shares, 0.5) - NEARLY)
