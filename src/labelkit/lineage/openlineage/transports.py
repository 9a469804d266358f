"""Where events go: a file of JSON lines, or an HTTP receiver such as Marquez, by the client's own transports."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from labelkit.lineage.openlineage.outbox import Refused, Send

ANSWER_SECONDS = 1.5  # a receiver may take for one event
NEVER = frozenset({400, 413, 415, 422})
"""What a receiver answers to an event that it will not take tomorrow either."""

KEY = "OPENLINEAGE_API_KEY"
"""The environment variable that holds a receiver's key, as every OpenLineage client reads it."""


def to_file(path: Path) -> Send:
    """Append events to a file, a line each; the folder is made."""
    from openlineage.client.transport.file import FileConfig, FileTransport

    path.parent.mkdir(parents=True, exist_ok=True)
    return _plain(FileTransport(FileConfig(log_file_path=str(path), append=True)))


def to_url(url: str) -> Send:
    """Post events to `url`/api/v1/lineage, each once: what fails is tried again with the next run."""
    import requests
    from openlineage.client.transport.http import HttpConfig, HttpTransport

    key = os.environ.get(KEY, "")
    config = HttpConfig.from_dict(
        {
            "url": url if url.endswith("/") else f"{url}/",
            "timeout": ANSWER_SECONDS,
            "retry": {"total": 0, "connect": 0, "read": 0},
            **({"auth": {"type": "api_key", "apiKey": key}} if key else {}),
        }
    )
    emit = _plain(HttpTransport(config))

    def send(event: dict[str, Any]) -> None:
        try:
            emit(event)
        except requests.HTTPError as error:
            status = 0 if error.response is None else error.response.status_code
            if status in NEVER:
                raise Refused(f"HTTP {status}") from error
            raise

    return send


def _plain(transport: Any) -> Send:
    """The transport for plain values, which the client serialises as well as its models; it leaves nothing open."""

    def emit(event: dict[str, Any]) -> None:
        try:
            transport.emit(event)
        finally:
            transport.close()

    return emit
