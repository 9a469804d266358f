"""The model that answers choose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from labelkit.label_models import (
    AutoLabelModel,
    DawidSkeneLabelModel,
    GoldVotes,
    SnorkelLabelModel,
    load_model,
    make_model,
    save_model,
)
from labelkit.label_models.auto import BEST_WITHOUT_ANSWERS, ENOUGH, OTHERS, Choice, decided
from labelkit.label_models.cross_validation import HeldOut
from labelkit.matrix import ABSTAIN, LabelMatrix
from labelkit.matrix.counts import VoteCounts
from planted_votes import voted

BEST = BEST_WITHOUT_ANSWERS.name


def fitted(votes: NDArray[np.int8], gold: GoldVotes | None) -> AutoLabelModel:
    return AutoLabelModel(["ham", "spam"]).fit(VoteCounts.of(votes, 2), gold)


def test_without_answers_the_best_model_is_taken_and_nobody_has_checked() -> None:
    """It says so, with the way out, and believes what that model believes."""
    votes, _ = voted()
    model = fitted(votes, None)
    assert model.choice is not None
    assert (model.choice.chosen, model.choice.candidates) == (BEST, ())
    reason = (
        f'model "auto" took {BEST}, the best on public sets; nobody has checked it on these records. '
        "From 50 answers on it lets them choose (labelkit annotate)"
    )
    assert model.notes[0] == str(model.choice) == reason
    plain = make_model(BEST, ["ham", "spam"], 0).fit(VoteCounts.of(votes, 2))
    assert np.array_equal(model.predict_votes(votes), plain.predict_votes(votes))


def test_a_few_answers_do_not_choose() -> None:
    """They correct the best model all the same, and their number is named; those without a vote do not count."""
    votes, truth = voted()
    votes[:3] = ABSTAIN
    model = fitted(votes, GoldVotes(votes[: ENOUGH + 2], truth[: ENOUGH + 2]))
    assert model.choice is not None
    count = int((votes[: ENOUGH + 2] >= 0).any(axis=1).sum())
    assert count < ENOUGH
    assert model.choice.answers == count
    assert f"the best without answers: {count} are too few to choose by" in model.notes[0]
    without = fitted(votes, None)
    assert not np.array_equal(model.predict_votes(votes), without.predict_votes(votes))


def test_answers_choose_and_the_table_says_how() -> None:
    """Every candidate is in it, the lowest log loss first; the chosen model's beliefs are those of that model."""
    votes, truth = voted()
    gold = GoldVotes(votes[:100], truth[:100])
    model = fitted(votes, gold)
    assert model.choice is not None
    names = [one.name for one in model.choice.candidates]
    assert sorted(names) == sorted(kind.name for kind in (BEST_WITHOUT_ANSWERS, *OTHERS))
    found = [one.log_loss for one in model.choice.candidates]
    assert found == sorted(found)
    assert str(model.choice).count(f"> {model.choice.chosen}") == 1
    assert model.choice.answers == int((votes[:100] >= 0).any(axis=1).sum())
    alone = make_model(model.choice.chosen, ["ham", "spam"], 0).fit(VoteCounts.of(votes, 2), gold)
    assert np.array_equal(model.predict_votes(votes), alone.predict_votes(votes))
    assert model.calibration == alone.calibration


def believed(right: float, truth: NDArray[np.int64]) -> HeldOut:
    probs = np.full((len(truth), 2), 1 - right)
    probs[np.arange(len(truth)), truth] = right
    return HeldOut(probs, truth, np.arange(len(truth)) % 5)


def test_the_lowest_held_out_log_loss_wins() -> None:
    """Whatever the order; the reason says how far the next is behind, and how sure that is."""
    truth = np.arange(40) % 2
    choice = decided({"first": believed(0.6, truth), "better": believed(0.8, truth), "worst": believed(0.3, truth)})
    assert choice.chosen == "better"
    assert [one.name for one in choice.candidates] == ["better", "first", "worst"]
    assert [one.above for one in choice.candidates] == pytest.approx([0, np.log(4 / 3), np.log(8 / 3)])
    assert choice.reason == (
        'model "auto" took better: the lowest log loss on 40 held out answers, 0.288 below first (standard error 0.000)'
    )


def test_of_equal_models_the_first_is_taken() -> None:
    """The one that is best without answers stands first."""
    truth = np.arange(40) % 2
    assert decided({"first": believed(0.7, truth), "same": believed(0.7, truth)}).chosen == "first"


def test_the_choice_depends_on_no_order() -> None:
    """Records and answers shuffled: the same choice and the same bytes."""
    votes, truth = voted(n=500)
    order, asked = np.random.default_rng(1).permutation(500), np.random.default_rng(2).permutation(80)
    one = fitted(votes, GoldVotes(votes[:80], truth[:80]))
    other = fitted(votes[order], GoldVotes(votes[:80][asked], truth[:80][asked]))
    assert one.choice == other.choice
    assert np.array_equal(one.predict_votes(votes), other.predict_votes(votes))


@pytest.mark.parametrize("m", [1, 2])
@pytest.mark.parametrize("answers", [0, 5, 80])
def test_one_or_two_functions_will_do(m: int, answers: int) -> None:
    """With answers and without; where a function is always wrong, answers turn it round."""
    votes, truth = voted(n=300, m=m)
    votes[:, 0] = np.where(np.arange(300) % 4, 1 - truth, ABSTAIN)
    model = fitted(votes, GoldVotes(votes[:answers], truth[:answers]) if answers else None)
    probs = model.predict_votes(votes[answers:])
    assert np.isfinite(probs).all()
    if answers == 80:
        covered = (votes[answers:] >= 0).any(axis=1)
        assert (probs.argmax(axis=1) == truth[answers:])[covered].mean() > 0.8


def test_the_choice_is_saved_and_read(tmp_path: Path) -> None:
    """The table that decided stands in model.json; the model read from there is the same in every bit."""
    votes, truth = voted()
    for gold in (None, GoldVotes(votes[:80], truth[:80])):
        model = fitted(votes, gold)
        save_model(model, tmp_path)
        loaded = load_model(tmp_path)
        assert isinstance(loaded, AutoLabelModel)
        assert isinstance(loaded.choice, Choice)
        assert loaded.choice == model.choice
        assert np.array_equal(loaded.predict_votes(votes), model.predict_votes(votes))
        matrix = LabelMatrix.from_rows(votes[:5], classes=["ham", "spam"])
        assert np.array_equal(loaded.contributions(matrix).values, model.contributions(matrix).values)


def test_an_unfitted_choice_is_saved_too(tmp_path: Path) -> None:
    """As with every model."""
    save_model(AutoLabelModel(["ham", "spam"]), tmp_path)
    loaded = load_model(tmp_path)
    assert isinstance(loaded, AutoLabelModel)
    assert loaded.choice is None


def test_answers_find_the_model_whose_assumptions_hold() -> None:
    """Where the best model without answers is led astray, a hundred answers bring it near the best of all."""
    from labelkit.label_models.calibration import losses

    rng, behind = np.random.default_rng(7), []
    for seed in range(6):
        votes, truth = voted(n=1200, m=7, seed=seed)
        votes[:, 4:] = np.where(rng.random((1200, 1)) < 0.6, 1 - truth[:, None], ABSTAIN)  # three that err together
        gold = GoldVotes(votes[:100], truth[:100])
        counts, rest = VoteCounts.of(votes, 2), votes[100:]
        loss = {
            name: losses(make_model(name, ["a", "b"], 0).fit(counts, gold).predict_votes(rest), truth[100:]).mean()
            for name in ("auto", BEST, *(kind.name for kind in OTHERS))
        }
        behind.append(loss.pop("auto") - min(loss.values()))
    assert np.mean(behind) < 0.03


def test_where_rows_are_too_many_candidates_learn_from_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a model that needs rows and votes as they are: it learns from a seeded sample, and says so when chosen."""
    from labelkit.label_models import auto
    from labelkit.matrix import counts

    monkeypatch.setattr(counts, "MAX_DISTINCT", 40)
    monkeypatch.setattr(auto, "MAX_DISTINCT", 40)
    votes, truth = voted(n=400)
    matrix = LabelMatrix.from_rows(votes, classes=["ham", "spam"])
    assert VoteCounts.of(votes, 2).distinct is None
    found = auto._taught(
        [DawidSkeneLabelModel(matrix.classes), SnorkelLabelModel(matrix.classes)], matrix, matrix.names
    )
    gold = GoldVotes(votes[:60], truth[:60])
    assert found["dawid_skene"][1](gold)[1][-1] == "dawid_skene learned from 40 of 400 records, drawn at random"
    assert not any("drawn at random" in note for note in found["snorkel"][1](gold)[1])
    on_counts = auto._taught([DawidSkeneLabelModel(matrix.classes)], VoteCounts.of(votes, 2), matrix.names)
    assert on_counts == {}
    model = AutoLabelModel(matrix.classes).fit(matrix, np.where(np.arange(400) < 80, truth, -1))
    assert model.choice is not None
