"""Rows of votes that repeat."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from labelkit.matrix.repeats import few_different, row_hashes, row_words

rows = st.tuples(st.integers(1, 30), st.integers(0, 20)).flatmap(
    lambda shape: arrays(np.int8, shape, elements=st.integers(-2, 3))
)


@given(rows, st.integers(2, 5))
def test_each_row_is_equal_to_the_one_that_stands_for_it(once: NDArray[np.int8], times: int) -> None:
    """Of any width, no votes too."""
    cells = np.tile(once, (times, 1))
    found = few_different(cells)
    assert found is not None
    assert np.array_equal(cells[found[0]][found[1]], cells)
    assert len(set(found[0].tolist())) == len(found[0]) == found[1].max() + 1


def test_rows_that_share_a_slot_are_not_taken_for_one_another() -> None:
    """A thousand different rows, a hundred times each, in a table of some hundred thousand slots."""
    once = np.random.default_rng(0).integers(-1, 10, (1000, 13)).astype(np.int8)
    cells = np.random.default_rng(1).permutation(np.tile(once, (100, 1)))
    found = few_different(cells)
    assert found is not None
    assert np.array_equal(cells[found[0]][found[1]], cells)
    slots = row_hashes(row_words(once)) >> np.uint64(64 - len(cells).bit_length())
    assert len(np.unique(slots)) < len(np.unique(once, axis=0))  # or this shows nothing


def test_rows_that_hardly_repeat_are_left_alone() -> None:
    """Looking each up would cost more than it saves."""
    assert few_different(np.random.default_rng(0).integers(-1, 2, (500, 40)).astype(np.int8)) is None


@pytest.mark.parametrize("m", [1, 7, 8, 9, 16, 50])
def test_hashes_tell_rows_apart(m: int) -> None:
    """As many as there are different rows, whichever vote they differ in; also of columns cut from a wider matrix."""
    wide = np.random.default_rng(m).integers(-1, 10, (5000, m + 3)).astype(np.int8)
    hashes = row_hashes(row_words(wide[:, 2 : m + 2]))
    assert len(np.unique(hashes)) == len(np.unique(wide[:, 2 : m + 2], axis=0))
