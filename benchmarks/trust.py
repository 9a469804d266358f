"""Parts of label_models.py: how reliable beliefs are, what model auto chooses, and what copies of a function do."""

import argparse
import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models import AutoLabelModel, Calibration, CalibrationCounts, GoldVotes, make_model
from labelkit.label_models.copies import near_copies
from labelkit.label_models.storage import LABEL_MODELS
from labelkit.matrix.counts import VoteCounts
from matrices import FOUR, NAMES, Matrix, log_loss, real, score
from rivals import HYPERLM, hyperlm, hyperlm_is_there

SEED = 1
LABEL_FREE = ("majority", *(name for name in LABEL_MODELS if name not in {"majority", "auto"}))
ANSWERS = (10, 20, 50, 100, 200, 500)
COPIES = 4
JUDGED = 20  # votes on records with gold that tell which function is the worst


def beliefs(model: str, votes: NDArray[np.int8], data: Matrix, gold: GoldVotes | None = None) -> NDArray[np.float64]:
    """(n, k) of the very rows that the model was fitted on."""
    if model == HYPERLM:
        return hyperlm(votes, data.k)
    return make_model(model, data.classes, SEED).fit(VoteCounts.of(votes, data.k), gold).predict_votes(votes)


def usable(data: Matrix) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Votes and gold of the records that have both."""
    known = (data.votes >= 0).any(axis=1) & (data.gold >= 0)
    return data.votes[known], data.gold[known]


def calibration(arguments: argparse.Namespace) -> None:
    models = (*LABEL_FREE, *((HYPERLM,) if hyperlm_is_there() else ()))
    print("\nreliability of beliefs without answers, all splits: expected calibration error / Brier score")
    print(f"{'':12}" + "".join(f"{model:>16}" for model in models) + f"{'perfect beliefs':>18}")
    means: dict[str, list[Calibration]] = {model: [] for model in models}
    for name in NAMES:
        votes, gold = usable(real(name))
        found = [CalibrationCounts.of(beliefs(model, votes, real(name)), gold).calibration() for model in models]
        for model, one in zip(models, found, strict=True):
            means[model].append(one)
        cells = "".join(f"{f'{one.error:.3f} / {one.brier:.3f}':>16}" for one in found)
        print(f"{name:12}{cells}{np.mean([one.by_chance for one in found]):>18.3f}", flush=True)
    cells = [
        f"{np.mean([one.error for one in all_]):.3f} / {np.mean([one.brier for one in all_]):.3f}"
        for all_ in means.values()
    ]
    print(f"{'mean of 9':12}" + "".join(f"{cell:>16}" for cell in cells))
    _after_answers(arguments)


def _after_answers(arguments: argparse.Namespace) -> None:
    """Log loss and calibration error on the records nobody answered, scaled and not."""
    print(f"\nafter answers on random records, {arguments.draws} draws, mean of the sets: expected calibration error")
    print("(log loss) of records that nobody answered; without scaling, and scaled where held out answers say so")
    print(f"{'':14}{'answers':>8}{'not scaled':>18}{'as labelkit does':>18}{'scaled':>9}{'worst change':>14}")
    for model in LABEL_FREE:
        for asked in (100, 200, 500):
            rows = [row for name in NAMES for row in _scaling(real(name), model, asked, arguments.draws)]
            plain, final = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
            used, worst = np.mean([row[2] for row in rows]), float((final - plain)[:, 1].max())
            cells = [f"{found[:, 0].mean():.3f} ({found[:, 1].mean():.3f})" for found in (plain, final)]
            print(f"{model:14}{asked:>8}{cells[0]:>18}{cells[1]:>18}{used:>9.0%}{worst:>+14.3f}", flush=True)


def _scaling(data: Matrix, model: str, asked: int, draws: int) -> list[Any]:
    """For each draw: figures without scaling, with it, and whether it was used."""
    votes, gold = usable(data)
    if 2 * asked > len(gold):
        return []
    made = make_model(model, data.classes, SEED)
    learned = made._learn(VoteCounts.of(votes, data.k), tuple(f"lf_{j}" for j in range(votes.shape[1])))
    found = []
    for draw in range(draws):
        chosen, rest = drawn(len(gold), asked, draw)
        known = GoldVotes(votes[chosen], gold[chosen])
        made._settle(learned, known)
        both = [learned(known)[0].predict_votes(votes[rest]), made.predict_votes(votes[rest])]
        figures = [CalibrationCounts.of(probs, gold[rest]).calibration() for probs in both]
        scaled = any("(power " in note for note in made.notes)
        found.append(([figures[0].error, figures[0].log_loss], [figures[1].error, figures[1].log_loss], scaled))
    return found


def drawn(n: int, asked: int, draw: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The records that are asked about, and which others are left."""
    chosen = np.random.default_rng(1000 * draw + asked).choice(n, asked, replace=False)
    rest = np.ones(n, dtype=bool)
    rest[chosen] = False
    return chosen, rest


@dataclass(frozen=True)
class Compared:
    """One draw of answers on one set: B and log loss of each model on the rest, and what auto chose."""

    name: str
    figures: dict[str, tuple[float, float]]
    chosen: str


def auto(arguments: argparse.Namespace) -> None:
    models = ("auto", *LABEL_FREE)
    print(f"\nmodel auto beside its candidates, {arguments.draws} draws of answers: B (log loss) of the rest,")
    print("mean of the sets with at least twice as many records; how often each was chosen")
    print(f"{'answers':>8}" + "".join(f"{model:>16}" for model in models) + "   chosen")
    for asked in ANSWERS:
        rows = [row for name in NAMES for row in _compared(real(name), models, asked, arguments.draws)]
        cells = []
        for model in models:
            by_set = [
                np.mean([row.figures[model] for row in rows if row.name == name], axis=0)
                for name in sorted({row.name for row in rows})
            ]
            b, loss = np.mean(by_set, axis=0)
            cells.append(f"{b:.1f} ({loss:.3f})")
        counts = Counter(row.chosen for row in rows)
        said = ", ".join(f"{model} {counts[model] / len(rows):.0%}" for model, _ in counts.most_common())
        print(f"{asked:>8}" + "".join(f"{cell:>16}" for cell in cells) + f"   {said}", flush=True)


@functools.cache
def _counts(name: str) -> VoteCounts:
    return VoteCounts.of(usable(real(name))[0], real(name).k)


def _compared(data: Matrix, models: tuple[str, ...], asked: int, draws: int) -> list[Compared]:
    votes, gold = usable(data)
    found = []
    for draw in range(draws) if 2 * asked <= len(gold) else ():
        chosen, rest = drawn(len(gold), asked, draw)
        figures, taken = {}, ""
        for name in models:
            model = make_model(name, data.classes, SEED)
            model.fit(_counts(data.name), GoldVotes(votes[chosen], gold[chosen]))
            probs = model.predict_votes(votes[rest])
            figures[name] = score(data.metric, gold[rest], probs), log_loss(gold[rest], probs)
            if isinstance(model, AutoLabelModel) and model.choice is not None:
                taken = model.choice.chosen
        found.append(Compared(data.name, figures, taken))
    return found


def copies(_: argparse.Namespace) -> None:
    models = (*LABEL_FREE, *((HYPERLM,) if hyperlm_is_there() else ()))
    for title, change in (("exact copies", exact), ("a tenth of their records drawn anew", redrawn)):
        print(f"\nfour copies of the worst function, {title}: mean change of the posterior / change of B")
        print(f"{'':12}" + "".join(f"{model:>16}" for model in models) + f"{'found':>8}{'others':>8}")
        sums: dict[str, list[tuple[float, float]]] = {model: [] for model in models}
        for name in NAMES:
            data = real(name)
            (votes, gold), worst = usable(data), 0
            worst = worst_function(votes, gold)
            more = np.c_[votes, *(change(votes[:, worst], seed)[:, None] for seed in range(COPIES))].astype(np.int8)
            for model in models:
                before, after = beliefs(model, votes, data), beliefs(model, more, data)
                moved = float(np.abs(after - before).mean())
                sums[model].append((moved, score(data.metric, gold, after) - score(data.metric, gold, before)))
            cells = "".join(f"{'{:.3f} / {:+.1f}'.format(*sums[model][-1]):>16}" for model in models)
            print(f"{name:12}{cells}{found_among(more, data.k, worst)}", flush=True)
        for label, few in (("mean of 4", len(FOUR)), ("mean of 9", len(NAMES))):
            cells = ["{:.3f} / {:+.1f}".format(*np.mean(sums[model][:few], axis=0)) for model in models]
            print(f"{label:12}" + "".join(f"{cell:>16}" for cell in cells))


def worst_function(votes: NDArray[np.int8], gold: NDArray[np.int64]) -> int:
    """The function that is right least often."""
    judged = (votes >= 0).sum(axis=0)
    right = (votes == gold[:, None]).sum(axis=0) / np.maximum(judged, 1)
    return int(np.argmin(np.where(judged >= JUDGED, right, 2)))


def exact(column: NDArray[np.int8], seed: int) -> NDArray[np.int8]:  # noqa: ARG001  # like `redrawn`
    return column


def redrawn(column: NDArray[np.int8], seed: int) -> NDArray[np.int8]:
    """The column, with the votes on a tenth of the records drawn anew from all of it."""
    rng, found = np.random.default_rng(seed), column.copy()
    changed = np.flatnonzero(rng.random(len(column)) < 0.1)
    found[changed] = rng.choice(column, len(changed))
    return found


def found_among(votes: NDArray[np.int8], k: int, worst: int) -> str:
    """How many of the copies are found, and how many other functions are called copies."""
    groups = near_copies(VoteCounts.of(votes, k)).groups
    mine = next((group for group in groups if worst in group), ())
    planted = sum(j >= votes.shape[1] - COPIES for j in mine)
    others = sum(len(group) for group in groups if group is not mine)
    return f"{planted:>8}{others:>8}"


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {"calibration": calibration, "auto": auto, "copies": copies}
