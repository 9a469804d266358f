"""A weak learner, corrected by answers.

    P(y | x) = softmax(a * s(x) + x W + b)

s(x) are the log-probabilities of a learner that was trained on weak labels once and stays as it is. a, W and b are
fitted to the answers by cross-entropy, held by a ridge on W and by an anchor: ANCHORS records of the pool that keep
the weak learner's opinion, with a total weight that does not grow, so that few answers change little and many change
what they are about. Without answers the weak learner is returned as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Probs = NDArray[np.float64]

ANCHORS, ANCHOR_WEIGHT = 800, 15.0  # records, and their weight together per class
TRUST = 5.0  # how firmly a stays near 1
LEAST = -20.0  # log-probability of what the weak learner holds impossible


def corrected(features: Any, weak: Probs, answers: NDArray[np.int64], seed: int = 0) -> Probs:
    """(n, k) float64: probabilities of n records after answers, (n,) int64: class index, or -1 where nobody answered.

    `features` is (n, d), dense or CSR, and `weak` (n, k) the weak learner's probabilities.

    >>> features = np.array([[0.0], [0.0], [1.0], [1.0]])
    >>> weak = np.array([[0.6, 0.4]] * 4)
    >>> corrected(features, weak, np.array([0, -1, 1, -1])).argmax(axis=1).tolist()
    [0, 0, 1, 1]
    """
    answered = np.flatnonzero(answers >= 0)
    if not len(answered):
        return weak
    k = weak.shape[1]
    logs = np.maximum(np.log(np.maximum(weak, 1e-30)), LEAST)
    anchors = np.random.default_rng(seed).permutation(len(weak))[:ANCHORS]
    rows = np.concatenate([answered, anchors])
    target = np.vstack([np.eye(k)[answers[answered]], weak[anchors]])
    weight = np.concatenate([np.ones(len(answered)), np.full(len(anchors), ANCHOR_WEIGHT * k / len(anchors))])
    squares = features.multiply(features).sum() if hasattr(features, "multiply") else (features**2).sum()
    ridge = float(squares) / len(weak) / max(1.0, len(answered) / 40)
    a, w, b = _fit(features[rows], logs[rows], target, weight, ridge)
    return _softmax(a * logs + features @ w + b)


def _fit(x: Any, logs: Probs, target: Probs, weight: Probs, ridge: float) -> tuple[float, Probs, Probs]:
    """a, W (d, k) and b (k,) of the least penalised cross-entropy."""
    from scipy.optimize import minimize

    d, k = x.shape[1], target.shape[1]
    used = np.unique(x.indices) if hasattr(x, "indices") else np.arange(d)
    x = x[:, used]
    size = len(used) * k

    def loss(z: Probs) -> tuple[float, Probs]:
        w, b, a = z[:size].reshape(-1, k), z[size:-1], z[-1]
        scores = a * logs + x @ w + b
        probs = _softmax(scores)
        pull = weight[:, None] * (probs - target)
        value = -(weight[:, None] * target * np.log(np.maximum(probs, 1e-300))).sum()
        value += ridge / 2 * (w**2).sum() + (b**2).sum() / 2 + TRUST / 2 * (a - 1) ** 2
        slope = [np.asarray(x.T @ pull + ridge * w).ravel(), pull.sum(axis=0) + b]
        return float(value), np.concatenate([*slope, [(pull * logs).sum() + TRUST * (a - 1)]])

    start = np.zeros(size + k + 1)
    start[-1] = 1.0
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 150, "ftol": 1e-7}).x
    w = np.zeros((d, k))
    w[used] = found[:size].reshape(-1, k)
    return float(found[-1]), w, found[size:-1]


def _softmax(scores: Probs) -> Probs:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
