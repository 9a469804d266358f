"""Snorkel's model with answers: no seed may turn a few answers into a collapse."""

from __future__ import annotations

import numpy as np
import pytest

from labelkit.label_models import SnorkelLabelModel
from labelkit.matrix import LabelMatrix


def votes_of(truth: np.ndarray, seed: int) -> LabelMatrix:
    """Twenty sparse functions, each right in three of four votes."""
    rng = np.random.default_rng(seed)
    right = rng.random((len(truth), 20)) < 0.75
    cells = np.where(right, truth[:, None], 1 - truth[:, None])
    return LabelMatrix.from_rows(np.where(rng.random(cells.shape) < 0.08, cells, -1), classes=["ham", "spam"])


@pytest.mark.parametrize("seed", range(12))
def test_a_few_answers_of_one_class_do_not_outweigh_the_functions(seed: int) -> None:
    """Whatever the random scale from which the fit starts: accuracy stays within three points."""
    truth = (np.random.default_rng(1).random(3000) < 0.6).astype(np.int64)
    votes = votes_of(truth, seed=2)
    gold = np.full(len(truth), -1)
    gold[np.flatnonzero(truth == 0)[:30]] = 0
    rest = votes.covered & (gold < 0)
    accuracies = []
    for given in (None, gold):
        model = SnorkelLabelModel(["ham", "spam"], seed=seed).fit(votes, gold=given)
        accuracies.append((model.predict_proba(votes).probs.argmax(axis=1) == truth)[rest].mean())
    assert accuracies[1] > accuracies[0] - 0.03
