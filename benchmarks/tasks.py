"""Real sets to learn end models from: those of LABELKIT_DATA (see matrices.py) and the demo.

Where a set has nothing but votes, the votes are the fields: categories, with an abstain as one of their values.
"""

import functools
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from labelkit.label_models import make_model
from labelkit.label_models.labels import probability_column
from labelkit.matrix import LabelMatrix
from matrices import FOUR, folder

VOTES_ONLY = ("mushroom", "ksdd", "hausa_news", "yoruba_news", "domain")
DEMO = Path(__file__).resolve().parent.parent / "data" / "reviews.parquet"
POOL = 5000  # records that may be asked about; of more, so many are drawn
CENSUS = (
    *("age", "workclass", "education", "education_num", "marital_status", "occupation", "relationship", "race", "sex"),
    *("capital_gain", "capital_loss", "hours_per_week", "native_country"),
)
JUNK = ("shuffled", "flipped", "scattered", "half flipped")


@dataclass(frozen=True)
class Task:
    """A set: records that may be asked about, and records that are tested."""

    name: str
    classes: tuple[str, ...]
    metric: str
    fields: tuple[str, ...]
    pool: pa.Table
    gold: NDArray[np.int64]  # (n,) class indices of the pool
    votes: NDArray[np.int8]  # (n, m) of the pool
    test: pa.Table
    test_gold: NDArray[np.int64]

    @property
    def k(self) -> int:
        return len(self.classes)


def names() -> tuple[str, ...]:
    """All sets that are there."""
    return ((*FOUR, *VOTES_ONLY) if folder() else ()) + (("reviews",) if DEMO.exists() else ())


@functools.cache
def task(name: str) -> Task:
    return demo() if name == "reviews" else from_folder(name)


def from_folder(name: str) -> Task:
    place = folder()
    assert place is not None
    meta = json.loads((place / name / "meta.json").read_text())
    parts = [pq.read_table(place / name / f"{part}.parquet") for part in ("train", "test")]
    keep = np.sort(np.random.default_rng(0).permutation(len(parts[0]))[:POOL])
    parts[0] = parts[0].take(pa.array(keep))
    columns = [column for column in parts[0].column_names if column.startswith("lf_") and column[3:].isdigit()]
    votes = np.stack([parts[0].column(column).to_numpy() for column in columns], axis=1).astype(np.int8)
    if name in VOTES_ONLY:
        fields = tuple(columns)
        parts = [table_of_votes(part, columns) for part in parts]
    else:
        fields = tuple(CENSUS) if name == "census" else ("text",)
    gold = [part.column("label").to_numpy().astype(np.int64) for part in parts]
    classes = tuple(str(c) for c in range(meta["n_classes"]))
    return Task(name, classes, meta["metric"], fields, parts[0], gold[0], votes, parts[1], gold[1])


def table_of_votes(part: pa.Table, columns: list[str]) -> pa.Table:
    words = {column: pc.cast(part.column(column), pa.string()) for column in columns}
    return pa.table(words | {"label": part.column("label")})


def demo() -> Task:
    """The demo project's texts with its labeling functions."""
    import labelkit as lk
    from labelkit.labeling.loader import load_functions

    project = lk.Project(DEMO.parent.parent)
    table, classes = pq.read_table(DEMO), tuple(project.folder.settings.project.classes)
    table = table.filter(pc.is_valid(table["gold"]))
    pool, test = (table.filter(pc.equal(table["split"], split)) for split in ("train", "test"))
    functions = load_functions(project.folder.functions_folder, ["text"], classes)
    votes = lk.apply_lfs(functions, pool.select(["id", "text"]), classes=classes).votes
    gold = [pc.index_in(part["gold"], value_set=pa.array(classes)).to_numpy().astype(np.int64) for part in (pool, test)]
    return Task("reviews", classes, "accuracy", ("text",), pool, gold[0], votes, test, gold[1])


def with_junk(task: Task, junk: str | None) -> Task:
    """The same set with votes that say nothing, or the opposite.

    shuffled: each record has the votes of another one; scattered: each function's votes lie elsewhere, by themselves;
    flipped: each vote is for the next class; half flipped: the votes of every second function are.
    """
    votes, rng = task.votes.copy(), np.random.default_rng(99)
    if junk == "shuffled":
        votes = votes[rng.permutation(len(votes))]
    elif junk == "scattered":
        votes = np.stack([column[rng.permutation(len(column))] for column in votes.T], axis=1)
    elif junk in {"flipped", "half flipped"}:
        chosen = rng.permutation(votes.shape[1])[: votes.shape[1] // (1 if junk == "flipped" else 2)]
        part = votes[:, chosen]
        votes[:, chosen] = np.where(part >= 0, (part + 1) % task.k, part)
    return replace(task, votes=votes)


def weak_table(task: Task, model: str) -> pa.Table:
    """The pool with the label model's probabilities; NaN where nobody voted."""
    ids = [str(i) for i in range(len(task.votes))]
    matrix = LabelMatrix.from_rows(task.votes, ids=ids, classes=task.classes)
    posterior = make_model(model, task.classes, 0).fit(matrix).predict_proba(matrix)
    probs = np.where(posterior.covered[:, None], posterior.probs, np.nan)
    columns = {name: task.pool.column(name) for name in task.fields}
    columns |= {probability_column(name): pa.array(probs[:, c]) for c, name in enumerate(task.classes)}
    return pa.table(columns)
