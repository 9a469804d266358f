"""What is particular to pooled votes: caution, copies, sharing, samples, and odd votes."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from labelkit.errors import ModelError
from labelkit.label_models import pooled
from labelkit.label_models.additive import Evidence, unanimous
from labelkit.label_models.base import GoldVotes
from labelkit.label_models.copies import NearCopies
from labelkit.label_models.pooled import PooledLabelModel, agreement, cautious_lift, sharing
from labelkit.label_models.shares import majority_probs
from labelkit.label_models.steadfast import Steadfast, read_steadfast
from labelkit.matrix import ABSTAIN, LabelMatrix
from labelkit.matrix.counts import VoteCounts, distinct_rows

DATA = os.environ.get("LABELKIT_DATA")


def world(n: int = 800, k: int = 3, seed: int = 0) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Votes of one-sided functions, of classifiers and of a broad default, and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(k, n, p=np.arange(k, 0, -1) / (k * (k + 1) / 2))
    often, rarely = rng.uniform(0.1, 0.5, 3 * k), rng.uniform(0.01, 0.1, 3 * k)
    voted = np.arange(3 * k) % k
    fires = rng.random((n, 3 * k)) < np.where(truth[:, None] == voted, often, rarely)
    sure = np.where(rng.random((n, 2)) < [0.7, 0.5], truth[:, None], rng.integers(0, k, (n, 2)))
    broad = np.where(rng.random((n, 1)) < 0.6, 0, ABSTAIN)
    return np.concatenate([np.where(fires, voted, ABSTAIN), sure, broad], axis=1).astype(np.int8), truth


def probs_of(votes: NDArray[np.int8], k: int, gold: GoldVotes | None = None) -> NDArray[np.float64]:
    return PooledLabelModel([f"c{c}" for c in range(k)]).fit(VoteCounts.of(votes, k), gold).predict_votes(votes)


def test_the_names_of_classes_do_not_matter() -> None:
    """Classes in another order: the same beliefs in that order."""
    votes, _ = world()
    order = np.array([2, 0, 1])
    renamed = np.where(votes >= 0, order[votes], ABSTAIN).astype(np.int8)
    np.testing.assert_allclose(probs_of(renamed, 3)[:, order], probs_of(votes, 3), atol=1e-4)


def test_the_order_of_functions_does_not_matter() -> None:
    """But for the last digits."""
    votes, _ = world()
    order = np.random.default_rng(1).permutation(votes.shape[1])
    np.testing.assert_allclose(probs_of(votes[:, order], 3), probs_of(votes, 3), atol=1e-4)


def test_a_class_nobody_votes_for_is_possible_and_improbable() -> None:
    """It keeps its place in the beliefs."""
    votes, _ = world(k=2)
    probs = probs_of(votes, 3)
    assert (probs[:, 2] > 0).all()
    assert (probs[:, 2] < probs[:, :2].max(axis=1)).all()


@pytest.mark.parametrize("share", [0.0, 0.1])
@pytest.mark.parametrize("k", [2, 4])
def test_copies_do_not_vote_again(k: int, share: float) -> None:
    """Four copies of the worst function, a tenth of their votes drawn anew: beliefs stay where they were."""
    for seed in range(3):
        votes, truth = world(k=k, seed=seed)
        rng = np.random.default_rng(seed)
        cast = (votes >= 0).sum(axis=0)
        right = ((votes == truth[:, None]) & (votes >= 0)).sum(axis=0) / cast
        worst = votes[:, int(np.argmin(right))]
        copies = np.tile(worst[:, None], 4)
        here = (rng.random(copies.shape) < share) & (copies >= 0)
        copies[here] = rng.integers(0, k, int(here.sum()))
        before, after = probs_of(votes, k), probs_of(np.c_[votes, copies], k)
        assert np.abs(after - before).mean() < (1e-6 if share == 0 else 0.02)


def test_many_records_are_sampled_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed draws them; with another seed the parameters are others."""
    votes, _ = world()
    matrix = LabelMatrix.from_rows(votes)
    monkeypatch.setattr(pooled, "RECORDS", 300)
    models = [PooledLabelModel(matrix.classes, seed).fit(matrix) for seed in (1, 1, 2)]
    assert models[0].notes == ("pooled votes were learned from 300 of 800 records, drawn at random",)
    probs = [model.predict_votes(votes) for model in models]
    assert np.array_equal(probs[0], probs[1])
    assert not np.array_equal(probs[0], probs[2])
    assert np.abs(probs[0] - probs[2]).mean() < 0.1


def test_many_distinct_rows_are_sampled_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """What occurs often is drawn often; beliefs hardly change."""
    votes, _ = world(n=3000)
    whole, counts = probs_of(votes, 3), VoteCounts.of(votes, 3)
    monkeypatch.setattr(pooled, "VOTES", 3 * int((counts.distinct[0] >= 0).sum() / 2) if counts.distinct else 0)
    model = PooledLabelModel(["a", "b", "c"]).fit(counts)
    (note,) = model.notes
    assert note.startswith("pooled votes were learned from ")
    assert note.endswith(" distinct ones")
    assert np.abs(model.predict_votes(votes) - whole).mean() < 0.1


def test_counts_without_rows_will_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so."""
    from labelkit.matrix import counts

    monkeypatch.setattr(counts, "MAX_DISTINCT", 3)
    votes, _ = world()
    with pytest.raises(ModelError, match=r"^pooled votes need the votes themselves: counts keep at most"):
        PooledLabelModel(["a", "b", "c"]).fit(VoteCounts.of(votes, 3))


def test_a_thousand_functions_and_a_hundred_classes() -> None:
    """Sparse votes on few rows: read in no time."""
    rng = np.random.default_rng(3)
    votes = np.where(rng.random((60, 1000)) < 0.02, rng.integers(0, 100, (60, 1000)), ABSTAIN).astype(np.int8)
    probs = probs_of(votes, 100)
    assert np.isfinite(probs).all()
    agreed = unanimous(votes)
    assert np.array_equal(probs.argmax(axis=1)[agreed], votes.max(axis=1)[agreed])


def steadfast() -> Steadfast:
    """Three functions whose votes for class 0 are weaker than the class balance."""
    tables = np.zeros((3, 3, 2))
    tables[:, 0, 0], tables[:, 1, 1] = 0.5, 2.0
    evidence = Evidence(tables, np.log([0.1, 0.9]), None, 0.5)
    return Steadfast(("a", "b"), ("f", "g", "h"), NearCopies.of((), 3), evidence, evidence)


def copied() -> Steadfast:
    """Three functions, the last of which has three copies."""
    tables = np.zeros((3, 3, 2))
    tables[:, 0, 0], tables[:, 1, 1] = 0.5, 2.0
    evidence = Evidence(tables, np.log([0.4, 0.6]), None, 0.5)
    return Steadfast(("a", "b"), tuple("fghijk"), NearCopies.of([(2, 3, 4, 5)], 6), evidence, evidence)


def test_copies_speak_with_one_voice() -> None:
    """That of most of them; one of four is heard just enough to break a tie, and two that differ are not."""
    alone = steadfast_probs([[0, 1, 0, 0, 0, 1], [0, 1, 0, -1, 0, -1]])
    np.testing.assert_allclose(alone[0], alone[1])
    lone, split = steadfast_probs([[-1, -1, -1, 0, -1, -1], [-1, -1, -1, 0, 1, -1]])
    assert lone.round(3).tolist() == [0.502, 0.498]
    np.testing.assert_allclose(split, [0.4, 0.6])


def test_what_copies_say_is_shared_among_those_who_say_it() -> None:
    """Start and contributions add up to the logarithm of the beliefs on all of their votes."""
    cells = np.random.default_rng(0).integers(-1, 2, (200, 6)).astype(np.int8)
    cells = cells[(cells >= 0).any(axis=1)]
    found = copied().contributions(cells)
    logits = found.start + found.values.sum(axis=1)
    again = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(again, copied().predict_votes(cells), atol=1e-9)


def steadfast_probs(rows: list[list[int]]) -> NDArray[np.float64]:
    return copied().predict_votes(np.array(rows, np.int8))


def test_a_unanimous_vote_outweighs_the_class_balance() -> None:
    """By a little; a divided one does not."""
    probs = steadfast().predict_votes(np.array([[0, -1, -1], [0, 0, 0], [0, 0, 1]], np.int8))
    assert probs[0].round(3).tolist() == probs[1].round(3).tolist() == [0.502, 0.498]
    assert probs[2, 1] > 0.9


def test_what_raises_a_unanimous_vote_is_shared_among_its_functions() -> None:
    """Start and contributions add up to the logarithm of the beliefs."""
    cells = np.array([[0, -1, -1], [0, 0, 0], [0, 0, 1], [1, -1, 1]], np.int8)
    found = steadfast().contributions(cells)
    logits = found.start + found.values.sum(axis=1)
    again = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(again, steadfast().predict_votes(cells), atol=1e-9)
    assert found.additive


def test_votes_that_repeat_one_another_are_averaged() -> None:
    """Half shared: four votes count as two."""
    evidence = Evidence(np.tile(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]), (4, 1, 1)), np.zeros(2), None, 0.5)
    cells = np.array([[0, 0, 0, 0], [0, -1, -1, -1]], np.int8)
    odds = evidence.posterior(cells)
    np.testing.assert_allclose(np.log(odds[:, 0] / odds[:, 1]), [2, 1])


def test_a_hundred_answers_never_hurt_much_and_help_in_the_mean() -> None:
    """On worlds with a misleading broad function."""
    gains = []
    for seed in range(6):
        votes, truth = world(seed=seed)
        known = GoldVotes(votes[:100], truth[:100])
        before, after = probs_of(votes, 3)[100:], probs_of(votes, 3, known)[100:]
        loss = [-np.log(probs[np.arange(len(probs)), truth[100:]]).mean() for probs in (before, after)]
        gains.append(loss[0] - loss[1])
    assert np.mean(gains) > 0
    assert min(gains) > -0.02


def test_a_parameter_of_another_shape_is_refused() -> None:
    """Whatever is missing, too large or no number."""
    arrays = steadfast().arrays()
    assert read_steadfast(("a", "b"), ("f", "g", "h"), arrays).evidence.sharing == 0.5
    for name in arrays:
        for damaged in (np.zeros(7), np.full_like(arrays[name], np.nan)):
            with pytest.raises(ValueError, match=r"^parameters must"):
                read_steadfast(("a", "b"), ("f", "g", "h"), {**arrays, name: damaged})
    with pytest.raises(ValueError, match=r"^parameters must have shapes"):
        read_steadfast(("a", "b"), ("f", "g"), arrays)


def test_votes_share_more_the_more_often_they_agree() -> None:
    """From half to all; where nobody meets, as where half of the pairs agree."""
    found = [sharing(agreed) for agreed in np.linspace(0, 1, 21)]
    assert found == sorted(found)
    assert found[0] == pytest.approx(0.5, abs=1e-4)
    assert found[-1] == pytest.approx(1, abs=1e-3)
    assert agreement((np.array([[0, -1], [-1, 1]], np.int8), np.array([50, 50])), 2) == 0.5
    assert agreement((np.array([[0, 0, 0]], np.int8), np.array([10_000])), 2) > 0.999


def test_a_few_records_cannot_make_a_function_worse_than_guessing() -> None:
    """Nine others contradict it on ten records: its votes tell less than those of others, but not the contrary."""
    votes = np.tile(np.array([[0, 0, 0, 0, 1]], np.int8), (10, 1))
    lift, balance = cautious_lift(distinct_rows(votes, None, 2), 2)
    assert lift[4, 1, 1] > 0
    assert lift[4, 1, 1] < lift[0, 0, 0] + np.log(balance[0] / balance[1])


def test_many_records_can() -> None:
    """On two thousand the same function is known to be wrong."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 2000)
    right = rng.random((2000, 6)) < np.array([0.9, 0.9, 0.9, 0.9, 0.9, 0.1])
    lift, _ = cautious_lift(
        distinct_rows(np.where(right, truth[:, None], 1 - truth[:, None]).astype(np.int8), None, 2), 2
    )
    assert (lift[5, [0, 1], [0, 1]] < 0).all()
    assert (lift[0, [0, 1], [0, 1]] > 0).all()


@pytest.mark.skipif(DATA is None, reason="LABELKIT_DATA names no folder with real matrices")
def test_targets_on_real_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mean accuracy, log loss, and no set much below majority vote, in protocol B."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent.parent / "benchmarks"))
    matrices = importlib.import_module("matrices")
    found, before = [], []
    for name in matrices.NAMES:
        data = matrices.real(name)
        covered = (data.votes >= 0).any(axis=1)
        votes, gold = data.votes[covered], data.gold[covered]
        probs = probs_of(votes, data.k)
        found.append((matrices.score(data.metric, gold, probs), matrices.log_loss(gold, probs)))
        before.append(matrices.score(data.metric, gold, majority_probs(votes, data.k)))
    scores, losses = np.array(found).T
    assert scores.mean() >= 71.0
    assert losses.mean() <= 0.70
    assert losses[:4].mean() <= 0.50
    assert (scores - before).min() >= -1.5
