"""A verdict as one HTML file that needs nothing else: no script, no network, nothing from data that could run.

Every text goes through `errors.visible` and is escaped; the content security policy forbids all but the one style sheet
in the file, named by its hash. Icons and plots are inline SVG.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.resources
from typing import TYPE_CHECKING, Any

from labelkit.errors import shortened, visible
from labelkit.reports.background import NOTHING, Background
from labelkit.reports.plots import bars, checks, columns
from labelkit.reports.problems import blocking, code_parts, counted, moment, tolerated
from labelkit.validation import Verdict

if TYPE_CHECKING:
    from jinja2 import Environment

SHOWN = 5
"""Failing rows that are shown at once; the others unfold."""

GLANCE = 12
"""Problems that the top of the page names in a line each."""

LISTED = 1_000
"""Failing rows that unfold; the file stays small enough to open, and verdict.json has them all."""


def html(verdict: Verdict, background: Background = NOTHING) -> str:
    """The page as text, to be written as UTF-8."""
    style = _resource("report.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _environment().get_template("report.html").render(
        verdict=verdict,
        background=background,
        blocking=blocking(verdict, background),
        tolerated=tolerated(verdict, background),
        counted=counted(verdict),
        suites=_suites(verdict),
        bars=bars(background.shares),
        columns=columns(background.confidences),
        checks=checks(background.history),
        style=style,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        shown=SHOWN,
        listed=LISTED,
        glance=GLANCE,
    )  # fmt: skip


def _suites(verdict: Verdict) -> list[tuple[str, str, list[tuple[Any, str]]]]:
    """Name and table of every suite, with its outcomes and the word for each."""
    softened = {id(outcome) for outcome in verdict.tolerated}
    found: dict[tuple[str, str], list[tuple[Any, str]]] = {}
    for outcome in verdict.outcomes:
        word = outcome.severity if id(outcome) in softened else outcome.status
        found.setdefault((outcome.suite, outcome.table), []).append((outcome, word))
    return [(suite, table, outcomes) for (suite, table), outcomes in found.items()]


@functools.cache
def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        """Jinja escapes what this gives: text in which every hidden character is visible."""
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=DictLoader({"report.html": _resource("report.html"), "macros.html": _resource("macros.html")}),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": moment, "code_parts": code_parts, "count": lambda number: f"{number:,}"}
    environment.filters["cut"] = lambda text: shortened(text, 90)
    return environment


@functools.cache
def _resource(name: str) -> str:
    return importlib.resources.files("labelkit.reports").joinpath("templates", name).read_text(encoding="utf-8")
