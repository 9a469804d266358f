"""The runs as a graph, drawn like the history of a repository: a line per run, newest first, a lane per verb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labelkit.reports.overview.content import RunLine

VERBS = ("apply", "annotate", "validate", "train")
"""Lanes from left to right; verbs that are not listed share the last one. A verb without runs has no lane."""

ROW, LANE, LEFT, ASIDE = 60, 26, 16, 8  # height of a line, distance of lanes, the first lane, the way round a run


@dataclass(frozen=True)
class Node:
    """The dot of a run, in pixels."""

    x: int
    y: int
    verb: str
    word: str
    current: bool


@dataclass(frozen=True)
class Graph:
    """Everything that stands left of the lines of text."""

    width: int
    height: int
    nodes: tuple[Node, ...]
    edges: tuple[str, ...]  # SVG paths


def graph(runs: Sequence[RunLine]) -> Graph:
    """Dots and edges; an edge leads from a run down to one that it stands on.

    >>> newest = RunLine("b", "validate", "pass", "", None, "", (), ("a",))
    >>> graph([newest, RunLine("a", "apply", "", "", None, "", (), ())]).edges
    ('M42 30 C42 64 16 56 16 90',)
    """
    rows = {run.id: row for row, run in enumerate(runs)}
    kinds = [VERBS.index(run.verb) if run.verb in VERBS else len(VERBS) for run in runs]
    used = sorted(set(kinds))
    lanes = [used.index(kind) for kind in kinds]
    nodes = tuple(
        Node(_x(lane), _y(row), run.verb, run.word, run.current)
        for row, (run, lane) in enumerate(zip(runs, lanes, strict=True))
    )
    edges = tuple(
        _edge(lanes, row, rows[parent])
        for row, run in enumerate(runs)
        for parent in run.parents
        if rows.get(parent, -1) > row
    )
    return Graph(_x(max(lanes, default=0)) + LEFT, ROW * len(runs), nodes, edges)


def _edge(lanes: Sequence[int], above: int, below: int) -> str:
    """A curve into the lane of the run below, then straight down; aside where another run is in the way."""
    x, y, end_x, end_y = _x(lanes[above]), _y(above), _x(lanes[below]), _y(below)
    if below == above + 1:
        return _curve(x, y, end_x, end_y) if x != end_x else f"M{x} {y} V{end_y}"
    blocked = any(lane == lanes[below] for lane in lanes[above + 1 : below])
    if not blocked:
        return f"{_curve(x, y, end_x, y + ROW)} V{end_y}"
    way = end_x - ASIDE
    return f"{_curve(x, y, way, y + ROW)} V{end_y - ROW // 2} Q{way} {end_y} {end_x} {end_y}"


def _curve(x: int, y: int, end_x: int, end_y: int) -> str:
    bend = round((end_y - y) * 0.57)
    return f"M{x} {y} C{x} {y + bend} {end_x} {end_y - bend} {end_x} {end_y}"


def _x(lane: int) -> int:
    return LEFT + LANE * lane


def _y(row: int) -> int:
    return ROW * row + ROW // 2
