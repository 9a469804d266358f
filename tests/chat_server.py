"""A chat endpoint on this machine that answers, and misbehaves, as it is told to."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Answer = Callable[[str], Any]
"""From the question to a reply's text, or to what is done in place of one."""


@dataclass(frozen=True)
class Raw:
    """An answer as it goes over the wire."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0  # seconds before it
    trickle: float = 0.0  # seconds before each of its bytes


class Cut:
    """The connection is cut in place of an answer."""


@dataclass
class Chat:
    """Where it is, what it was asked, and how it answers."""

    url: str = ""
    answer: Answer = lambda question: "spam" if "free" in question else "ham"
    usage: Mapping[str, Any] | None = field(default_factory=lambda: {"prompt_tokens": 20, "completion_tokens": 1})
    delay: float = 0.0
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # the Authorization headers
    times: list[float] = field(default_factory=list)
    most_at_once: int = 0
    now: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def questions(self) -> list[str]:
        """What was asked, in the order in which it came."""
        return [request["messages"][-1]["content"] for request in self.requests]

    def in_turn(self, *answers: Any) -> None:
        """Give these answers one after another, the last of them from then on."""
        left = list(answers)
        self.answer = lambda _: left.pop(0) if len(left) > 1 else left[0]


@contextlib.contextmanager
def chatting() -> Iterator[Chat]:
    """Run an endpoint for the block."""
    chat = Chat()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with chat.lock:
                chat.requests.append(body)
                chat.keys.append(self.headers.get("Authorization", ""))
                chat.times.append(time.monotonic())
                chat.now += 1
                chat.most_at_once = max(chat.most_at_once, chat.now)
                made = chat.answer(body["messages"][-1]["content"])
            try:
                time.sleep(chat.delay)
                self._say(made)
            finally:
                with chat.lock:
                    chat.now -= 1

        def _say(self, made: Any) -> None:
            if isinstance(made, Cut):
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True
                return
            raw = made if isinstance(made, Raw) else Raw(body=reply(made, chat.usage))
            time.sleep(raw.delay)
            with contextlib.suppress(OSError):  # whoever asked may have gone
                self.send_response(raw.status)
                for name, value in raw.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw.body)))
                self.end_headers()
                for part in [raw.body[i : i + 1] for i in range(len(raw.body))] if raw.trickle else [raw.body]:
                    time.sleep(raw.trickle)
                    self.wfile.write(part)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name in the base class
            """Say nothing."""

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A connection that was cut is as it should be."""

    with Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        chat.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield chat
        server.shutdown()


def reply(text: Any, usage: Mapping[str, Any] | None) -> bytes:
    """The body of a good answer."""
    made: dict[str, Any] = {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}
    return json.dumps(made if usage is None else {**made, "usage": usage}).encode()
