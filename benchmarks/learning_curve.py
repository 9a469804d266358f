"""Does the forecast of a learning curve hold? Simulated sessions on public sets, answers taken from gold.

    LABELKIT_DATA=data python benchmarks/learning_curve.py [--seeds 5] [--sets youtube,sms] [--strategy mixed]

Each session asks 300 records in batches of 10 and retrains after each batch. At 20, 30, ... 250 answers the interval of
the next 50 is compared with what they bring: the difference in accuracy on valid and test, of which nobody was asked.
Then: where the advice is to stop, how much was still to be gained until 300. The command exits with 1 when the interval
covers fewer than 80 % on any set.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

MOST, BATCH, POOL = 300, 10, 5_000
WORDS = r"\w[\w']*"
CENSUS_NUMBERS = ["age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week"]
CENSUS_WORDS = ["workclass", "education", "occupation", "relationship", "race", "sex", "native_country"]


@dataclass(frozen=True)
class Task:
    """A set: the first `pool` records may be asked, the others are held out."""

    features: Any
    logs: Any  # (n, k): what the weak learner makes of them
    gold: Any  # (n,)
    pool: int
    votes: Any
    posterior: Any


def read(folder: Path, label_model: str) -> Task:
    """A set in WRENCH's layout, its votes and features, and the weak learner."""
    import pandas as pd
    import pyarrow as pa
    from sklearn.linear_model import LogisticRegression

    from labelkit.label_models import make_model
    from labelkit.learner.hybrid import weak_logs
    from labelkit.matrix import LabelMatrix

    k = json.loads((folder / "meta.json").read_text())["n_classes"]
    train, *held_out = (pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "valid", "test"))
    train = train.sample(min(POOL, len(train)), random_state=0)
    frame, n = pd.concat([train, *held_out]), len(train)
    cells = frame[[name for name in frame if name.startswith("lf_") and name[3:].isdigit()]].to_numpy(np.int8)
    classes = tuple(f"c{c}" for c in range(k))
    names = tuple(f"f{j}" for j in range(cells.shape[1]))
    votes = LabelMatrix(np.ascontiguousarray(cells[:n]), pa.array([str(i) for i in range(n)]), names, classes)
    posterior = make_model(label_model, list(classes), 0).fit(votes).predict_proba(votes)
    features = features_of(frame, cells, n, k)
    covered = np.flatnonzero(posterior.covered)
    rows, target = np.nonzero(posterior.probs[covered] > 1e-6)
    weights = posterior.probs[covered][rows, target]
    learner = LogisticRegression(C=10, max_iter=300).fit(features[covered][rows], target, sample_weight=weights)
    weak = np.zeros((len(frame), k))
    weak[:, learner.classes_] = learner.predict_proba(features)
    return Task(features, weak_logs(weak), frame.label.to_numpy(int), n, votes, posterior)


def features_of(frame: Any, cells: Any, n: int, k: int) -> Any:
    """TF-IDF of texts, numbers and categories of census, and the votes themselves where there is nothing else."""
    import scipy.sparse as sp
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    if "text" in frame:
        words = TfidfVectorizer(token_pattern=WORDS, ngram_range=(1, 2)).fit(frame.text[:n])
        return words.transform(frame.text)
    if "hours_per_week" in frame:
        numbers = StandardScaler().fit_transform(frame[CENSUS_NUMBERS].astype(float))
        words = OneHotEncoder().fit_transform(frame[CENSUS_WORDS].astype(str))
        return sp.hstack([sp.csr_matrix(numbers), words]).tocsr()
    return sp.csr_matrix(np.hstack([cells == c for c in range(k)]).astype(float))


def session(task: Task, strategy: str, seed: int) -> list[tuple[float, Any]]:
    """Ask MOST records; at each batch the held-out accuracy and the learning curve."""
    from labelkit.active import Learned, select
    from labelkit.active.curve import Replay
    from labelkit.learner import WeakLearner

    sample = np.random.default_rng(seed).permutation(task.pool)
    held_out = np.arange(task.pool, len(task.gold))
    weak = WeakLearner(None, task.features, task.logs, sample)
    hybrids: dict[int, Any] = {}

    def refit(rows: Any, labels: Any, at_random: Any) -> Any:
        if len(rows) not in hybrids:
            hybrids[len(rows)] = weak.learn(rows, labels, at_random)
        hybrid = hybrids[len(rows)]
        return lambda asked: hybrid.from_features(task.features[asked], task.logs[asked]).argmax(axis=1)

    replay, given, steps = Replay(refit, sample), [], []
    while True:
        rows = np.array([row for row, _, _ in given], dtype=np.int64)
        say = refit(rows, task.gold[rows], np.array([drawn for _, _, drawn in given], dtype=bool))
        steps.append((float((say(held_out) == task.gold[held_out]).mean()), replay.curve(list(given))))
        if len(given) >= MOST:
            return steps
        probs = hybrids[len(given)].from_features(task.features[: task.pool], task.logs[: task.pool])
        options = {"strategy": strategy, "seed": seed * 1_000 + len(given), "exclude": [str(row) for row in rows]}
        learned = Learned(probs, task.features[: task.pool])
        items = select(task.posterior, task.votes, n=BATCH, learned=learned, **options)
        given += [(int(item.record), int(task.gold[int(item.record)]), item.strategy == "random") for item in items]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", default="youtube,sms,census,semeval,domain,hausa_news,yoruba_news,mushroom")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--strategy", default="mixed")
    parser.add_argument("--model", default="snorkel", help="label model")
    chosen = parser.parse_args()
    print(f"strategy {chosen.strategy}, label model {chosen.model}, {chosen.seeds} seeds; points of accuracy")
    print("set            covered   by answers 20+  100+  200+   width 20+ 100+ 200+   stops at   still to gain")
    shares = []
    for name in chosen.sets.split(","):
        task = read(Path(os.environ["LABELKIT_DATA"]) / name, chosen.model)
        held: list[tuple[int, bool, float]] = []
        stops, left = [], []
        for seed in range(chosen.seeds):
            steps = session(task, chosen.strategy, seed)
            for place in range(2, len(steps) - 5):
                gain, forecast = steps[place + 5][0] - steps[place][0], steps[place][1].forecast
                covered = forecast.low - 1e-9 <= gain <= forecast.high + 1e-9
                held.append((place * BATCH, covered, forecast.high - forecast.low))
            stop = next((place for place, (_, curve) in enumerate(steps) if curve.advice), None)
            if stop is not None:
                stops.append(stop * BATCH)
                left.append(100 * (steps[-1][0] - steps[stop][0]))
        answers, covered, widths = (np.array(values) for values in zip(*held, strict=True))
        shares.append(covered.mean())
        ranges = [(20, 100), (100, 200), (200, 300)]
        parts = [covered[(answers >= low) & (answers < high)].mean() for low, high in ranges]
        wide = [100 * widths[(answers >= low) & (answers < high)].mean() for low, high in ranges]
        said = f"{np.median(stops):6.0f} ({len(stops)}/{chosen.seeds})" if stops else f"never (0/{chosen.seeds})"
        more = f"{np.mean(left):+.1f} (most {max(left):+.1f})" if left else ""
        print(
            f"{name:12} {covered.mean():9.1%}   {parts[0]:13.0%} {parts[1]:5.0%} {parts[2]:5.0%}   "
            f"{wide[0]:9.1f} {wide[1]:4.1f} {wide[2]:4.1f}   {said:>12}   {more}",
            flush=True,
        )
    met = min(shares) >= 0.8
    print(f"covered on all sets: {np.mean(shares):.1%}, at least {min(shares):.1%}; {'met' if met else 'MISSED'}")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
