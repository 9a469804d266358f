"""What is particular to the mean of label models: the mean, the guard, and members that are undefined."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from labelkit.label_models import EnsembleLabelModel, LabelModel, make_model
from labelkit.label_models.additive import unanimous
from labelkit.label_models.ensemble import MEMBERS
from labelkit.matrix import ABSTAIN, LabelMatrix
from labelkit.matrix.counts import VoteCounts

CLASSES = ["a", "b", "c"]


def votes_of(n: int = 500, seed: int = 0) -> NDArray[np.int8]:
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    votes = np.where(rng.random((n, 7)) < 0.7, truth[:, None], rng.integers(0, 3, (n, 7)))
    votes[rng.random((n, 7)) < 0.6] = ABSTAIN
    return votes.astype(np.int8)


def fitted(name: str, votes: NDArray[np.int8]) -> LabelModel:
    return make_model(name, CLASSES, 3).fit(VoteCounts.of(votes, 3))


def test_the_mean_is_that_of_log_probabilities() -> None:
    """Of the three label models fitted by themselves with the same seed, where votes differ."""
    votes = votes_of()
    logs = np.mean([np.log(fitted(name, votes).predict_votes(votes)) for name in MEMBERS], axis=0)
    expected = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    split = ~unanimous(votes)
    np.testing.assert_allclose(fitted("ensemble", votes).predict_votes(votes)[split], expected[split], atol=1e-12)


def test_where_snorkels_model_turns_a_unanimous_vote_round_pooled_votes_are_taken() -> None:
    """A function that the others nearly always contradict votes alone: the mean is against it, pooled votes are not."""
    votes = votes_of(3000)
    contradicted = (votes[:, 1].clip(0) + 1) % 3
    votes[:, 0] = np.where(np.arange(3000) % 2 == 0, contradicted, ABSTAIN)
    votes[:100, 1:] = ABSTAIN
    probs, pooled = (fitted(name, votes).predict_votes(votes) for name in ("ensemble", "pooled"))
    logs = np.mean([np.log(fitted(name, votes).predict_votes(votes)) for name in MEMBERS], axis=0)
    agreed = unanimous(votes)
    turned = agreed & (logs.argmax(axis=1) != votes.max(axis=1))
    assert turned.any()
    assert np.array_equal(probs[turned], pooled[turned])
    assert np.array_equal(probs.argmax(axis=1)[agreed], votes.max(axis=1)[agreed])


def test_a_member_that_is_undefined_has_no_part() -> None:
    """Two functions are too few for Snorkel's model: the mean is of the other two, and a note says so."""
    model = EnsembleLabelModel(CLASSES).fit(LabelMatrix.from_rows(votes_of()[:, :2]))
    assert model.notes[-1] == "the mean is that of pooled and dawid_skene: snorkel is undefined here"
    assert {name.partition(".")[0] for name in model.state()[1]} == {"pooled", "dawid_skene"}


@pytest.mark.parametrize("members", [("snorkel", "dawid_skene"), ("pooled", "other"), ()])
def test_parameters_of_other_models_are_refused(members: tuple[str, ...]) -> None:
    """Pooled votes are always among them, and nothing that labelkit has not put there."""
    about, arrays = EnsembleLabelModel(CLASSES).fit(LabelMatrix.from_rows(votes_of())).state()
    kept = {f"{name}.{key.partition('.')[2]}": array for name in members for key, array in arrays.items()}
    with pytest.raises(ValueError, match=r"^parameters must be those of pooled, snorkel, dawid_skene$"):
        EnsembleLabelModel.from_state(about, kept)
