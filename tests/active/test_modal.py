"""modAL's own learners, in a loop of their own, under a current scikit-learn."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from labelkit.active.modal import ranked_batch_sampling, teach
from labelkit.errors import UsageError


def learner(**options: Any) -> Any:
    from modAL.models import ActiveLearner
    from sklearn.linear_model import LogisticRegression

    return ActiveLearner(estimator=LogisticRegression(), **options)


def data(kind: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.random((300, 12)) * (rng.random((300, 12)) < 0.4)
    return (sp.csr_matrix(x) if kind == "sparse" else x), (x.sum(axis=1) > 2.4).astype(int)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_learner_is_taught_what_it_would_be_fitted_to(kind: str) -> None:
    """Taught in two steps it is the estimator fitted to all of it."""
    x, y = data(kind)
    taught, whole = learner(), learner()
    teach(taught, x[:20], y[:20])
    teach(taught, x[20:50], y[20:50])
    whole.estimator.fit(x[:50], y[:50])
    assert np.array_equal(taught.predict_proba(x), whole.predict_proba(x))
    with pytest.raises(UsageError, match="2 samples and 3 labels do not belong together"):
        teach(taught, x[:2], y[:3])


def test_committee_learns_new_classes_from_what_it_is_taught() -> None:
    """Its members started without any data."""
    from modAL.models import Committee

    x, y = data("dense")
    committee = Committee(learner_list=[learner(), learner()])
    teach(committee, x[:50], y[:50])
    teach(committee, x[:3] + 9, np.array([2, 2, 2]))
    assert committee.predict(x[:3] + 9).tolist() == [2, 2, 2]


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_loop_with_ranked_batches_asks_what_modals_own_would(kind: str) -> None:
    """Ten rounds of five questions: the same ones, in the same order."""
    from modAL.batch import uncertainty_batch_sampling

    x, y = data(kind)
    asked: list[list[int]] = []
    for strategy in (ranked_batch_sampling, uncertainty_batch_sampling):
        pupil, left, order = learner(query_strategy=strategy), np.arange(300), list[int]()
        teach(pupil, x[:10], y[:10])
        left = left[10:]
        for _ in range(10):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # modAL's own
                picks, _ = pupil.query(x[left], n_instances=5)
            order += left[picks].tolist()
            teach(pupil, x[left[picks]], y[left[picks]])
            left = np.delete(left, picks)
        asked.append(order)
    assert asked[0] == asked[1]
