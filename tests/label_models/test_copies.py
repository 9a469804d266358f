"""Near-copies of functions are found, and nothing else is taken for one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from labelkit.label_models.copies import copied, copies_from, near_copies, without_copies
from labelkit.matrix import ABSTAIN
from labelkit.matrix.counts import VoteCounts


def independent(n: int = 3000, m: int = 6, k: int = 2, right: float = 0.8, cast: float = 0.6) -> NDArray[np.int8]:
    """Votes of functions that have nothing in common but the truth."""
    rng = np.random.default_rng(1)
    truth = rng.integers(0, k, n)
    votes = np.where(rng.random((n, m)) < right, truth[:, None], rng.integers(0, k, (n, m)))
    return np.where(rng.random((n, m)) < cast, votes, ABSTAIN).astype(np.int8)


def redrawn(column: NDArray[np.int8], share: float, seed: int) -> NDArray[np.int8]:
    """The same votes, a share of the records with votes drawn anew from all of the column."""
    rng, copy = np.random.default_rng(seed), column.copy()
    here = np.flatnonzero(rng.random(len(column)) < share)
    copy[here] = rng.choice(column, len(here))
    return copy


@pytest.mark.parametrize(("right", "k"), [(0.6, 2), (0.8, 2), (0.5, 5), (0.9, 5)])
def test_functions_that_share_the_truth_alone_are_no_copies(right: float, k: int) -> None:
    """However good they are, and whether or not they abstain."""
    for cast in (0.3, 1.0):
        assert near_copies(VoteCounts.of(independent(right=right, k=k, cast=cast), k)).groups == ()


def test_two_good_functions_among_bad_ones_are_no_copies() -> None:
    """Nobody else knows what they agree on."""
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 1500)
    right = rng.random((1500, 7)) < np.array([0.95, 0.9, 0.6, 0.6, 0.55, 0.55, 0.55])
    votes = np.where(right, truth[:, None], 1 - truth[:, None]).astype(np.int8)
    assert near_copies(VoteCounts.of(votes, 2)).groups == ()


def test_good_detectors_of_one_class_are_no_copies() -> None:
    """Each fires on two thirds of the records of the class and on few others, independently."""
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 2, 4000)
    fires = rng.random((4000, 5)) < np.where(truth == 1, 0.65, 0.05)[:, None]
    other = np.where(rng.random((4000, 2)) < np.where(truth == 0, 0.5, 0.1)[:, None], 0, ABSTAIN)
    votes = np.c_[np.where(fires, 1, ABSTAIN), other].astype(np.int8)
    assert near_copies(VoteCounts.of(votes, 2)).groups == ()


@pytest.mark.parametrize("share", [0.0, 0.1])
@pytest.mark.parametrize("sided", [False, True])
def test_copies_are_found_though_a_tenth_of_their_votes_is_drawn_anew(share: float, *, sided: bool) -> None:
    """Four copies of one function, among functions that are none."""
    votes = independent(right=0.6)
    if sided:
        votes = np.where(votes == np.arange(6) % 2, votes, ABSTAIN).astype(np.int8)
    copies = np.stack([redrawn(votes[:, 2], share, seed) for seed in range(4)], axis=1)
    found = near_copies(VoteCounts.of(np.c_[votes, copies], 2))
    assert found.groups == ((2, 6, 7, 8, 9),)
    assert found.weights.tolist() == [1, 1, 0.2, 1, 1, 1, 0.2, 0.2, 0.2, 0.2]
    assert found.named(tuple("abcdefghij")) == (("c", "g", "h", "i", "j"),)


def test_two_votes_in_common_make_no_copy() -> None:
    """Chance does that, too."""
    votes = np.full((200, 3), ABSTAIN, np.int8)
    votes[:2, :2] = 1
    votes[5:, 2] = 0
    assert near_copies(VoteCounts.of(votes, 2)).groups == ()


def test_a_group_votes_as_most_of_it() -> None:
    """Where half of it votes, and not where it is split."""
    votes = independent()
    found = near_copies(VoteCounts.of(np.c_[votes, votes[:, :1], votes[:, :1]], 2))
    rows = np.array([[0, -1, -1, -1, -1, -1, 0, 1], [1, 0, 0, 0, 0, 0, -1, -1]], np.int8)
    cells = without_copies(rows, found, 2)
    assert found.groups == ((0, 6, 7),)
    assert found.column.tolist() == [0, 1, 2, 3, 4, 5, 0, 0]
    assert copies_from(found.column).groups == found.groups
    assert cells.tolist() == [[0, -1, -1, -1, -1, -1], [-1, 0, 0, 0, 0, 0]]


@given(hnp.arrays(np.int8, st.tuples(st.integers(0, 12), st.integers(0, 7)), elements=st.integers(-2, 2)))
@settings(max_examples=100, deadline=None)
def test_any_votes_have_groups_and_weights(votes: NDArray[np.int8]) -> None:
    """Symmetric and at most one; no function in two groups; weights of a group sum to one."""
    counts = VoteCounts.of(votes, 3)
    alike, found = copied(counts), near_copies(counts)
    assert np.array_equal(alike, alike.T)
    assert np.isfinite(alike).all()
    assert (alike <= 1).all()
    members = [j for group in found.groups for j in group]
    assert len(members) == len(set(members))
    for group in found.groups:
        assert len(group) > 1
        assert found.weights[list(group)].sum() == pytest.approx(1)
        assert (votes[:, list(group)] >= 0).any(axis=0).all()


def test_a_thousand_functions_take_no_time() -> None:
    """All copies of ten."""
    votes = independent(n=500, m=10, right=0.7)
    found = near_copies(VoteCounts.of(np.tile(votes, 100), 2))
    assert [len(group) for group in found.groups] == [100] * 10
