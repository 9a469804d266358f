"""Flips of labels and their causes, on votes made by hand and by chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from labelkit.matrix import ABSTAIN, FAULT
from labelkit.pipeline.flips import NOBODY, Cause, Half, Predict, disagreements, find_flips, in_conflict, labels_of

F, G, H = "f", "g", "h"


def weighted(*weights: float, k: int = 3) -> Predict:
    """A model that adds up the functions' weights by class."""

    def predict(cells: NDArray[np.int8]) -> NDArray[np.float64]:
        scores = np.stack([((cells == c) * np.array(weights)).sum(axis=1) for c in range(k)], axis=1)
        powers = np.exp(scores)
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    return predict


def half(
    rows: list[list[int]], predict: Predict, names: tuple[str, ...] = (F, G, H), people: dict[int, int] | None = None
) -> Half:
    """One side whose labels are what its model says, but for what people settled."""
    votes = np.array(rows, dtype=np.int8)
    labels = labels_of(predict, votes)
    human = np.zeros(len(votes), dtype=bool)
    for row, label in (people or {}).items():
        labels[row], human[row] = label, True
    return Half(votes, names, labels, human, predict)


EVEN = weighted(1, 1.1, 1.2)


def causes(before: Half, after: Half) -> dict[int, Cause]:
    """Record -> what flipped its label."""
    found = find_flips(before, after)
    return {int(row): found.causes[cause] for row, cause in zip(found.rows, found.cause, strict=True)}


def test_the_function_whose_new_vote_flips_the_label_is_named() -> None:
    """One function votes otherwise, and that is why."""
    found = causes(half([[0, 1, -1], [0, 1, -1]], EVEN), half([[0, 0, -1], [0, 1, -1]], EVEN))
    assert found == {0: Cause("function", (G,))}


def test_a_vote_that_changes_nothing_is_not_blamed() -> None:
    """Two functions vote otherwise; only the one whose vote alone flips the label is named."""
    old, new = half([[0, 0, 1]], weighted(1, 1, 9)), half([[1, 0, 0]], weighted(1, 1, 9))
    assert causes(old, new) == {0: Cause("function", (H,))}


def test_each_of_several_functions_may_be_enough() -> None:
    """Either of two new votes alone flips the label: both are named."""
    old, new = half([[1, -1, -1]], weighted(1, 5, 5)), half([[1, 0, 0]], weighted(1, 5, 5))
    assert causes(old, new) == {0: Cause("function", (G, H))}


def test_functions_that_flip_only_together_are_named_together() -> None:
    """Neither new vote is enough by itself, both are."""
    old, new = half([[1, 1, 0]], weighted(1, 1, 0.5)), half([[0, 0, 0]], weighted(1, 1, 0.5))
    assert causes(old, new) == {0: Cause("function", (F, G))}
    old, new = half([[1, 1, 1]], weighted(1, 1, 1)), half([[0, 0, 1]], weighted(1, 1, 1))
    assert causes(old, new) == {0: Cause("function", (F, G))}  # taking either back undoes it
    old, new = (
        half([[1, 1, 1, 1, 1]], weighted(1, 1, 1, 1, 1), tuple("abcde")),
        half([[0, 0, 0, 0, 1]], weighted(1, 1, 1, 1, 1), tuple("abcde")),
    )
    assert causes(old, new) == {0: Cause("together", ("a", "b", "c", "d"))}


def test_weights_alone_flip_labels_too() -> None:
    """Nobody votes otherwise, but the model trusts others: it is the model."""
    old, new = half([[0, 1, -1]], weighted(2, 1, 1)), half([[0, 1, -1]], weighted(1, 2, 1))
    assert causes(old, new) == {0: Cause("model", ())}


def test_the_function_that_weighs_otherwise_is_named() -> None:
    """Nobody votes otherwise; the function whose evidence grew most is named, or none where it was the prior."""

    def weighing(*weights: float, prior: float = 0.0) -> Half:
        def weigh(cells: NDArray[np.int8]) -> NDArray[np.float64]:
            own = np.stack([(cells == c) * np.array(weights) for c in range(2)], axis=2)
            return np.concatenate([own, np.broadcast_to([0.0, prior], (len(cells), 1, 2))], axis=1)

        def predict(cells: NDArray[np.int8]) -> NDArray[np.float64]:
            powers = np.exp(weigh(cells).sum(axis=1))
            return np.asarray(powers / powers.sum(axis=1, keepdims=True))

        return replace(half([[0, 1, 1]], predict), weigh=weigh)

    assert causes(weighing(3, 1, 1), weighing(3, 1.5, 4)) == {0: Cause("model", (H,))}
    assert causes(weighing(3, 1, 1), weighing(1, 1, 1.5)) == {0: Cause("model", (F,))}  # it lost what spoke against
    assert causes(weighing(3, 1, 1), weighing(3, 1, 1, prior=5)) == {0: Cause("model", ())}


def test_people_flip_labels() -> None:
    """Where people settled a label before or after, no function is blamed."""
    votes = [[0, -1, -1], [0, -1, -1], [0, -1, -1]]
    old, new = half(votes, EVEN, people={1: 1}), half([[0, -1, 1], [0, -1, -1], [0, -1, -1]], EVEN, people={0: 2})
    assert causes(old, new) == {0: Cause("people", ()), 1: Cause("people", ())}


def test_a_new_function_is_blamed_for_the_label_that_it_brings() -> None:
    """A function that was not there before: without its vote the label would be what it was."""
    old = half([[0, 1], [-1, -1]], weighted(1, 1.1), (F, G))
    new = half([[0, 1, 0], [-1, -1, 2]], weighted(1, 1.1, 5))
    assert causes(old, new) == {0: Cause("function", (H,)), 1: Cause("function", (H,))}
    assert old.labels.tolist() == [1, NOBODY]


def test_a_removed_function_is_blamed_for_the_label_that_it_takes() -> None:
    """A function that is gone: the model of before says so without its vote."""
    old, new = half([[0, 1, -1], [-1, 1, -1]], EVEN), half([[0, -1], [-1, -1]], weighted(1, 1.2), (F, H))
    assert causes(old, new) == {0: Cause("function", (G,)), 1: Cause("function", (G,))}


def test_functions_are_matched_by_name() -> None:
    """The order of functions is no change."""
    old, new = half([[0, 1, -1]], EVEN), half([[-1, 1, 0]], weighted(1.2, 1.1, 1), (H, G, F))
    assert causes(old, new) == {}


def test_a_fault_counts_as_silence() -> None:
    """A function that fails where it was silent changes nothing; one that failed and now votes does."""
    old = half([[0, FAULT, -1], [0, -1, -1]], weighted(1, 5, 1))
    new = half([[0, 1, -1], [0, FAULT, -1]], weighted(1, 5, 1))
    assert causes(old, new) == {0: Cause("function", (G,))}


def test_the_largest_cause_comes_first() -> None:
    """Causes are ordered by flips."""
    old = half([[0, -1, -1]] * 5, EVEN)
    new = half([[0, 1, -1], [0, -1, 1], [0, -1, 1], [0, -1, 1], [0, -1, -1]], EVEN)
    found = find_flips(old, new)
    assert found.causes == (Cause("function", (H,)), Cause("function", (G,)))
    assert found.cause.tolist() == [1, 0, 0, 0]


cells = st.lists(st.lists(st.integers(FAULT, 2), min_size=3, max_size=3), min_size=1, max_size=12)


@settings(max_examples=100, deadline=None)
@given(cells, st.data())
def test_every_flip_has_one_cause_that_holds(rows: list[list[int]], data: st.DataObject) -> None:
    """Law: every flipped record is in exactly one group, and each function of a group of kind function passes the test
    of its definition."""
    other = data.draw(
        st.lists(st.lists(st.integers(FAULT, 2), min_size=3, max_size=3), min_size=len(rows), max_size=len(rows))
    )
    one, two = weighted(1, 1.1, 2.3), weighted(1.4, 1.1, 0.3)
    old, new = half(rows, one), half(other, two)
    found = find_flips(old, new)
    assert found.rows.tolist() == np.flatnonzero(old.labels != new.labels).tolist()
    assert len(found.cause) == len(found.rows)
    for row, cause in zip(found.rows, (found.causes[i] for i in found.cause), strict=True):
        for name in cause.functions if cause.kind == "function" else ():
            j = (F, G, H).index(name)
            forth, back = old.votes[[row]].copy(), new.votes[[row]].copy()
            forth[:, j], back[:, j] = new.votes[row, j], old.votes[row, j]
            first = labels_of(old.predict, np.maximum(forth, ABSTAIN))[0] == new.labels[row]
            assert first or labels_of(new.predict, np.maximum(back, ABSTAIN))[0] == old.labels[row]
        if cause.kind == "model":
            assert not cause.functions


@settings(max_examples=50, deadline=None)
@given(cells)
def test_conflicts_are_what_pairs_say(rows: list[list[int]]) -> None:
    """Law: a record is in conflict exactly when two of its functions vote for different classes."""
    votes = np.array(rows, dtype=np.int8)
    expected = [len({vote for vote in row if vote >= 0}) > 1 for row in rows]
    assert in_conflict(votes).tolist() == expected
    pairs = disagreements(votes, 3)
    assert (pairs == pairs.T).all()
    for i in range(3):
        for j in range(3):
            assert pairs[i, j] == sum(row[i] != row[j] and row[i] >= 0 and row[j] >= 0 for row in rows)


def test_nothing_to_compare_is_no_flip() -> None:
    """No records, no functions: no flips, no conflicts."""
    empty = Half(np.empty((0, 0), np.int8), (), np.empty(0, np.int64), np.empty(0, bool), weighted(k=2))
    assert find_flips(empty, empty).causes == ()
    assert in_conflict(np.empty((2, 0), np.int8)).tolist() == [False, False]


def test_a_million_records_take_seconds() -> None:
    """Half a million flips among a million records of 20 functions are explained in seconds."""
    import time

    rng = np.random.default_rng(0)
    votes = rng.integers(-1, 3, (1_000_000, 20), dtype=np.int8)
    after = votes.copy()
    after[:, 3] = rng.integers(-1, 3, len(votes), dtype=np.int8)
    names = tuple(f"lf_{j}" for j in range(20))
    predict = table_model(20)
    old = Half(votes, names, labels_of(predict, votes), np.zeros(len(votes), bool), predict)
    new = Half(after, names, labels_of(predict, after), np.zeros(len(votes), bool), predict)
    started = time.process_time()
    found = find_flips(old, new)
    spent = time.process_time() - started
    assert {cause.functions for cause in found.causes} == {("lf_3",)}
    assert spent < 10


def table_model(m: int) -> Predict:
    """An additive label model as labelkit has them."""
    from labelkit.label_models.lookup import table_posterior

    tables = np.zeros((m, 4, 3))
    tables[:, :3] = np.eye(3) * np.linspace(0.5, 1.5, m)[:, None, None]
    return lambda cells: table_posterior(cells, tables, np.zeros(3))
