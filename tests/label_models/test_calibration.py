"""Whether beliefs mean what they say: figures, and beliefs scaled by held out answers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from labelkit.label_models import CalibrationCounts, GoldVotes, Posterior, calibration_report, make_model
from labelkit.label_models.calibration import losses
from labelkit.label_models.cross_validation import ENOUGH, FEWEST, HeldOut, asked, best_power, scaled, to_the_power
from labelkit.label_models.storage import LABEL_MODELS
from labelkit.matrix import ABSTAIN
from labelkit.matrix.counts import VoteCounts
from planted_votes import voted


def believed(n: int, k: int, seed: int, power: float = 1.0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Beliefs, and truths drawn from these beliefs to the power."""
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.full(k, 0.7), n)
    real = to_the_power(probs, power)
    return probs, (rng.random((n, 1)) > real.cumsum(axis=1)).sum(axis=1).clip(max=k - 1)


def test_perfect_beliefs_have_the_error_that_chance_gives() -> None:
    """On average over draws, the expected calibration error is what `by_chance` says, and falls with the records."""
    for n in (100, 2000):
        found = [CalibrationCounts.of(*believed(n, 3, seed)).calibration() for seed in range(40)]
        error, by_chance = np.mean([one.error for one in found]), np.mean([one.by_chance for one in found])
        assert error == pytest.approx(by_chance, rel=0.15)
    assert by_chance < 0.02


def test_bold_beliefs_show() -> None:
    """Who claims more than is true has an error far beyond chance, and the bins say where."""
    probs, truth = believed(3000, 2, seed=1, power=0.4)
    found = CalibrationCounts.of(probs, truth).calibration()
    assert found.error > 3 * found.by_chance
    assert found.bins[-1].confidence > found.bins[-1].interval[1]


def test_scores_are_scikit_learns() -> None:
    """Brier score and log loss as an independent library has them."""
    from sklearn.metrics import brier_score_loss, log_loss

    probs, truth = believed(500, 4, seed=2)
    probs = (probs + 0.01) / 1.04  # above the floor
    found = CalibrationCounts.of(probs, truth).calibration()
    assert found.log_loss == pytest.approx(log_loss(truth, probs))
    assert found.brier == pytest.approx(brier_score_loss(truth, probs, scale_by_half=False))
    assert found.accuracy == pytest.approx((probs.argmax(axis=1) == truth).mean())


@given(st.integers(1, 60), st.integers(2, 5), st.integers(0, 100), st.data())
@settings(max_examples=50, deadline=None)
def test_parts_add_up(n: int, k: int, seed: int, data: st.DataObject) -> None:
    """Counted in two parts, the figures are those of the whole; bins hold every record once."""
    probs, truth = believed(n, k, seed)
    cut = data.draw(st.integers(0, n))
    whole = CalibrationCounts.of(probs, truth).calibration()
    parts = (
        CalibrationCounts.of(probs[:cut], truth[:cut]) + CalibrationCounts.of(probs[cut:], truth[cut:])
    ).calibration()
    assert sum(part.records for part in whole.bins) == n == parts.records
    assert (parts.error, parts.brier, parts.log_loss) == pytest.approx((whole.error, whole.brier, whole.log_loss))
    assert 0 <= whole.error <= 1
    assert 0 <= whole.brier <= 2


def test_no_records_have_no_calibration() -> None:
    """Neither in the counts nor where no record has both a vote and a known truth."""
    with pytest.raises(ValueError, match=r"^no records to tell a calibration from$"):
        CalibrationCounts.nothing().calibration()
    posterior = Posterior(np.full((2, 2), 0.5), np.array([True, False]), pa.array(["a", "b"]), ("ham", "spam"))
    assert calibration_report(posterior, [-1, 0]) is None
    with pytest.raises(ValueError, match=r"^gold must be \(2,\) whole numbers from -1 to 1$"):
        calibration_report(posterior, [0, 2])


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_power_that_was_planted_is_found(power: float) -> None:
    """From a few thousand truths, to a tenth."""
    assert best_power(*believed(4000, 3, seed=3, power=power)) == pytest.approx(power, rel=0.1)


def test_scaling_is_refused_where_it_does_not_help() -> None:
    """Perfect beliefs are mostly left as they are, and what is said of held out answers is never worse than before."""
    left = 0
    for seed in range(40):
        probs, truth = believed(150, 2, seed)
        power, after = scaled(HeldOut(probs, truth, np.arange(150) % 5))
        left += power == 1
        assert losses(after.probs, truth).mean() <= losses(probs, truth).mean()
    assert left >= 36


def test_too_few_answers_scale_nothing() -> None:
    """One below the minimum, beliefs stay; from the minimum on they are scaled where that helps."""
    probs, truth = believed(ENOUGH, 2, seed=5, power=3.0)
    fold = np.arange(ENOUGH) % 5
    assert scaled(HeldOut(probs, truth, fold))[0] > 1
    assert scaled(HeldOut(probs[1:], truth[1:], fold[1:]))[0] == 1


def test_answers_about_records_without_votes_do_not_count() -> None:
    """They say nothing of the functions: with too few others there is nothing to hold out."""
    votes, truth = voted(FEWEST, 3, seed=0)
    votes[:, 0] = 0
    silent = np.full((50, 3), ABSTAIN, np.int8)
    both = GoldVotes(np.concatenate([votes, silent]), np.concatenate([truth, np.zeros(50, np.int64)]))
    found = asked(both)
    assert found is not None
    assert len(found.truth) == FEWEST
    assert asked(GoldVotes(both.cells[1:], both.truth[1:])) is None
    assert asked(None) is None


def test_timid_beliefs_become_bold_where_answers_say_so() -> None:
    """Many functions that are nearly always right: the scaled beliefs are better on records that nobody answered."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 2000)
    votes = np.where(rng.random((2000, 12)) < 0.97, truth[:, None], 1 - truth[:, None]).astype(np.int8)
    votes[rng.random(votes.shape) < 0.8] = ABSTAIN
    model = make_model("majority", ["a", "b"], 0).fit(VoteCounts.of(votes, 2), GoldVotes(votes[:300], truth[:300]))
    said = next(note for note in model.notes if "made the beliefs bolder (power " in note)
    power = float(said.partition("(power ")[2].partition(")")[0])
    probs, covered = model.predict_votes(votes[300:]), (votes[300:] >= 0).any(axis=1)
    plain = to_the_power(probs, 1 / power)
    assert losses(probs, truth[300:])[covered].mean() < losses(plain, truth[300:])[covered].mean() - 0.005


@pytest.mark.parametrize("name", LABEL_MODELS)
def test_held_out_figures_foretell_those_on_other_records(name: str) -> None:
    """The log loss of held out answers is near that of records that nobody answered; the fit on answers is better."""
    told, real = [], []
    for seed in range(8):
        votes, truth = voted(1500, 8, seed + 50)
        model = make_model(name, ["a", "b"], 0).fit(VoteCounts.of(votes, 2), GoldVotes(votes[:150], truth[:150]))
        covered = (votes[150:] >= 0).any(axis=1)
        assert model.calibration is not None
        told.append(model.calibration.log_loss)
        real.append(losses(model.predict_votes(votes[150:])[covered], truth[150:][covered]).mean())
    assert np.mean(told) == pytest.approx(np.mean(real), abs=0.03)


def test_scaling_changes_no_label() -> None:
    """One power for all beliefs keeps their order in every record."""
    probs, _ = believed(200, 4, seed=9)
    assert np.array_equal(to_the_power(probs, 2.7).argmax(axis=1), probs.argmax(axis=1))
    np.testing.assert_allclose(to_the_power(to_the_power(probs, 2.0), 0.5), probs, atol=1e-9)
