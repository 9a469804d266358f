"""How far people agree: chance-corrected coefficients, who confuses what, and what people disagree on.

Everything here is a function of `ratings`, (n, a) int: the class index that each of a people gave to each of n records,
MISSING where there is none. Coefficients are 1 for perfect agreement and 0 for that of chance; where they are
undefined, since nobody ever used a second class or nothing can be compared, they are NaN.

Sources: Cohen 1960, "A coefficient of agreement for nominal scales"; Fleiss 1971, "Measuring nominal scale agreement
among many raters"; Krippendorff 2011, "Computing Krippendorff's alpha-reliability".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from labelkit.annotations.annotation import PERSON, Annotation, opinions
from labelkit.errors import UsageError, visible

Ratings = NDArray[np.integer]
Counts = NDArray[np.int64]
Level = Literal["nominal", "ordinal"]

MISSING = -1


@dataclass(frozen=True)
class HumanLevel:
    """How often a person says what most of the others say."""

    answers: int  # that could be compared: at least one other person answered the record
    agreed: float  # of them; a tie of t classes among the others, the right one in it, counts 1 / t

    @property
    def accuracy(self) -> float:
        """Share of answers that agreed; NaN where none could be compared."""
        return self.agreed / self.answers if self.answers else float("nan")


@dataclass(frozen=True)
class RatingTable:
    """The latest labels of people as an array."""

    ratings: NDArray[np.int16]  # (n, a): class index or MISSING
    records: tuple[str, ...]  # n ids, in order of their first answer
    annotators: tuple[str, ...]  # a names, sorted


def cohen_kappa(first: Ratings, second: Ratings) -> float:
    """Cohen's kappa of two people on the records that both answered; each is (n,).

    The textbook grant example: of 50 proposals, 20 twice yes, 15 twice no, 5 and 10 disputed.

    >>> yes_no = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    >>> round(cohen_kappa(*np.array(yes_no).T), 3)
    0.4
    """
    both = (first >= 0) & (second >= 0)
    if not both.any():
        return float("nan")
    k = int(max(first[both].max(), second[both].max())) + 1
    table = pair_counts(first[both], second[both], k) / both.sum()
    return _beyond_chance(float(np.trace(table)), float(table.sum(axis=1) @ table.sum(axis=0)))


def fleiss_kappa(counts: Counts) -> float:
    """Fleiss' kappa of (n, k) counts: how many people gave each class, the same number of people on each record.

    Raises UsageError where that number differs: Krippendorff's alpha is made for missing answers.

    >>> published = [[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    ...              [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]]
    >>> round(fleiss_kappa(np.array(published)), 3)
    0.21
    """
    people = counts.sum(axis=1)
    if len(people) == 0 or people[0] < 2:
        return float("nan")
    if (people != people[0]).any():
        raise UsageError("Fleiss' kappa needs the same number of answers on each record; use krippendorff_alpha")
    pairs = (counts * (counts - 1)).sum(axis=1) / (people * (people - 1))
    shares = counts.sum(axis=0) / counts.sum()
    return _beyond_chance(float(pairs.mean()), float((shares**2).sum()))


def krippendorff_alpha(ratings: Ratings, level: Level = "nominal") -> float:
    """Krippendorff's alpha of (n, a) ratings, any of them missing.

    With `ordinal` the order of the classes counts: neighbours disagree less than opposites. The example is
    Krippendorff's (2011, section C and after): four observers, twelve units.

    >>> said = '''1 2 3 3 2 1 4 1 2 0 0 0
    ...           1 2 3 3 2 2 4 1 2 5 0 3
    ...           0 3 3 3 2 3 4 2 2 5 1 0
    ...           1 2 3 3 2 4 4 1 2 5 1 0'''
    >>> ratings = np.array([line.split() for line in said.splitlines()], dtype=int).T - 1
    >>> round(krippendorff_alpha(ratings), 3), round(krippendorff_alpha(ratings, "ordinal"), 3)
    (0.743, 0.815)
    """
    if level not in {"nominal", "ordinal"}:
        raise UsageError(f'no level of measurement "{visible(str(level))}"; known are "nominal", "ordinal"')
    counts = rating_counts(ratings)
    counts = counts[counts.sum(axis=1) > 1]  # a single answer can be compared with nothing
    total = int(counts.sum())
    if total == 0:
        return float("nan")
    people = counts.sum(axis=1, keepdims=True)
    coincidences = counts.T @ (counts / (people - 1))
    coincidences[np.diag_indices_from(coincidences)] -= (counts / (people - 1)).sum(axis=0)
    values = counts.sum(axis=0).astype(np.float64)
    distance = _distances(values, level)
    expected = float(values @ distance @ values) / (total - 1)
    return float("nan") if expected == 0 else 1 - float((coincidences * distance).sum()) / expected


def rating_counts(ratings: Ratings, k: int | None = None) -> Counts:
    """(n, k) int64: how many people gave each class to each record; without k, as many classes as were used.

    >>> rating_counts(np.array([[0, 1, 1], [-1, 0, -1]])).tolist()
    [[1, 2], [1, 0]]
    """
    k = int(ratings.max(initial=-1)) + 1 if k is None else k
    counts = np.zeros((len(ratings), k), dtype=np.int64)
    for column in ratings.T:
        given = np.flatnonzero(column >= 0)
        counts[given, column[given]] += 1
    return counts


def pair_counts(first: Ratings, second: Ratings, k: int) -> Counts:
    """(k, k) int64: how often `first` was i where `second` was j; places where either is missing do not count."""
    both = (first >= 0) & (second >= 0)
    return np.bincount(first[both].astype(np.int64) * k + second[both], minlength=k * k).reshape(k, k)


def confusion(ratings: Ratings, k: int) -> Counts:
    """(a, k, k) int64: of each person, how often they said column j where most of the others said row i.

    Records on which the others are tied, or there are no others, do not count.

    >>> confusion(np.array([[0, 0, 0], [1, 1, 0], [1, 1, 1]]), 2)[2].tolist()
    [[1, 0], [1, 1]]
    """
    counts = rating_counts(ratings, k)
    out = np.zeros((ratings.shape[1], k, k), dtype=np.int64)
    for person, said in enumerate(ratings.T):
        others = _without(counts, said)
        most = others.max(axis=1, initial=0)
        clear = (most > 0) & ((others == most[:, None]).sum(axis=1) == 1)
        out[person] = pair_counts(np.where(clear, others.argmax(axis=1), MISSING), said, k)
    return out


def human_level(ratings: Ratings) -> HumanLevel:
    """Estimate how well people do the task: each answer is compared with the majority of the other people's answers.

    It is what one more person would reach if the majority of those asked were the truth; a model above it agrees with
    the crowd more than a member of the crowd does.

    >>> human_level(np.array([[0, 0, 0], [1, 1, 0], [1, -1, -1]])).accuracy.__round__(3)
    0.667
    """
    counts = rating_counts(ratings)
    answers, agreed = 0, 0.0
    for said in ratings.T:
        others = _without(counts, said)
        most = others.max(axis=1, initial=0)
        judged = np.flatnonzero((said >= 0) & (most > 0))
        best = others[judged] == most[judged, None]
        answers += len(judged)
        agreed += float((best[np.arange(len(judged)), said[judged]] / best.sum(axis=1)).sum())
    return HumanLevel(answers, agreed)


def disagreement(ratings: Ratings) -> NDArray[np.float64]:
    """(n,) float64 in 0..1: the share of pairs of answers that differ; 0 where fewer than two people answered.

    >>> disagreement(np.array([[0, 1, -1], [0, 1, 1], [1, 1, 1], [0, -1, -1]])).round(2).tolist()
    [1.0, 0.67, 0.0, 0.0]
    """
    counts = rating_counts(ratings)
    people = counts.sum(axis=1)
    pairs = people * (people - 1)
    same = (counts * (counts - 1)).sum(axis=1)
    return np.where(pairs > 0, 1 - same / np.maximum(pairs, 1), 0.0)


def rating_table(history: Iterable[Annotation], classes: Sequence[str]) -> RatingTable:
    """The latest label of each person on each record. Adjudicators and classes that are no more do not count."""
    index = {name: c for c, name in enumerate(classes)}
    said = [entry for entry in opinions(history) if entry.role == PERSON and entry.label in index]
    said.sort(key=lambda entry: entry.sequence)
    rows = {record: row for row, record in enumerate(dict.fromkeys(entry.record for entry in said))}
    columns = {name: column for column, name in enumerate(sorted({entry.annotator for entry in said}))}
    ratings = np.full((len(rows), len(columns)), MISSING, dtype=np.int16)
    for entry in said:
        ratings[rows[entry.record], columns[entry.annotator]] = index[str(entry.label)]
    return RatingTable(ratings, tuple(rows), tuple(columns))


def _beyond_chance(observed: float, expected: float) -> float:
    return float("nan") if expected >= 1 else (observed - expected) / (1 - expected)


def _distances(values: NDArray[np.float64], level: Level) -> NDArray[np.float64]:
    """(k, k) squared differences between classes used `values` times; ordinal: the values between, half the ends."""
    k = len(values)
    if level == "nominal":
        return 1.0 - np.eye(k)
    upto = np.cumsum(values) - values / 2
    return np.asarray((upto[:, None] - upto[None, :]) ** 2)


def _without(counts: Counts, said: Ratings) -> Counts:
    """(n, k): the counts less one person's answers."""
    others = counts.copy()
    given = np.flatnonzero(said >= 0)
    others[given, said[given]] -= 1
    return others
