"""In a loop of modAL's own: its learners taught under a current scikit-learn, and its ranked batches, only sooner.

modAL 0.4.2 checks what it is taught by an argument that scikit-learn has renamed, so that `teach` fails.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.active.batches import ranked_batch
from labelkit.errors import UsageError


def teach(learner: Any, x: Any, y: Any) -> None:
    """Add samples, (n, d), and their labels, (n,), to those an ActiveLearner or Committee has, and fit it to all.

    Raises UsageError where samples and labels differ in number.

    >>> from modAL.models import ActiveLearner
    >>> from sklearn.linear_model import LogisticRegression
    >>> learner = ActiveLearner(estimator=LogisticRegression())
    >>> teach(learner, np.array([[0.0], [1.0]]), np.array([0, 1]))
    >>> teach(learner, np.array([[5.0]]), np.array([2]))
    >>> learner.predict(np.array([[6.0]])).tolist(), learner.X_training.shape
    ([2], (3, 1))
    """
    from modAL.utils.data import data_vstack

    if x.shape[0] != len(y):
        raise UsageError(f"{x.shape[0]:,} samples and {len(y):,} labels do not belong together")
    members = getattr(learner, "learner_list", [learner])
    for member in members:
        known = member.X_training is not None
        member.X_training = data_vstack((member.X_training, x)) if known else x
        member.y_training = np.concatenate([member.y_training, y]) if known else np.asarray(y)
        member.estimator.fit(member.X_training, member.y_training)
    if members != [learner]:
        learner._set_classes()


def ranked_batch_sampling(classifier: Any, x: Any, n_instances: int = 20) -> tuple[NDArray[np.int64], Any]:
    """A query strategy in place of modAL's `uncertainty_batch_sampling` with Euclidean distances: the same picks.

    `x` is the pool, (n, d), dense or CSR. Returns places in it, (n_instances,), and their uncertainty.
    """
    from modAL.uncertainty import classifier_uncertainty

    uncertainty = np.asarray(classifier_uncertainty(classifier, x), dtype=np.float64)
    asked = x[:0] if classifier.X_training is None else classifier.X_training
    picks, _ = ranked_batch(x, uncertainty, asked, min(n_instances, x.shape[0]))
    return picks, uncertainty[picks]
