"""The files of the page: these and no others, read once from the package."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from importlib import resources

_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
FILES = {
    "/": "index.html",
    "/page.css": "page.css",
    "/icon.svg": "icon.svg",
    "/main.js": "main.js",
    "/choices.js": "choices.js",
    "/outbox.js": "outbox.js",
    "/server.js": "server.js",
    "/view.js": "view.js",
    "/dashboard.js": "dashboard.js",
}
"""Path -> file."""


@dataclass(frozen=True)
class Asset:
    """A file with what a browser needs to know about it."""

    content: bytes
    kind: str
    tag: str  # changes with the content


@functools.cache
def asset(path: str) -> Asset:
    """The file at a path of FILES."""
    name = FILES[path]
    content = resources.files(__package__).joinpath("static", name).read_bytes()
    return Asset(content, _KINDS[name.rpartition(".")[2]], f'"{hashlib.sha256(content).hexdigest()[:32]}"')
