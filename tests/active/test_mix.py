"""Strategies mixed by weights, and strategies of the user's own."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from labelkit.active import MIXED, STRATEGIES, QueueItem, in_order, is_code, select
from labelkit.active.handout import HandOut
from labelkit.active.mix import parse_mix
from labelkit.annotations import AnnotationStore
from labelkit.errors import MachineError, UsageError
from labelkit.label_models import MajorityLabelModel, Posterior
from labelkit.matrix import LabelMatrix

CLASSES = ("ham", "spam")
WITHOUT_LEARNER = [name for name, strategy in STRATEGIES.items() if not strategy.needs]


def project(n: int, seed: int = 0) -> tuple[Posterior, LabelMatrix]:
    """n records with votes of five functions at random; about a third of the records has none."""
    rng = np.random.default_rng(seed)
    cells = np.where(rng.random((n, 5)) < 0.2, rng.integers(0, 2, (n, 5)), -1).astype(np.int8)
    votes = LabelMatrix(cells, pa.array([f"r{i}" for i in range(n)]), tuple(f"f{j}" for j in range(5)), CLASSES)
    return MajorityLabelModel(CLASSES).predict_proba(votes), votes


WRITE = "write strategies like margin:0.7,random:0.3"
NO_MODULE = "No module named 'no_such_module'; is its folder in PYTHONPATH?"
SHAPE = "an array of shape () instead of one score for each of 2 records"


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ("margin:0.7,rndom:0.3", 'no strategy "rndom"; did you mean "random"?'),
        ("mixd", 'no strategy "mixd"; did you mean "mixed"?'),
        ("margin:x", f'strategy "margin:x": the weight "x" is no number above 0; {WRITE}'),
        ("margin:0,random", f'strategy "margin:0,random": the weight "0" is no number above 0; {WRITE}'),
        ("margin,margin:2", 'strategy "margin,margin:2": "margin" stands twice; give it one weight'),
        (
            "no_such_module.f",
            "strategy \"no_such_module.f\": No module named 'no_such_module'; is its folder in PYTHONPATH?",
        ),
        ("rare_strategies.nothing", 'strategy "rare_strategies.nothing": module "rare_strategies" has no "nothing"'),
        ("rare_strategies.not_a_function", 'strategy "rare_strategies.not_a_function": is no function'),
        ("rare_strategies.crashes", "strategy \"rare_strategies.crashes\" failed: KeyError: 'no such column'"),
        ("rare_strategies.one_number", f'strategy "rare_strategies.one_number" returned {SHAPE}'),
        (
            "rare_strategies.changes_its_input",
            'strategy "rare_strategies.changes_its_input" failed: ValueError: assignment destination is read-only',
        ),
    ],
)
def test_strategy_that_does_not_hold_is_said(strategy: str, message: str) -> None:
    """What is wrong, and what to write instead; code of the user fails by its own name."""
    votes = LabelMatrix.from_rows([[0, 1], [1, 1]], classes=CLASSES)
    posterior = MajorityLabelModel(CLASSES).predict_proba(votes)
    with pytest.raises(UsageError) as caught:
        select(posterior, votes, strategy=strategy)
    assert str(caught.value) == message


def test_mix_keeps_to_its_weights_from_the_first_question_on() -> None:
    """After any number of questions each strategy has had its share, to less than one question."""
    posterior, votes = project(2_000)
    items = select(posterior, votes, n=200, strategy="margin:0.7,random:0.2,uncovered:0.1")
    for asked in range(1, 201):
        counts = Counter(item.strategy for item in items[:asked])
        for name, weight in (("margin", 0.7), ("random", 0.2), ("uncovered", 0.1)):
            assert abs(counts[name] - weight * asked) <= 1
    assert len({item.record for item in items}) == 200


def test_hybrid_draws_half_of_the_first_twenty_at_random() -> None:
    """And one in twenty from then on; a session that goes on where another stopped keeps the count."""
    posterior, votes = project(2_000)
    items = select(posterior, votes, n=60, strategy="hybrid")
    drawn = [item.strategy == "random" for item in items]
    assert (sum(drawn[:10]), sum(drawn[:20]), sum(drawn[20:40]), sum(drawn[40:])) == (5, 10, 1, 1)
    later = select(posterior, votes, n=30, strategy="hybrid", exclude=[item.record for item in items[:10]])
    assert [sum(item.strategy == "random" for item in later[:n]) for n in (10, 30)] == [5, 6]


def test_hybrid_lets_learner_and_answers_ask_in_turn_after_the_first_twenty() -> None:
    """Before that the answers are too few to say what they leave open."""
    posterior, votes = project(2_000)
    asked = [item.strategy for item in select(posterior, votes, n=60, strategy="hybrid")]
    assert Counter(asked[:20]) == {"margin": 10, "random": 10}
    assert Counter(asked[20:]) == {"margin": 19, "answers": 19, "random": 2}


def test_each_item_says_which_strategy_asked_and_why() -> None:
    """The reason is that of the strategy, not of the mix."""
    posterior, votes = project(500)
    asked = select(posterior, votes, n=50, strategy=f"{MIXED},uncovered:0.1")
    reasons = {item.strategy: item.reason for item in asked}
    assert reasons["random"] == "drawn at random"
    assert reasons["uncovered"] == "nobody voted"
    assert "undecided between" in reasons["margin"]
    assert "say" in reasons["conflict"]


def test_mixed_keeps_records_that_nobody_voted_on_apart() -> None:
    """They are asked only by name."""
    assert {part.name for part in parse_mix("mixed")} == {"margin", "conflict", "random"}
    posterior, votes = project(300)
    covered = {record for record, voted in zip(votes.ids.to_pylist(), votes.covered.tolist(), strict=True) if voted}
    assert {item.record for item in select(posterior, votes, n=300, strategy="mixed")} == covered


def test_strategy_that_has_run_dry_leaves_its_share_to_the_others() -> None:
    """The queue ends when all of them have."""
    votes = LabelMatrix.from_rows([[0, 1], [1, 1], [0, 0], [-1, -1]], classes=CLASSES)
    posterior = MajorityLabelModel(CLASSES).predict_proba(votes)
    items = select(posterior, votes, n=9, strategy="conflict:0.9,random:0.1")
    assert [item.strategy for item in items] == ["conflict", "random", "random"]


@settings(deadline=None, max_examples=40)
@given(
    st.dictionaries(st.sampled_from(WITHOUT_LEARNER), st.floats(0.01, 10), min_size=1, max_size=4),
    st.integers(0, 60),
    st.integers(0, 3),
)
def test_mix_asks_every_record_once(weights: dict[str, float], n: int, seed: int) -> None:
    """A mix asks what its parts would, no record twice, and a shorter queue has as many as there are."""
    posterior, votes = project(40, seed)
    text = ",".join(f"{name}:{weight!r}" for name, weight in weights.items())
    everything = [item.record for item in in_order(posterior, votes, strategy=text, seed=seed)]
    some = select(posterior, votes, n=n, strategy=text, seed=seed)
    parts = [{i.record for i in select(posterior, votes, n=40, strategy=name)} for name in weights]
    assert len(set(everything)) == len(everything)
    assert set(everything) == set.union(*parts)
    assert len({item.record for item in some}) == len(some) == min(n, len(everything))


def test_strategy_of_the_user_ranks_by_its_scores() -> None:
    """The highest score first, NaN never; the reason names the function and the score."""
    votes = LabelMatrix.from_rows([[0], [0], [0], [-1]], classes=CLASSES, ids=["a", "b", "c", "d"])
    probs = np.array([[0.5, 0.5], [0.9, 0.1], [0.01, 0.99], [0.5, 0.5]])
    posterior = Posterior(probs, votes.covered, votes.ids, CLASSES)
    items = select(posterior, votes, strategy="rare_strategies.first_class_likely")
    assert [(i.record, i.score, i.reason) for i in items] == [
        ("b", 0.9, "scored 0.9 by first_class_likely"),
        ("a", 0.5, "scored 0.5 by first_class_likely"),
    ]
    assert {i.strategy for i in items} == {"rare_strategies.first_class_likely"}
    mixed = select(posterior, votes, strategy="rare_strategies.few_votes:0.5,uncovered:0.5")
    assert {i.record for i in mixed} == {"a", "b", "c", "d"}


def test_code_is_told_from_names() -> None:
    """A weight has a point too."""
    assert is_code("margin:0.7,mine.rare:0.3")
    assert not is_code("margin:0.7,random:0.3")


# Handing out


@pytest.fixture
def store(tmp_path: Path) -> AnnotationStore:
    return AnnotationStore.open(f"sqlite:///{tmp_path / 'annotations.db'}")


def items(n: int) -> Iterator[QueueItem]:
    for i in range(n):
        yield QueueItem(f"r{i}", "margin", 0.0, "", None, {})


def test_two_people_share_a_queue_in_order(store: AnnotationStore) -> None:
    """Each gets the next records that the other does not have, and together they get all."""
    ana, ben = HandOut(items(40), store.leases, "ana"), HandOut(items(40), store.leases, "ben")
    taken: dict[str, list[str]] = {"ana": [], "ben": []}
    for number, (who, hand) in enumerate(itertools.cycle([("ana", ana), ("ben", ben)])):
        item = next(hand, None)
        if item is None:
            break
        store.add(item.record, "ham", who, "", f"op-{number}")
        taken[who].append(item.record)
    rest = [item.record for item in itertools.chain(ana, ben)]
    assert sorted(taken["ana"] + taken["ben"] + rest) == sorted(f"r{i}" for i in range(40))
    for records in taken.values():
        assert records == sorted(records, key=lambda record: int(record[1:]))


def test_record_left_behind_comes_at_the_end(store: AnnotationStore) -> None:
    """A record somebody else held when its turn came is given when they have let it go."""
    assert store.leases.claim("ben", ["r0"]) == "r0"
    hand = HandOut(items(30), store.leases, "ana")
    first = next(hand)
    store.leases.release("ben", ["r0"])
    assert [item.record for item in itertools.chain([first], hand)] == [*(f"r{i}" for i in range(1, 30)), "r0"]


def test_long_stretch_that_is_done_is_passed_quickly(store: AnnotationStore) -> None:
    """Two thousand records that others hold are no obstacle."""
    held = [f"r{i}" for i in range(2_000)]
    assert len(store.leases.claim_some("ben", held, 2_000)) == 2_000
    assert next(HandOut(items(2_001), store.leases, "ana")).record == "r2000"


def test_failing_store_loses_no_record(store: AnnotationStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a claim fails, the next one goes on where it would have been; in the end nothing stays leased."""
    hand = HandOut(items(5), store.leases, "ana")
    taken = [next(hand).record for _ in range(3)]
    with monkeypatch.context() as trouble:
        trouble.setattr(store.leases, "claim_some", failing)
        for _ in range(2):
            with pytest.raises(MachineError):
                next(hand)
    taken += [item.record for item in hand]
    assert taken == ["r0", "r1", "r2", "r3", "r4"]
    assert set(store.leases.held()) == set(taken)
    hand.release()
    assert store.leases.held() == {}


def failing(*arguments: object, **options: object) -> list[str]:
    raise MachineError("the line went dead")


def test_no_more_records_are_leased_than_wanted(store: AnnotationStore) -> None:
    """Who is to answer one record keeps one from the others."""
    assert next(HandOut(items(5), store.leases, "ana", at_once=1)).record == "r0"
    assert set(store.leases.held()) == {"r0"}
    assert next(HandOut(items(5), store.leases, "ben")).record == "r1"
    assert set(store.leases.held()) == {"r0", "r1", "r2", "r3"}
