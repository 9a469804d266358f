"""Counts of votes: whole numbers that do not depend on how the records were cut into chunks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from labelkit.matrix import FAULT, counts, pairs
from labelkit.matrix.counts import VoteCounts

K = 3
matrices = st.tuples(st.integers(0, 40), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.int8, shape, elements=st.integers(FAULT, K - 1))
)


def pairs_by_hand(votes: NDArray[np.int8], k: int) -> NDArray[np.int64]:
    """One row after the other, one vote after the other."""
    m = votes.shape[1]
    pairs = np.zeros((m * k, m * k), np.int64)
    for row in votes.tolist():
        cast = [j * k + vote for j, vote in enumerate(row) if vote >= 0]
        for a in cast:
            for b in cast:
                pairs[a, b] += 1
    return pairs


def random_votes(n: int, m: int, k: int, coverage: float, seed: int = 0) -> NDArray[np.int8]:
    rng = np.random.default_rng(seed)
    return np.where(rng.random((n, m)) < coverage, rng.integers(0, k, (n, m)), -1).astype(np.int8)


@given(matrices)
def test_pairs_are_the_pairs_that_met(votes: NDArray[np.int8]) -> None:
    """Every pair of votes on a record is counted once, faults and abstains never."""
    assert np.array_equal(VoteCounts.of(votes, K).pairs, pairs_by_hand(votes, K))


@given(matrices, st.lists(st.integers(0, 40), max_size=4), st.sampled_from([0, 3, 10, 1000]))
def test_chunks_do_not_matter(votes: NDArray[np.int8], cuts: list[int], keep: int) -> None:
    """Counting chunk by chunk, and adding counts of chunks, give the same counts as all at once."""
    bounds = [0, *sorted(min(cut, len(votes)) for cut in cuts), len(votes)]
    chunks = [votes[a:b] for a, b in itertools.pairwise(bounds)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts, "MAX_DISTINCT", keep)
        patch.setattr(counts, "CHUNK", 7)
        whole = VoteCounts.of(votes, K)
        added = summed = VoteCounts.empty(votes.shape[1], K)
        for chunk in chunks:
            added = added.add(chunk)
            summed = VoteCounts.of(chunk, K) + summed
    assert whole == added == summed
    assert np.array_equal(whole.pairs, pairs_by_hand(votes, K))
    assert whole.n == len(votes)


@given(matrices)
def test_distinct_rows_are_those_of_numpy(votes: NDArray[np.int8]) -> None:
    """Distinct rows come in lexicographic order with how often each occurs."""
    found = VoteCounts.of(votes, K).distinct
    rows, times = np.unique(np.maximum(votes, -1), axis=0, return_counts=True)
    assert found is not None
    assert np.array_equal(found[0], rows)
    assert np.array_equal(found[1], times)


@pytest.mark.parametrize(("m", "k"), [(15, 2), (60, 2), (33, 126), (200, 5)])
@pytest.mark.parametrize("coverage", [0.02, 0.9])
def test_wide_matrices_are_counted_exactly(m: int, k: int, coverage: float) -> None:
    """Sparse and dense votes, one word or many of them, with and without distinct rows: the same numbers."""
    votes = random_votes(150, m, k, coverage)
    votes[75:] = votes[:75]
    expected = pairs_by_hand(votes, k)
    kept = VoteCounts.of(votes, k)
    assert kept.distinct is not None
    assert np.array_equal(kept.distinct[0], np.unique(votes, axis=0))
    assert np.array_equal(kept.pairs, expected)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts, "MAX_DISTINCT", 0)
        dropped = VoteCounts.of(votes, k)
    assert dropped.distinct is None
    assert np.array_equal(dropped.pairs, expected)


@given(matrices, st.integers(1, 9), st.booleans())
def test_both_ways_of_counting_pairs_agree(votes: NDArray[np.int8], at_once: int, repeated: bool) -> None:
    """By matrix product and one by one, in portions however small, each row once or often."""
    times = np.arange(len(votes)) + 2**40 if repeated else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "CELLS", at_once)
        patch.setattr(pairs, "AT_ONCE", at_once)
        one_by_one = pairs._one_by_one(votes, times, K)
    assert np.array_equal(one_by_one, pairs._by_product(votes, times, K))
    if times is None:
        assert np.array_equal(one_by_one, pairs_by_hand(votes, K))


@pytest.mark.parametrize("coverage", [0.03, 0.6])
def test_many_records_are_counted_exactly(coverage: float) -> None:
    """Beyond one chunk and beyond the distinct rows that are kept, counts stay those of whole numbers."""
    votes = random_votes(120_000, 30, 2, coverage)
    one_hot = (votes[:, :, None] == np.arange(2)).reshape(len(votes), -1).astype(np.float64)
    assert np.array_equal(VoteCounts.of(votes, 2).pairs, (one_hot.T @ one_hot).astype(np.int64))


@settings(max_examples=20)
@given(matrices)
def test_counting_leaves_the_votes_alone(votes: NDArray[np.int8]) -> None:
    """Neither the votes nor the counts that others are added to change."""
    before = votes.copy()
    base = VoteCounts.of(votes, K)
    pairs = base.pairs.copy()
    base.add(votes)
    assert np.array_equal(votes, before)
    assert np.array_equal(base.pairs, pairs)
    assert base.n == len(votes)


def test_what_is_no_vote_is_refused() -> None:
    """Another type, another shape or a class that does not exist is an error that says which."""
    base = VoteCounts.empty(2, K)
    with pytest.raises(ValueError, match=r"^votes must be below 3, the number of classes, not 3$"):
        base.add(np.array([[0, 3]], np.int8))
    with pytest.raises(ValueError, match=r"^votes must be int8 of 2 functions, not int64 of shape \(1, 2\)$"):
        base.add(np.array([[0, 1]]))
    with pytest.raises(ValueError, match=r"^votes must be int8 of 2 functions, not int8 of shape \(1, 3\)$"):
        base.add(np.array([[0, 1, 1]], np.int8))
    with pytest.raises(ValueError, match=r"^votes must be int8 of two dimensions, not int8 of shape \(2,\)$"):
        VoteCounts.of(np.array([0, 1], np.int8), K)
    with pytest.raises(ValueError, match=r"^counts of 2 functions and 3 classes do not add to counts of 1 functions"):
        base + VoteCounts.empty(1, K)
