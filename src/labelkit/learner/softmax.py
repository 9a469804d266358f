"""Multinomial logistic regression that starts from given scores, fitted to class probabilities.

    P(y | x) = softmax(a * s(x) + x W + b)
    loss     = sum of weight * cross-entropy + ridge / 2 * |W|^2 + |b|^2 / 2

a is given. scikit-learn's regression has neither an offset nor soft targets. Minimised by L-BFGS (Nocedal, "Updating
quasi-Newton matrices with limited storage", Mathematics of Computation 35, 1980). Features that no training row has
keep weight 0, so only the columns in use are fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

STEPS, MEMORY, SETTLED = 150, 10, 1e-7


@dataclass(frozen=True, eq=False)
class Scores:
    """Linear scores of k classes: a * given + x W + b, where W is 0 but in some columns."""

    scale: float  # a
    columns: Rows  # (u,) of the features that have a weight, rising
    weights: Floats  # (u, k)
    shift: Floats  # (k,)

    def of(self, features: Any, given: Floats) -> Floats:
        """(n, k) scores of n rows of features, (n, d) dense or CSR, and of what is given about them, (n, k)."""
        weights = np.zeros((features.shape[1], len(self.shift)))  # picking columns of a million rows takes longer
        weights[self.columns] = self.weights
        return np.asarray(self.scale * given + features @ weights + self.shift)


def blended(one: Scores, other: Scores, share: float) -> Scores:
    """The scores (1 - share) * one + share * other.

    >>> a = Scores(1.0, np.array([0]), np.array([[2.0, 0.0]]), np.zeros(2))
    >>> b = Scores(0.0, np.array([1]), np.array([[0.0, 4.0]]), np.ones(2))
    >>> half = blended(a, b, 0.5)
    >>> half.scale, half.columns.tolist(), half.weights.tolist(), half.shift.tolist()
    (0.5, [0, 1], [[1.0, 0.0], [0.0, 2.0]], [0.5, 0.5])
    """
    columns = np.union1d(one.columns, other.columns)
    weights = np.zeros((len(columns), len(one.shift)))
    weights[np.searchsorted(columns, one.columns)] += (1 - share) * one.weights
    weights[np.searchsorted(columns, other.columns)] += share * other.weights
    shift = (1 - share) * one.shift + share * other.shift
    return Scores((1 - share) * one.scale + share * other.scale, columns, weights, shift)


def fit_scores(features: Any, offset: Floats, target: Floats, weight: Floats, ridge: float) -> Scores:
    """Fit W and b to n rows: features (n, d), a * s as offset (n, k), target probabilities (n, k), weight (n,).

    In what is returned a is 0: the offset is the caller's to add.

    >>> x, target = np.array([[1.0], [-1.0]]), np.eye(2)
    >>> scores = fit_scores(x, np.zeros((2, 2)), target, np.ones(2), ridge=0.1)
    >>> probabilities(scores.of(x, np.zeros((2, 2)))).round(1)
    array([[0.9, 0.1],
           [0.1, 0.9]])
    """
    from scipy.optimize import minimize

    columns = used_columns(features)
    x, k = features[:, columns], target.shape[1]
    size, back = len(columns) * k, x.T.tocsr() if hasattr(x, "tocsr") else x.T

    def loss(z: Floats) -> tuple[float, Floats]:
        w, b = z[:size].reshape(-1, k), z[size:]
        logs = log_probabilities(offset + x @ w + b)
        pull = weight[:, None] * (np.exp(logs) - target)
        value = -(weight[:, None] * target * logs).sum() + ridge / 2 * (z[:size] @ z[:size]) + b @ b / 2
        slope = np.empty_like(z)
        slope[:size] = np.asarray(back @ pull).ravel() + ridge * z[:size]
        slope[size:] = pull.sum(axis=0) + b
        return float(value), slope

    options = {"maxiter": STEPS, "maxcor": MEMORY, "ftol": SETTLED}
    found = minimize(loss, np.zeros(size + k), jac=True, method="L-BFGS-B", options=options).x
    return Scores(0.0, columns, found[:size].reshape(-1, k), found[size:])


def shift_to_shares(scores: Floats, shares: Floats, rounds: int = 30) -> Floats:
    """(k,) to be added to (n, k) scores so that the mean probability of each class is `shares`, (k,).

    >>> shift = shift_to_shares(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0.2, 0.8]))
    >>> probabilities(np.array([[0.0, 1.0], [1.0, 0.0]]) + shift).mean(axis=0).round(3)
    array([0.2, 0.8])
    """
    shift = np.zeros(scores.shape[1])
    for _ in range(rounds):
        now = probabilities(scores + shift).mean(axis=0)
        shift += 0.7 * (np.log(shares + 1e-9) - np.log(now + 1e-9))
    return shift


def used_columns(features: Any) -> Rows:
    """The columns in which some row of a CSR matrix has a value; all of a dense one."""
    if hasattr(features, "indices"):
        return np.unique(features.indices).astype(np.int64)
    return np.arange(features.shape[1])


def log_probabilities(scores: Floats) -> Floats:
    """(n, k) logarithm of the softmax of each row."""
    centred = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(centred - np.log(np.exp(centred).sum(axis=1, keepdims=True)))


def probabilities(scores: Floats) -> Floats:
    """(n, k) softmax of each row."""
    return np.exp(log_probabilities(scores))
