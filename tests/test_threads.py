"""Work that threads share."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
from hypothesis import given, strategies as st

from labelkit import threads
from labelkit.label_models.lookup import table_posterior
from labelkit.matrix.counts import VoteCounts
from labelkit.threads import over_stretches


@pytest.fixture
def three_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    monkeypatch.setattr(threads, "WORTH", 1000)


@given(n=st.integers(0, 20), step=st.integers(1, 9))
def test_stretches_cover_every_row_once_and_start_at_steps(n: int, step: int) -> None:
    """However few the rows, none is worked on twice or left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 3)
        patch.setattr(threads, "WORTH", 2)
        found = over_stretches(lambda rows: rows, n, step)
    assert [row for rows in found for row in range(n)[rows]] == list(range(n))
    assert all(rows.start % step == 0 for rows in found)


@pytest.mark.usefixtures("three_threads")
def test_long_work_is_shared_and_work_inside_of_it_is_not() -> None:
    """Each stretch has a thread of its own; what a stretch calls does not start more of them."""
    inside: list[int] = []

    def work(_: slice) -> str:
        inside.append(len(over_stretches(len_of, 9000)))
        return threading.current_thread().name

    names = over_stretches(work, 9000)
    assert len(names) == 3
    assert threading.current_thread().name not in names
    assert inside == [1, 1, 1]


@pytest.mark.usefixtures("three_threads")
def test_an_error_in_a_thread_reaches_the_caller_and_later_work_is_shared_again() -> None:
    """A failed stretch does not leave the processors reserved."""
    with pytest.raises(ZeroDivisionError):
        over_stretches(lambda rows: 1 // rows.start, 9000)
    assert len(over_stretches(len_of, 9000)) == 3


@pytest.mark.parametrize(("m", "k"), [(5, 2), (40, 2), (40, 7)])
def test_counts_and_posteriors_do_not_depend_on_threads(m: int, k: int, request: pytest.FixtureRequest) -> None:
    """The same counts and the same bytes with one thread and with three; rows few, many, of sparse votes."""
    chance = np.random.default_rng(m)
    votes = np.where(chance.random((60_000, m)) < 0.3, chance.integers(0, k, (60_000, m)), -1).astype(np.int8)
    tables = np.log(chance.dirichlet(np.ones(k), (m, k + 1)))
    alone = VoteCounts.of(votes, k), table_posterior(votes, tables, np.zeros(k))
    request.getfixturevalue("three_threads")
    shared = VoteCounts.of(votes, k), table_posterior(votes, tables, np.zeros(k))
    assert shared[0] == alone[0]
    assert (shared[0].distinct is None) == (m == 40)
    assert np.array_equal(shared[0].pairs, alone[0].pairs)
    assert shared[1].tobytes() == alone[1].tobytes()


def len_of(rows: slice) -> int:
    return int(rows.stop - rows.start)
