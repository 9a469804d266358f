"""Links from a page to files of the repository that are not part of the site: their path stays, the link goes."""

from __future__ import annotations

import re
from typing import Any

_OUTSIDE = re.compile(r"\[([^\]]+)\]\((\.\./[^)\s]+)\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs for each page."""
    return _OUTSIDE.sub(r"\1 (`\2`)", markdown).replace("(`../", "(`")
