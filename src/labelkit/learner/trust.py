"""Whether labeling functions say anything that people confirm.

    gain(rows) = max over shifts b and scales a of  sum log softmax(a * s(x) + b)[y]   -   the same with a = 0

is by how much the weak learner's log-probabilities s explain the answers y better than class shares alone do. With
shifts and some scales, so that a weak learner with wrong class shares or too sure of itself is not taken for a useless
one; probabilities are cut off below, so that no single answer decides. Over answers on records drawn at random the gain
is honest. Records that the learner chose itself are where the functions are at their worst, so they count a fifth, and
much less where hardly any were drawn at random; yet a gain far below zero over many of them cannot be explained by
that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labelkit.learner.softmax import log_probabilities

Floats = NDArray[np.float64]

BELIEF = 6.0  # in favour of the functions before anybody has answered, in nats
GONE_AFTER = 50  # answers after which nothing of it is left, if RANDOM of them were drawn at random
RANDOM = 10
CHOSEN_WEIGHT, LONE_WEIGHT = 0.2, 0.05  # of the gain over all answers, with RANDOM random ones among them and without
LEAST_GAIN, STEEPNESS = 0.75, 4.0  # the gain at which trust is a half, and how fast it changes there
EXPLAINED, EXPLAINED_NATS = 0.4, 3.0  # beforehand, and as how much that was unknown
SCALES = (1.0, 0.5, 0.25)
CUT, SHIFT_PENALTY, STEPS = 0.02, 0.3, 50


def trust_in(weak: Floats, labels: NDArray[np.int64], at_random: NDArray[np.bool_]) -> float:
    """From 0 (functions that say nothing, or the opposite) to 1.

    `weak` is (a, k) log-probabilities of the answered records, `labels` (a,) class indices that people gave,
    `at_random` (a,) whether a record was drawn at random.

    >>> weak, labels = np.log([[0.9, 0.1], [0.1, 0.9]] * 10), np.array([0, 1] * 10)
    >>> drawn = np.ones(20, dtype=bool)
    >>> round(trust_in(weak, labels, drawn), 2), round(trust_in(weak, 1 - labels, drawn), 2)
    (1.0, 0.0)
    """
    known = min(1.0, float(at_random.sum()) / RANDOM)
    weight = LONE_WEIGHT + (CHOSEN_WEIGHT - LONE_WEIGHT) * known
    found = gain(weak[at_random], labels[at_random]) + weight * gain(weak, labels)
    before = BELIEF * (1 - min(known, len(labels) / GONE_AFTER))
    return float(1 / (1 + np.exp(-np.clip(STEEPNESS * (found + before - LEAST_GAIN), -50, 50))))


def explained(weak: Floats, labels: NDArray[np.int64], at_random: NDArray[np.bool_]) -> float:
    """From 0 to 1: the share of what is unknown about classes that the functions explain on records drawn at random.

    As few answers say little, it starts from EXPLAINED.

    >>> weak, labels = np.log([[0.99, 0.01], [0.01, 0.99]] * 20), np.array([0, 1] * 20)
    >>> drawn = np.ones(40, dtype=bool)
    >>> round(explained(weak, labels, ~drawn), 1), round(explained(weak, labels, drawn), 1)
    (0.4, 0.9)
    """
    weak, labels = weak[at_random], labels[at_random]
    unknown = -_explained(np.zeros_like(weak), labels) if len(labels) else 0.0
    return float(np.clip((EXPLAINED_NATS * EXPLAINED + gain(weak, labels)) / (EXPLAINED_NATS + unknown), 0, 1))


def gain(weak: Floats, labels: NDArray[np.int64]) -> float:
    """Nats by which (a, k) log-probabilities explain labels, (a,), better than class shares do."""
    if not len(labels):
        return 0.0
    k = weak.shape[1]
    cut = np.maximum(weak, np.log(CUT / (k - 1)))
    return max(_explained(scale * cut, labels) for scale in SCALES) - _explained(np.zeros_like(cut), labels)


def _explained(scores: Floats, labels: NDArray[np.int64]) -> float:
    """The highest penalised log-likelihood over shifts, by Newton steps."""
    k = scores.shape[1]
    target, shift = np.eye(k)[labels], np.zeros(k)
    for _ in range(STEPS):
        probs = np.exp(log_probabilities(scores + shift))
        slope = (target - probs).sum(axis=0) - SHIFT_PENALTY * shift
        curvature = np.diag(probs.sum(axis=0)) - probs.T @ probs + SHIFT_PENALTY * np.eye(k)
        step = np.linalg.solve(curvature, slope)
        shift += step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    logs = log_probabilities(scores + shift)
    return float(logs[np.arange(len(labels)), labels].sum() - SHIFT_PENALTY / 2 * (shift @ shift))
