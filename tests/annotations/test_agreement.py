"""Agreement coefficients: published values, another library's values, and the definitions themselves."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from labelkit.annotations import Annotation, disputed, standing
from labelkit.annotations.agreement import (
    MISSING,
    Level,
    cohen_kappa,
    confusion,
    disagreement,
    fleiss_kappa,
    human_level,
    krippendorff_alpha,
    pair_counts,
    rating_counts,
    rating_table,
)
from labelkit.annotations.annotation import ADJUDICATOR, PERSON, Role
from labelkit.errors import UsageError

Array = NDArray[np.int64]


def table(text: str) -> Array:
    """Ratings printed as in the literature: a line per person, `*` where nothing was said, classes from 1."""
    rows = [[0 if word == "*" else int(word) for word in line.split()] for line in text.strip().splitlines()]
    return np.array(rows, dtype=np.int64).T - 1


FOUR_OBSERVERS = table("""
    1 2 3 3 2 1 4 1 2 * * *
    1 2 3 3 2 2 4 1 2 5 * 3
    * 3 3 3 2 3 4 2 2 5 1 *
    1 2 3 3 2 4 4 1 2 5 1 *
""")

THREE_CODERS = table("""
    * * * * * 3 4 1 2 1 1 3 3 * 3
    1 * 2 1 3 3 4 3 * * * * * * *
    * * 2 1 3 4 4 * 2 1 1 3 3 * 4
""")

TWO_OBSERVERS_BINARY = table("""
    1 2 1 1 1 1 1 1 2 1
    2 2 2 1 1 2 1 1 1 1
""")

TWO_OBSERVERS = table("""
    1 1 2 2 4 3 3 3 5 4 4 1
    2 1 2 2 2 3 3 3 5 4 4 4
""")


@pytest.mark.parametrize(
    ("ratings", "level", "value"),
    [
        (TWO_OBSERVERS_BINARY, "nominal", 0.095),  # Krippendorff 2011, section A
        (TWO_OBSERVERS, "nominal", 0.692),  # section B
        (FOUR_OBSERVERS, "nominal", 0.743),  # section C
        (FOUR_OBSERVERS, "ordinal", 0.815),  # section D
        (THREE_CODERS, "nominal", 0.691),  # the worked example of Wikipedia's article
    ],
)
def test_alpha_of_published_examples(ratings: Array, level: Level, value: float) -> None:
    """Krippendorff's own examples, missing answers and order of classes included."""
    assert krippendorff_alpha(ratings, level) == pytest.approx(value, abs=0.0005)


def test_fleiss_kappa_of_the_published_example() -> None:
    """Fourteen people, ten records, five classes: kappa is 0.210."""
    counts = """0 0 0 0 14  0 2 6 4 2  0 0 3 5 6  0 3 9 2 0  2 2 8 1 1
                7 7 0 0 0   3 2 6 3 0  2 5 3 2 2  6 5 2 1 0  0 2 2 3 7"""
    assert fleiss_kappa(np.array(counts.split(), dtype=np.int64).reshape(10, 5)) == pytest.approx(0.210, abs=0.0005)


@pytest.mark.parametrize(
    ("both_yes", "yes_no", "no_yes", "both_no", "value"),
    [(20, 5, 10, 15, 0.40), (45, 15, 25, 15, 0.1304), (25, 35, 5, 35, 0.2593)],
)
def test_cohen_kappa_of_published_examples(both_yes: int, yes_no: int, no_yes: int, both_no: int, value: float) -> None:
    """Equal shares of agreement are worth more where chance would give less (Smeeton 1985; Wikipedia)."""
    pairs = np.array([(1, 1)] * both_yes + [(1, 0)] * yes_no + [(0, 1)] * no_yes + [(0, 0)] * both_no)
    assert cohen_kappa(*pairs.T) == pytest.approx(value, abs=0.0001)


@st.composite
def ratings_of(draw: st.DrawFn, *, least: int = MISSING) -> Array:
    n, a, k = draw(st.integers(1, 8)), draw(st.integers(2, 5)), draw(st.integers(2, 4))
    return draw(hnp.arrays(np.int64, (n, a), elements=st.integers(least, k - 1)))


@settings(deadline=None)  # the first example loads scikit-learn
@given(ratings_of(least=0))
def test_cohen_kappa_is_that_of_scikit_learn(ratings: Array) -> None:
    """Two people's kappa is what another library computes."""
    from sklearn.metrics import cohen_kappa_score

    first, second = ratings[:, 0], ratings[:, 1]
    if len(set(first) | set(second)) > 1:
        assert cohen_kappa(first, second) == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)
    else:
        assert math.isnan(cohen_kappa(first, second))


def alpha_by_definition(ratings: Array, level: Level) -> float:
    """Observed over expected disagreement, pair by pair."""
    units = [[int(v) for v in row if v >= 0] for row in ratings]
    units = [unit for unit in units if len(unit) > 1]
    values = [v for unit in units for v in unit]
    used = [values.count(c) for c in range(max(values, default=0) + 1)]

    def distance(b: int, c: int) -> float:
        if level == "nominal":
            return float(b != c)
        low, high = min(b, c), max(b, c)
        return (sum(used[low : high + 1]) - (used[b] + used[c]) / 2) ** 2 if b != c else 0.0

    def mean(pairs: list[tuple[int, int]]) -> float:
        return sum(distance(b, c) for b, c in pairs) / len(pairs)

    if not values:
        return math.nan
    expected = mean(list(itertools.permutations(values, 2)))
    observed = sum(mean(list(itertools.permutations(unit, 2))) * len(unit) for unit in units) / len(values)
    return 1 - observed / expected if expected else math.nan


@given(ratings_of(), st.sampled_from(["nominal", "ordinal"]))
def test_alpha_is_what_its_definition_says(ratings: Array, level: Level) -> None:
    """The matrix form equals the comparison of every pair with every pair."""
    assert krippendorff_alpha(ratings, level) == pytest.approx(alpha_by_definition(ratings, level), nan_ok=True)


@given(ratings_of(), st.randoms(use_true_random=False))
def test_coefficients_do_not_depend_on_order(ratings: Array, random: object) -> None:
    """Neither the order of records nor that of people matters."""
    rows, columns = list(range(ratings.shape[0])), list(range(ratings.shape[1]))
    random.shuffle(rows)  # type: ignore[attr-defined]
    random.shuffle(columns)  # type: ignore[attr-defined]
    moved = ratings[rows][:, columns]
    assert krippendorff_alpha(moved) == pytest.approx(krippendorff_alpha(ratings), nan_ok=True)
    assert human_level(moved).answers == human_level(ratings).answers
    assert human_level(moved).agreed == pytest.approx(human_level(ratings).agreed)
    assert disagreement(moved) == pytest.approx(disagreement(ratings)[rows])


def test_perfect_agreement_is_one_and_chance_is_zero() -> None:
    """The ends of the scale; with a hundred thousand random answers, zero to two digits."""
    same = np.array([[0, 0, 0], [1, 1, 1], [2, 2, 2]])
    assert (cohen_kappa(same[:, 0], same[:, 1]), fleiss_kappa(rating_counts(same))) == (1, 1)
    assert (krippendorff_alpha(same), krippendorff_alpha(same, "ordinal"), human_level(same).accuracy) == (1, 1, 1)
    guessed = np.random.default_rng(0).integers(0, 3, (30_000, 4))
    for value in (
        cohen_kappa(guessed[:, 0], guessed[:, 1]),
        fleiss_kappa(rating_counts(guessed)),
        krippendorff_alpha(guessed),
        krippendorff_alpha(guessed, "ordinal"),
    ):
        assert abs(value) < 0.01


def test_what_cannot_be_compared_is_undefined() -> None:
    """Nobody, one person, or a single class for everybody: NaN, never a number that looks like a result."""
    alone = np.array([[0, MISSING], [MISSING, 1]])
    one_class = np.zeros((5, 3), dtype=np.int64)
    nobody = np.empty((0, 2), dtype=np.int64)
    for ratings in (alone, one_class, nobody):
        assert math.isnan(cohen_kappa(ratings[:, 0], ratings[:, 1]))
        assert math.isnan(krippendorff_alpha(ratings))
        assert math.isnan(krippendorff_alpha(ratings, "ordinal"))
    assert math.isnan(fleiss_kappa(rating_counts(one_class)))
    assert math.isnan(fleiss_kappa(rating_counts(nobody, 2)))
    assert math.isnan(human_level(alone).accuracy)


def test_fleiss_kappa_refuses_missing_answers() -> None:
    """It says which coefficient takes them."""
    with pytest.raises(UsageError, match=r"the same number of answers on each record; use krippendorff_alpha"):
        fleiss_kappa(np.array([[2, 0], [1, 0]]))


def test_unknown_level_is_refused() -> None:
    """Interval and ratio need numbers; classes have none."""
    with pytest.raises(UsageError, match='no level of measurement "ratio"; known are "nominal", "ordinal"'):
        krippendorff_alpha(FOUR_OBSERVERS, "ratio")  # type: ignore[arg-type]


def test_person_is_compared_with_the_others_and_not_with_themselves() -> None:
    """Between two people who disagree nobody is right; a tie among the others gives part of the credit."""
    assert human_level(np.array([[0, 1]])).accuracy == 0
    assert human_level(np.array([[0, 0, 1]])).agreed == pytest.approx(0.5 + 0.5 + 0)
    assert confusion(np.array([[0, 1]]), 2).tolist() == [[[0, 0], [1, 0]], [[0, 1], [0, 0]]]


@given(ratings_of(least=0))
def test_confusion_counts_each_answer_at_most_once(ratings: Array) -> None:
    """A person's table holds their answers on records where the others are clear; its diagonal is full agreement."""
    k = int(ratings.max()) + 1
    tables = confusion(ratings, k)
    assert tables.shape == (ratings.shape[1], k, k)
    for person, counts in enumerate(tables):
        assert (counts.sum(axis=0) <= np.bincount(ratings[:, person], minlength=k)).all()
    assert np.trace(tables.sum(axis=0)) <= human_level(ratings).agreed + 1e-9


def test_pairs_are_counted_where_both_answered() -> None:
    """Rows are the first person's, columns the second's."""
    assert pair_counts(np.array([0, 1, MISSING, 1]), np.array([1, 1, 0, MISSING]), 2).tolist() == [[0, 1], [0, 1]]


# From the store's history


def entry(sequence: int, who: str, label: str | None, record: str = "c7", role: Role = PERSON) -> Annotation:
    kind = "skip" if label is None else "label"
    return Annotation(record, label, who, "", "margin", f"op-{sequence}", sequence, kind, None, role)  # type: ignore[arg-type]


HISTORY = [
    entry(1, "ben", "spam"),
    entry(2, "ana", "ham"),
    entry(3, "ana", "ham", "c8"),
    entry(4, "ben", None, "c8"),
    entry(5, "cem", "ham", "c9"),
    entry(6, "ana", "spam", "c9"),
]


def test_table_holds_the_last_word_of_each_person() -> None:
    """Skips are missing, and a later label replaces an earlier one."""
    ratings = rating_table([*HISTORY, entry(7, "ana", "spam", "c8")], ["ham", "spam"])
    assert (ratings.records, ratings.annotators) == (("c7", "c9", "c8"), ("ana", "ben", "cem"))
    assert ratings.ratings.tolist() == [[0, 1, -1], [1, -1, 0], [1, -1, -1]]


def test_adjudicator_is_not_one_of_the_people() -> None:
    """A decision settles the record and changes no figure about the people."""
    decided = [*HISTORY, entry(7, "dora", "ham", role=ADJUDICATOR)]
    assert (
        rating_table(decided, ["ham", "spam"]).ratings.tolist()
        == rating_table(HISTORY, ["ham", "spam"]).ratings.tolist()
    )
    assert [e.annotator for e in disputed(HISTORY)["c7"]] == ["ben", "ana"]
    assert set(disputed(HISTORY)) == {"c7", "c9"}
    assert set(disputed(decided)) == {"c9"}


def test_adjudicator_outranks_any_number_of_people() -> None:
    """Whatever people say before or after, what the adjudicator said stands; of two, the latest."""
    history = [
        entry(1, "dora", "ham", role=ADJUDICATOR),
        *[entry(n, f"person-{n}", "spam") for n in range(2, 6)],
        entry(6, "dora", "spam"),  # as one of the people: her decision stays
    ]
    assert standing(history)["c7"].operation == "op-1"
    assert standing([*history, entry(7, "emil", "spam", role=ADJUDICATOR)])["c7"].operation == "op-7"
    undo = Annotation("c7", None, "dora", "", "", "op-8", 8, "undo", "op-1", ADJUDICATOR)
    assert standing([*history, undo])["c7"].label == "spam"
