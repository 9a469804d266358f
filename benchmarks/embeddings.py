"""What embeddings are worth to the end model beside words, and what they cost.

    LABELKIT_DATA=folder python benchmarks/embeddings.py [--sets youtube ...] [--labels 20 100 500] [--draws 10]

words       the end model on TF-IDF of words and word pairs
embedding   on the vectors of all-MiniLM-L6-v2, as `labelkit embed` makes them
both        on either beside the other

All three learn from the same records with gold labels, drawn from split train by the seeds 0, 1, ...; what is printed
is measured on split test, in percent: accuracy, or F1 of class 1. Standard errors are over the draws, the test records
being always the same; `ahead` is `both` less `words`, draw by draw. Last comes what embedding a text takes, in
processor time of one thread, beside making its words numbers.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelkit.learner import train
from labelkit.learner.embedding import SentenceModel
from labelkit.learner.model import fitted_features
from matrices import score
from tasks import VOTES_ONLY, Task, names, task

ARMS = {"words": ("text",), "embedding": ("embedding",), "both": ("text", "embedding")}
TIMED = 256  # texts at a time whose embedding is timed; the quickest counts


@dataclass(frozen=True)
class Cost:
    """Milliseconds of processor time for a text."""

    embedding: float
    words: float


def embedded(plain: Task, model: SentenceModel) -> tuple[Task, Cost]:
    """The task with a field of vectors, and what they took."""
    texts = plain.pool.column("text").to_pylist()
    vectors, times = [], []
    for start in range(0, len(texts), TIMED):
        part = texts[start : start + TIMED]
        began = time.process_time()
        vectors.append(model.vectors(part))
        times.append((time.process_time() - began) / len(part))
    began = time.process_time()
    fitted_features(plain.pool, ["text"])
    cost = Cost(1e3 * min(times), 1e3 * (time.process_time() - began) / len(texts))
    of_test = model.vectors(plain.test.column("text").to_pylist())
    pool, test = with_vectors(plain.pool, np.concatenate(vectors)), with_vectors(plain.test, of_test)
    return replace(plain, pool=pool, test=test), cost


def with_vectors(table: pa.Table, vectors: np.ndarray) -> pa.Table:
    return table.append_column("embedding", pa.array(list(vectors), pa.list_(pa.float32())))


def results(task: Task, labels: int, seed: int) -> dict[str, float]:
    """Score of each arm after learning from so many records; from records of one class, that class is learned."""
    rows = np.random.default_rng(seed).permutation(len(task.gold))[:labels]
    drawn = np.unique(task.gold[rows])
    if len(drawn) == 1:
        constant = np.tile(np.eye(task.k)[drawn[0]], (len(task.test_gold), 1))
        return dict.fromkeys(ARMS, score(task.metric, task.test_gold, constant, draws=1))
    label = pa.array([task.classes[c] for c in task.gold[rows]])
    known = task.pool.take(pa.array(rows)).select(["text", "embedding"]).append_column("label", label)
    return {
        arm: score(task.metric, task.test_gold, train(known, fields, task.classes).predict_proba(task.test), draws=1)
        for arm, fields in ARMS.items()
    }


def cell(values: Sequence[float], sign: str = "") -> str:
    error = np.std(values, ddof=1) / len(values) ** 0.5
    return f"{f'{np.mean(values):{sign}.1f} ± {error:.1f}':>14}"


def compare(name: str, model: SentenceModel, arguments: argparse.Namespace) -> None:
    now, cost = embedded(task(name), model)
    print(f"\n{name}: {len(now.gold):,} records to draw from, {len(now.test_gold):,} tested, {now.metric}")
    print(f"{'labels':>8}" + "".join(f"{arm:>14}" for arm in ARMS) + f"{'ahead':>14}")
    for labels in arguments.labels:
        runs = [results(now, labels, seed) for seed in range(arguments.draws)]
        ahead = cell([run["both"] - run["words"] for run in runs], "+")
        print(f"{labels:>8}" + "".join(cell([run[arm] for run in runs]) for arm in ARMS) + ahead, flush=True)
    length = pc.mean(pc.utf8_length(now.pool.column("text"))).as_py()
    print(
        f"embedding a text of {length:.0f} characters on average: {cost.embedding:.1f} ms, "
        f"{cost.embedding / cost.words:,.0f} times its words"
    )


def main() -> None:
    known = [name for name in names() if name not in VOTES_ONLY and name != "census"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=known, default=known)
    parser.add_argument("--labels", nargs="+", type=int, default=[20, 100, 500])
    parser.add_argument("--draws", type=int, default=10)
    arguments = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | one)  # noqa: S606
    model = SentenceModel()
    model.vectors(["loads it"])
    print(f"seeds 0 to {arguments.draws - 1}, mean ± standard error")
    for name in arguments.sets:
        compare(name, model, arguments)


if __name__ == "__main__":
    main()
