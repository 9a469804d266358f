"""Label errors, ranked by confident learning.

    p(y; x)     what the end model says of record x, trained on the folds that x is not in
    t(j)        mean of p(j; x) over the records labelled j: how sure the model is of class j when it is j
    x labelled i is counted as j when p(j; x) >= t(j), of several such classes the most probable
    x is an issue when it is counted as another class than its label

C. G. Northcutt, L. Jiang and I. L. Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", Journal of
Artificial Intelligence Research 70, 2021. Thresholds per class make it robust where the model is surer of one class
than of another. Ranked by normalised margin: p of the own label less the highest p of another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit.errors import ModelError, UsageError
from labelkit.validation.facts.evidence import Evidence
from labelkit.validation.facts.fact import Fact

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

FOLDS = 5
MOST_TRAINED = 50_000
"""Records that one fold's model is trained on at most, drawn by the seed: a model of more texts takes minutes."""


@dataclass(frozen=True)
class Issues:
    """What confident learning finds in n labelled records."""

    self_confidence: NDArray[np.float64]  # (n,): p of the own label, 0 to 1
    counted_as: NDArray[np.int64]  # (n,): class that the record is counted as; its own label where it reaches none
    is_issue: NDArray[np.bool_]  # (n,): it is counted as another class than its label
    rank: NDArray[np.int64]  # (n,): 1 for the most suspicious record; issues come before all others


def confident_learning(probs: NDArray[np.float64], labels: NDArray[np.int64]) -> Issues:
    """Label issues from out-of-fold probabilities (n, k) and the given labels (n,), class indices.

    >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.05, 0.95], [0.25, 0.75], [0.1, 0.9]])
    >>> issues = confident_learning(probs, np.array([0, 0, 1, 1, 0]))
    >>> issues.is_issue.tolist(), issues.rank.tolist()
    ([False, False, False, False, True], [4, 3, 5, 2, 1])
    """
    n, k = probs.shape
    own = probs[np.arange(n), labels]
    counts = np.bincount(labels, minlength=k)
    sums = np.bincount(labels, weights=own, minlength=k)
    threshold = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)  # a class without labels counts nobody
    reached = np.where(probs >= threshold - 1e-12, probs, -np.inf)
    counted_as = np.where(np.isfinite(reached).any(axis=1), reached.argmax(axis=1), labels)
    others = probs.copy()
    others[np.arange(n), labels] = -np.inf
    margin = own - others.max(axis=1, initial=-np.inf)
    is_issue = counted_as != labels
    rank = np.empty(n, dtype=np.int64)
    rank[np.lexsort((margin, ~is_issue))] = np.arange(1, n + 1)
    return Issues(own, counted_as, is_issue, rank)


def out_of_fold(
    table: pa.Table, fields: Sequence[str], classes: Sequence[str], labels: NDArray[np.int64], seed: int
) -> NDArray[np.float64]:
    """(n, k) float64: what the end model says of each record that it was not trained on.

    Folds are drawn by the seed, the same share of each class in every one. Raises ModelError where there is nothing to
    learn from, UsageError for fields that the end model cannot read.
    """
    import pyarrow as pa

    from labelkit.learner.model import train

    generator = np.random.default_rng(seed)
    order = generator.permutation(len(labels))
    fold = np.empty(len(labels), dtype=np.int64)
    fold[order[np.argsort(labels[order], kind="stable")]] = np.arange(len(labels)) % FOLDS
    named = table.select(list(fields)).append_column("label", pa.array(classes, pa.string()).take(pa.array(labels)))
    probs = np.empty((len(labels), len(classes)))
    for k in range(FOLDS):
        held = np.flatnonzero(fold == k)
        rest = np.flatnonzero(fold != k)
        rest = np.sort(generator.choice(rest, MOST_TRAINED, replace=False)) if len(rest) > MOST_TRAINED else rest
        model = train(named.take(pa.array(rest)), fields, classes, seed)
        probs[held] = model.predict_proba(named.take(pa.array(held)))
    return probs


def _errors(evidence: Evidence) -> Mapping[str, Any]:
    """The columns, null for a row without a label or a record, and in every row where nothing can be learnt."""
    import pyarrow as pa
    import pyarrow.compute as pc

    n, classes = evidence.labels.num_rows, pa.array(evidence.classes, pa.string())
    given = pc.fill_null(pc.index_in(evidence.label, value_set=classes, skip_nulls=True), -1).to_numpy()
    rows = np.flatnonzero((given >= 0) & (evidence.place >= 0))
    labels = given[rows].astype(np.int64)
    fields = [name for name in evidence.fields if evidence.records.schema.names.count(name) == 1]
    try:
        if not fields or len(rows) < 2 * FOLDS:
            raise ModelError("too little to learn from")
        table = evidence.records.select(fields).take(pa.array(evidence.place[rows]))
        found = confident_learning(out_of_fold(table, fields, evidence.classes, labels, evidence.seed), labels)
    except (ModelError, UsageError):
        kinds = (pa.float64(), pa.string(), pa.int64(), pa.int64())
        return {name: pa.nulls(n, kind) for name, kind in zip(LABELS[0].columns, kinds, strict=True)}
    number = np.full(n, -1, dtype=np.int64)
    number[rows] = np.arange(len(rows))
    place = pa.array(number, mask=number < 0)
    columns = {
        "self_confidence": pa.array(found.self_confidence),
        "suspected_label": classes.take(pa.array(found.counted_as)),
        "label_issue": pa.array(found.is_issue.astype(np.int64)),
        "error_rank": pa.array(found.rank),
    }
    return {name: values.take(place) for name, values in columns.items()}


LABELS = (
    Fact(
        {
            "self_confidence": "float64: p that the end model, not trained on the record, gives its label",
            "suspected_label": "string: the class that confident learning counts the record as, mostly its label",
            "label_issue": "int64: 1 when that is another class than the label, else 0",
            "error_rank": "int64: 1 for the record whose label is most likely wrong",
        },
        _errors,
    ),
)
