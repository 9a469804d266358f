"""The end model: what the labels are for.

    features(x)   of text, categories, numbers and embeddings (`features`)
    P(y | x)      logistic regression on the features, or another classifier (`estimators`)

It is trained on probabilities, not on the winning class: the loss of a record is its expected loss under the label
model's belief, sum over y of p(y) * loss(x, y), so an unsure label pulls less than a sure one (the noise-aware loss of
Ratner, De Sa, Wu, Selsam and Ré, "Data Programming", NeurIPS 2016). scikit-learn has no soft targets; each record
enters once per class with the weight p(y), which is the same sum. A record that people answered has a probability of 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import ModelError, UsageError, named, visible
from labelkit.label_models.labels import probability_column
from labelkit.learner.estimators import LINEAR, class_probabilities, classifier, fitted
from labelkit.learner.features import cells_of, check_fields, features, kinds_of, transformed

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Learner:
    """A trained end model.

    `pipeline` is a fitted scikit-learn pipeline over an object array of shape (n, f), one column per field.
    """

    pipeline: Any
    fields: tuple[str, ...]  # (f,)
    classes: tuple[str, ...]  # (k,)

    def predict_proba(self, table: pa.Table) -> NDArray[np.float64]:
        """(n, k) float64: probability of each class for each row; rows sum to 1.

        A class that no training record spoke for has probability 0. Raises UsageError when a field is missing.
        """
        check_fields(table, self.fields)
        if not len(table):
            return np.zeros((0, len(self.classes)))
        return self.from_features(self.features(table))

    def features(self, table: pa.Table) -> Any:
        """(n, d) CSR matrix or dense array: the rows as numbers. Raises UsageError when a field is missing."""
        return transformed(self.pipeline[0], table, self.fields)

    def from_features(self, x: Any) -> NDArray[np.float64]:
        """(n, k) float64: `predict_proba` of rows that `features` made."""
        return np.asarray(class_probabilities(self.pipeline[-1], x, len(self.classes)))

    def predict(self, table: pa.Table) -> NDArray[np.str_]:
        """(n,) str: name of the most probable class of each row."""
        names: NDArray[np.str_] = np.asarray(self.classes, dtype=np.str_)
        best: NDArray[np.int64] = self.predict_proba(table).argmax(axis=1)
        return np.take(names, best)

    def score(self, table: pa.Table, gold: Sequence[str | None]) -> float:
        """Accuracy from 0 to 1 over the rows whose gold class name is known (not None).

        Raises UsageError when it is known for none.
        """
        known = np.array([name is not None for name in gold], dtype=bool)
        if not known.any():
            raise UsageError("no gold: accuracy is undefined where no class is known")
        truth = np.array([name for name in gold if name is not None])
        return float((self.predict(table)[known] == truth).mean())


def train(
    table: pa.Table,
    fields: Sequence[str],
    classes: Sequence[str],
    seed: int = 0,
    *,
    estimator: str = LINEAR,
    kinds: Mapping[str, str] | None = None,
) -> Learner:
    """Train the end model on labelled records.

    `table` has the columns `fields` and a label in one of two forms: a probability column `p_<class>` for every class,
    or, without those, a column `label` of class names. Rows whose label is null are left out. `estimator` is "linear",
    "boosted" or a dotted path (`estimators`); `kinds` says of fields whether they are text, category, number or
    embedding where their type does not (`features`). Raises ModelError when fewer than two classes are left, UsageError
    when a column is missing or the estimator cannot be had.

    >>> import pyarrow as pa
    >>> table = pa.table({"text": ["so good", "so bad", "good", "bad"], "label": ["ham", "spam", "ham", "spam"]})
    >>> learner = train(table, fields=["text"], classes=["ham", "spam"])
    >>> learner.predict(pa.table({"text": ["really good"]})).tolist()
    ['ham']
    """
    check_fields(table, fields)
    probs = label_probabilities(table, classes)
    labelled = np.flatnonzero(np.logical_not(np.isnan(probs).any(axis=1)))
    numbers = fitted_features(table.take(labelled), fields, kinds) if len(labelled) else None
    return trained(table, fields, classes, numbers, seed, estimator)


def fitted_features(table: pa.Table, fields: Sequence[str], kinds: Mapping[str, str] | None = None) -> Any:
    """What turns these fields into numbers. Raises ModelError where there is nothing in them."""
    try:
        return features(table, kinds_of(table, fields, kinds)).fit(cells_of(table, fields))
    except ValueError as error:  # no word in any text, say
        raise ModelError(f"nothing to learn from in {named(fields)}: {visible(str(error))}") from error


def trained(
    table: pa.Table, fields: Sequence[str], classes: Sequence[str], numbers: Any, seed: int, estimator: str
) -> Learner:
    """`train` with features that are fitted already."""
    from sklearn.pipeline import Pipeline

    probs = label_probabilities(table, classes)
    known: NDArray[np.bool_] = np.logical_not(np.isnan(probs).any(axis=1))
    rows, target = np.nonzero(np.where(known[:, None], probs, 0.0))  # one entry per record and possible class
    if len(np.unique(target)) < 2:
        raise ModelError(f"an end model needs records of at least two of the classes {named(classes)}")
    x = transformed(numbers, table, fields)
    model = fitted(classifier(estimator, x, seed), estimator, x[rows], target, probs[rows, target])
    return Learner(Pipeline([("features", numbers), ("classifier", model)]), tuple(fields), tuple(classes))


def label_probabilities(table: pa.Table, classes: Sequence[str]) -> NDArray[np.float64]:
    """(n, k) float64: the label as probabilities; NaN in the rows without a label.

    Raises UsageError when the table has neither p columns nor `label`, or a label is none of the classes.
    """
    names = [probability_column(name) for name in classes]
    present = set(table.column_names)
    if present.issuperset(names):
        probs = np.column_stack([table.column(name).to_numpy().astype(np.float64) for name in names])
        if (probs < 0).any() or (probs > 1).any():
            raise UsageError(f"{named(names)} must lie between 0 and 1")
        return probs
    if "label" not in present:
        raise UsageError(f'no column "label" and not all of {named(names)}; columns are {named(table.column_names)}')
    labels = table.column("label").to_pylist()
    unknown = sorted({str(label) for label in labels if label is not None} - set(classes))
    if unknown:
        raise UsageError(f'column "label": no class {named(unknown)}; classes are {named(classes)}')
    position = {name: i for i, name in enumerate(classes)}
    probs = np.full((len(labels), len(classes)), np.nan)
    for row, label in enumerate(labels):
        if label is not None:
            probs[row] = np.eye(len(classes))[position[label]]
    return probs
