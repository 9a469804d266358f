"""Which records a person is asked about, in which order and with what reason."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from labelkit.active import STRATEGIES, QueueItem, select
from labelkit.errors import UsageError, named
from labelkit.label_models import MajorityLabelModel, Posterior
from labelkit.matrix import FAULT, LabelMatrix

RANKING = ["margin", "entropy", "least_confidence"]
CLASSES = ("ham", "spam")
WITHOUT_LEARNER = [name for name, strategy in STRATEGIES.items() if not strategy.needs]


def asked(
    probs: list[list[float]],
    votes: list[list[int]] | None = None,
    classes: tuple[str, ...] = CLASSES,
    **options: Any,
) -> list[QueueItem]:
    """`select` on records r0, r1, ... that were all voted on unless `votes` says otherwise."""
    n = len(probs)
    ids = [f"r{i}" for i in range(n)]
    matrix = LabelMatrix.from_rows([[0]] * n if votes is None else votes, classes=classes, ids=ids)
    posterior = Posterior(np.array(probs, dtype=float), matrix.covered, matrix.ids, classes)
    return select(posterior, matrix, **options)


def records(items: list[QueueItem]) -> list[str]:
    return [item.record for item in items]


@pytest.mark.parametrize("strategy", RANKING)
def test_most_uncertain_record_comes_first(strategy: str) -> None:
    """With two classes all uncertainty strategies rank by the distance from one half."""
    items = asked([[0.9, 0.1], [0.55, 0.45], [0.0, 1.0], [0.3, 0.7]], strategy=strategy)
    assert records(items) == ["r1", "r3", "r0", "r2"]


def test_strategies_differ_where_they_should() -> None:
    """Margin looks at the two best classes, least confidence at the best one, entropy at all of them."""
    probs = [[0.5, 0.5, 0.0, 0.0], [0.4, 0.3, 0.3, 0.0], [0.45, 0.2, 0.2, 0.15]]
    classes = ("a", "b", "c", "d")
    first = {s: asked(probs, classes=classes, strategy=s, n=1)[0] for s in RANKING}
    assert {s: item.record for s, item in first.items()} == {"margin": "r0", "least_confidence": "r1", "entropy": "r2"}
    assert first["margin"].score == pytest.approx(0.0)
    assert first["least_confidence"].score == pytest.approx(0.6)
    assert first["entropy"].score == pytest.approx(-sum(p * np.log(p) for p in probs[2]))


@pytest.mark.parametrize(
    ("strategy", "probs", "reason", "suggestion"),
    [
        ("margin", [0.52, 0.48], "undecided between ham and spam (0.52 / 0.48)", "ham"),
        ("margin", [0.5, 0.5], "undecided between ham and spam (0.50 / 0.50)", None),
        ("entropy", [0.48, 0.52], "undecided between spam and ham (0.52 / 0.48)", "spam"),
        ("least_confidence", [0.1, 0.9], "leans to spam over ham (0.90 / 0.10)", "spam"),
        ("random", [0.1, 0.9], "drawn at random", "spam"),
    ],
)
def test_reason_is_true_and_in_words(strategy: str, probs: list[float], reason: str, suggestion: str | None) -> None:
    """The reason says undecided only of what is undecided, and an exact tie suggests nothing."""
    (item,) = asked([probs], strategy=strategy)
    assert (item.reason, item.suggestion, item.strategy) == (reason, suggestion, strategy)


def test_entropy_names_three_classes() -> None:
    """Of many classes the three most probable are named."""
    (item,) = asked([[0.1, 0.3, 0.35, 0.25]], classes=("a", "b", "c", "d"), strategy="entropy")
    assert item.reason == "undecided among c, b and d (0.35 / 0.30 / 0.25)"


def test_conflict_asks_where_functions_disagree_most() -> None:
    """Even splits come first, of even splits the one with more votes; agreement and single votes are not asked."""
    votes = [[0, 0, 1, -1], [0, 1, -1, -1], [0, 0, 1, 1], [1, 1, 1, 1], [0, -1, -1, -1], [-1, -1, -1, -1]]
    for seed in range(5):
        items = asked([[0.5, 0.5]] * 6, votes, strategy="conflict", seed=seed)
        assert records(items) == ["r2", "r1", "r0"]
    assert [item.reason for item in items] == [
        "2 functions say ham, 2 say spam",
        "1 function says ham, 1 says spam",
        "2 functions say ham, 1 says spam",
    ]


def test_conflict_names_the_larger_side_first() -> None:
    """Sides are told by size."""
    (item,) = asked([[0.3, 0.4, 0.3]], [[2, 2, 2, 0, 1, 0]], classes=("a", "b", "c"), strategy="conflict")
    assert item.reason == "3 functions say c, 2 say a, 1 says b"


def test_records_that_nobody_voted_on_are_a_queue_of_their_own() -> None:
    """`uncovered` asks for them and for nothing else; no other strategy does, uniform as they are."""
    votes = [[0, 1], [-1, -1], [0, 0], [-1, FAULT]]
    probs = [[0.6, 0.4], [0.5, 0.5], [0.9, 0.1], [0.5, 0.5]]
    for strategy in WITHOUT_LEARNER:
        items = asked(probs, votes, strategy=strategy)
        alone = {"r1", "r3"}
        if strategy == "uncovered":
            assert set(records(items)) == alone
            assert {(i.reason, i.suggestion, tuple(i.votes)) for i in items} == {("nobody voted", None, ())}
        else:
            assert not alone & set(records(items))


def test_votes_of_an_item_are_those_that_were_cast() -> None:
    """Abstains and faults are no votes."""
    matrix = LabelMatrix.from_rows([[0, -1, FAULT, 1]], names=["a", "b", "c", "d"], classes=CLASSES)
    posterior = Posterior(np.array([[0.5, 0.5]]), matrix.covered, matrix.ids, CLASSES)
    assert select(posterior, matrix)[0].votes == {"a": "ham", "d": "spam"}


@pytest.mark.parametrize("strategy", WITHOUT_LEARNER)
def test_excluded_records_are_not_asked(strategy: str) -> None:
    """What was answered already stays out, and a queue that runs dry is empty."""
    votes = [[0, 1]] * 6 + [[-1, -1]] * 2
    everything = set(records(asked([[0.6, 0.4]] * 8, votes, strategy=strategy)))
    some = frozenset(sorted(everything)[:1])
    assert set(records(asked([[0.6, 0.4]] * 8, votes, strategy=strategy, exclude=some))) == everything - some
    assert asked([[0.6, 0.4]] * 8, votes, strategy=strategy, exclude=everything) == []


def test_asking_for_none_gives_none() -> None:
    """n = 0 is an empty queue, and so is a project without records."""
    assert asked([[0.5, 0.5]], n=0) == []
    empty = LabelMatrix(np.empty((0, 1), np.int8), pa.array([], pa.string()), ("f",), CLASSES)
    posterior = Posterior(np.empty((0, 2)), empty.covered, empty.ids, CLASSES)
    assert [select(posterior, empty, strategy=s) for s in WITHOUT_LEARNER] == [[]] * len(WITHOUT_LEARNER)


@pytest.mark.parametrize("strategy", WITHOUT_LEARNER)
def test_ties_do_not_follow_record_order(strategy: str) -> None:
    """Of equal records each is picked equally often over seeds, and one seed always picks the same ones."""
    votes = [[-1, -1]] * 40 if strategy == "uncovered" else [[0, 1]] * 40
    picks = Counter[str]()
    for seed in range(400):
        items = records(asked([[0.5, 0.5]] * 40, votes, n=10, strategy=strategy, seed=seed))
        assert items == records(asked([[0.5, 0.5]] * 40, votes, n=10, strategy=strategy, seed=seed))
        picks.update(items)
    assert len(picks) == 40
    assert min(picks.values()) > 60  # 100 expected; 60 is beyond four standard deviations
    assert max(picks.values()) < 140


def test_equal_up_to_rounding_is_a_tie() -> None:
    """0.1 + 0.2 and 0.3 are the same probability: the seed decides, not the last bit."""
    probs = [[0.7, 0.3], [1 - (0.1 + 0.2), 0.1 + 0.2]]
    firsts = {asked(probs, n=1, seed=seed)[0].record for seed in range(30)}
    assert firsts == {"r0", "r1"}


def test_global_random_state_is_left_alone() -> None:
    """Randomness comes from the seed only."""
    np.random.seed(1)
    for strategy in WITHOUT_LEARNER:
        asked([[0.5, 0.5]] * 10, [[0, 1]] * 10, strategy=strategy)
    assert np.random.random() == np.random.RandomState(1).random()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "margins"}, 'no strategy "margins"; did you mean "margin"?'),
        ({"strategy": "zzz"}, f'no strategy "zzz"; known are {named([*STRATEGIES, "mixed", "hybrid"])}'),
        ({"n": -1}, "n is how many records to ask, not -1"),
    ],
)
def test_what_cannot_be_asked_is_said(options: dict[str, Any], message: str) -> None:
    """An unknown strategy names the nearest one."""
    with pytest.raises(UsageError) as caught:
        asked([[0.5, 0.5]], **options)
    assert str(caught.value) == message


def test_posterior_of_other_votes_is_refused() -> None:
    """Records are never matched by position across different sets."""
    matrix = LabelMatrix.from_rows([[0], [1]], classes=CLASSES, ids=["a", "b"])
    half = np.full((2, 2), 0.5)
    others = [
        Posterior(half, matrix.covered, pa.array(["b", "a"]), CLASSES),
        Posterior(half, matrix.covered, matrix.ids, ("spam", "ham")),
        Posterior(half[:1], matrix.covered[:1], matrix.ids[:1], CLASSES),
    ]
    for posterior in others:
        with pytest.raises(UsageError) as caught:
            select(posterior, matrix)
        assert str(caught.value) == "the posterior is not of these votes: their records or classes differ"


def test_posterior_that_is_not_a_number_is_refused() -> None:
    """NaN does not rank."""
    with pytest.raises(UsageError) as caught:
        asked([[float("nan"), 0.5]])
    assert str(caught.value) == "the posterior holds values that are no probabilities"


def test_bare_numbers_as_classes_fit_any_names() -> None:
    """Votes made from a plain array get the names of the model."""
    votes = LabelMatrix.from_rows([[0, 1], [1, 1]])
    posterior = MajorityLabelModel(CLASSES).fit(votes).predict_proba(votes)
    assert select(posterior, votes, n=1)[0].votes == {"lf_0": "ham", "lf_1": "spam"}


@st.composite
def problems(draw: st.DrawFn) -> tuple[LabelMatrix, Posterior]:
    n, m, k = draw(st.integers(1, 12)), draw(st.integers(1, 5)), draw(st.integers(2, 4))
    cells = draw(st.lists(st.lists(st.integers(-2, k - 1), min_size=m, max_size=m), min_size=n, max_size=n))
    votes = LabelMatrix.from_rows(cells, classes=[f"c{c}" for c in range(k)])
    return votes, MajorityLabelModel(votes.classes).predict_proba(votes)


@settings(deadline=None)
@given(problems(), st.sampled_from(WITHOUT_LEARNER), st.integers(0, 15), st.integers(0, 5))
def test_queue_holds_the_best_of_the_pool(
    problem: tuple[LabelMatrix, Posterior], strategy: str, n: int, seed: int
) -> None:
    """No record twice, in order of score, none better left out, and never more than asked for."""
    votes, posterior = problem
    everything = select(posterior, votes, n=100, strategy=strategy, seed=seed)
    some = select(posterior, votes, n=n, strategy=strategy, seed=seed)
    assert len(set(records(everything))) == len(everything)
    assert len(some) == min(n, len(everything))
    assert set(records(some)) <= set(records(everything))
    scores = [item.score for item in everything]
    assert scores == sorted(scores, reverse=strategy not in {"margin", "answers"})
    assert [item.score for item in some] == scores[: len(some)]


@settings(deadline=None)
@given(problems(), st.integers(0, 5))
def test_conflict_is_where_two_votes_differ(problem: tuple[LabelMatrix, Posterior], seed: int) -> None:
    """The conflict queue is exactly the records with two different votes; `uncovered` exactly those with none."""
    votes, posterior = problem
    conflict = {i.record for i in select(posterior, votes, n=100, strategy="conflict", seed=seed)}
    uncovered = {i.record for i in select(posterior, votes, n=100, strategy="uncovered", seed=seed)}
    rows = dict(zip(votes.ids.to_pylist(), votes.votes.tolist(), strict=True))
    assert conflict == {record for record, row in rows.items() if len({v for v in row if v >= 0}) > 1}
    assert uncovered == {record for record, row in rows.items() if max(row) < 0}


def test_many_records_take_no_noticeable_time() -> None:
    """Work is done on arrays: all strategies on a hundred thousand records within seconds."""
    import time

    n = 100_000
    rng = np.random.default_rng(0)
    cells = np.where(rng.random((n, 15)) < 0.2, rng.integers(0, 2, (n, 15)), -1).astype(np.int8)
    votes = LabelMatrix(cells, pa.array([f"r{i}" for i in range(n)]), tuple(f"f{j}" for j in range(15)), CLASSES)
    posterior = MajorityLabelModel(CLASSES).predict_proba(votes)
    select(posterior, votes)  # loads modAL
    start = time.perf_counter()
    for strategy in WITHOUT_LEARNER:
        assert len(select(posterior, votes, n=50, strategy=strategy)) == 50
    assert time.perf_counter() - start < 3


def test_importing_active_loads_neither_modal_nor_sklearn() -> None:
    """They come with the first uncertainty query, and without a warning."""
    code = (
        "import sys, labelkit.active as a\n"
        "assert not {'modAL', 'sklearn', 'torch'} & set(sys.modules)\n"
        "from labelkit.matrix import LabelMatrix\n"
        "from labelkit.label_models import MajorityLabelModel\n"
        "votes = LabelMatrix.from_rows([[0, 1]])\n"
        "a.select(MajorityLabelModel(['x', 'y']).predict_proba(votes), votes)\n"
        "assert 'modAL' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_queue_shows_as_a_table_in_a_notebook() -> None:
    """Nothing that comes from data becomes markup or steers anything."""
    evil = "<script>alert('x')</script>\u202e"
    votes = LabelMatrix.from_rows([[0, 1]], ids=[evil], names=[evil, "b"], classes=[evil, "spam"])
    queue = select(Posterior(np.array([[0.6, 0.4]]), votes.covered, votes.ids, votes.classes), votes)
    html = queue._repr_html_()
    assert "<script" not in html
    assert "\u202e" not in html
    assert html.count("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;\\u202e") == 5
    assert isinstance(queue, list)
