r"""The objective of Snorkel's label model and the path its optimiser takes, in NumPy.

    minimise  sum over pairs of functions (O - mu P mu^T)^2 + sum (mu P 1 - diag O)^2

O holds how often votes meet, mu[j, v, y] = P(function j votes v | class y), P the class prior. Source: Ratner et al.,
"Training Complex Models with Multi-Task Weak Supervision", AAAI 2019. Steps, start and clamping are those of
`snorkel.labeling.model.LabelModel` 0.10 with its defaults, so that the parameters are Snorkel's to rounding (float32).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models.products import steady_product
from labelkit.matrix.counts import VoteCounts

EPOCHS = 100
LEARNING_RATE = 0.01
MOMENTUM = 0.9
PRECISION = 0.7  # of each function's votes, to start from
LAST = 10  # epochs over which the end of the fit is judged
AT_ONCE = 1 << 20  # pairs of votes whose misfit is in memory at once


@dataclass(frozen=True)
class MetalFit:
    """Where the optimiser ended."""

    mu: NDArray[np.float32]  # (m * k, k): P(function j votes v | class y) at [j * k + v, y]
    losses: tuple[float, float, float]  # at the start, LAST epochs before the end, at the end
    gradients: tuple[float, float]  # norms at the start and at the end

    @property
    def diverged(self) -> bool:
        """Whether the steps led away, as they may with hundreds of functions."""
        return not np.isfinite([*self.losses, *self.gradients]).all()

    @property
    def still_falling(self) -> float:
        """Share of the loss that the last epochs took off; negative when the loss grew."""
        before, after = self.losses[1:]
        return (before - after) / before if before > 0 else 0.0


def fit_metal(counts: VoteCounts, seed: int, prior: NDArray[np.float64]) -> MetalFit:
    """Parameters that Snorkel's LabelModel finds from these votes with this seed and (k,) class prior.

    The seed scales the start by one random number, drawn as Snorkel draws it; no global generator is touched.
    """
    k = counts.k
    observed = (counts.pairs / counts.n).astype(np.float32)  # (d, d)
    rates = np.diagonal(observed).copy()  # (d,)
    _without_own(observed, k)
    balance = prior.astype(np.float32)
    mu = _start(rates, prior) * np.float32(np.random.RandomState(seed).random_sample())
    step, looked = np.zeros_like(mu), []
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch in range(EPOCHS + 1):
            joint = mu * balance
            margin = joint.sum(axis=1) - rates
            gradient = 4 * (_met_by_others(mu, joint) - steady_product(observed, joint))
            gradient += 2 * margin[:, None] * balance
            if epoch in {0, EPOCHS - LAST, EPOCHS}:
                looked.append((_misfit(mu, joint, observed) + _squares(margin), _squares(gradient) ** 0.5))
            if epoch < EPOCHS:
                step = gradient if epoch == 0 else np.float32(MOMENTUM) * step + gradient
                mu = mu - np.float32(LEARNING_RATE) * step
    (first, start), (before, _), (last, end) = looked
    smallest = min(0.01, 1 / 10 ** np.ceil(np.log10(counts.n)))
    mu = np.clip(mu, np.float32(smallest), np.float32(1 - smallest))
    fit = MetalFit(mu, (first, before, last), (start, end))
    return fit if fit.diverged else replace(fit, mu=mu[:, _column_order(mu, balance, k)])


def _start(rates: NDArray[np.float32], prior: NDArray[np.float64]) -> NDArray[np.float32]:
    """(m * k, k): every function right in 70 % of its votes, and never voting for a class that is not the truth."""
    k = len(prior)
    start = np.zeros((len(rates), k), np.float32)
    own = np.arange(len(rates)) % k
    start[np.arange(len(rates)), own] = np.clip(rates * np.float32(PRECISION) / prior.astype(np.float32)[own], 0, 1)
    return start


def _without_own(pairs: NDArray[np.float32], k: int, first: int = 0) -> None:
    """Set rows of (d, d) pairs, those of functions from `first` on, to 0 within each function: none meets itself."""
    rows = np.arange(len(pairs) // k)
    pairs.reshape(len(rows), k, -1, k)[rows, :, first + rows, :] = 0


def _met_by_others(mu: NDArray[np.float32], joint: NDArray[np.float32]) -> NDArray[np.float32]:
    """(d, k): mu P mu^T without each function's own block, times mu P; by sums of (k, k), never (d, d) at once."""
    k = mu.shape[1]
    given, joints = mu.reshape(-1, k, k), joint.reshape(-1, k, k)
    own = steady_product(given.transpose(0, 2, 1), joints)
    return steady_product(joints, own.sum(axis=0) - own).reshape(mu.shape)


def _misfit(mu: NDArray[np.float32], joint: NDArray[np.float32], observed: NDArray[np.float32]) -> float:
    """Sum of squares of what the parameters say more often than it was seen, over pairs of votes of two functions."""
    (d, k), total = mu.shape, 0.0
    high = max(1, AT_ONCE // (d * k))  # functions
    for first in range(0, d // k, high):
        rows = slice(first * k, (first + high) * k)
        rest = steady_product(joint[rows], mu.T) - observed[rows]
        _without_own(rest, k, first)
        total += _squares(rest)
    return total


def _squares(values: NDArray[np.float32]) -> float:
    """Sum of squares, the same bits whatever the number of threads."""
    return float(np.square(values, dtype=np.float64).sum())


def _column_order(mu: NDArray[np.float32], balance: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """(k,): which column is which class. The objective cannot tell classes of equal prior apart: trust functions."""
    right = mu.reshape(-1, k, k).sum(axis=0) * balance  # [v, y]: votes for v when the column is y
    order, rounded = np.arange(k), np.round(balance, 3)
    for value in np.unique(rounded):
        group = np.flatnonzero(rounded == value)
        order[group] = group[best_assignment(right[np.ix_(group, group)].astype(np.float64))]
    return order


def best_assignment(gain: NDArray[np.float64]) -> NDArray[np.intp]:
    """(k,) the column that each row of a (k, k) matrix takes, each column once, so that the sum is highest.

    Shortest augmenting paths (Jonker and Volgenant 1987); of equal sums the identity where it is among them.

    >>> best_assignment(np.array([[1.0, 5.0], [2.0, 3.0]]))
    array([1, 0])
    """
    k = len(gain)
    cost = gain.max() - gain
    rows, columns = np.zeros(k + 1), np.zeros(k + 1)  # potentials; the last column is where a row waits
    taken = np.full(k + 1, -1)  # row that holds each column
    for row in range(k):
        taken[k], column = row, k
        best, previous, done = np.full(k, np.inf), np.full(k, k), np.zeros(k + 1, dtype=bool)
        while taken[column] >= 0:
            done[column] = True
            here, free = taken[column], ~done[:k]
            reach = cost[here] - rows[here] - columns[:k]
            closer = free & (reach < best)
            best[closer], previous[closer] = reach[closer], column
            column = int(np.argmin(np.where(free, best, np.inf)))
            shortest = best[column]
            rows[taken[done]] += shortest
            columns[done] -= shortest
            best[free] -= shortest
        while column != k:
            taken[column] = taken[previous[column]]
            column = int(previous[column])
    order = np.empty(k, np.intp)
    order[taken[:k]] = np.arange(k)
    identity = np.arange(k)
    return identity if gain[identity, identity].sum() >= gain[identity, order].sum() else order
