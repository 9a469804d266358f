"""The geometry of the plots, in the units of their SVG: numbers alone, so that no text from data gets into a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labelkit.label_models import Calibration
from labelkit.reports.background import Check
from labelkit.reports.problems import moment

SHOWN_BARS = 12


@dataclass(frozen=True)
class Bar:
    """A row of a bar chart."""

    name: str
    count: int
    share: float  # of all, 0..1
    width: float  # of the longest bar, 0..100
    real: bool  # whether it is a class, not what was found instead


@dataclass(frozen=True)
class Column:
    """A column of a histogram or of the history."""

    x: float
    y: float
    width: float
    height: float
    title: str
    word: str = ""


def bars(counts: Sequence[tuple[str, int]]) -> list[Bar]:
    """A bar per count, in their order. Of many, the longest, and one for the others.

    >>> [(bar.name, bar.share, bar.width) for bar in bars([("ham", 30), ("spam", 10)])]
    [('ham', 0.75, 100.0), ('spam', 0.25, 33.3)]
    """
    total = sum(count for _, count in counts)
    if not total:
        return []
    if len(counts) > SHOWN_BARS:
        longest = sorted(counts, key=lambda pair: -pair[1])[: SHOWN_BARS - 1]
        rest = total - sum(count for _, count in longest)
        counts = [*longest, (f"({len(counts) - len(longest)} others)", rest)]
    longest_count = max(count for _, count in counts)
    return [
        Bar(name, count, count / total, round(100 * count / longest_count, 1), not name.startswith("("))
        for name, count in counts
    ]


def columns(counts: Sequence[int], height: float = 100) -> list[Column]:
    """A column per bin, 10 wide; empty when there is nothing to show.

    >>> [(column.x, column.height, column.title) for column in columns([0, 4], height=80)]
    [(0, 0.0, '0.00 to 0.50: 0'), (10, 80.0, '0.50 to 1.00: 4')]
    """
    top = max(counts, default=0)
    if not top:
        return []
    bins = len(counts)
    return [
        Column(
            x=10 * i,
            y=round(height * (1 - count / top), 2),
            width=10,
            height=round(height * count / top, 2),
            title=f"{i / bins:.2f} to {(i + 1) / bins:.2f}: {count:,}",
        )
        for i, count in enumerate(counts)
    ]


@dataclass(frozen=True)
class Belief:
    """A row of the reliability chart: records that were believed in to about the same degree."""

    believed: float  # mean confidence, 0..100
    right: float  # share that is right, 0..100
    low: float  # 95 % interval of that, 0..100
    high: float
    records: int


def reliability(calibration: Calibration | None) -> list[Belief]:
    """A row per bin of confidence; empty where nothing was compared.

    >>> reliability(None)
    []
    """
    return [
        Belief(
            believed=round(100 * part.confidence, 1),
            right=round(100 * part.accuracy, 1),
            low=round(100 * part.interval[0], 1),
            high=round(100 * part.interval[1], 1),
            records=part.records,
        )
        for part in (calibration.bins if calibration else ())
    ]


def checks(history: Sequence[Check], height: float = 40) -> list[Column]:
    """A column per check, as high as the number of expectations that block; one that passed is a low one.

    Empty for fewer than two checks.
    """
    if len(history) < 2:
        return []
    top = max(1, *(check.blocking for check in history))
    found = []
    for i, check in enumerate(history):
        tall = 5.0 if check.status == "pass" else max(8.0, round(height * check.blocking / top, 2))
        said = f"{moment(check.time)}: {check.status}, {check.blocking:,} of {check.expectations:,} block"
        found.append(Column(10 * i, height - tall, 8, tall, said, check.status))
    return found
