"""What labels are worth without a function, told by answers that the label model has not seen."""

from __future__ import annotations

import numpy as np
import pytest

from labelkit.label_models import AutoLabelModel, GoldVotes, MajorityLabelModel, WeightedLabelModel
from labelkit.label_models.leave_out import LeftOut, left_out, worst_first
from labelkit.matrix import LabelMatrix

CLASSES = ("ham", "spam")


def functions(
    accuracies: list[float], n: int = 2000, coverage: float = 0.6, seed: int = 0
) -> tuple[LabelMatrix, GoldVotes]:
    """Votes of independent functions, and answers to the first 300 records."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    right = rng.random((n, len(accuracies))) < accuracies
    cells = np.where(right, truth[:, None], 1 - truth[:, None])
    cells = np.where(rng.random(cells.shape) < coverage, cells, -1).astype(np.int8)
    return LabelMatrix.from_rows(cells, classes=CLASSES), GoldVotes(cells[:300], truth[:300])


def test_noise_is_not_called_harm() -> None:
    """Of equally good functions none is said to cost accuracy, whatever the draw."""
    for seed in range(5):
        votes, gold = functions([0.75] * 6, seed=seed)
        _, found = left_out(WeightedLabelModel(CLASSES), votes, gold)
        assert not any(one.costs for one in found)


def test_a_function_without_which_labels_are_worse_earns_its_place() -> None:
    """The one good function among poor ones is named, and leaving it out costs what the figures say."""
    votes, gold = functions([0.98, 0.55, 0.55, 0.55], coverage=0.9)
    accuracy, found = left_out(WeightedLabelModel(CLASSES), votes, gold)
    good = found[0]
    assert good.earns
    assert good.change == pytest.approx(good.accuracy - accuracy)
    assert good.lost - good.won == pytest.approx(-good.change * good.answers, abs=1)
    assert [one.function for one in worst_first(found)][-1] == "lf_0"


def test_copies_that_outvote_the_others_cost_accuracy() -> None:
    """A majority vote is better without the loudest of its junk, and that is seen beyond doubt."""
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 3000)
    good = np.where(rng.random((3000, 2)) < 0.95, truth[:, None], 1 - truth[:, None])
    junk = rng.integers(0, 2, 3000)
    cells = np.column_stack([good, junk, junk]).astype(np.int8)
    votes = LabelMatrix.from_rows(cells, names=["a", "b", "junk", "again"], classes=CLASSES)

    class Plain(MajorityLabelModel):
        """A majority vote that answers do not correct."""

        def _learn(self, counts, names):  # type: ignore[no-untyped-def]
            learned = super()._learn(counts, names)
            return lambda gold: learned(None)

    _, found = left_out(Plain(CLASSES), votes, GoldVotes(cells[:1000], truth[:1000]))
    assert [one.function for one in found if one.costs] == ["junk", "again"]


def test_a_model_that_chooses_is_judged_by_its_choice() -> None:
    """`auto` is taken for the model that it took."""
    votes, gold = functions([0.9, 0.8, 0.7])
    truth = np.full(len(votes.ids), -1)
    truth[:300] = gold.truth
    model = AutoLabelModel(CLASSES).fit(votes, gold=truth)
    assert model.chosen is not None
    plain = type(model.chosen)(CLASSES)
    assert left_out(model, votes, gold) == left_out(plain, votes, gold)


def test_too_few_answers_say_nothing() -> None:
    """With fewer than 20 answers there is nothing to compare."""
    votes, gold = functions([0.9, 0.8])
    assert left_out(WeightedLabelModel(CLASSES), votes, GoldVotes(gold.cells[:15], gold.truth[:15])) == (0.0, ())


def test_the_only_function_leaves_guesses() -> None:
    """Without any function one answer in two is guessed."""
    votes, gold = functions([0.9])
    _, (only,) = left_out(WeightedLabelModel(CLASSES), votes, gold)
    assert isinstance(only, LeftOut)
    assert only.accuracy == 0.5
    assert only.earns
