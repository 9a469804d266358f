"""The geometry of the pictures: numbers alone, so that no text from data gets into an SVG.

Positions are per cent of the picture's width and height, so that it fits a phone and a sheet of paper alike and no
circle is squeezed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from labelkit.reports.overview.content import Asking, Calibration, ClassCount, Curve, Function, Share, Spread

SHOWN_FUNCTIONS = 40
"""Functions that the picture shows at once; the others unfold."""


@dataclass(frozen=True)
class Part:
    """A piece of a bar, or of a column: where it begins and how long it is, per cent."""

    start: float
    size: float
    word: str = ""


@dataclass(frozen=True)
class Whisker:
    """A value with its interval, per cent of the axis."""

    at: float
    low: float
    high: float

    @property
    def size(self) -> float:
        """Length of the interval."""
        return round(self.high - self.low, 2)


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float  # per cent
    text: str
    anchor: str = "middle"  # of the text, as SVG has it


def whisker(share: Share, low: float = 0.0, high: float = 1.0) -> Whisker:
    """A share on an axis from `low` to `high`.

    >>> whisker(Share(8, 10)).at, whisker(Share(8, 10)).low
    (80.0, 49.02)
    """
    return Whisker(*(_within(value, low, high) for value in (share.value, *share.interval)))


def labelled(classes: Sequence[ClassCount], unlabelled: int) -> list[list[Part]]:
    """A bar per class, then one for records without a label: what the model said, then what people said.

    >>> labelled([ClassCount("ham", 30, 10), ClassCount("spam", 20, 0)], 10)[0]
    [Part(start=0, size=75.0, word='model'), Part(start=75.0, size=25.0, word='human')]
    """
    longest = max([unlabelled, 1, *(item.model + item.human for item in classes)])
    rows = [_stacked((item.model, "model"), (item.human, "human"), of=longest) for item in classes]
    return [*rows, *([_stacked((unlabelled, "other"), of=longest)] if unlabelled else [])]


def widest_first(functions: Sequence[Function]) -> tuple[list[Function], list[Function]]:
    """The functions that cover most, SHOWN_FUNCTIONS at most, and the others; both in the order they had."""
    places = sorted(range(len(functions)), key=lambda i: -functions[i].coverage)
    shown = set(places[:SHOWN_FUNCTIONS])
    return [f for i, f in enumerate(functions) if i in shown], [f for i, f in enumerate(functions) if i not in shown]


def covered(function: Function, widest: float) -> list[Part]:
    """The bar of a function: votes that stand alone, that others share, that others contradict.

    `widest` is the coverage that fills the bar.
    """
    alone, shared = function.coverage - function.overlaps, function.overlaps - function.conflicts
    return _stacked((alone, "alone"), (shared, "shared"), (function.conflicts, "against"), of=widest)


def strips(spread: Spread) -> list[list[tuple[Part, float]]]:
    """A row of columns per class, each with its height in per cent; each class has a scale of its own."""
    return [list(_strip(counts)) for _, counts, _ in spread.rows]


def place(spread: Spread, value: float) -> float:
    """Where a value lies on the axis of a spread, per cent."""
    if spread.logarithmic:
        return _within(math.log(max(value, 1.0)), math.log(max(spread.low, 1.0)), math.log(max(spread.high, 1.0)))
    return _within(value, spread.low, spread.high)


def spread_ticks(spread: Spread) -> list[Tick]:
    """A few round values on the axis of a spread.

    >>> [tick.text for tick in spread_ticks(Spread("text", "characters", 1, 1000, True, ()))]
    ['1', '10', '100', '1,000']
    """
    if spread.logarithmic:
        top = math.ceil(math.log10(max(spread.high, 10)))
        values = [10.0**power for power in range(top + 1) if 10**power <= spread.high * 1.001]
    else:
        values = round_values(spread.low, spread.high, 4)
    return [Tick(at, f"{value:,g}", _anchor(at)) for value in values for at in [place(spread, value)]]


def round_values(low: float, high: float, about: int) -> list[float]:
    """About so many round numbers from `low` to `high`.

    >>> round_values(0.52, 0.97, 4)
    [0.6, 0.7, 0.8, 0.9]
    """
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(span / about))
    steps = [step * power for step in (1, 2, 5, 10) if span / (step * power) >= 1]  # each has a multiple within
    step = next((step for step in steps if span / step <= about + 1), steps[-1])
    digits = max(0, 1 - math.floor(math.log10(step)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, digits) for i in range(first, last + 1)]


@dataclass(frozen=True)
class Dot:
    """A point of a picture with its vertical interval, per cent; y grows downwards."""

    x: float
    y: float
    top: float
    bottom: float
    radius: float
    title: str


def calibration_dots(calibration: Calibration, low: float) -> list[Dot]:
    """A dot per bin of confidence, on axes from `low` to 1, its area by the number of records."""
    most = max(item.share.judged for item in calibration.bins)
    return [
        Dot(
            x=_within(item.confidence, low, 1.0),
            y=100 - at.at,
            top=100 - at.high,
            bottom=100 - at.low,
            radius=round(3 + 7 * math.sqrt(item.share.judged / most), 1),
            title=f"confidence {item.confidence:.2f}: right in {item.share.value:.2f} of {item.share.judged:,}",
        )
        for item in calibration.bins
        for at in [whisker(item.share, low, 1.0)]
    ]


def calibration_floor(calibration: Calibration) -> float:
    """Where both axes of the calibration begin."""
    return floor_of([value for item in calibration.bins for value in (item.confidence, item.share.interval[0])])


def floor_of(values: Sequence[float]) -> float:
    """Where an axis up to 1 best begins: a round number below all values.

    >>> floor_of([0.83, 0.91]), floor_of([0.2]), floor_of([])
    (0.8, 0.2, 0.0)
    """
    return max(0.0, math.floor(min([*values, 1.0]) * 10) / 10) if values else 0.0


@dataclass(frozen=True)
class Line:
    """A straight line, per cent."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class CurvePicture:
    """A curve, ready to be drawn."""

    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def curve_picture(curve: Curve) -> CurvePicture:
    """Accuracy upwards, answers to the right."""
    points = curve.points
    low = floor_of([point.low for point in points])
    most = max(*(point.answers for point in points), 1)
    dots = tuple(
        Dot(
            x=round(100 * point.answers / most, 2),
            y=100 - _within(point.accuracy, low, 1.0),
            top=100 - _within(point.high, low, 1.0),
            bottom=100 - _within(point.low, low, 1.0),
            radius=4.0,
            title=f"{point.answers:,} answers: {point.accuracy:.1%} ({point.low:.1%} to {point.high:.1%})",
        )
        for point in points
    )
    lines = [Line(a.x, a.y, b.x, b.y) for a, b in itertools.pairwise(dots)]
    across = [Tick(100 * value / most, f"{value:,.0f}", _anchor(100 * value / most)) for value in _wholes(most)]
    return CurvePicture(dots, tuple(lines), tuple(across), tuple(share_ticks(low)))


def asking_picture(asking: Asking) -> CurvePicture:
    """Upwards how often the learner was right beforehand (dots) and how much it changed its mind (lines)."""
    most = max(*(point.answers for point in asking.points), 1)
    places = [(round(100 * point.answers / most, 2), point) for point in asking.points]
    dots = tuple(
        Dot(x, 100 - at.at, 100 - at.high, 100 - at.low, 4.0, f"at {point.answers:,} answers: {point.agreed.value:.0%}")
        for x, point in places
        if point.agreed is not None
        for at in [whisker(point.agreed)]
    )
    changes = [(x, round(100 - 100 * point.changed, 2)) for x, point in places if point.changed is not None]
    lines = tuple(Line(*first, *second) for first, second in itertools.pairwise(changes))
    across = [Tick(100 * value / most, f"{value:,.0f}", _anchor(100 * value / most)) for value in _wholes(most)]
    return CurvePicture(dots, lines, tuple(across), tuple(share_ticks(0.0)))


def share_ticks(low: float) -> list[Tick]:
    """Marks of an axis of shares from `low` to 1, for the vertical: 0 is the top."""
    return [Tick(100 - _within(value, low, 1.0), f"{100 * value:.0f} %") for value in round_values(low, 1.0, 4)]


def mirrored(ticks: Sequence[Tick]) -> list[Tick]:
    """The marks of the vertical on the horizontal, where the low end is on the left."""
    return [Tick(100 - tick.at, tick.text, _anchor(100 - tick.at)) for tick in ticks]


def _wholes(most: int) -> list[float]:
    return [value for value in round_values(0, most, 5) if value == int(value)]


def _stacked(*pieces: tuple[float, str], of: float) -> list[Part]:
    parts: list[Part] = []
    start = 0.0
    for size, word in pieces:
        width = round(100 * max(size, 0) / of, 2) if of else 0.0
        if width:
            parts.append(Part(round(start, 2) or 0, width, word))
            start += width
    return parts


def _strip(counts: Sequence[int]) -> Iterator[tuple[Part, float]]:
    most, width = max(counts, default=0), 100 / max(len(counts), 1)
    for i, count in enumerate(counts):
        if count:
            yield Part(round(i * width, 3), round(width * 0.92, 3)), round(100 * count / most, 2)


def _within(value: float, low: float, high: float) -> float:
    """Per cent of the way from `low` to `high`, never outside."""
    return round(100 * min(max((value - low) / (high - low) if high > low else 0.5, 0.0), 1.0), 2)


def _anchor(at: float) -> str:
    return "start" if at < 4 else "end" if at > 96 else "middle"
