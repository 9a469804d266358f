"""The parts that label models are made of: assignment, optimiser, annotators as columns, real matrices."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from labelkit.errors import ModelError
from labelkit.label_models import DawidSkeneLabelModel, SnorkelLabelModel, annotator_votes
from labelkit.label_models.answers import minimised
from labelkit.label_models.metal import MetalFit, best_assignment, fit_metal
from labelkit.label_models.products import steady_product
from labelkit.label_models.snorkel import convergence
from labelkit.matrix.counts import VoteCounts

DATA = os.environ.get("LABELKIT_DATA")


@given(hnp.arrays(np.float64, st.integers(1, 9).map(lambda k: (k, k)), elements=st.integers(-4, 4).map(float)))
@settings(deadline=None)
def test_the_best_assignment_is_scipys(gain: NDArray[np.float64]) -> None:
    """Equal sums may have other assignments, never a better one."""
    from scipy.optimize import linear_sum_assignment

    order = best_assignment(gain)
    assert sorted(order.tolist()) == list(range(len(gain)))
    assert gain[np.arange(len(gain)), order].sum() == gain[linear_sum_assignment(gain, maximize=True)].sum()


def test_a_hundred_classes_are_assigned_at_once() -> None:
    """Planted order of the columns is found."""
    rng = np.random.default_rng(0)
    order = rng.permutation(100)
    gain = rng.random((100, 100))
    gain[np.arange(100), order] += 1
    assert best_assignment(gain).tolist() == order.tolist()


@given(st.integers(1, 6), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_the_lowest_point_of_a_bowl_is_found(size: int, seed: int) -> None:
    """Whatever its shape."""
    rng = np.random.default_rng(seed)
    root, lowest = rng.normal(size=(size, size)) + 2 * np.eye(size), rng.normal(size=size) * 5
    bowl = root @ root.T + np.eye(size)
    found = minimised(lambda x: (float((x - lowest) @ bowl @ (x - lowest)), 2 * bowl @ (x - lowest)), np.zeros(size))
    np.testing.assert_allclose(found, lowest, atol=1e-4)


@pytest.mark.parametrize("shape", [(3, 4, 5), (700, 900, 3), (3, 700, 900), (1, 5000, 300), (600, 600, 600)])
def test_steady_products_are_products(shape: tuple[int, int, int]) -> None:
    """Small ones at once, large ones in blocks."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=shape[:2]), rng.normal(size=shape[1:])
    np.testing.assert_allclose(steady_product(a, b), a @ b, atol=1e-9)


def test_fits_that_settle_are_told_from_those_that_do_not() -> None:
    """Falling or rising loss is named, with the gradient; a settled fit has no note; NaN is divergence."""
    mu = np.zeros((2, 2), np.float32)
    assert convergence(MetalFit(mu, (1.0, 0.1, 0.0995), (2.0, 0.01))) == ()
    note = (
        "Snorkel's optimiser stopped after its 100 steps before it settled: the loss still fell by 20% in the last 10, "
        "the gradient's norm is 0.5% of what it was at the start"
    )
    assert convergence(MetalFit(mu, (1.0, 0.1, 0.08), (2.0, 0.01))) == (note,)
    assert "the loss still rose by 50% in the last 10" in convergence(MetalFit(mu, (1.0, 0.1, 0.15), (2.0, 3.0)))[0]
    assert MetalFit(mu, (1.0, np.inf, np.nan), (2.0, np.nan)).diverged


def test_a_thousand_functions_diverge_as_snorkels_do() -> None:
    """Snorkel raises; here the note says so and majority vote takes over."""
    votes = np.random.default_rng(0).integers(0, 2, (50, 1000)).astype(np.int8)
    assert fit_metal(VoteCounts.of(votes, 2), 0, np.array([0.5, 0.5])).diverged
    model = SnorkelLabelModel(["a", "b"]).fit(VoteCounts.of(votes, 2))
    note = (
        "Snorkel's label model is undefined here: its optimiser diverged, as it may with hundreds of functions; "
        "majority vote was used instead"
    )
    assert model.notes == (note,)


def test_fitting_and_predicting_load_no_heavy_library() -> None:
    """Neither torch nor snorkel, scipy, scikit-learn, pandas or pyarrow: start-up counts."""
    program = (
        "import sys, numpy as np\n"
        "from labelkit.label_models import make_model\n"
        "from labelkit.label_models.storage import LABEL_MODELS\n"
        "from labelkit.matrix.counts import VoteCounts\n"
        "votes = np.random.default_rng(0).integers(-1, 2, (200, 5)).astype(np.int8)\n"
        "for name in LABEL_MODELS:\n"
        "    make_model(name, ['a', 'b'], 0).fit(VoteCounts.of(votes, 2)).predict_votes(votes)\n"
        "heavy = {'torch', 'snorkel', 'scipy', 'sklearn', 'pandas', 'pyarrow'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_annotators_become_columns() -> None:
    """In order of name; a later answer replaces an earlier one."""
    votes = annotator_votes([("2", "bob", 1), ("1", "ann", 0), ("2", "bob", 0)], ["no", "yes"])
    assert votes.ids.to_pylist() == ["1", "2"]
    assert votes.names == ("ann", "bob")
    assert votes.votes.tolist() == [[0, -1], [-1, 0]]
    with pytest.raises(ModelError, match=r"^ann on 7: 2 is no class index from 0 to 1$"):
        annotator_votes([("7", "ann", 2)], ["no", "yes"])


def test_an_annotator_who_always_errs_is_understood() -> None:
    """A confusion matrix of one's own: who says the opposite helps as much as who is right."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 400)
    right = {"ann": 0.8, "bob": 0.75, "cy": 0.75, "contrary": 0.05}
    entries = [
        (str(i), name, int(label if rng.random() < share else 1 - label))
        for i, label in enumerate(truth.tolist())
        for name, share in right.items()
    ]
    votes = annotator_votes(entries, ["no", "yes"])
    labels = DawidSkeneLabelModel(["no", "yes"]).fit(votes).predict_proba(votes).probs.argmax(axis=1)
    order = np.array([int(record) for record in votes.ids.to_pylist()])
    assert (labels == truth[order]).mean() > 0.93


@pytest.mark.skipif(DATA is None, reason="LABELKIT_DATA names no folder of real matrices")
@pytest.mark.parametrize(
    "name", ["youtube", "sms", "census", "semeval", "mushroom", "ksdd", "hausa_news", "yoruba_news", "domain"]
)
def test_real_matrices_get_snorkels_beliefs(name: str) -> None:
    """Equal to 1e-5 with the same seed, and not one label changed."""
    import pyarrow.parquet as pq
    import torch
    from snorkel.labeling.model import LabelModel

    torch.set_num_threads(1)  # two that wait for one another take minutes on a busy machine
    assert DATA is not None
    tables = [pq.read_table(Path(DATA) / name / f"{part}.parquet") for part in ("train", "valid", "test")]
    columns = [column for column in tables[0].column_names if column.startswith("lf_") and column[3:].isdigit()]
    rows = np.concatenate([np.stack([t.column(c).to_numpy() for c in columns], axis=1) for t in tables]).astype(np.int8)
    k, covered = int(max(rows.max(), *(t.column("label").to_numpy().max() for t in tables))) + 1, (rows >= 0).any(1)
    theirs = LabelModel(cardinality=k, verbose=False)
    theirs.fit(rows, seed=3, progress_bar=False)
    expected = theirs.predict_proba(rows)[covered]
    found = SnorkelLabelModel([str(c) for c in range(k)], seed=3).fit(VoteCounts.of(rows, k)).predict_votes(rows)
    np.testing.assert_allclose(found[covered], expected, atol=1e-5)
    assert np.array_equal(found[covered].argmax(axis=1), expected.argmax(axis=1))
