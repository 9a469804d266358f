"""Label models: speed, memory, accuracy and trust, against Snorkel and, where installed, hyperlm and crowd-kit.

    [LABELKIT_DATA=folder] python benchmarks/label_models.py
        [--only speed memory exact accuracy answers crowd calibration auto copies]
        [--records 1000000] [--rounds 3] [--draws 10] [--wall]

`speed` and `memory` use generated votes; the rest needs real matrices in the folder LABELKIT_DATA (see matrices.py).
Rivals are measured in the same run, in turn with labelkit; the best of the rounds counts. Without more words in
processor seconds on one thread, which other work on the machine disturbs least; with --wall in seconds of the clock
with the threads that each library takes by itself.
"""

import argparse
import functools
import gc
import importlib.util
import multiprocessing
import os
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models import GoldVotes, make_model
from labelkit.matrix.counts import VoteCounts
from matrices import FOUR, NAMES, SPLITS, Matrix, crowd, folder, generated, log_loss, real, score
from rivals import HYPERLM, hyperlm, hyperlm_is_there
from trust import LABEL_FREE as MODELS, PARTS as TRUST

ROWS = {"dawid_skene", "pooled", "ensemble"}  # need vote rows, not only counts
SIZES = ((10, 2), (50, 2), (10, 10), (50, 10))  # functions, classes
ASKED = (10, 20, 50, 100)
SEED = 1
WALL = "--wall" in sys.argv


def fitted(name: str, votes: NDArray[np.int8], k: int, gold: GoldVotes | None = None) -> Any:
    return make_model(name, [str(c) for c in range(k)], SEED).fit(VoteCounts.of(votes, k), gold)


def snorkel_fitted(votes: NDArray[np.int8], k: int, seed: int = SEED) -> Any:
    import torch
    from snorkel.labeling.model import LabelModel

    if not WALL:
        torch.set_num_threads(1)
    model = LabelModel(cardinality=k, verbose=False)
    model.fit(votes, seed=seed, progress_bar=False)
    return model


def seconds(action: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    clock = time.perf_counter if WALL else time.process_time
    start = clock()
    result = action()
    return clock() - start, result


def speed(arguments: argparse.Namespace) -> None:
    kind = "seconds of the clock" if WALL else "processor seconds"
    print(f"\nspeed, {arguments.records:,} records: {kind} to fit / to predict, best of {arguments.rounds} rounds")
    print(f"{'functions x classes':24}{'Snorkel':>16}{'labelkit':>16}{'times faster':>16}{'differs by':>22}")
    for m, k in SIZES:
        votes = generated(arguments.records, m, k)
        theirs, ours, apart, changed = in_turn(votes, k, arguments.rounds)
        ratio = f"{theirs[0] / ours[0]:.0f} / {theirs[1] / ours[1]:.0f}"
        cells = [f"{fit:.2f} / {predict:.3f}" for fit, predict in (theirs, ours)]
        difference = f"{apart:.0e}, {changed} labels"
        print(f"{f'{m} x {k}':24}{cells[0]:>16}{cells[1]:>16}{ratio:>16}{difference:>22}", flush=True)
        for name in (name for name in MODELS if name != "snorkel"):
            fit, model = seconds(functools.partial(fitted, name, votes, k)) if rows_fit(name, votes) else (0.0, None)
            if model is not None:
                predict, _ = seconds(functools.partial(model.predict_votes, votes))
                print(f"    {name:36}{f'{fit:.2f} / {predict:.3f}':>16}", flush=True)


def rows_fit(name: str, votes: NDArray[np.int8]) -> bool:
    """Counts hold too few different rows of 50 functions for models that need rows."""
    return name not in ROWS or votes.shape[1] <= 10


def in_turn(votes: NDArray[np.int8], k: int, rounds: int) -> tuple[list[float], list[float], float, int]:
    """Best seconds to fit and predict, of Snorkel and of labelkit; the largest difference; changed labels."""
    theirs, ours = [np.inf, np.inf], [np.inf, np.inf]
    covered = (votes >= 0).any(axis=1)
    snorkel_fitted(votes[:100], k)  # imports
    for _ in range(rounds):
        spent = []
        probs: list[NDArray[np.float64]] = []
        for fit in (snorkel_fitted, functools.partial(fitted, "snorkel")):
            took, model = seconds(functools.partial(fit, votes, k))
            predict = model.predict_proba if fit is snorkel_fitted else model.predict_votes
            then, found = seconds(functools.partial(predict, votes))
            spent.append([took, then])
            probs.append(found)
        theirs, ours = [list(map(min, a, b)) for a, b in zip((theirs, ours), spent, strict=True)]
    apart = max(float(np.abs(probs[0][i] - probs[1][i]).max()) for i in np.array_split(np.flatnonzero(covered), 100))
    changed = int((probs[0].argmax(axis=1) != probs[1].argmax(axis=1))[covered].sum())
    return theirs, ours, apart, changed


def peak(rival: bool, n: int, m: int, k: int, answer: Any) -> None:  # noqa: FBT001  # run in a process of its own
    """MiB that fitting and predicting take beyond the votes, the imports and the output."""
    votes = generated(n, m, k)
    small = generated(1000, m, k)
    act(small, k, rival=rival)  # imports
    gc.collect()
    with open("/proc/self/clear_refs", "w") as file:  # noqa: PTH123
        file.write("5")  # the peak starts anew at what is in memory now
    before = status("VmRSS")
    probs = act(votes, k, rival=rival)
    answer.put(status("VmHWM") - before - probs.nbytes / 2**20)


def status(name: str) -> float:
    """MiB of this process as Linux counts them."""
    with open("/proc/self/status") as file:  # noqa: PTH123
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name))


def act(votes: NDArray[np.int8], k: int, *, rival: bool) -> NDArray[np.float64]:
    if rival:
        return np.asarray(snorkel_fitted(votes, k).predict_proba(votes))
    return np.asarray(fitted("snorkel", votes, k).predict_votes(votes))


def memory(arguments: argparse.Namespace) -> None:
    print(f"\nmemory beyond votes and output, MiB, {arguments.records:,} records")
    print(f"{'functions x classes':22}{'Snorkel':>12}{'labelkit snorkel':>20}")
    context = multiprocessing.get_context("spawn")
    for m, k in SIZES:
        row = []
        for rival in (True, False):
            answer = context.Queue()
            process = context.Process(target=peak, args=(rival, arguments.records, m, k, answer))
            process.start()
            row.append(answer.get())
            process.join()
        print(f"{f'{m} x {k}':22}{row[0]:>12.0f}{row[1]:>20.0f}", flush=True)


def exact(_: argparse.Namespace) -> None:
    print("\nthe same as Snorkel, 3 seeds, fitted on all splits: largest difference of a probability, changed labels")
    for name in NAMES:
        data, worst, changed = real(name), 0.0, 0
        covered = (data.votes >= 0).any(axis=1)
        for seed in range(3):
            theirs = snorkel_fitted(data.votes, data.k, seed).predict_proba(data.votes)[covered]
            model = make_model("snorkel", data.classes, seed).fit(VoteCounts.of(data.votes, data.k))
            ours = model.predict_votes(data.votes)[covered]
            worst = max(worst, float(np.abs(theirs - ours).max()))
            changed += int((theirs.argmax(axis=1) != ours.argmax(axis=1)).sum())
        print(f"{name:12}{len(data.votes):>8,} x {data.votes.shape[1]:<5}{worst:>10.1e}{changed:>6}", flush=True)


def accuracy(_: argparse.Namespace) -> None:
    print(
        "\naccuracy or F1 in percent without gold. A: fit on train, score test, uncovered at random. B: fit and score"
    )
    print("all splits where somebody voted. loss: log loss of B. reversed: unanimous records turned round")
    models = (*MODELS, *((HYPERLM,) if hyperlm_is_there() else ()))
    rows: dict[str, dict[str, tuple[float, float, float, int]]] = {name: {} for name in models}
    for name in NAMES:
        data = real(name)
        for model in models:
            rows[model][name] = protocols(data, model)
    print(f"{'':12}" + "".join(f"{model:>27}" for model in models))
    print(f"{'':12}" + "".join(f"{'A':>7}{'B':>7}{'loss':>6}{'rev.':>7}" for _ in models))
    for name in NAMES:
        print(f"{name:12}" + "".join("{:>7.1f}{:>7.1f}{:>6.2f}{:>7,}".format(*rows[model][name]) for model in models))
    for title, names in (("mean of 4", FOUR), (f"mean of {len(NAMES)}", NAMES)):
        means = {model: np.mean([rows[model][name] for name in names], axis=0) for model in models}
        print(
            f"{title:12}" + "".join("{:>7.1f}{:>7.1f}{:>6.2f}{:>7}".format(*means[model][:3], "") for model in models)
        )
    worst = [min(rows[model][name][1] - rows["majority"][name][1] for name in NAMES) for model in models]
    print(
        f"{'worst set':12}" + "".join(f"{'':>7}{change:>+7.1f}{'':>13}" for change in worst) + "   B against majority"
    )


def protocols(data: Matrix, model: str) -> tuple[float, float, float, int]:
    train, test = (data.split == part for part in (SPLITS[0], SPLITS[2]))
    covered = (data.votes >= 0).any(axis=1)
    votes, gold = data.votes[covered], data.gold[covered]
    if model == HYPERLM:  # it knows of no rows but those it reads: for A, those of train and test
        tested = hyperlm(np.concatenate([data.votes[train], data.votes[test]]), data.k)[train.sum() :]
        probs = hyperlm(votes, data.k)
    else:
        tested = fitted(model, data.votes[train], data.k).predict_votes(data.votes[test])
        probs = fitted(model, votes, data.k).predict_votes(votes)
    a = score(data.metric, data.gold[test], tested)
    highest, lowest = votes.max(axis=1), np.where(votes >= 0, votes, 127).min(axis=1)
    reversed_ = int(((highest == lowest) & (probs.argmax(axis=1) != highest)).sum())
    return a, score(data.metric, gold, probs), log_loss(gold, probs), reversed_


def answers(arguments: argparse.Namespace) -> None:
    print("\nanswers on random records: points above the same model without them, the rest scored by B;")
    print(f"mean and standard error of {arguments.draws} draws")
    print("gap: share of what is missing to naive Bayes fitted on all gold")
    print(f"{'':16}{'answers':>8}" + "".join(f"{name:>16}" for name in FOUR) + f"{'mean of 4':>12}{'gap':>8}")
    most = float(np.mean([ceiling(real(name)) for name in FOUR]))
    for model in (*MODELS, "auto"):
        gap = most - float(np.mean([protocols(real(name), model)[1] for name in FOUR]))
        gains = {name: curve(real(name), model, arguments.draws) for name in FOUR}
        for i, asked in enumerate(ASKED):
            cells = [
                f"{gains[name][i].mean():+.1f} ± {gains[name][i].std() / arguments.draws**0.5:.1f}" for name in FOUR
            ]
            mean = np.mean([gains[name][i].mean() for name in FOUR])
            print(
                f"{model:16}{asked:>8}"
                + "".join(f"{cell:>16}" for cell in cells)
                + f"{mean:>+12.1f}{mean / gap:>8.0%}",
                flush=True,
            )


def ceiling(data: Matrix) -> float:
    """B of naive Bayes that knows all gold, abstaining counted as a vote of its own."""
    known = (data.votes >= 0).any(axis=1) & (data.gold >= 0)
    votes, gold = data.votes[known], data.gold[known]
    logits = np.tile(np.log(np.bincount(gold, minlength=data.k) + 1.0), (len(gold), 1))
    for column in votes.T:
        counts = np.full((data.k + 1, data.k), 0.1)
        np.add.at(counts, (column, gold), 1)  # abstaining is the last row
        logits += np.log(counts / counts.sum(axis=0))[column]
    return score(data.metric, gold, np.exp(logits - logits.max(axis=1, keepdims=True)))


def curve(data: Matrix, model: str, draws: int) -> list[NDArray[np.float64]]:
    usable = (data.votes >= 0).any(axis=1) & (data.gold >= 0)
    votes, gold, counts = data.votes[usable], data.gold[usable], VoteCounts.of(data.votes[usable], data.k)
    without = make_model(model, data.classes, SEED).fit(counts).predict_votes(votes)
    gains = []
    for asked in ASKED:
        found = []
        for draw in range(draws):
            chosen = np.random.default_rng(1000 * draw + asked).choice(len(gold), asked, replace=False)
            rest = np.ones(len(gold), dtype=bool)
            rest[chosen] = False
            known = GoldVotes(votes[chosen], gold[chosen])
            probs = make_model(model, data.classes, SEED).fit(counts, known).predict_votes(votes)
            scores = [score(data.metric, gold[rest], beliefs[rest]) for beliefs in (probs, without)]
            found.append(scores[0] - scores[1])
        gains.append(np.array(found))
    return gains


def annotators(_: argparse.Namespace) -> None:
    print("\nseveral annotators per record: accuracy in percent on records with gold")
    rival = importlib.util.find_spec("crowdkit") is not None
    for name in ("rte", "bluebirds"):
        entries, data = crowd(name)
        found = {
            model: score("accuracy", data.gold, fitted(model, data.votes, 2).predict_votes(data.votes))
            for model in MODELS
        }
        if rival:
            from crowdkit.aggregation import DawidSkene, MajorityVote

            frame, tasks = entries.to_pandas(), sorted(set(entries.column("task").to_pylist()))
            for kind in (MajorityVote, DawidSkene):
                labels = kind().fit_predict(frame) if kind is MajorityVote else kind(n_iter=100).fit_predict(frame)
                found[f"crowd-kit {kind.__name__}"] = 100 * float((labels[tasks].to_numpy() == data.gold).mean())
        print(f"{name:12}" + "".join(f"{model} {value:.1f}   " for model, value in found.items()))
    if not rival:
        print("crowd-kit is not installed")


PARTS = {
    "speed": speed,
    "memory": memory,
    "exact": exact,
    "accuracy": accuracy,
    "answers": answers,
    "crowd": annotators,
    **TRUST,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--wall", action="store_true")
    arguments = parser.parse_args()
    if not WALL and os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"OPENBLAS_NUM_THREADS": "1"})  # noqa: S606
    warnings.simplefilter("ignore")
    for part in arguments.only:
        if part in {"speed", "memory"} or folder() is not None:
            PARTS[part](arguments)
        else:
            print(f"\n{part}: set LABELKIT_DATA to a folder of real matrices")


if __name__ == "__main__":
    main()
