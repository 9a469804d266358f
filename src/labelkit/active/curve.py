"""Do I need more labels? A learning curve from the answers alone, and what the next 50 of them will bring.

The answers are replayed: the learner is trained on the first 10, 20, ... of them as it was then. Two things are
read off. How often it says beforehand what people then say, on the records that were drawn at random: an honest sample,
which those that it chose itself are not. And how much of the pool it has changed its mind about over the last 50
answers: accuracy cannot have changed by more than that (Bloodgood and Vijay-Shanker, "A method for stopping active
learning based on stabilizing predictions", CoNLL 2009).

    gain of the next 50 answers  in  [LOW, HIGH] * (changed + ERRORS * sqrt(missed * (1 - missed) / answers))

where `missed` is the share of the last 50 answers that the learner had wrong beforehand, those that it chose itself
included: who is often surprised, and has hardly asked, may be surprised again. LOW, HIGH and ERRORS were chosen on
simulated sessions over public sets, so that on each of them the interval holds in at least 80 %.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.matrix import wilson_interval

AHEAD = 50  # answers that a forecast looks ahead, and back
STEP = 10  # answers between two points of the curve; 50 beyond LONG
LONG = 400
FEWEST = 20  # answers before which nothing is forecast
LOW, MIDDLE, HIGH, ERRORS = -0.2, 0.12, 0.45, 2.0
RECENT = 50  # records drawn at random, the latest of which say how good the learner is
JUNK = 0.5  # trust in the labeling functions below which people are told
ENOUGH = 0.025  # a gain that can be at most this is not worth 50 answers

Rows = NDArray[np.int64]
Say = Callable[[Rows], NDArray[np.int64]]
"""Rows -> the class index that a learner says of each."""
Refit = Callable[[Rows, Rows, NDArray[np.bool_]], Say]
"""Rows that are answered, their class indices, and which were drawn at random -> what the learner says then."""


@dataclass(frozen=True)
class CurvePoint:
    """The learner as it was after some answers."""

    answers: int
    changed: float | None  # share of records it says something else of than 50 answers before; None at the start
    agreed: int  # of the answers given since the point before, those that it had right beforehand
    asked: int
    random_agreed: int  # the same, of records drawn at random only
    random_asked: int


@dataclass(frozen=True)
class Forecast:
    """What the next 50 answers will bring, as a difference in accuracy: 0.01 is one point."""

    low: float  # with `high` an interval that holds four times of five
    expected: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.low:+.1f} to {100 * self.high:+.1f} points"


@dataclass(frozen=True)
class Advice:
    """Whether to stop asking, and why."""

    stop: bool
    why: str

    def __bool__(self) -> bool:
        return self.stop


@dataclass(frozen=True)
class LearningCurve:
    """How the learner came along with the answers. Shows as a plot in a notebook."""

    points: tuple[CurvePoint, ...]
    answers: int
    human_level: float | None = None  # how often a person says what most of the others say; None: not known
    trust: float | None = None  # how far answers confirm the labeling functions, 0 (junk) to 1; None: not known

    @property
    def changed(self) -> float | None:
        """Share of the records that the learner says something else of than 50 answers before."""
        return self.points[-1].changed if self.points else None

    @property
    def missed(self) -> float:
        """Share of the last 50 answers that the learner had wrong beforehand; neither 0 nor 1 (Laplace's rule)."""
        recent = [point for point in self.points if point.answers > self.answers - AHEAD]
        asked = sum(point.asked for point in recent)
        return (asked - sum(point.agreed for point in recent) + 1) / (asked + 2)

    @property
    def forecast(self) -> Forecast | None:
        """What the next 50 answers will bring; None while there are too few to say."""
        if self.answers < FEWEST or self.changed is None:
            return None
        reach = self.changed + ERRORS * (self.missed * (1 - self.missed) / self.answers) ** 0.5
        return Forecast(LOW * reach, MIDDLE * self.changed, HIGH * reach)

    @property
    def agreement(self) -> tuple[float, tuple[float, float]] | None:
        """How often the learner said beforehand what people said of the latest records drawn at random.

        With a 95 % Wilson interval; None where none was drawn.
        """
        agreed = asked = 0
        for point in reversed(self.points):
            if asked < RECENT:
                agreed, asked = agreed + point.random_agreed, asked + point.random_asked
        return (agreed / asked, wilson_interval(agreed, asked)) if asked else None

    @property
    def advice(self) -> Advice:
        """Whether to stop, and why; and where answers condemn the functions, that they no longer count."""
        found = self._advice
        if self.trust is None or self.trust >= JUNK:
            return found
        return Advice(found.stop, f"{found.why}; answers contradict the functions, which count {self.trust:.0%}")

    @property
    def _advice(self) -> Advice:
        forecast = self.forecast
        if forecast is None:
            return Advice(stop=False, why=f"go on: {self.answers} answers are too few to say what more would bring")
        if self.human_level is not None and self.agreement is not None:
            share, (low, _) = self.agreement
            if low >= self.human_level:
                why = f"the learner agrees with people ({share:.0%}) as often as they agree ({self.human_level:.0%})"
                return Advice(stop=True, why=f"enough: {why}")
        gain = f"the next {AHEAD} answers bring {forecast}"
        if forecast.high <= ENOUGH:
            return Advice(stop=True, why=f"enough: {gain}; the last {AHEAD} changed {self.changed:.1%} of the records")
        return Advice(stop=False, why=f"go on: {gain}")

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "answers": self.answers,
            "points": [asdict(point) for point in self.points],
            "forecast": None if self.forecast is None else asdict(self.forecast),
            "agreement": self.agreement,
            "human_level": self.human_level,
            "trust": self.trust,
            "stop": self.advice.stop,
            "why": self.advice.why,
        }

    def __str__(self) -> str:
        return f"{self.answers} answers; {self.advice.why}"

    def _repr_html_(self) -> str:
        from labelkit.active.drawing import curve_html

        return curve_html(self)


class Replay:
    """Answers in the order in which they were given, and the learner after each stretch of them."""

    def __init__(self, refit: Refit, sample: Rows) -> None:
        self._refit = refit
        self._sample = sample  # rows whose changes are counted
        self._given: list[tuple[int, int, bool]] = []  # row, class index, drawn at random
        self._learners: dict[int, Say] = {}  # answers -> the learner after them
        self._said: dict[int, NDArray[np.int64]] = {}  # answers -> what it says of the sample

    def curve(self, given: list[tuple[int, int, bool]], human_level: float | None = None) -> LearningCurve:
        """The curve after answers (row, class index, whether drawn at random), oldest first.

        What was replayed before is not replayed again, unless an answer in between was taken back.
        """
        same = next((i for i, (one, other) in enumerate(zip(given, self._given, strict=False)) if one != other), None)
        kept = min(len(given), len(self._given)) if same is None else same
        for known in (self._learners, self._said):
            for count in [count for count in known if count > kept]:
                del known[count]
        self._given = list(given)
        step = STEP if len(given) <= LONG else AHEAD
        points = [self._point(count, step) for count in range(0, len(given) + 1, step)]
        return LearningCurve(tuple(points), len(given), human_level)

    def _point(self, count: int, step: int) -> CurvePoint:
        before = max(count - AHEAD, 0)
        changed = None
        if count:
            changed = float((self._of_sample(count) != self._of_sample(before)).mean())
        stretch = self._given[max(count - step, 0) : count]
        rows = np.array([row for row, _, _ in stretch], dtype=np.int64)
        said = self._learner(max(count - step, 0))(rows) if stretch else rows
        right = [bool(one == label) for one, (_, label, _) in zip(said.tolist(), stretch, strict=True)]
        drawn = [hit for hit, (_, _, random) in zip(right, stretch, strict=True) if random]
        return CurvePoint(count, changed, sum(right), len(right), sum(drawn), len(drawn))

    def _of_sample(self, count: int) -> NDArray[np.int64]:
        if count not in self._said:
            self._said[count] = self._learner(count)(self._sample)
        return self._said[count]

    def _learner(self, count: int) -> Say:
        """The learner after the first `count` answers."""
        if count not in self._learners:
            given = np.array(self._given[:count], dtype=np.int64).reshape(-1, 3)
            self._learners[count] = self._refit(given[:, 0], given[:, 1], given[:, 2].astype(bool))
        return self._learners[count]
