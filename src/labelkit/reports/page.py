"""A verdict as one HTML file that needs nothing else: see `reports.templating`."""

from __future__ import annotations

from typing import Any

from labelkit.reports.background import NOTHING, Background
from labelkit.reports.plots import bars, checks, columns, reliability
from labelkit.reports.problems import blocking, counted, tolerated
from labelkit.reports.templating import page
from labelkit.validation import Verdict

SHOWN = 5
"""Failing rows that are shown at once; the others unfold."""

GLANCE = 12
"""Problems that the top of the page names in a line each."""

LISTED = 1_000
"""Failing rows that unfold; the file stays small enough to open, and verdict.json has them all."""


def html(verdict: Verdict, background: Background = NOTHING) -> str:
    """The page as text, to be written as UTF-8."""
    return page(
        "report.html",
        ["report.css"],
        verdict=verdict,
        background=background,
        blocking=blocking(verdict, background),
        tolerated=tolerated(verdict, background),
        counted=counted(verdict),
        suites=_suites(verdict),
        bars=bars(background.shares),
        columns=columns(background.confidences),
        checks=checks(background.history),
        reliability=reliability(background.calibration),
        shown=SHOWN,
        listed=LISTED,
        glance=GLANCE,
    )


def _suites(verdict: Verdict) -> list[tuple[str, str, list[tuple[Any, str]]]]:
    """Name and table of every suite, with its outcomes and the word for each."""
    softened = {id(outcome) for outcome in verdict.tolerated}
    found: dict[tuple[str, str], list[tuple[Any, str]]] = {}
    for outcome in verdict.outcomes:
        word = outcome.severity if id(outcome) in softened else outcome.status
        found.setdefault((outcome.suite, outcome.table), []).append((outcome, word))
    return [(suite, table, outcomes) for (suite, table), outcomes in found.items()]
