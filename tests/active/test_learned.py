"""Strategies that ask a learner: what modAL would pick, only sooner; and reasons that say who doubts."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given, settings, strategies as st

from labelkit.active import STRATEGIES, Learned, in_order, select
from labelkit.active.batches import farthest_first, ranked_batch
from labelkit.errors import UsageError
from labelkit.label_models import MajorityLabelModel, Posterior
from labelkit.matrix import LabelMatrix

CLASSES = ("ham", "spam")


def shares(rng: np.random.Generator, n: int, k: int = 2) -> np.ndarray[Any, np.dtype[np.float64]]:
    return rng.dirichlet(np.ones(k), n)


def modal_picks(features: Any, uncertainty: Any, asked: Any, n: int) -> list[int]:
    """What modAL's ranked batch picks."""
    from modAL.batch import ranked_batch as modal_ranked_batch

    class Learner:
        on_transformed = False
        X_training = asked if asked.shape[0] else None

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picks, _ = modal_ranked_batch(Learner(), features, uncertainty, n, "euclidean", None)
    return [int(pick) for pick in picks]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("asked", [0, 1, 30])
def test_ranked_batch_picks_what_modal_picks(seed: int, kind: str, asked: int) -> None:
    """The same records in the same order, from any start, from numbers and from sparse texts."""
    rng = np.random.default_rng(seed)
    features: Any = rng.normal(size=(400, 6))
    if kind == "sparse":
        features = sp.random(400, 60, density=0.1, format="csr", random_state=seed)
    if asked == 0 and kind == "sparse":
        features = features.toarray()  # modAL's cold start fails on sparse features
    uncertainty = 1 - shares(rng, 370, 3).max(axis=1)
    picks, scores = ranked_batch(features[30:], uncertainty, features[:asked], 25)
    assert picks.tolist() == modal_picks(features[30:], uncertainty, features[:asked], 25)
    assert len(scores) == 25


def test_diverse_batch_is_spread_out() -> None:
    """From each of ten heaps one record before any gives a second one."""
    rng = np.random.default_rng(0)
    heaps = np.repeat(rng.normal(size=(10, 5)) * 20, 30, axis=0)
    features = heaps + rng.normal(size=heaps.shape) * 0.1
    picks, distances = farthest_first(features, features[:0], 10)
    assert len(set((picks // 30).tolist())) == 10
    assert (np.diff(distances[1:]) <= 0).all()
    again, _ = farthest_first(features, features[picks[:9]], 1)
    assert again[0] // 30 == picks[9] // 30


def problem(n: int = 60, seed: int = 0, *, features: bool = True) -> tuple[Posterior, LabelMatrix, Learned]:
    """n records with votes at random, a third of them without any, and a learner with a mind of its own."""
    rng = np.random.default_rng(seed)
    cells = np.where(rng.random((n, 4)) < 0.25, rng.integers(0, 2, (n, 4)), -1).astype(np.int8)
    votes = LabelMatrix(cells, pa.array([f"r{i}" for i in range(n)]), ("a", "b", "c", "d"), CLASSES)
    learned = Learned(shares(rng, n), sp.random(n, 20, density=0.2, format="csr", random_state=seed))
    if not features:
        learned = Learned(learned.probs)
    return MajorityLabelModel(CLASSES).predict_proba(votes), votes, learned


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(list(STRATEGIES)), st.integers(1, 70), st.integers(0, 5), st.integers(0, 9))
def test_strategy_with_a_learner_asks_each_record_once(strategy: str, n: int, seed: int, asked: int) -> None:
    """As many as wanted or as there are, none of those asked before, and the same ones for the same seed."""
    posterior, votes, learned = problem(seed=seed)
    done = [f"r{i}" for i in range(asked)]
    options: dict[str, Any] = {"strategy": strategy, "learned": learned, "exclude": done, "seed": seed}
    everything = [item.record for item in in_order(posterior, votes, **options)]
    some = [item.record for item in select(posterior, votes, n=n, **options)]
    assert len(set(everything)) == len(everything)
    assert len(set(some)) == len(some) == min(n, len(everything))
    assert not {*some, *everything} & set(done)
    assert set(some) <= set(everything)
    assert some == [item.record for item in select(posterior, votes, n=n, **options)]


@pytest.mark.parametrize("strategy", ["margin", "entropy", "least_confidence"])
def test_uncertainty_is_the_learners(strategy: str) -> None:
    """The learner that is to be trained asks, and the reason says whose doubt it is."""
    posterior, votes, learned = problem()
    items = select(posterior, votes, strategy=strategy, learned=learned, n=5)
    rows = {record: row for row, record in enumerate(votes.ids.to_pylist())}
    margins = [abs(learned.probs[rows[item.record], 0] - 0.5) for item in items]
    assert margins == sorted(margins)
    assert margins[0] == min(abs(learned.probs[posterior.covered, 0] - 0.5))
    assert items[0].reason.startswith("the learner is undecided between ")
    likeliest = CLASSES[int(learned.probs[rows[items[0].record]].argmax())]
    assert items[0].suggestion == likeliest


def test_the_answers_alone_ask_about_what_they_leave_open() -> None:
    """Also about records that nobody voted on, whatever the learner makes of them; without a learner it is margin."""
    votes = LabelMatrix.from_rows([[0], [0], [-1]], classes=CLASSES, ids=["sure", "open", "unvoted"])
    posterior = Posterior(np.array([[0.6, 0.4], [0.9, 0.1], [0.5, 0.5]]), votes.covered, votes.ids, CLASSES)
    of_answers = np.array([[0.9, 0.1], [0.52, 0.48], [0.6, 0.4]])
    learned = Learned(np.array([[0.5, 0.5], [0.9, 0.1], [0.9, 0.1]]), of_answers=of_answers)
    items = select(posterior, votes, strategy="answers", learned=learned)
    assert [item.record for item in items] == ["open", "unvoted", "sure"]
    assert items[0].reason == "the answers alone leave it open: ham or spam (0.52 / 0.48)"
    assert items[0].suggestion == "ham"
    without = select(posterior, votes, strategy="answers")
    assert [item.record for item in without] == ["sure", "open"]
    assert without[0].reason == "undecided between ham and spam (0.60 / 0.40)"


def test_committee_asks_where_label_model_and_learner_disagree() -> None:
    """The largest divergence first; the reason names both opinions."""
    votes = LabelMatrix.from_rows([[0], [0], [0]], classes=CLASSES, ids=["same", "apart", "near"])
    posterior = Posterior(np.array([[0.9, 0.1]] * 3), votes.covered, votes.ids, CLASSES)
    learned = Learned(np.array([[0.9, 0.1], [0.05, 0.95], [0.7, 0.3]]))
    items = select(posterior, votes, strategy="committee", learned=learned)
    assert [item.record for item in items] == ["apart", "near", "same"]
    assert items[0].reason == "functions say ham (0.90), the learner says spam (0.95)"
    assert items[1].reason == "functions and learner say ham, 0.90 and 0.70 sure"
    mean = (posterior.probs[1] + learned.probs[1]) / 2
    divergences = [float((p * np.log(p / mean)).sum()) for p in (posterior.probs[1], learned.probs[1])]
    assert items[0].score == pytest.approx(max(divergences), rel=1e-6)


def test_search_for_the_rarest_class() -> None:
    """The class expected least often is looked for where it is likeliest, among records without votes too."""
    votes = LabelMatrix.from_rows([[0], [0], [-1], [0]], classes=CLASSES, ids=["a", "b", "c", "d"])
    posterior = Posterior(np.array([[0.9, 0.1], [0.6, 0.4], [0.5, 0.5], [0.8, 0.2]]), votes.covered, votes.ids, CLASSES)
    assert [i.record for i in select(posterior, votes, strategy="rare")] == ["b", "d", "a"]
    learned = Learned(np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.95, 0.05]]))
    items = select(posterior, votes, strategy="rare", learned=learned)
    assert [i.record for i in items] == ["c", "b", "a", "d"]
    assert items[0].reason == "may be spam, the rarest class (0.80)"


def test_records_nobody_voted_on_are_explored_by_what_the_learner_makes_of_them() -> None:
    """They stay a queue of their own, and say what the learner thinks."""
    posterior, votes, learned = problem()
    items = select(posterior, votes, strategy="uncovered", learned=learned, n=50)
    assert {i.record for i in items} == set(votes.ids.filter(pa.array(~posterior.covered)).to_pylist())
    assert all(i.reason.startswith("nobody voted; the learner ") for i in items)
    assert all(i.suggestion in CLASSES for i in items)


@pytest.mark.parametrize("strategy", ["ranked", "diverse"])
def test_batch_says_that_its_records_are_unlike_the_others(strategy: str) -> None:
    """Doubt and difference are both named."""
    posterior, votes, learned = problem()
    assert select(posterior, votes, strategy=strategy, learned=learned, n=1)[0].reason.endswith(
        "; unlike what was asked"
    )


@pytest.mark.parametrize(
    ("strategy", "learned", "message"),
    [
        ("committee", None, 'strategy "committee" asks a learner, and there is none'),
        ("margin:0.5,ranked:0.5", None, 'strategy "ranked" asks a learner, and there is none'),
        ("diverse", problem(features=False)[2], 'strategy "diverse" needs the features that the learner sees'),
        ("margin", Learned(np.ones((3, 2)) / 2), "the learner's probabilities are not of these records and classes"),
    ],
)
def test_what_a_learner_cannot_answer_is_said(strategy: str, learned: Learned | None, message: str) -> None:
    """Before anything is ranked."""
    posterior, votes, _ = problem()
    with pytest.raises(UsageError) as caught:
        select(posterior, votes, strategy=strategy, learned=learned)
    assert str(caught.value) == message
