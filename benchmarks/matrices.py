"""Label matrices for the benchmarks: generated ones, and real ones with gold from the folder LABELKIT_DATA.

LABELKIT_DATA/<name>/{train,valid,test}.parquet     columns lf_0, lf_1, ... (class index or -1) and label
LABELKIT_DATA/<name>/meta.json                      classes, metric ("accuracy" or "f1_binary")
LABELKIT_DATA/crowd/<name>/{labels,gold}.parquet    columns task, worker, label and task, gold
"""

import functools
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

FOUR = ("youtube", "sms", "census", "semeval")
NAMES = (*FOUR, "mushroom", "ksdd", "hausa_news", "yoruba_news", "domain")
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Matrix:
    """Votes of all splits, and what is true."""

    name: str
    k: int
    metric: str
    votes: NDArray[np.int8]  # (n, m)
    gold: NDArray[np.int64]  # (n,): class index, or -1
    split: NDArray[np.str_]  # (n,)

    @property
    def classes(self) -> list[str]:
        return [str(c) for c in range(self.k)]


def folder() -> Path | None:
    """Where the real matrices are, when somebody says so."""
    return Path(os.environ["LABELKIT_DATA"]) if "LABELKIT_DATA" in os.environ else None


@functools.cache
def real(name: str) -> Matrix:
    place = folder()
    assert place is not None
    meta = json.loads((place / name / "meta.json").read_text())
    votes, gold, split = [], [], []
    for part in SPLITS:
        table = pq.read_table(place / name / f"{part}.parquet")
        columns = [column for column in table.column_names if column.startswith("lf_") and column[3:].isdigit()]
        votes.append(np.stack([table.column(column).to_numpy() for column in columns], axis=1).astype(np.int8))
        gold.append(table.column("label").to_numpy().astype(np.int64))
        split += [part] * len(table)
    return Matrix(name, meta["n_classes"], meta["metric"], np.concatenate(votes), np.concatenate(gold), np.array(split))


def crowd(name: str) -> tuple[Any, Matrix]:
    """The answers as a table of task, worker, label; and as votes with a column for each worker."""
    from labelkit.label_models import annotator_votes

    place = folder()
    assert place is not None
    entries = pq.read_table(place / "crowd" / name / "labels.parquet")
    gold = {row["task"]: row["gold"] for row in pq.read_table(place / "crowd" / name / "gold.parquet").to_pylist()}
    triples = [(row["task"], row["worker"], row["label"]) for row in entries.to_pylist()]
    votes = annotator_votes(triples, ["0", "1"])
    truth = np.array([gold.get(task, -1) for task in votes.ids.to_pylist()])
    return entries, Matrix(name, 2, "accuracy", votes.votes, truth, np.full(len(truth), "train"))


def generated(n: int, m: int, k: int, seed: int = 0) -> NDArray[np.int8]:
    """(n, m) int8 votes of independent functions that vote on 1 to 20 % of the records and are right in 60 to 95 %."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n, dtype=np.int8)
    votes = np.full((n, m), -1, np.int8)
    for j, (coverage, accuracy) in enumerate(zip(rng.uniform(0.01, 0.2, m), rng.uniform(0.6, 0.95, m), strict=True)):
        fires, right = rng.random(n) < coverage, rng.random(n) < accuracy
        votes[fires, j] = np.where(right, truth, rng.integers(0, k, n, dtype=np.int8))[fires]
    return votes


def score(metric: str, gold: NDArray[np.int64], probs: NDArray[np.float64], draws: int = 5) -> float:
    """Accuracy, or F1 of class 1, in percent; equal probabilities are told apart at random, the mean of some draws."""
    known = gold >= 0
    gold, probs, found = gold[known], probs[known], []
    best = probs >= probs.max(axis=1, keepdims=True) - 1e-9
    for seed in range(draws):
        guess = np.argmax(best * np.random.default_rng(seed).random(probs.shape), axis=1)
        if metric.startswith("f1"):
            hits = ((gold == 1) & (guess == 1)).sum()
            found.append(2 * hits / max(1, (gold == 1).sum() + (guess == 1).sum()))
        else:
            found.append((gold == guess).mean())
    return 100 * float(np.mean(found))


def log_loss(gold: NDArray[np.int64], probs: NDArray[np.float64]) -> float:
    """Mean of -log p(gold), probabilities at least 0.001."""
    known = np.flatnonzero(gold >= 0)
    return float(-np.log(np.clip(probs[known, gold[known]], 1e-3, 1)).mean())
