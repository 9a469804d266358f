"""What answers, and the label model where answers are few, say of records that nobody was asked about.

Two regressions on the answers, one on what the learner sees and one on where candidates hold, are averaged: the one
knows words that no candidate has, the other patterns, lengths and thresholds. Both weigh classes alike, since answers
of a rare class are few; afterwards classes have the shares that they have among the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models import Posterior
from labelkit.label_models.cross_validation import best_power
from labelkit.learner.estimators import class_probabilities, regression
from labelkit.learner.features import mean_square
from labelkit.learner.softmax import probabilities, shift_to_shares
from labelkit.suggest.pool import Holds, RulePool

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

AS_ANSWERS = 50.0  # the label model's belief counts as so many answers
PRIOR_ANSWERS = 1.0  # of each class, in its share


@dataclass(frozen=True, eq=False)
class Answers:
    """What people said of some records of a pool."""

    rows: Rows  # (a,)
    labels: Rows  # (a,): class indices
    k: int

    def part(self, keep: NDArray[np.bool_]) -> Answers:
        """Some of the answers."""
        return Answers(self.rows[keep], self.labels[keep], self.k)

    @property
    def shares(self) -> Floats:
        """(k,): the share of each class, drawn a little towards even ones.

        >>> Answers(np.arange(3), np.array([0, 0, 1]), 2).shares
        array([0.6, 0.4])
        """
        counts = np.bincount(self.labels, minlength=self.k) + PRIOR_ANSWERS
        return np.asarray(counts / counts.sum())

    @property
    def one_hot(self) -> Floats:
        """(a, k)."""
        return np.eye(self.k)[self.labels]


def believed(
    pool: RulePool, answers: Answers, posterior: Posterior | None = None, parts: Sequence[NDArray[np.bool_]] = ()
) -> list[Floats]:
    """(n, k) for some parts of the answers, and last for all: the probability of each class for each record.

    Rows are NaN where nothing is known. `parts`, (a,) bool each, leave out different answers, which then tell how bold
    the beliefs of all may be. `posterior` is the label model's belief about the same records, in their order.
    """
    everyone = np.ones(len(answers.rows), dtype=bool)
    taught = [_taught(pool, answers.part(part)) for part in (*parts, everyone)]
    bold = _boldness(taught, answers, parts)
    return [_with(_bolder(one, bold, answers), answers, posterior) for one in taught]


def _boldness(taught: Sequence[Floats | None], answers: Answers, parts: Sequence[NDArray[np.bool_]]) -> float:
    """The power that makes beliefs about answers that were left out right as often as they say; 1 where none were."""
    pairs = [
        (belief[answers.rows[~part]], answers.labels[~part])
        for part, belief in zip(parts, taught, strict=False)
        if belief is not None
    ]
    if not pairs:
        return 1.0
    return best_power(np.concatenate([one for one, _ in pairs]), np.concatenate([truth for _, truth in pairs]))


def _bolder(taught: Floats | None, power: float, answers: Answers) -> Floats | None:
    """Beliefs to a power, with the classes' shares among the answers."""
    if taught is None:
        return None
    scores = power * np.log(np.maximum(taught, 1e-9))
    return probabilities(scores + shift_to_shares(scores, answers.shares))


def _with(taught: Floats | None, answers: Answers, posterior: Posterior | None) -> Floats:
    """Beliefs by answers, and by the label model where there is one."""
    if posterior is None:
        if taught is None:
            raise ValueError("answers of two classes, or a posterior")
        return taught
    model = np.where(posterior.covered[:, None], posterior.probs, np.nan)
    if taught is None:
        return np.asarray(model)
    share = part_of_model(answers)
    return np.where(np.isnan(model), taught, (1 - share) * taught + share * model)


def part_of_model(answers: Answers) -> float:
    """The part that the label model's belief has beside that of answers.

    >>> part_of_model(Answers(np.arange(50), np.zeros(50, dtype=np.int64), 2))
    0.5
    """
    return AS_ANSWERS / (len(answers.rows) + AS_ANSWERS)


def _taught(pool: RulePool, answers: Answers) -> Floats | None:
    """(n, k) by regressions on the answers; None where they are all of one class."""
    if len(np.unique(answers.labels)) < 2:
        return None
    balance = len(answers.labels) / np.bincount(answers.labels, minlength=answers.k)[answers.labels]
    total = np.zeros((len(pool.table), answers.k))
    for x in (pool.features, _scaled(pool.holds)):
        if x is None:
            continue
        model = regression(mean_square(x)).fit(x[answers.rows], answers.labels, sample_weight=balance / answers.k)
        total += class_probabilities(model, x, answers.k)
    scores = np.log(np.maximum(total, 1e-9))
    return probabilities(scores + shift_to_shares(scores, answers.shares))


def _scaled(holds: Holds) -> NDArray[np.float32]:
    """(n, c): where candidates hold, the rarer ones larger, so that broad ones do not have all the say."""
    share = holds.mean(axis=0)
    return np.asarray(holds / np.maximum(share * (1 - share), 1e-3) ** 0.25, dtype=np.float32)
