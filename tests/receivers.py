"""A receiver of OpenLineage events on this machine: what it got, and answers of every kind."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Receiver:
    """Where it is, what it got so far, and how it answers."""

    url: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # the Authorization headers
    status: int = 201
    delay: float = 0.0  # seconds before it answers

    def of(self, verb: str) -> list[dict[str, Any]]:
        """The events of one verb, in the order in which they came."""
        return [event for event in self.events if event["job"]["name"].endswith(f".{verb}")]


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver for the block."""
    receiver = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(receiver.delay)
            receiver.paths.append(self.path)
            receiver.keys.append(self.headers.get("Authorization", ""))
            if receiver.status < 300:
                receiver.events.append(json.loads(body))
            with contextlib.suppress(OSError):  # whoever asked may have gone
                self.send_response(receiver.status)
                self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name in the base class
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield receiver
        server.shutdown()


@contextlib.contextmanager
def nobody() -> Iterator[str]:
    """The URL of a port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """The URL of somebody who takes the call and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
