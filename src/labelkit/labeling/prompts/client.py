"""One request to a chat endpoint, and what every kind of answer means for the next step.

Redirects are not followed, since they would take the key elsewhere. Text of the endpoint that gets into a message has
the key taken out, and is short.
"""

from __future__ import annotations

import contextlib
import email.utils
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from labelkit.errors import ConfigError, MachineError, visible
from labelkit.labeling.prompts.endpoint import Endpoint

if TYPE_CHECKING:
    import httpx2

LONGEST = 2**20  # bytes of an answer that are read
SHOWN = 160  # characters of what an endpoint says
LATER = {408, 409, 425, 429, 500, 502, 503, 504, 529}  # statuses that another attempt may change
LOCKED = {401, 403}


@dataclass(frozen=True)
class Reply:
    """What a model said, and the tokens that it took; None where the endpoint does not count them."""

    text: str
    tokens_in: int | None
    tokens_out: int | None


class TryAgainError(Exception):
    """No reply, but another attempt may bring one."""

    def __init__(self, reason: str, *, after: float | None = None, charged: bool = False) -> None:
        super().__init__(reason)
        self.after = after  # seconds that the endpoint asks to wait
        self.charged = charged  # whether the attempt may have cost as much as it could


class NoReplyError(Exception):
    """The endpoint does not reply to this request, whoever asks again."""


class Client:
    """Connections to an endpoint. Threads share it."""

    def __init__(self, endpoint: Endpoint) -> None:
        try:
            import httpx2
        except ImportError as error:
            raise MachineError(
                "prompt functions need httpx2, which is not installed: pip install 'labelkit[prompt]'"
            ) from error
        settings = endpoint.settings
        self._secret = endpoint.secret()
        self._url = f"{settings.base_url.rstrip('/')}/chat/completions"
        self._http = httpx2.Client(
            headers={"Authorization": f"Bearer {self._secret}"} if self._secret else {},
            timeout=settings.timeout,
            # Over plain http no certificate is ever looked at; loading those of the machine takes its time.
            verify=True if settings.base_url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            limits=httpx2.Limits(max_connections=settings.concurrency),
            follow_redirects=False,
        )
        self._seconds = settings.timeout
        self._key = settings.key

    def close(self) -> None:
        """Hang up, whoever is still speaking."""
        self._http.close()

    def ask(self, request: Mapping[str, Any]) -> Reply:
        """Send one request.

        Raises TryAgainError or NoReplyError as above, and ConfigError where no request can succeed: a wrong key, a
        wrong address, a redirect.
        """
        import httpx2

        began, body = time.monotonic(), bytearray()
        try:
            with self._http.stream("POST", self._url, json=dict(request)) as response:
                for part in response.iter_bytes():
                    body += part
                    if len(body) > LONGEST:
                        raise TryAgainError(f"an answer of more than {LONGEST:,} bytes", charged=True)
                    if time.monotonic() - began > self._seconds:  # a byte now and then is no answer either
                        raise TryAgainError(f"no whole answer within {self._seconds:g} s", charged=True)
        except httpx2.TimeoutException:
            raise TryAgainError(f"no answer within {self._seconds:g} s", charged=True) from None
        except httpx2.ConnectError as error:
            raise TryAgainError(f"no connection: {self._plain(str(error))}") from None
        except (httpx2.HTTPError, httpx2.StreamError, RuntimeError) as error:  # RuntimeError: closed beneath it
            raise TryAgainError(f"the connection broke: {self._plain(str(error))}", charged=True) from None
        except (httpx2.InvalidURL, ValueError) as error:
            raise ConfigError(f"[prompt] base_url: {self._plain(str(error))}") from None
        if response.status_code != httpx2.codes.OK:
            self._refused(response, bytes(body))
        return self._reply(bytes(body))

    def _refused(self, response: httpx2.Response, body: bytes) -> NoReturn:
        status = response.status_code
        said = f"HTTP {status}{self._said(body)}"
        if status in LATER:
            raise TryAgainError(said, after=_seconds(response.headers.get("Retry-After", "")))
        if 300 <= status < 400:
            where = self._plain(response.headers.get("Location", "elsewhere"))
            raise ConfigError(f"[prompt] base_url: the endpoint redirects to {where}, and redirects are not followed")
        if status in LOCKED:  # what it says may quote the key
            hint = f"the variable {visible(self._key)}" if self._key else "[prompt] key, which names no variable"
            raise ConfigError(f"the endpoint refuses the key (HTTP {status}); see {hint}")
        if status in {404, 405}:
            raise ConfigError(f"[prompt] base_url or model: {said} at /chat/completions")
        raise NoReplyError(said)

    def _reply(self, body: bytes) -> Reply:
        """The reply in the body of a good answer."""
        try:
            content = json.loads(body)
            text = content["choices"][0]["message"]["content"]
            usage = content.get("usage") or {}
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise TryAgainError(f"no reply in the answer{self._said(body)}", charged=True) from None
        if text is not None and not isinstance(text, str):
            raise TryAgainError("a reply that is no text", charged=True)
        counts = [
            usage.get(name) if isinstance(usage, dict) else None for name in ("prompt_tokens", "completion_tokens")
        ]
        tokens_in, tokens_out = (count if type(count) is int and 0 <= count < 2**40 else None for count in counts)
        return Reply(self._without_key(text or ""), tokens_in, tokens_out)

    def _said(self, body: bytes) -> str:
        """What an answer says, for a message: the endpoint's own word where it is in its usual place."""
        text = body[:4096].decode("utf-8", "replace")
        with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
            text = str(json.loads(body)["error"]["message"])
        return f": {self._plain(text)}" if text.strip() else ""

    def _plain(self, text: str) -> str:
        return visible(" ".join(self._without_key(text).split())[:SHOWN])

    def _without_key(self, text: str) -> str:
        return text.replace(self._secret, "[key]") if self._secret else text


def _seconds(header: str) -> float | None:
    """Seconds that a Retry-After header asks for, given as a number or as a date; None where it says neither.

    >>> _seconds("2"), _seconds("soon"), _seconds("Thu, 01 Jan 1970 00:00:00 GMT")
    (2.0, None, 0.0)
    """
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
