"""Pages that need nothing else: no script, no network, nothing from data that could run.

Every text goes through `errors.visible` and is escaped; the content security policy forbids all but the one style sheet
in the file, named by its hash. Icons and plots are inline SVG.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.resources
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from labelkit.errors import shortened, visible
from labelkit.reports.problems import code_parts, moment

if TYPE_CHECKING:
    from jinja2 import Environment


def page(template: str, styles: Sequence[str], **content: Any) -> str:
    """A page as text, to be written as UTF-8: the template with its style sheets and the policy that lets them in."""
    style = "".join(_resource(name) for name in styles)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return _environment().get_template(template).render(style=style, policy=policy, **content)


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        """Jinja escapes what this gives: text in which every hidden character is visible."""
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=FunctionLoader(_resource),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "moment": moment,
        "code_parts": code_parts,
        "count": lambda number: f"{number:,}",
        "cut": lambda text: shortened(text, 90),
        "percent": lambda share: f"{100 * share:.1f} %",
        "whole_percent": lambda share: f"{100 * share:.0f} %",
    }
    return environment


@functools.cache
def _resource(name: str) -> str:
    return importlib.resources.files("labelkit.reports").joinpath("templates", name).read_text(encoding="utf-8")
