"""How the constants of pooled votes were chosen, and what they are worth on a set that had no part in the choice.

    LABELKIT_DATA=folder python benchmarks/pooled_constants.py [--steps 200] [--seed 2]

A random search over the five constants that matter lowers the mean log loss of protocol B over the sets of matrices.py
and the two crowds at half weight, and punishes a set that falls below majority vote. It is run on all sets, and then
once for each set on the others: what the constants found there do on the set left out is the honest figure.
"""

import argparse
import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models import pooled
from labelkit.label_models.additive import Evidence
from labelkit.label_models.copies import NearCopies, near_copies, without_copies
from labelkit.label_models.shares import majority_probs
from labelkit.label_models.steadfast import Steadfast
from labelkit.matrix.counts import Rows, VoteCounts, distinct_rows
from matrices import FOUR, NAMES, crowd, real

CROWDS = ("rte", "bluebirds")
RANGES = {  # lowest, highest, step of the search
    "PRIOR_VOTES": (10.0, 1000.0, 80.0),
    "RIGHT": (0.4, 0.97, 0.08),
    "LEARNED": (0.3, 1.0, 0.1),
    "LEAST_SHARING": (0.0, 1.0, 0.15),
    "OFTEN": (0.3, 0.95, 0.08),
}
START = {"PRIOR_VOTES": 120.0, "RIGHT": 0.7, "LEARNED": 0.7, "LEAST_SHARING": 0.4, "OFTEN": 0.6}


@dataclass(frozen=True)
class Judged:
    """A set without copies: distinct rows, and how often each class is true of a row."""

    k: int
    rare: bool  # scored by F1 of class 1
    rows: Rows
    truth: NDArray[np.float64]  # (R, k)


@functools.cache
def judged(name: str) -> Judged:
    data = crowd(name)[1] if name in CROWDS else real(name)
    cells = without_copies(data.votes, near_copies(VoteCounts.of(data.votes, data.k)), data.k)
    known = (cells >= 0).any(axis=1)
    cells, gold = cells[known], data.gold[known]
    rows, which = np.unique(cells, axis=0, return_inverse=True)
    truth = np.zeros((len(rows), data.k))
    np.add.at(truth, (which.reshape(-1)[gold >= 0], gold[gold >= 0]), 1)
    times = np.bincount(which.reshape(-1), minlength=len(rows))
    return Judged(data.k, data.metric.startswith("f1"), distinct_rows(rows, times, data.k), truth)


def score(data: Judged, probs: NDArray[np.float64]) -> tuple[float, float]:
    """Accuracy or F1 in percent, and log loss."""
    loss = -(data.truth * np.log(np.clip(probs, 1e-3, 1))).sum() / data.truth.sum()
    best = probs >= probs.max(axis=1, keepdims=True) - 1e-9
    hits = data.truth * best / best.sum(axis=1, keepdims=True)
    if not data.rare:
        return 100 * float(hits.sum() / data.truth.sum()), float(loss)
    chosen = (best / best.sum(axis=1, keepdims=True))[:, 1] @ data.truth.sum(axis=1)
    return 200 * float(hits[:, 1].sum() / (data.truth[:, 1].sum() + chosen)), float(loss)


def found(name: str) -> tuple[float, float]:
    """Score and log loss with the constants that the module has now."""
    data = judged(name)
    lift, balance = pooled.cautious_lift(data.rows, data.k)
    m, k = lift.shape[:2]
    tables = np.concatenate([lift, np.zeros((m, 1, k))], axis=1)
    evidence = Evidence(tables, np.log(balance), None, pooled.sharing(pooled.agreement(data.rows, k)))
    names = tuple(map(str, range(m)))
    model = Steadfast(tuple(map(str, range(k))), names, NearCopies.of((), m), evidence, evidence)
    return score(data, model.predict_votes(data.rows[0]))


def cost(names: Sequence[str], constants: dict[str, float]) -> float:
    vars(pooled).update(constants)
    total = 0.0
    for name in names:
        points, loss = found(name)
        above = points - score(judged(name), majority_probs(judged(name).rows[0], judged(name).k))[0]
        total += (0.5 if name in CROWDS else 1) * (loss - 0.01 * above + 0.05 * max(0, -0.5 - above))
    return total / len(names)


def searched(names: Sequence[str], steps: int, seed: int) -> dict[str, float]:
    rng, best, reach = np.random.default_rng(seed), dict(START), 1.0
    lowest = cost(names, best)
    for _ in range(steps):
        tried = dict(best)
        for constant, (low, high, step) in RANGES.items():
            if rng.random() < 0.5:
                tried[constant] = float(np.clip(tried[constant] + reach * step * rng.normal(), low, high))
        if (value := cost(names, tried)) < lowest:
            best, lowest, reach = tried, value, min(1.5, 1.3 * reach)
        else:
            reach = max(0.08, 0.985 * reach)
    return best


def said(constants: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in constants.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=2)
    arguments = parser.parse_args()
    shipped = {name: getattr(pooled, name) for name in RANGES}
    everything, losses = (*NAMES, *CROWDS), []
    print(f"shipped: {said(shipped)}")
    print(f"found on all sets: {said(searched(everything, arguments.steps, arguments.seed))}")
    print(f"{'left out':12}{'points':>8}{'log loss':>10}{'shipped':>16}   constants found on the others")
    for name in everything:
        constants = searched([other for other in everything if other != name], arguments.steps, arguments.seed)
        vars(pooled).update(constants)
        points, loss = found(name)
        vars(pooled).update(shipped)
        before = "{:.1f} / {:.3f}".format(*found(name))
        losses.append((points, loss))
        print(f"{name:12}{points:>8.1f}{loss:>10.3f}{before:>16}   {said(constants)}", flush=True)
    for title, count in ((f"mean of {len(FOUR)}", len(FOUR)), (f"mean of {len(NAMES)}", len(NAMES))):
        points, loss = np.mean(losses[:count], axis=0)
        print(f"{title:12}{points:>8.1f}{loss:>10.3f}")


if __name__ == "__main__":
    main()
