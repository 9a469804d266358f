"""The table of functions: Snorkel's figures, the laws they obey, and how they are shown."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from labelkit.label_models import lf_summary
from labelkit.matrix import FAULT, LabelMatrix, LFSummary, wilson_interval, worse_than_chance

K = 3
SNORKELS_COLUMNS = ["Polarity", "Coverage", "Overlaps", "Conflicts", "Correct", "Incorrect", "Emp. Acc."]


def matrices(lowest: int = -1) -> st.SearchStrategy[NDArray[np.int64]]:
    shapes = st.tuples(st.integers(1, 12), st.integers(1, 5))
    return shapes.flatmap(lambda shape: hnp.arrays(np.int64, shape, elements=st.integers(lowest, K - 1)))


def summary_of(rows: Any, gold: Any = None) -> LFSummary:
    return lf_summary(LabelMatrix.from_rows(rows, classes=["a", "b", "c"]), gold)


def snorkels_summary(rows: NDArray[np.int64], gold: NDArray[np.int64] | None = None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from snorkel.labeling import LFAnalysis

        return LFAnalysis(rows).lf_summary(gold)


@given(rows=matrices(), data=st.data())
@settings(max_examples=150, deadline=None)
def test_figures_are_snorkels(rows: NDArray[np.int64], data: st.DataObject) -> None:
    """Every column that Snorkel's lf_summary has is the same here, on any votes and any gold."""
    gold = data.draw(hnp.arrays(np.int64, len(rows), elements=st.integers(0, K - 1)))
    ours, theirs = summary_of(rows, gold).to_pandas(), snorkels_summary(rows, gold)
    assert list(theirs.columns) == SNORKELS_COLUMNS
    assert ours["Polarity"].tolist() == theirs["Polarity"].tolist()
    for column in SNORKELS_COLUMNS[1:]:
        np.testing.assert_allclose(ours[column].to_numpy(), theirs[column].to_numpy(), atol=1e-12, err_msg=column)


@given(rows=matrices())
@settings(max_examples=50, deadline=None)
def test_figures_without_gold_are_snorkels(rows: NDArray[np.int64]) -> None:
    """Without gold the columns end at Conflicts, as Snorkel's do."""
    ours, theirs = summary_of(rows).to_pandas(), snorkels_summary(rows)
    assert list(ours.columns) == ["j", *theirs.columns, "Faults", "Copies"]
    for column in ("Coverage", "Overlaps", "Conflicts"):
        np.testing.assert_allclose(ours[column].to_numpy(), theirs[column].to_numpy(), atol=1e-12)


@given(rows=matrices(lowest=FAULT), data=st.data())
def test_shares_are_ordered(rows: NDArray[np.int64], data: st.DataObject) -> None:
    """Conflicts are overlaps, overlaps are votes, and correct and incorrect votes are votes on known records."""
    gold = data.draw(hnp.arrays(np.int64, len(rows), elements=st.integers(-1, K - 1)))
    for figures in summary_of(rows, gold):
        assert 0 <= figures.conflicts <= figures.overlaps <= figures.coverage <= 1
        assert figures.correct is not None
        assert figures.incorrect is not None
        assert figures.correct + figures.incorrect <= round(figures.coverage * len(rows))
        if figures.accuracy is not None and figures.interval is not None:
            assert figures.interval[0] <= figures.accuracy <= figures.interval[1]


@given(rows=matrices(lowest=FAULT))
def test_a_fault_is_never_an_abstain(rows: NDArray[np.int64]) -> None:
    """Faults are counted as faults; for every other figure the cell is as if nobody had voted."""
    with_faults, without = summary_of(rows), summary_of(np.maximum(rows, -1))
    assert [f.faults for f in with_faults] == (rows == FAULT).sum(axis=0).tolist()
    assert [f.faults for f in without] == [0] * rows.shape[1]
    assert [(f.coverage, f.overlaps, f.conflicts, f.polarity) for f in with_faults] == [
        (f.coverage, f.overlaps, f.conflicts, f.polarity) for f in without
    ]


def test_unknown_gold_counts_for_nothing() -> None:
    """Records whose gold is -1 make no vote right or wrong."""
    figures = summary_of([[0], [1], [1]], gold=[0, -1, -1]).rows[0]
    assert (figures.correct, figures.incorrect, figures.accuracy) == (1, 0, 1.0)


def test_nothing_judged_has_no_accuracy() -> None:
    """A function without a vote on a known record has no accuracy, and no interval that would hide it."""
    figures = summary_of([[-1, 0], [-1, 1]], gold=[0, -1]).rows[0]
    assert (figures.correct, figures.incorrect, figures.accuracy, figures.interval) == (0, 0, None, None)


@pytest.mark.parametrize("rows", [np.empty((0, 2), int), np.empty((3, 0), int), np.empty((0, 0), int)])
def test_empty_matrices_have_figures(rows: NDArray[np.int64]) -> None:
    """No records or no functions: shares are zero, and nothing fails."""
    summary = summary_of(rows, gold=np.zeros(len(rows), int))
    assert [(f.coverage, f.faults, f.polarity) for f in summary] == [(0.0, 0, ())] * rows.shape[1]


@pytest.mark.parametrize("gold", [[0], [[0], [1]], [0, 3], [0, -2], [0.5, 1.0], [0.0, float("nan")], ["a", "b"]])
def test_gold_that_does_not_fit_is_refused(gold: Any) -> None:
    """Gold is one class index per record, or -1."""
    with pytest.raises(ValueError, match=r"^gold must be \(2,\) whole numbers from -1 to 2$"):
        summary_of([[0], [1]], gold=gold)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        # Published: Newcombe, Statistics in Medicine 17 (1998), table I, method 3, 95 %
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_is_the_published_one(hits: int, trials: int, low: float, high: float) -> None:
    """The four worked examples of Newcombe 1998."""
    assert wilson_interval(hits, trials) == pytest.approx((low, high), abs=5e-5)


@given(trials=st.integers(1, 10_000), data=st.data())
def test_wilson_interval_holds_the_share(trials: int, data: st.DataObject) -> None:
    """The interval lies in [0, 1], holds the share, and mirrors when hits and misses change places."""
    hits = data.draw(st.integers(0, trials))
    low, high = wilson_interval(hits, trials)
    assert 0 <= low <= hits / trials <= high <= 1
    assert wilson_interval(trials - hits, trials) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@pytest.mark.parametrize(("hits", "trials"), [(0, 0), (-1, 3), (4, 3)])
def test_wilson_interval_needs_trials(hits: int, trials: int) -> None:
    """No trials, or more hits than trials, is no proportion."""
    with pytest.raises(ValueError, match=f"^{hits} of {trials} is no proportion$"):
        wilson_interval(hits, trials)


def test_text_table() -> None:
    """The printed table, to the character; a figure that nobody knows is left empty."""
    votes = LabelMatrix.from_rows(
        [[0, -1, -1, FAULT], [1, 1, -1, 0], [-1, -1, -1, FAULT], [0, 1, -1, -1]],
        names=["short", "link", "silent", "\x1b[2J"],
        classes=["ham", "spam"],
    )
    assert str(lf_summary(votes, gold=[0, 1, 1, -1])) == (
        "         j  Polarity  Coverage  Overlaps  Conflicts  Correct  Incorrect  Emp. Acc.  95 % interval  Faults\n"
        "short    0    [0, 1]     0.750     0.500      0.500        2          0      1.000   0.34 to 1.00       0\n"
        "link     1       [1]     0.500     0.500      0.500        1          0      1.000   0.21 to 1.00       0\n"
        "silent   2        []     0.000     0.000      0.000        0          0                                 0\n"
        "\\x1b[2J  3       [0]     0.250     0.250      0.250        0          1      0.000   0.00 to 0.79       2"
    )


def test_frame_has_snorkels_columns_first() -> None:
    """The pandas frame is indexed by function, Snorkel's columns in Snorkel's order, then ours."""
    frame = summary_of([[0, 1], [1, -1]], gold=[0, 0]).to_pandas()
    ours = ["Acc. Low", "Acc. High", "Acc. by Chance", "Worse", "Faults", "Copies"]
    assert list(frame.columns) == ["j", *SNORKELS_COLUMNS, *ours]
    assert list(frame.index) == ["lf_0", "lf_1"]
    assert frame["j"].tolist() == [0, 1]


def planted(n: int = 400) -> tuple[LabelMatrix, NDArray[np.int64]]:
    """Four functions, the second of them mostly wrong, and the first once more; and the truth."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, n)
    right = rng.random((n, 4)) < [0.8, 0.25, 0.75, 0.7]
    rows = np.where(right, truth[:, None], 1 - truth[:, None])
    rows[rng.random(rows.shape) < 0.4] = -1
    return LabelMatrix.from_rows(np.c_[rows, rows[:, 0]], names=["good", "bad", "fair", "poor", "again"]), truth


def test_near_copies_and_functions_worse_than_chance_are_remarked() -> None:
    """By name, in a column that is there only when there is something to say."""
    votes, truth = planted()
    summary = lf_summary(votes, gold=truth)
    assert [row.remark for row in summary] == ["copies again", "worse than chance", "", "", "copies good"]
    assert summary.header[-1] == "Remarks"
    assert summary.cells()[1][-1] == "worse than chance"
    assert lf_summary(votes).rows[1].remark == ""
    alone = LabelMatrix.from_rows(votes.votes[:, 2:4])
    assert lf_summary(alone, gold=truth).header[-1] == "Faults"


def test_a_few_unlucky_answers_are_no_proof() -> None:
    """A function that errs four times in ten answers may still be a good one; twice in a hundred right is none."""
    assert not worse_than_chance(1, 5, by_chance=0.5, known=30)
    assert not worse_than_chance(40, 100, by_chance=0.5, known=100)
    assert worse_than_chance(2, 100, by_chance=0.5, known=100)


def test_chance_is_that_of_the_classes_voted_for() -> None:
    """A function that finds a rare class with 40 % precision is far better than chance, though it mostly errs."""
    truth = np.array([1] * 50 + [0] * 950)
    rows = np.where((np.arange(1000) < 40) | (np.arange(1000) >= 940), 1, -1)
    row = lf_summary(LabelMatrix.from_rows(rows[:, None]), gold=truth).rows[0]
    assert row.accuracy == pytest.approx(0.4)
    assert row.by_chance == pytest.approx(0.05)
    assert not row.worse


def test_good_functions_are_rarely_called_worse_than_chance() -> None:
    """With forty functions no better than guessing and fifty answers, hardly ever one of them in a hundred draws."""
    rng, named = np.random.default_rng(1), 0
    for _ in range(100):
        truth = rng.integers(0, 2, 50)
        votes = LabelMatrix.from_rows(rng.integers(-1, 2, (50, 40)))
        named += any(row.worse for row in lf_summary(votes, gold=truth))
    assert named <= 10


def test_html_is_escaped() -> None:
    """A name of a function cannot become markup or steer a terminal in a notebook."""
    votes = LabelMatrix.from_rows([[0]], names=["<script>alert('x')</script>\u202e"])
    html = lf_summary(votes)._repr_html_()
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;\\u202e" in html
    assert "<script" not in html


def test_summary_is_a_sequence_of_its_rows() -> None:
    """Length and iteration go over functions, in the matrix's order."""
    summary = summary_of([[0, 1]])
    assert len(summary) == 2
    assert [row.name for row in summary] == ["lf_0", "lf_1"]
    assert [row.j for row in summary] == [0, 1]
