r"""What a label model believes about answered records when it has not seen their answers, and what that teaches.

Beliefs corrected by answers are in the right order but tend to be too timid or too bold. One power for all of them

    q(y) ~ P(y | votes) ** power

is temperature scaling (Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017) fitted
to held out beliefs. It changes no label. It is used only where, cross-validated itself, it lowers the log loss by more
than a standard error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models.calibration import Calibration, CalibrationCounts, losses

if TYPE_CHECKING:
    from labelkit.label_models.base import GoldVotes, Learned

FOLDS = 5

FEWEST = 20
"""Answers about records with a vote; of fewer, held out beliefs say more of the draw than of the model."""

ENOUGH = 100
"""Answers about records with a vote from which beliefs are scaled."""

PENALTY = 5.0  # on the squared logarithm of the power
LARGEST = 5.0  # power; its reciprocal is the smallest
STEPS = 40  # of the golden section search


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Beliefs about answered records, each from a model that knows the other folds' answers only."""

    probs: NDArray[np.float64]  # (g, k)
    truth: NDArray[np.int64]  # (g,)
    fold: NDArray[np.int64]  # (g,)

    def calibration(self) -> Calibration:
        """How far the beliefs are right as often as they say."""
        return CalibrationCounts.of(self.probs, self.truth).calibration()


def asked(gold: GoldVotes | None) -> GoldVotes | None:
    """Answers about records that somebody voted on, sorted; None with too few of them to hold any out.

    What people said of the others says nothing of the functions.
    """
    if gold is None:
        return None
    voted = np.flatnonzero((gold.cells >= 0).any(axis=1))
    if len(voted) < FEWEST:
        return None
    order = voted[np.lexsort((gold.truth[voted], *gold.cells[voted].T[::-1]))]
    return type(gold)(gold.cells[order], gold.truth[order])


def held_out(learned: Learned, gold: GoldVotes, k: int) -> HeldOut:
    """Cross-validated beliefs. Folds are dealt out in order, so that sorted answers are spread evenly."""
    fold, probs = np.arange(len(gold.truth)) % FOLDS, np.empty((len(gold.truth), k))
    for part in range(FOLDS):
        rest = type(gold)(gold.cells[fold != part], gold.truth[fold != part])
        probs[fold == part] = learned(rest)[0].predict_votes(gold.cells[fold == part])
    return HeldOut(probs, gold.truth, fold)


def scaled(found: HeldOut) -> tuple[float, HeldOut]:
    """The power for beliefs, 1 where none helps, and the held out beliefs under powers fitted on the other folds."""
    if len(found.truth) < ENOUGH:
        return 1.0, found
    probs = np.empty_like(found.probs)
    for part in range(FOLDS):
        here = found.fold == part
        probs[here] = to_the_power(found.probs[here], best_power(found.probs[~here], found.truth[~here]))
    gain, error = lead(losses(found.probs, found.truth), losses(probs, found.truth))
    if gain <= error:
        return 1.0, found
    return best_power(found.probs, found.truth), HeldOut(probs, found.truth, found.fold)


def lead(loss: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """How much lower the mean of the other (g,) losses is, and the standard error of that.

    >>> lead(np.array([3.0, 1.0]), np.array([1.0, 1.0]))
    (1.0, 1.0)
    """
    apart = loss - other
    return float(apart.mean()), float(apart.std(ddof=1) / len(apart) ** 0.5)


def said_of_scaling(power: float, before: HeldOut, after: HeldOut) -> str:
    """What to tell of scaled beliefs."""
    loss = [float(losses(found.probs, found.truth).mean()) for found in (before, after)]
    return (
        f"{len(before.truth):,} answers made the beliefs {'bolder' if power > 1 else 'more cautious'} "
        f"(power {power:.2f}): log loss of held out answers {loss[0]:.3f} before, {loss[1]:.3f} after"
    )


def to_the_power(probs: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """(n, k) probabilities, each to the power, and made to sum to one again.

    >>> to_the_power(np.array([[0.8, 0.2]]), 0.5).round(3)
    array([[0.667, 0.333]])
    """
    raised = (probs / probs.max(axis=1, keepdims=True)) ** power
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def best_power(probs: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    """The power with the lowest log loss, drawn towards 1; by golden section search over its logarithm.

    >>> best_power(np.full((900, 2), [0.6, 0.4]), np.arange(900) % 10 // 9) > 3
    True
    """

    def cost(log_power: float) -> float:
        loss = losses(to_the_power(probs, float(np.exp(log_power))), truth).sum()
        return float(loss) + PENALTY * log_power**2

    golden, low, high = (5**0.5 - 1) / 2, -float(np.log(LARGEST)), float(np.log(LARGEST))
    left, right = high - golden * (high - low), low + golden * (high - low)
    costs = cost(left), cost(right)
    for _ in range(STEPS):
        if costs[0] <= costs[1]:
            high, right = right, left
            left = high - golden * (high - low)
            costs = cost(left), costs[0]
        else:
            low, left = left, right
            right = low + golden * (high - low)
            costs = costs[1], cost(right)
    return float(np.exp((low + high) / 2))
