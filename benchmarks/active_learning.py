"""Answers and weak labels together against either alone: what the end model is worth after each answer.

    LABELKIT_DATA=folder python benchmarks/active_learning.py [--only four others junk] [--seeds 5]
        [--model ensemble] [--sets youtube ...] [--out curves.svg]

people      margin active learning: ten answers on random records, then batches of ten where the model is least sure
functions   the end model trained on the label model's probabilities, no answers
hybrid      labelkit.learner: the same end model, corrected by the answers (learner/hybrid.py)

All train the same model on the same features of the same pool with the same seeds; answers are gold; what is
printed is measured on the test split, in percent: accuracy, or F1 of class 1. `four` are the sets on which the hybrid's
settings were chosen, `others` were first looked at when they were fixed. Every set has the same settings.
"""

import argparse
import functools
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curves import draw
from labelkit.learner import WeakLearner, weak_learner
from labelkit.learner.estimators import class_probabilities, regression
from labelkit.learner.features import mean_square
from labelkit.learner.hybrid import weak_logs
from matrices import FOUR, score
from tasks import JUNK, VOTES_ONLY, Task, names, task, weak_table, with_junk

POINTS = (0, 10, 20, 50, 100, 200)
BATCH = 10
RANDOM_AT_FIRST, FIRST = 5, 20  # of the hybrid's first 20 answers, half are on random records
RANDOM_EVERY = 20  # and one in 20 answers from then on
OF_ANSWERS = 5  # of a later batch: where the answers alone are least sure, instead of the hybrid

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
Run = Mapping[int, float]  # answers -> score


@dataclass(frozen=True)
class Setting:
    """A set and the learner of its weak labels."""

    task: Task
    weak: WeakLearner
    test_features: Any
    test_logs: Floats

    def score(self, probs: Floats) -> float:
        return score(self.task.metric, self.task.test_gold, probs, draws=1)


@functools.cache
def setting(name: str, model: str, junk: str | None = None) -> Setting:
    chosen = with_junk(task(name), junk)
    weak = weak_learner(weak_table(chosen, model), chosen.fields, chosen.classes)
    x = weak.learner.features(chosen.test)
    return Setting(chosen, weak, x, weak_logs(weak.learner.from_features(x)))


@functools.cache
def people(name: str, model: str, seed: int) -> Run:
    """Margin active learning alone."""
    now, rng, found = setting(name, model), np.random.default_rng(seed), {}
    gold, x, k = now.task.gold, now.weak.features, now.task.k
    square = mean_square(x[now.weak.sample])
    free, rows, probs = np.ones(len(gold), dtype=bool), np.empty(0, np.int64), None
    while len(rows) < min(POINTS[-1], len(gold)):
        rows = np.append(rows, ask(free, probs, BATCH if probs is None else 0, rng))
        if len(np.unique(gold[rows])) > 1:
            model_ = regression(square).fit(x[rows], gold[rows])
            probs, tested = class_probabilities(model_, x, k), class_probabilities(model_, now.test_features, k)
        else:
            probs, tested = None, np.tile(np.eye(k)[gold[rows[0]]], (len(now.task.test_gold), 1))
        if len(rows) in POINTS:
            found[len(rows)] = now.score(tested)
    return found


@functools.cache
def hybrid(name: str, model: str, seed: int, junk: str | None = None) -> tuple[Run, float]:
    """The hybrid, and how far it trusts the functions in the end."""
    now, rng = setting(name, model, junk), np.random.default_rng(seed)
    gold, free, probs = now.task.gold, np.ones(len(now.task.gold), dtype=bool), np.exp(now.weak.logs)
    of_answers = probs
    rows, drawn, trust = np.empty(0, np.int64), np.empty(0, dtype=bool), 1.0
    found = {0: now.score(np.exp(now.test_logs))}
    while len(rows) < min(POINTS[-1], len(gold)):
        at_random = RANDOM_AT_FIRST if len(rows) < FIRST else int(len(rows) % RANDOM_EVERY == 0)
        chosen = ask(free, of_answers, at_random, rng, at_random + OF_ANSWERS if len(rows) >= FIRST else at_random)
        rows = np.concatenate([rows, chosen, ask(free, probs, 0, rng, BATCH - len(chosen))])
        drawn = np.append(drawn, np.arange(len(rows) - len(drawn)) < at_random)
        learned = now.weak.learn(rows, gold[rows], drawn)
        probs, trust = now.weak.pool_probabilities(learned), learned.trust
        of_answers = now.weak.without_functions(learned)
        if len(rows) in POINTS:
            found[len(rows)] = now.score(learned.from_features(now.test_features, now.test_logs))
    return found, trust


def ask(
    free: NDArray[np.bool_], probs: Floats | None, at_random: int, rng: np.random.Generator, most: int = BATCH
) -> Rows:
    """A batch: some records at random, then those of the smallest margin; they are free no more."""
    rows = rng.permutation(np.flatnonzero(free))[:at_random]
    free[rows] = False
    if probs is not None:
        left = rng.permutation(np.flatnonzero(free))
        two = np.sort(probs[left], axis=1)[:, -2:]
        rows = np.append(rows, left[np.argsort(two[:, 1] - two[:, 0], kind="stable")][: most - len(rows)])
        free[rows] = False
    return rows


def mean(runs: Sequence[Run], point: int) -> tuple[float, float]:
    """Mean and standard error over the runs that got so far."""
    values = [run[point] for run in runs if point in run]
    return (float(np.mean(values)), float(np.std(values, ddof=1)) / len(values) ** 0.5) if values else (np.nan, 0.0)


def compare(sets: Sequence[str], arguments: argparse.Namespace) -> dict[str, Any]:
    """Print all cells of some sets, and how far the hybrid is from the better of both."""
    panels: dict[str, Any] = {}
    print(f"{'':14}{'answers':>10}" + "".join(f"{point:>14}" for point in POINTS))
    for name in sets:
        alone = [people(name, arguments.model, seed) for seed in range(arguments.seeds)]
        ours = [hybrid(name, arguments.model, seed)[0] for seed in range(arguments.seeds)]
        weak = [dict.fromkeys(POINTS, run[0]) for run in ours]
        arms = {"people": alone, "functions": weak, "hybrid": ours}
        for arm, runs in arms.items():
            cells = [cell(*mean(runs, point)) for point in POINTS]
            print(f"{name if arm == 'people' else '':14}{arm:>10}" + "".join(cells), flush=True)
        ahead = [mean(ours, point)[0] - better(alone, weak, point) for point in POINTS]
        worst = [min((lead(a, w, h, p) for a, w, h in zip(alone, weak, ours, strict=True)), default=0) for p in POINTS]
        print(f"{'':14}{'ahead':>10}" + "".join(f"{value:>+14.1f}" for value in ahead))
        print(f"{'':14}{'worst run':>10}" + "".join(f"{value:>+14.1f}" for value in worst), flush=True)
        panels[name] = {
            arm: [(p, *mean(runs, p)) for p in POINTS if any(p in run for run in runs)] for arm, runs in arms.items()
        }
    return panels


def cell(value: float, error: float) -> str:
    return f"{'-':>14}" if np.isnan(value) else f"{f'{value:.1f} ± {error:.1f}':>14}"


def better(alone: Sequence[Run], weak: Sequence[Run], point: int) -> float:
    return max(value for value in (mean(alone, point)[0], mean(weak, point)[0]) if not np.isnan(value))


def lead(alone: Run, weak: Run, ours: Run, point: int) -> float:
    """Points of one run above the better of the other two with the same seed."""
    return ours.get(point, np.nan) - max(run[point] for run in (alone, weak) if point in run)


def junk(sets: Sequence[str], arguments: argparse.Namespace) -> None:
    """Print what becomes of the hybrid when the functions are junk."""
    print("\njunk functions: hybrid after so many answers; last: points above people alone after 200, trust in the end")
    print(f"{'':14}{'votes':>14}" + "".join(f"{point:>14}" for point in POINTS) + f"{'above':>8}{'trust':>7}")
    for name in sets:
        alone = [people(name, arguments.model, seed) for seed in range(arguments.seeds)]
        print(f"{name:14}{'people alone':>14}" + "".join(cell(*mean(alone, point)) for point in POINTS))
        for kind in JUNK:
            both = [hybrid(name, arguments.model, seed, kind) for seed in range(arguments.seeds)]
            runs = [run for run, _ in both]
            above = mean(runs, POINTS[-1])[0] - mean(alone, POINTS[-1])[0]
            cells = "".join(cell(*mean(runs, point)) for point in POINTS)
            trust = np.mean([trusted for _, trusted in both])
            print(f"{'':14}{kind:>14}{cells}{above:>+8.1f}{trust:>7.2f}", flush=True)


def four(arguments: argparse.Namespace) -> dict[str, Any]:
    print(f"\nsets on which the settings were chosen; {arguments.seeds} seeds, mean ± standard error")
    return compare([name for name in arguments.sets if name in FOUR], arguments)


def others(arguments: argparse.Namespace) -> dict[str, Any]:
    print(
        f"\nother sets, same settings; of {', '.join(VOTES_ONLY)} there are only votes, which are the features as well"
    )
    return compare([name for name in arguments.sets if name not in FOUR], arguments)


PARTS: dict[str, Callable[[argparse.Namespace], Any]] = {
    "four": four,
    "others": others,
    "junk": lambda arguments: junk([name for name in arguments.sets if name in FOUR], arguments),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--sets", nargs="+", choices=names(), default=list(names()))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--model", default="ensemble", help="the label model that functions and hybrid start from")
    parser.add_argument("--out", type=Path, help="where the curves are drawn, as SVG")
    arguments = parser.parse_args()
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"OPENBLAS_NUM_THREADS": "1"})  # noqa: S606
    warnings.simplefilter("ignore")
    start, panels = time.process_time(), {}
    for part in arguments.only:
        panels |= PARTS[part](arguments) or {}
    if arguments.out is not None and panels:
        draw(arguments.out, panels)
        print(f"\n{arguments.out}: the curves")
    print(f"\n{time.process_time() - start:.0f} processor seconds")


if __name__ == "__main__":
    main()
