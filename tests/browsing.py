"""Pages as a parser and as Chromium see them."""

from __future__ import annotations

import contextlib
import http.server
import subprocess
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from chromium import chromium

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


class Skeleton(HTMLParser):
    """The elements and attribute names of a page, the texts left out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, *(name for name, _ in attrs)))


def skeleton(page: str) -> list[tuple[str, ...]]:
    """Every start tag with its attribute names."""
    parser = Skeleton()
    parser.feed(page)
    return parser.found


class Visits(http.server.BaseHTTPRequestHandler):
    """Counts what is asked of it."""

    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name in the base class
        """Say nothing."""


@contextlib.contextmanager
def serving() -> Iterator[tuple[int, list[str]]]:
    """A server on this machine: its port, and the paths asked for."""
    Visits.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Visits) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], Visits.asked
        server.shutdown()


def opened(page: str, folder: Path) -> str:
    """The page as Chromium has it after everything in it had its chance to run."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    command = [chromium(), *FLAGS, f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=5000", "--dump-dom"]
    done = subprocess.run([*command, file.as_uri()], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout
