"""How precise a rule is, by answers that had no part in proposing it.

Answers are dealt into folds. For each fold candidates are proposed by the answers of the others alone, and those that
are have the answers of this one as their test: hits and misses on them are added up over the folds. The precision of a
candidate then has a Beta distribution, with what is believed of all records on which it holds as a prior that weighs
PRIOR_HITS answers, and the end of its one-sided interval is what may be counted on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelkit.suggest.belief import Answers
from labelkit.suggest.pool import Holds

Floats = NDArray[np.float64]

PRIOR_HITS = 4.0
SURE = 0.9  # that the precision is above the lower bound
FOLDS = 5
DRAWN_IN = 2.0  # records with the shares of all, by which the belief about few records is drawn in
NEARLY = 0.1  # by so much the bound may be too low for a candidate that is to be tested


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of c candidates, each as a vote for each of k classes."""

    hits: Floats  # (c, k): held-out answers that are of the class
    trials: Floats  # (c, k): held-out answers on which the candidate was tested as a vote for the class
    soft: Floats  # (c, k): precision by what is believed of all records
    shares: Floats  # (k,) of the classes

    @property
    def low(self) -> Floats:
        """(c, k): the precision is above this with probability SURE."""
        return lower_bound(self.hits, self.trials, self.soft)

    @property
    def good(self) -> NDArray[np.bool_]:
        """(c, k): more often right than wrong, and better than naming the class every time."""
        return np.asarray(self.low > np.maximum(self.shares, 0.5))


def lower_bound(hits: Floats, trials: Floats, prior: Floats) -> Floats:
    """Lower end of the one-sided interval of a precision with a Beta prior of mean `prior`; any shape.

    >>> lower_bound(np.array([9.0, 2.0]), np.array([10.0, 2.0]), np.array([0.8, 0.8])).round(2)
    array([0.75, 0.68])
    """
    from scipy.special import betaincinv

    right = PRIOR_HITS * prior + hits
    wrong = PRIOR_HITS * (1 - prior) + trials - hits
    return np.asarray(betaincinv(np.maximum(right, 1e-3), np.maximum(wrong, 1e-3), 1 - SURE))


def soft_precision(holds: Holds, belief: Floats, shares: Floats) -> Floats:
    """(c, k): mean belief where each candidate holds, drawn in towards the shares; rows of NaN are nobody's belief."""
    known = ~np.isnan(belief[:, 0])
    held = holds[known].T.astype(np.float32)
    total = held @ belief[known].astype(np.float32) + DRAWN_IN * shares
    return np.asarray(total / (held.sum(axis=1, keepdims=True) + DRAWN_IN), dtype=np.float64)


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


def would_propose(holds: Holds, answers: Answers, soft: Floats) -> NDArray[np.bool_]:
    """(c, k): what these answers alone would propose, or nearly."""
    hits, trials = counted(holds, answers)
    return np.asarray(lower_bound(hits, trials, soft) > np.maximum(answers.shares, 0.5) - NEARLY)
