"""The class balance that answers suggest, drawn towards even shares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from labelkit.label_models.snorkel import smoothed_balance


@given(counts=st.lists(st.integers(0, 1000), min_size=2, max_size=6))
def test_balance_lies_between_the_answers_and_even(counts: list[int]) -> None:
    """It sums to one, leaves no class out, keeps the order of the classes, and counts little at first."""
    k, total = len(counts), sum(counts)
    truth = np.repeat(np.arange(k), counts)
    balance = smoothed_balance(np.concatenate([truth, [-1, -1]]), k)
    assert balance.sum() == pytest.approx(1)
    assert (balance > 0).all()
    for c, count in enumerate(counts):
        share = count / total if total else 1 / k
        assert min(share, 1 / k) - 1e-12 <= balance[c] <= max(share, 1 / k) + 1e-12
        assert abs(balance[c] - 1 / k) <= total / (total + 100) + 1e-12
    assert (np.argsort(balance, kind="stable") == np.argsort(counts, kind="stable")).all()


def test_no_answers_leave_the_balance_even() -> None:
    """Nothing known, nothing assumed."""
    assert smoothed_balance(np.array([], dtype=np.int64), 4).tolist() == [0.25] * 4
