"""The end model: what the labels are for.

    features(x)   TF-IDF of words and word pairs for text fields, standardised values for numeric fields
    P(y | x)      logistic regression on the features

It is trained on probabilities, not on the winning class: the loss of a record is its expected loss under the label
model's belief, sum over y of p(y) * loss(x, y), so an unsure label pulls less than a sure one (the noise-aware loss of
Ratner, De Sa, Wu, Selsam and Ré, "Data Programming", NeurIPS 2016). scikit-learn has no soft targets; each record
enters once per class with the weight p(y), which is the same sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import ModelError, UsageError, named, visible
from labelkit.label_models.labels import probability_column

if TYPE_CHECKING:
    import pyarrow as pa

PENALTY = 10.0  # C of the regression; the default of 1 leaves a few hundred short texts hardly trained
WORDS = r"\w[\w']*"  # keeps "don't" whole: its second half decides the meaning


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
        probs = np.zeros((len(table), len(self.classes)))
        if len(table):
            probs[:, self.pipeline.classes_] = self.pipeline.predict_proba(_cells(table, self.fields))
        return probs

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


def train(table: pa.Table, fields: Sequence[str], classes: Sequence[str], seed: int = 0) -> Learner:
    """Train the end model on labelled records.

    `table` has the columns `fields` and a label in one of two forms: a probability column `p_<class>` for every class,
    or, without those, a column `label` of class names. Rows whose label is null are left out. Raises
    ModelError when fewer than two classes are left, UsageError when a column is missing.

    >>> import pyarrow as pa
    >>> table = pa.table({"text": ["so good", "so bad", "good", "bad"], "label": ["ham", "spam", "ham", "spam"]})
    >>> learner = train(table, fields=["text"], classes=["ham", "spam"])
    >>> learner.predict(pa.table({"text": ["really good"]})).tolist()
    ['ham']
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    probs = label_probabilities(table, classes)
    labelled: NDArray[np.bool_] = np.logical_not(np.isnan(probs).any(axis=1))
    rows, target = np.nonzero(np.where(labelled[:, None], probs, 0.0))  # one entry per record and possible class
    if len(np.unique(target)) < 2:
        raise ModelError(f"an end model needs records of at least two of the classes {named(classes)}")
    cells = _cells(table, fields)
    try:
        features = _features(table, fields).fit(cells[labelled])
    except ValueError as error:  # no word in any text, say
        raise ModelError(f"nothing to learn from in {named(fields)}: {visible(str(error))}") from error
    classifier = LogisticRegression(C=PENALTY, max_iter=1000, random_state=seed)
    classifier.fit(features.transform(cells)[rows], target, sample_weight=probs[rows, target])
    return Learner(Pipeline([("features", features), ("classifier", classifier)]), tuple(fields), tuple(classes))


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


def _features(table: pa.Table, fields: Sequence[str]) -> Any:
    """Make what turns cells into numbers, not yet fitted."""
    import pyarrow as pa
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    numeric: list[int] = []
    steps: list[tuple[str, Any, Any]] = []
    for place, field in enumerate(fields):
        kind = table.schema.field(field).type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
            words = TfidfVectorizer(token_pattern=WORDS, ngram_range=(1, 2))
            steps.append((f"words_{place}", make_pipeline(FunctionTransformer(_as_text), words), place))
        elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
            numeric.append(place)
        else:
            raise UsageError(f'field "{field}" is {kind}; the end model learns from text and numbers')
    if numeric:
        fill = FunctionTransformer(np.nan_to_num)  # a missing number counts as the mean, which is now 0
        steps.append(("numbers", make_pipeline(FunctionTransformer(_as_numbers), StandardScaler(), fill), numeric))
    return ColumnTransformer(steps)


def _cells(table: pa.Table, fields: Sequence[str]) -> NDArray[np.object_]:
    """(n, f) object: the fields' values as Python objects, None where null."""
    missing = [field for field in fields if field not in table.column_names]
    if missing:
        raise UsageError(f"no column {named(missing)}; columns are {named(table.column_names)}")
    cells = np.empty((len(table), len(fields)), dtype=object)
    for place, field in enumerate(fields):
        cells[:, place] = table.column(field).to_pylist()
    return cells


def _as_text(column: NDArray[np.object_]) -> list[str]:
    return ["" if text is None else text for text in column]


def _as_numbers(columns: NDArray[np.object_]) -> NDArray[np.float64]:
    numbers = columns.astype(np.float64)  # None becomes NaN
    if np.isinf(numbers).any():
        raise UsageError("a numeric field holds an infinite number; the end model cannot weigh it")
    return numbers
