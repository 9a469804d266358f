"""Laws of the label models on generated matrices with known truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from labelkit.errors import ModelError
from labelkit.label_models import GoldVotes, LabelModel, SnorkelLabelModel, make_model
from labelkit.label_models.additive import Evidence, unanimous
from labelkit.label_models.answers import with_answers
from labelkit.label_models.lookup import table_posterior
from labelkit.label_models.storage import LABEL_MODELS
from labelkit.matrix import ABSTAIN, LabelMatrix, counts
from labelkit.matrix.counts import VoteCounts

OTHERS = [name for name in LABEL_MODELS if name != "snorkel"]


def generated(rng: np.random.Generator) -> tuple[NDArray[np.int8], NDArray[np.int64], int]:
    """Votes of functions of any quality, one-sided ones and copies among them, and the truth."""
    n, m, k = int(rng.integers(1, 120)), int(rng.integers(1, 12)), int(rng.integers(2, 5))
    truth = rng.choice(k, n, p=rng.dirichlet(np.full(k, 2.0)))
    votes = np.full((n, m), ABSTAIN, np.int8)
    for j in range(m):
        fires, right = rng.random(n) < rng.uniform(0.05, 1), rng.random(n) < rng.uniform(0.2, 1)
        cast = np.where(right, truth, rng.integers(0, k, n))
        if rng.random() < 0.4:  # votes for one class only
            fires &= cast == rng.integers(0, k)
        votes[fires, j] = cast[fires]
        if j and rng.random() < 0.2:
            votes[:, j] = votes[:, j - 1]
    return votes, truth, k


def model_for(name: str, k: int) -> LabelModel:
    return make_model(name, [f"c{c}" for c in range(k)], 0)


@pytest.mark.parametrize("name", [name for name in OTHERS if name != "auto"])  # which is one of them
def test_a_unanimous_vote_is_never_turned_round(name: str) -> None:
    """On a thousand generated matrices for each model; Snorkel's model alone may do that, and it is counted."""
    rng = np.random.default_rng(1)
    for _ in range(1000):
        votes, _, k = generated(rng)
        probs = model_for(name, k).fit(VoteCounts.of(votes, k)).predict_votes(votes)
        agreed = unanimous(votes)
        top = probs.max(axis=1, keepdims=True)
        assert np.array_equal(votes.max(axis=1)[agreed], probs.argmax(axis=1)[agreed])
        assert ((probs == top).sum(axis=1)[agreed] == 1).all()


@pytest.mark.parametrize("name", LABEL_MODELS)
def test_beliefs_are_beliefs_on_any_generated_matrix(name: str) -> None:
    """Finite and summing to one, with answers and without, on hundreds of matrices."""
    rng = np.random.default_rng(2)
    for _ in range(250):
        votes, truth, k = generated(rng)
        asked = rng.random(len(truth)) < 0.2
        for gold in (None, GoldVotes(votes[asked], truth[asked])):
            probs = model_for(name, k).fit(VoteCounts.of(votes, k), gold).predict_votes(votes)
            assert np.isfinite(probs).all()
            np.testing.assert_allclose(probs.sum(axis=1), 1, atol=1e-9)
            assert (probs[(votes < 0).all(axis=1)] == 1 / k).all()


@pytest.mark.parametrize("name", ["weighted", "dawid_skene", "pooled"])
def test_better_functions_count_more(name: str) -> None:
    """Where functions differ in quality, the model beats majority vote on the mean of thirty matrices."""
    rng, gains = np.random.default_rng(3), []
    for _ in range(30):
        truth = rng.integers(0, 2, 1500)
        right = rng.random((1500, 7)) < np.array([0.95, 0.9, 0.6, 0.6, 0.55, 0.55, 0.55])
        votes = np.where(right, truth[:, None], 1 - truth[:, None]).astype(np.int8)
        votes[rng.random(votes.shape) < 0.2] = ABSTAIN
        labels = [
            model_for(model, 2).fit(VoteCounts.of(votes, 2)).predict_votes(votes).argmax(axis=1)
            for model in (name, "majority")
        ]
        gains.append((labels[0] == truth).mean() - (labels[1] == truth).mean())
    assert np.mean(gains) > 0.05
    assert min(gains) > 0


@pytest.mark.parametrize("name", LABEL_MODELS)
def test_a_hundred_answers_help_where_the_votes_mislead(name: str) -> None:
    """Two functions that are mostly wrong are found out."""
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 2, 2000)
    right = rng.random((2000, 5)) < np.array([0.85, 0.8, 0.2, 0.25, 0.3])
    votes = np.where(right, truth[:, None], 1 - truth[:, None]).astype(np.int8)
    votes[rng.random(votes.shape) < 0.3] = ABSTAIN
    known = GoldVotes(votes[:100], truth[:100])
    found = [model_for(name, 2).fit(VoteCounts.of(votes, 2), gold).predict_votes(votes[100:]) for gold in (None, known)]
    before, after = ((probs.argmax(axis=1) == truth[100:]).mean() for probs in found)
    assert after > before + 0.05
    assert after > 0.8


@pytest.mark.parametrize("name", OTHERS)
def test_answers_may_turn_a_unanimous_vote_round(name: str) -> None:
    """When people say that a function is always wrong, its lone votes are for the other class."""
    votes = np.tile(np.array([[0, -1, -1], [1, 1, 0], [-1, 0, 0], [-1, 1, 1]], np.int8), (50, 1))
    lone = np.array([[0, -1, -1]], np.int8)
    known = GoldVotes(np.repeat(lone, 60, axis=0), np.ones(60, np.int64))
    assert model_for(name, 2).fit(VoteCounts.of(votes, 2)).predict_votes(lone).argmax() == 0
    assert model_for(name, 2).fit(VoteCounts.of(votes, 2), known).predict_votes(lone).argmax() == 1


@pytest.mark.parametrize("name", LABEL_MODELS)
def test_contributions_add_up_where_the_model_is_additive(name: str) -> None:
    """Start plus contributions is the logarithm of the probabilities; a plain majority vote says it is not so."""
    rng = np.random.default_rng(5)
    for answered in (False, True):
        votes, truth, k = generated(rng)
        matrix = LabelMatrix.from_rows(votes, classes=[f"c{c}" for c in range(k)])
        gold = np.where(rng.random(len(truth)) < 0.5, truth, -1) if answered else None
        model = model_for(name, k).fit(matrix, gold)
        found, probs = model.contributions(matrix), model.predict_votes(votes)
        assert found.values.shape == (*votes.shape, k)
        assert (found.values[votes < 0] == 0).all()
        if not found.additive:
            assert name == "majority" or any("majority vote" in note for note in model.notes)
            continue
        logits = found.start + found.values.sum(axis=1)
        again = np.exp(logits - logits.max(axis=1, keepdims=True))
        covered = (votes >= 0).any(axis=1)
        np.testing.assert_allclose((again / again.sum(axis=1, keepdims=True))[covered], probs[covered], atol=1e-9)


def test_leaving_a_vote_out_of_a_majority_vote() -> None:
    """One of three agreeing votes changes nothing, a lone vote everything."""
    matrix = LabelMatrix.from_rows([[1, 1, 1], [0, -1, -1], [0, 1, -1]])
    found = model_for("majority", 2).fit(LabelMatrix.from_rows([[1, 1, 1]], classes=["c0", "c1"])).contributions(matrix)
    assert not found.additive
    assert found.values[:, 0].tolist() == [[0, 0], [0.5, -0.5], [0.5, -0.5]]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_tables_of_several_functions_are_sums(data: st.DataObject) -> None:
    """Whatever the numbers: the same as adding one table after the other."""
    m, k, n = data.draw(st.integers(1, 30)), data.draw(st.integers(2, 6)), data.draw(st.integers(1, 6))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    tables = rng.normal(0, data.draw(st.sampled_from([0.1, 3.0, 40.0])), (m, k + 1, k))
    tables[:, k] = 0
    prior = rng.normal(0, 2, k)
    cells = data.draw(hnp.arrays(np.int8, (n, m), elements=st.integers(-1, k - 1)))
    logits = prior + tables[np.arange(m), cells].sum(axis=1)
    expected = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    expected[(cells < 0).all(axis=1)] = 1 / k
    np.testing.assert_allclose(table_posterior(cells, tables, prior), expected, atol=1e-9)


def test_many_strong_votes_neither_overflow_nor_vanish() -> None:
    """A thousand votes for one class and a thousand and one for the other: the one that is more decides."""
    tables = np.zeros((2001, 3, 2))
    tables[:, [0, 1], [0, 1]] = 13.0
    cells = np.repeat(np.array([[0, 1]], np.int8), [1000, 1001], axis=1)
    probs = table_posterior(cells, tables, np.log([0.5, 0.5]))
    np.testing.assert_allclose(probs, [[1 / (1 + np.exp(13)), 1 / (1 + np.exp(-13))]], rtol=1e-6)


def test_answers_on_records_without_votes_change_nothing() -> None:
    """They say nothing about the functions."""
    evidence = Evidence(np.zeros((2, 3, 2)), np.log([0.5, 0.5]))
    silent = GoldVotes(np.full((5, 2), ABSTAIN, np.int8), np.ones(5, np.int64))
    assert with_answers(evidence, silent) is evidence


def test_counts_without_rows_will_not_do_for_dawid_and_skene(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so; the votes themselves still fit."""
    monkeypatch.setattr(counts, "MAX_DISTINCT", 3)
    votes, _, k = generated(np.random.default_rng(8))
    with pytest.raises(ModelError, match=r"^Dawid and Skene's model needs the votes themselves: counts keep at most"):
        model_for("dawid_skene", k).fit(VoteCounts.of(votes, k))
    model_for("dawid_skene", k).fit(LabelMatrix.from_rows(votes, classes=[f"c{c}" for c in range(k)]))


def test_more_votes_than_can_be_paired(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand functions and a hundred classes: majority vote or equal weights, and a note; never a huge matrix."""
    rng = np.random.default_rng(9)
    votes = np.where(rng.random((60, 1000)) < 0.02, rng.integers(0, 100, (60, 1000)), ABSTAIN).astype(np.int8)
    monkeypatch.setattr(counts, "MAX_DISTINCT", 10)
    counted = VoteCounts.of(votes, 100)
    assert counted == VoteCounts.of(votes[:30], 100) + VoteCounts.of(votes[30:], 100)
    shares = model_for("majority", 100).predict_votes(votes)
    for name in ("snorkel", "weighted"):
        model = model_for(name, 100).fit(counted)
        chosen = model.predict_votes(votes).argmax(axis=1)
        assert (shares[np.arange(60), chosen] > 0).all()
        assert len(model.notes) == 1


def test_gold_beside_counts_must_be_votes() -> None:
    """Which records were counted is not known."""
    counted = VoteCounts.of(np.array([[0, 1, 0]], np.int8), 2)
    with pytest.raises(ValueError, match=r"^gold for counts must be GoldVotes"):
        SnorkelLabelModel(["a", "b"]).fit(counted, [0])
    for cells, truth in (([[0, 1]], [0]), ([[0, 1, 0]], [2]), ([[0, 1, 0]], [-1])):
        with pytest.raises(ValueError, match=r"^gold must be"):
            SnorkelLabelModel(["a", "b"]).fit(counted, GoldVotes(np.array(cells, np.int8), np.array(truth)))
