"""Snorkel's label model: the same beliefs as Snorkel's own class, and what is said where it cannot be trusted."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from labelkit.errors import ModelError
from labelkit.label_models import MajorityLabelModel, Posterior, SnorkelLabelModel, reversals
from labelkit.matrix import ABSTAIN, FAULT, LabelMatrix

ROUNDING = 1e-5  # both fit in float32


def planted(n: int, m: int, k: int, seed: int, abstain: float = 0.6) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, (n, 1))
    rows = np.where(rng.random((n, m)) < rng.uniform(0.55, 0.9, m), truth, rng.integers(0, k, (n, m)))
    return np.where(rng.random((n, m)) < abstain, ABSTAIN, rows)


def snorkels(rows: NDArray[np.int64], k: int, seed: int) -> NDArray[np.float64]:
    """Snorkel's own class with its defaults, on one thread: with two busy ones torch waits more than it works."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from snorkel.labeling.model import LabelModel

        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            model = LabelModel(cardinality=k, verbose=False)
            model.fit(rows, seed=seed, progress_bar=False)
            return np.asarray(model.predict_proba(rows))
        finally:
            torch.set_num_threads(threads)


@pytest.mark.parametrize("seed", [0, 7, 123])
@pytest.mark.parametrize(
    ("n", "m", "k"), [(1, 3, 2), (10, 3, 2), (500, 5, 2), (1000, 12, 3), (300, 4, 7), (2000, 25, 2), (50, 40, 5)]
)
def test_beliefs_are_snorkels(n: int, m: int, k: int, seed: int) -> None:
    """With the same seed: equal to rounding wherever somebody voted, and the same labels."""
    rows = planted(n, m, k, seed)
    rows[0, :3] = [0, 1, 0]
    votes = LabelMatrix.from_rows(rows, classes=[f"c{c}" for c in range(k)])
    posterior = SnorkelLabelModel(votes.classes, seed=seed).fit(votes).predict_proba(votes)
    theirs, covered = snorkels(rows, k, seed), posterior.covered
    np.testing.assert_allclose(posterior.probs[covered], theirs[covered], atol=ROUNDING)
    clear = covered & (np.sort(theirs, axis=1)[:, -1] - np.sort(theirs, axis=1)[:, -2] > 2 * ROUNDING)
    assert (posterior.probs.argmax(axis=1) == theirs.argmax(axis=1))[clear].all()


def test_the_seed_matters_as_it_does_to_snorkel() -> None:
    """Another seed starts elsewhere and ends elsewhere."""
    rows = planted(200, 6, 3, seed=1)
    votes = LabelMatrix.from_rows(rows, classes=["a", "b", "c"])
    one, other = (SnorkelLabelModel(votes.classes, seed).fit(votes).predict_proba(votes).probs for seed in (1, 2))
    assert not np.array_equal(one, other)
    assert np.abs(one - other).max() == pytest.approx(
        np.abs(snorkels(rows, 3, 1) - snorkels(rows, 3, 2))[votes.covered].max(), abs=2 * ROUNDING
    )


def test_predicting_before_fitting_is_refused() -> None:
    """With what to do."""
    with pytest.raises(ModelError, match=r"^predict_proba needs a fitted model; call fit first$"):
        SnorkelLabelModel(["a", "b"]).predict_proba(LabelMatrix.from_rows([[0, 1, 1]]))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b"], "the label model knows 3 functions, the votes are of 2"),
        (["a", "b", "c", "d"], "the label model knows 3 functions, the votes are of 4"),
        (["b", "a", "c"], 'the label model knows "a", "b", "c", the votes are of "b", "a", "c"'),
        (["a", "b", "x"], 'the label model knows "a", "b", "c", the votes are of "a", "b", "x"'),
    ],
)
@pytest.mark.parametrize("defined", [True, False])
def test_votes_of_other_functions_are_refused(names: list[str], message: str, *, defined: bool) -> None:
    """More or fewer of them, others, or another order, also where majority vote took over."""
    rows = planted(50, 3, 2, seed=2) if defined else np.zeros((50, 3), np.int64)
    model = SnorkelLabelModel(["ham", "spam"]).fit(LabelMatrix.from_rows(rows, names=["a", "b", "c"]))
    other = LabelMatrix.from_rows(np.zeros((1, len(names)), np.int64), names=names)
    with pytest.raises(ModelError) as caught:
        model.predict_proba(other)
    assert str(caught.value) == message


def test_functions_that_are_only_numbered_fit_any() -> None:
    """Votes from elsewhere have no names."""
    rows = planted(50, 3, 2, seed=2)
    named, numbered = LabelMatrix.from_rows(rows, names=["a", "b", "c"]), LabelMatrix.from_rows(rows)
    probs = [
        SnorkelLabelModel(["ham", "spam"]).fit(one).predict_proba(other).probs
        for one, other in ((named, named), (named, numbered), (numbered, named))
    ]
    assert np.array_equal(probs[0], probs[1])
    assert np.array_equal(probs[0], probs[2])


def test_a_fit_that_did_not_settle_says_so() -> None:
    """A class per five hundred steps would be needed here; Snorkel makes a hundred."""
    rows = planted(300, 4, 7, seed=3)
    notes = SnorkelLabelModel([f"c{c}" for c in range(7)]).fit(LabelMatrix.from_rows(rows)).notes
    assert len(notes) == 1
    assert notes[0].startswith("Snorkel's optimiser stopped after its 100 steps before it settled: the loss still fell")


def test_notes_are_those_of_the_last_fit() -> None:
    """An earlier fall-back leaves no trace."""
    rows = planted(2000, 5, 2, seed=2, abstain=0.2)
    model = SnorkelLabelModel(["ham", "spam"]).fit(LabelMatrix.from_rows(np.zeros((3, 5), int)))
    assert "majority vote was used instead" in model.notes[0]
    model.fit(LabelMatrix.from_rows(rows))
    assert not any("majority vote" in note for note in model.notes)


def test_reversals_are_unanimous_records_with_another_label() -> None:
    """Counted: all voters agree, the model says otherwise. Not counted: disagreement, agreement with it, no vote."""
    votes = LabelMatrix.from_rows(
        [[0, 0, -1], [1, -1, -1], [0, 1, 0], [-1, -1, -1], [1, 1, 1], [FAULT, 0, -1], [FAULT, FAULT, FAULT]],
        classes=["ham", "spam"],
    )
    says = np.array([1, 0, 1, 1, 1, 1, 1])
    posterior = Posterior(np.eye(2)[says], votes.covered, votes.ids, votes.classes)
    assert reversals(votes, posterior) == 3
    assert reversals(votes, MajorityLabelModel(votes.classes).fit(votes).predict_proba(votes)) == 0


def test_majority_vote_is_snorkels() -> None:
    """Shares of the most voted classes, ties shared, as Snorkel's MajorityLabelVoter gives them."""
    from snorkel.labeling.model import MajorityLabelVoter

    for k in (2, 3, 9):
        rows = planted(300, 5, k, seed=k)
        votes = LabelMatrix.from_rows(rows, classes=[f"c{c}" for c in range(k)])
        ours = MajorityLabelModel(votes.classes).fit(votes).predict_proba(votes).probs
        assert np.array_equal(ours, MajorityLabelVoter(cardinality=k).predict_proba(rows))


def test_a_posterior_holds_together() -> None:
    """Probabilities, coverage, ids and classes of one size."""
    votes = LabelMatrix.from_rows([[0], [1]])
    good: dict[str, Any] = {
        "probs": np.array([[1.0, 0.0], [0.0, 1.0]]),
        "covered": np.array([True, True]),
        "ids": votes.ids,
        "classes": ("ham", "spam"),
    }
    assert Posterior(**good) != Posterior(**good)  # compared by identity, never element by element
    wrong: dict[str, Any] = {"probs": np.ones((2, 3)), "covered": np.ones(3, bool), "classes": ("a",), "ids": ["a"]}
    for name, value in wrong.items():
        with pytest.raises(ValueError, match="do not fit together"):
            Posterior(**{**good, name: value})
