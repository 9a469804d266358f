"""What people's answers change in an additive label model.

The model's tables are where a penalised logistic regression on the answered records starts from:

    log P(y | votes) = scale * model + share * (number of votes for y) + sum over votes of change[j, v, y] + shift[y]

Without pull from answers scale is 1, share what the model asks for, and the rest 0; the penalties say how hard an
answer has to pull. They act as prior beliefs: each vote's evidence is about right, the class prior is nearly right. A
maximum a posteriori estimate with normal priors centred on the model, found by L-BFGS (Nocedal, "Updating quasi-Newton
matrices with limited storage", Mathematics of Computation 35, 1980).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models.additive import Evidence
from labelkit.label_models.base import GoldVotes
from labelkit.label_models.products import steady_product

CHANGE_PENALTY = 3.0  # on the evidence of one vote for one class
SHIFT_PENALTY = 30.0  # on the class prior
SCALE_PENALTY = 10.0  # on how far the model as a whole is trusted
SHARE_PENALTY = 10.0  # on counting votes instead
STEPS = 200
MEMORY = 10

Correct = Callable[[NDArray[np.float64]], NDArray[np.float64]]
Objective = Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]]


def with_answers(model: Evidence, gold: GoldVotes | None, share: float = 0.0) -> Evidence:
    """An additive model, corrected by answers on records with these votes; as it is without any.

    `share` is what counting votes adds to begin with, for models that one wrong belief may lead astray.
    """
    voted = np.zeros(0, dtype=bool) if gold is None else (gold.cells >= 0).any(axis=1)
    if gold is None or not voted.any():  # an answer about a record without votes says nothing of the functions
        return model
    correct, log_prior = _correction(model, GoldVotes(gold.cells[voted], gold.truth[voted]), share)
    agreed = None if model.agreed is None else correct(model.agreed)
    return Evidence(correct(model.tables), log_prior, agreed, model.sharing)


def _correction(evidence: Evidence, gold: GoldVotes, share_before: float) -> tuple[Correct, NDArray[np.float64]]:
    """What to do with tables, and the new prior."""
    tables, log_prior = evidence.tables, evidence.log_prior
    m, k = len(tables), len(log_prior)
    rows, truth = _grouped(gold, k)
    seen, votes = _one_hot(rows, k)
    left = evidence.shares(rows)[:, None]
    votes *= left
    flat = tables[:, :k].reshape(m * k, k)[seen]
    model = _centred(log_prior + steady_product(votes, flat))
    share = _centred(np.stack([(rows == c).sum(axis=1) for c in range(k)], axis=1) * left)
    sizes = np.cumsum([len(seen) * k, k, 2])
    penalty = np.repeat([CHANGE_PENALTY, SHIFT_PENALTY, SCALE_PENALTY, SHARE_PENALTY], [sizes[0], k, 1, 1])
    centre = np.zeros(sizes[2])
    centre[sizes[1] :] = 1.0, share_before

    def objective(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        change, shift, (scale, weight) = x[: sizes[0]].reshape(-1, k), x[sizes[0] : sizes[1]], x[sizes[1] :]
        logits = scale * model + weight * share + steady_product(votes, change) + shift
        logits -= logits.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits).sum(axis=1, keepdims=True))
        rest = truth.sum(axis=1, keepdims=True) * np.exp(logits - total) - truth
        slope = [steady_product(votes.T, rest).reshape(-1), rest.sum(axis=0)]
        slope.append(np.array([(rest * model).sum(), (rest * share).sum()]))
        away = x - centre
        value = float((penalty * away**2).sum() / 2 + (truth * (total - logits)).sum())
        return value, np.concatenate(slope) + penalty * away

    best = minimised(objective, centre)
    scale, weight = best[sizes[1] :]

    def correct(before: NDArray[np.float64]) -> NDArray[np.float64]:
        after: NDArray[np.float64] = scale * before
        after[:, np.arange(k), np.arange(k)] += weight
        rows = after[:, :k].reshape(m * k, k)
        rows[seen] += best[: sizes[0]].reshape(-1, k)
        after[:, :k] = rows.reshape(m, k, k)
        return np.asarray(after)

    return correct, scale * log_prior + best[sizes[0] : sizes[1]]


def _grouped(gold: GoldVotes, k: int) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Distinct vote rows (g, m) and how often each was answered with each class (g, k)."""
    rows, which = np.unique(gold.cells, axis=0, return_inverse=True)
    truth = np.zeros((len(rows), k))
    np.add.at(truth, (which.reshape(-1), gold.truth), 1)
    return rows, truth


def _one_hot(rows: NDArray[np.int8], k: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The votes j * k + v that were cast at all, and (g, cast) float64: 1 where a row has the vote."""
    at, function = np.nonzero(rows >= 0)
    code = function * k + rows[at, function]
    seen, column = np.unique(code, return_inverse=True)
    votes = np.zeros((len(rows), len(seen)))
    votes[at, column] = 1
    return seen, votes


def _centred(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(logits - logits.mean(axis=1, keepdims=True))


def minimised(objective: Objective, start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where a smooth convex function is lowest, by L-BFGS with backtracking.

    >>> minimised(lambda x: (float(((x - 3) ** 2).sum()), 2 * (x - 3)), np.zeros(2)).round(6)
    array([3., 3.])
    """
    x, (value, slope) = start, objective(start)
    past: list[tuple[NDArray[np.float64], NDArray[np.float64], float]] = []
    for _ in range(STEPS):
        if np.abs(slope).max() < 1e-6:
            break
        direction = -_scaled(slope, past)
        step, fall = 1.0 if past else min(1.0, 1.0 / float(np.abs(slope).sum())), float((slope * direction).sum())
        for _ in range(40):
            new = x + step * direction
            new_value, new_slope = objective(new)
            if new_value <= value + 1e-4 * step * fall:
                break
            step /= 2
        else:
            break
        moved, turned = new - x, new_slope - slope
        if (curve := float((moved * turned).sum())) > 1e-12:
            past = [*past[-MEMORY + 1 :], (moved, turned, curve)]
        x, value, slope = new, new_value, new_slope
    return x


def _scaled(
    slope: NDArray[np.float64], past: list[tuple[NDArray[np.float64], NDArray[np.float64], float]]
) -> NDArray[np.float64]:
    """The slope times an estimate of the inverse Hessian (two-loop recursion)."""
    out, factors = slope.copy(), []
    for moved, turned, curve in reversed(past):
        factors.append(float((moved * out).sum()) / curve)
        out -= factors[-1] * turned
    if past:
        moved, turned, curve = past[-1]
        out *= curve / float((turned * turned).sum())
    for (moved, turned, curve), factor in zip(past, reversed(factors), strict=True):
        out += moved * (factor - float((turned * out).sum()) / curve)
    return out
