"""A weak learner, corrected by answers.

    P(y | x) = softmax(a * s(x) + x W + b)

s(x) are the log-probabilities of a learner that was trained on weak labels once and stays as it is. a, W and b are
fitted to the answers by cross-entropy, held by a ridge on W and by an anchor: records of the pool that keep the weak
learner's opinion, with a total weight that does not grow, so that few answers change little and many change what they
are about. Without answers the weak learner's opinion is returned as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Probs = NDArray[np.float64]
Rows = NDArray[np.int64]

ANCHORS, ANCHOR_WEIGHT = 800, 15.0  # records, and their weight together per class
TRUST = 5.0  # how firmly a stays near 1
LEAST = -20.0  # log-probability of what the weak learner holds impossible


@dataclass(frozen=True)
class Correction:
    """What answers change about a weak learner."""

    scale: float  # a
    columns: Rows  # (u,) of the features that have a weight
    weights: Probs  # (u, k)
    shift: Probs  # (k,)

    def predict_proba(self, features: Any, weak: Probs) -> Probs:
        """(n, k) of records with these features, (n, d), and the weak learner's probabilities, (n, k)."""
        if not len(self.columns):
            return weak
        full = np.zeros((features.shape[1], weak.shape[1]))
        full[self.columns] = self.weights
        return _softmax(self.scale * _logs(weak) + features @ full + self.shift)


def fit_correction(features: Any, weak: Probs, rows: Rows, labels: Rows, anchors: Rows) -> Correction:
    """Learn from answers: `labels`, (a,) class indices, of `rows`, (a,). `anchors` are rows too.

    `features` is (n, d), dense or CSR, and `weak` (n, k) the weak learner's probabilities.

    >>> features, weak = np.repeat(np.eye(2), 20, axis=0), np.array([[0.7, 0.3]] * 40)
    >>> correction = fit_correction(features, weak, np.arange(30, 40), np.ones(10, dtype=int), np.arange(40))
    >>> correction.predict_proba(features, weak).argmax(axis=1)[[0, 20]].tolist()
    [0, 1]
    """
    k = weak.shape[1]
    if not len(rows):
        return Correction(1.0, np.empty(0, dtype=np.int64), np.empty((0, k)), np.zeros(k))
    both = np.concatenate([rows, anchors])
    x = features[both]
    target = np.vstack([np.eye(k)[labels], weak[anchors]])
    weight = np.concatenate([np.ones(len(rows)), np.full(len(anchors), ANCHOR_WEIGHT * k / max(len(anchors), 1))])
    squares = x.multiply(x).sum() if hasattr(x, "multiply") else (x**2).sum()
    ridge = float(squares) / len(both) / max(1.0, len(rows) / 40)
    return _fit(x, _logs(weak[both]), target, weight, ridge)


def _fit(x: Any, logs: Probs, target: Probs, weight: Probs, ridge: float) -> Correction:
    """The correction of the least penalised cross-entropy."""
    from scipy.optimize import minimize

    k = target.shape[1]
    columns = np.unique(x.indices).astype(np.int64) if hasattr(x, "indices") else np.arange(x.shape[1])
    x = x[:, columns]
    size = len(columns) * k

    def loss(z: Probs) -> tuple[float, Probs]:
        w, b, a = z[:size].reshape(-1, k), z[size:-1], z[-1]
        probs = _softmax(a * logs + x @ w + b)
        pull = weight[:, None] * (probs - target)
        value = -(weight[:, None] * target * np.log(np.maximum(probs, 1e-300))).sum()
        value += ridge / 2 * (w**2).sum() + (b**2).sum() / 2 + TRUST / 2 * (a - 1) ** 2
        slopes = [np.asarray(x.T @ pull + ridge * w).ravel(), pull.sum(axis=0) + b]
        return float(value), np.concatenate([*slopes, [(pull * logs).sum() + TRUST * (a - 1)]])

    start = np.zeros(size + k + 1)
    start[-1] = 1.0
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 150, "ftol": 1e-7}).x
    return Correction(float(found[-1]), columns, found[:size].reshape(-1, k), found[size:-1])


def _logs(probs: Probs) -> Probs:
    return np.maximum(np.log(np.maximum(probs, 1e-30)), LEAST)


def _softmax(scores: Probs) -> Probs:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
