"""What is trained on the features: by name, or the user's own by its dotted path.

linear                   logistic regression: text, and tables of moderate size
boosted                  gradient boosted trees: tables
mypackage.models.make    called as make(seed), returns a scikit-learn classifier with `predict_proba` whose `fit`
takes `sample_weight`
"""

from __future__ import annotations

from typing import Any

import numpy as np

from labelkit.dotted import named_by
from labelkit.errors import UsageError, named, visible
from labelkit.learner.features import mean_square

LINEAR, BOOSTED = "linear", "boosted"
ESTIMATORS = (LINEAR, BOOSTED)

PENALTY = 10.0  # C of the regression for rows of length 1; the default of 1 leaves a few hundred texts hardly trained
LEAF = 10  # records in a leaf of a tree at least; the default of 20 learns nothing from fewer than 40 records
MOST_COLUMNS = 5_000  # of features that trees are given: they need them as a dense array


def classifier(estimator: str, x: Any, seed: int) -> Any:
    """A classifier, not yet fitted, for (n, d) features. Raises UsageError when there is none of that name or path."""
    if estimator == LINEAR:
        return regression(mean_square(x), seed)
    if estimator == BOOSTED:
        return _boosted(x, seed)
    if "." not in estimator:
        raise UsageError(
            f'no estimator "{visible(estimator)}"; there are {named(ESTIMATORS)}, '
            "or give a function of yours as package.module.function"
        )
    return _own(estimator, seed)


def regression(square: float, seed: int = 0) -> Any:
    """A logistic regression whose penalty fits rows of this mean squared length: one setting for texts and tables."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=PENALTY / square, max_iter=1000, random_state=seed)


def _boosted(x: Any, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    if x.shape[1] > MOST_COLUMNS:
        raise UsageError(
            f'the estimator "{BOOSTED}" is for tables: these fields give {x.shape[1]:,} features and it takes '
            f'{MOST_COLUMNS:,}; use "{LINEAR}"'
        )
    trees = HistGradientBoostingClassifier(random_state=seed, early_stopping=False, min_samples_leaf=LEAF)
    return Weighted(make_pipeline(FunctionTransformer(_dense), trees), "histgradientboostingclassifier__sample_weight")


def _dense(x: Any) -> Any:
    return x.toarray() if hasattr(x, "toarray") else x


class Weighted:
    """A scikit-learn pipeline whose last step takes the weights that `fit` is given."""

    def __init__(self, pipeline: Any, parameter: str) -> None:
        self._pipeline, self._parameter = pipeline, parameter

    @property
    def classes_(self) -> Any:
        """(c,): the classes seen in training."""
        return self._pipeline.classes_

    def fit(self, x: Any, y: Any, sample_weight: Any) -> Weighted:
        """Train on features, classes and weights."""
        self._pipeline.fit(x, y, **{self._parameter: sample_weight})
        return self

    def predict_proba(self, x: Any) -> Any:
        """(n, c) probabilities."""
        return self._pipeline.predict_proba(x)


def _own(path: str, seed: int) -> Any:
    """The classifier that the user's function makes."""
    make, shown = named_by(path, "estimator"), visible(path[:200])
    try:
        made = make(seed)
    except Exception as error:
        said = visible(f"{type(error).__name__}: {error}"[:200])
        raise UsageError(f'estimator "{shown}": calling it with a seed failed: {said}') from error
    missing = [method for method in ("fit", "predict_proba") if not callable(getattr(made, method, None))]
    if missing:
        kind = visible(type(made).__name__)
        raise UsageError(f'estimator "{shown}": made a {kind}, which has no {named(missing)}')
    return made


def fitted(model: Any, estimator: str, x: Any, target: Any, weight: Any) -> Any:
    """Train a classifier. Raises UsageError when the user's own fails."""
    if estimator in ESTIMATORS:
        return model.fit(x, target, sample_weight=weight)
    shown = visible(estimator[:200])
    try:
        model.fit(x, target, sample_weight=weight)
    except Exception as error:
        said = visible(f"{type(error).__name__}: {error}"[:200])
        raise UsageError(f'estimator "{shown}": training it failed: {said}') from error
    if not hasattr(model, "classes_"):
        raise UsageError(f'estimator "{shown}": has no classes_ after training')
    return model


def class_probabilities(model: Any, x: Any, k: int) -> Any:
    """(n, k): probabilities of all classes; 0 for one that the model has not seen.

    Raises UsageError when the model gives something that is no probability.
    """
    probs = np.zeros((x.shape[0], k))
    if x.shape[0]:
        given = np.asarray(model.predict_proba(x), dtype=np.float64)
        if given.shape != (x.shape[0], len(model.classes_)) or not np.isfinite(given).all() or (given < 0).any():
            raise UsageError(f"{visible(type(model).__name__)}.predict_proba gave values that are no probabilities")
        probs[:, model.classes_] = given
    return probs
