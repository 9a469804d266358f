"""Do I need more labels? The answers replayed, the forecast, and the advice with its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from labelkit.active.curve import CurvePoint, LearningCurve, Replay

SAMPLE = np.arange(100)


class Majority:
    """A learner that says of every record what most answers say, and counts how often it was trained."""

    def __init__(self) -> None:
        self.trained: list[int] = []

    def __call__(self, rows: NDArray[np.int64], labels: NDArray[np.int64], at_random: NDArray[np.bool_]) -> Any:
        self.trained.append(len(rows))
        label = int(np.bincount(labels, minlength=2).argmax()) if len(labels) else 0
        return lambda asked: np.full(len(asked), label)


def answers(*labels: int, random: int = 5) -> list[tuple[int, int, bool]]:
    """Answers to rows 0, 1, ...; every `random`-th was drawn at random."""
    return [(row, label, row % random == 0) for row, label in enumerate(labels)]


def test_replay_asks_the_learner_before_it_learns_the_answer() -> None:
    """What it says of the next ten answers is what it had learned from those before them."""
    curve = Replay(Majority(), SAMPLE).curve(answers(*[0] * 10, *[1] * 15))
    assert curve.points == (
        CurvePoint(0, None, 0, 0, 0, 0),
        CurvePoint(10, 0.0, 10, 10, 2, 2),
        CurvePoint(20, 0.0, 0, 10, 0, 2),
    )
    assert curve.answers == 25
    assert curve.agreement is not None
    assert curve.agreement[0] == 0.5
    assert curve.agreement[1] == pytest.approx((0.15, 0.85), abs=0.01)


def test_change_is_counted_over_fifty_answers() -> None:
    """A learner that turned round once has changed everything, until that lies fifty answers back."""
    curve = Replay(Majority(), SAMPLE).curve(answers(*[1] * 120))
    assert [point.changed for point in curve.points] == [None, *[1.0] * 5, *[0.0] * 7]


def test_nothing_is_replayed_twice() -> None:
    """New answers cost their own training; an answer taken back costs what came after it."""
    learner = Majority()
    replay = Replay(learner, SAMPLE)
    replay.curve(answers(*[0] * 30))
    replay.curve(answers(*[0] * 45))
    assert sorted(learner.trained) == [0, 10, 20, 30, 40]
    changed = answers(*[0] * 45)
    changed[25] = (25, 1, True)
    assert replay.curve(changed) == Replay(Majority(), SAMPLE).curve(changed)
    assert sorted(learner.trained) == [0, 10, 20, 30, 30, 40, 40]


def test_long_histories_have_fewer_points() -> None:
    """A thousand answers are not replayed a hundred times."""
    learner = Majority()
    curve = Replay(learner, SAMPLE).curve(answers(*[0] * 1000))
    assert [point.answers for point in curve.points] == list(range(0, 1001, 50))
    assert len(learner.trained) == 21


def test_curve_without_answers_says_so() -> None:
    """Nothing is forecast, nothing is drawn, and nothing fails."""
    curve = Replay(Majority(), SAMPLE).curve([])
    assert (curve.forecast, curve.agreement, bool(curve.advice)) == (None, None, False)
    assert curve.advice.why == "go on: 0 answers are too few to say what more would bring"
    assert "<svg" not in curve._repr_html_()


def at(count: int, changed: float, human_level: float | None = None, hits: tuple[int, int] = (9, 18)) -> LearningCurve:
    """A curve whose last point lies at `count` answers."""
    start = CurvePoint(0, None, 0, 0, 0, 0)
    return LearningCurve((start, CurvePoint(count, changed, *hits, *hits)), count, human_level)


def test_forecast_grows_with_change_and_surprise_and_shrinks_with_answers() -> None:
    """Its interval is asymmetric: answers that were chosen well help more often than they hurt."""
    forecast = at(100, 0.06).forecast
    assert forecast is not None
    assert (forecast.low, forecast.expected, forecast.high) == pytest.approx((-0.032, 0.0072, 0.072))
    assert str(forecast) == "-3.2 to +7.2 points"
    for other in (at(400, 0.06), at(100, 0.01), at(100, 0.06, hits=(17, 18))):
        assert other.forecast is not None
        assert forecast.low < other.forecast.low < 0 < other.forecast.high < forecast.high


def test_advice_says_why() -> None:
    """Go on while answers may help, stop when hardly anything changes or people agree no better."""
    assert at(100, 0.06).advice.why == "go on: the next 50 answers bring -3.2 to +7.2 points"
    assert at(400, 0.01, hits=(49, 50)).advice.why == (
        "enough: the next 50 answers bring -0.6 to +1.3 points; the last 50 changed 1.0% of the records"
    )
    assert at(400, 0.01, hits=(49, 50)).advice
    people = at(100, 0.15, human_level=0.8, hits=(48, 50)).advice
    assert people.stop
    assert people.why == "enough: the learner agrees with people (96%) as often as they agree (80%)"
    assert not at(100, 0.15, human_level=0.95, hits=(48, 50)).advice


def test_curve_shows_in_a_notebook() -> None:
    """A sentence and a plot without scripts, links or anything to load."""
    html = Replay(Majority(), SAMPLE).curve(answers(*[1] * 120))._repr_html_()
    assert "<b>120 answers.</b> enough: the next 50 answers bring " in html
    assert html.count("<polyline") == 2
    assert not [word for word in ("<script", "http", "href", "nan") if word in html]


def test_functions_that_answers_contradict_are_told() -> None:
    """With what is left of them; while they are confirmed, or nothing is known of it, not a word."""
    curve = LearningCurve((), 0)
    assert curve.advice.why == replace(curve, trust=0.9).advice.why
    told = replace(curve, trust=0.04)
    assert told.advice.why == f"{curve.advice.why}; answers contradict the functions, which count 4%"
    assert told.to_json()["trust"] == 0.04
