"""What stands before every request: where it comes from, how large it is, how long it may take.

A page of another site can make a browser send requests to this machine (CSRF), and a name that its owner points at
127.0.0.1 makes them look as if they came from the same site (DNS rebinding). So the Host must be one that this server
is reached by, and whatever changes something must come from a page of this server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 128 * 1024  # bytes: a note of 10,000 characters, each escaped, fits twice
BODY_SECONDS = 10.0

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types"
)

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True)
class Addresses:
    """The origins by which this server is reached, such as http://127.0.0.1:8477."""

    origins: frozenset[str]

    @property
    def hosts(self) -> frozenset[str]:
        """What the Host header may say. Browsers leave the usual port of a scheme out."""
        return frozenset(origin.partition("://")[2] for origin in self.origins)


class Guard:
    """ASGI middleware that lets through what a page of this server sends, and nothing else."""

    def __init__(self, app: ASGIApp, addresses: Addresses) -> None:
        self._app, self._addresses = app, addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no websockets here
            await send({"type": "websocket.close", "code": 1008})
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._refusal(Headers(scope=scope), scope["method"]) or await _too_much(scope, receive)
        if isinstance(refusal, JSONResponse):
            await refusal(scope, receive, guarded)
        else:
            await self._app(scope, refusal, guarded)

    def _refusal(self, headers: Headers, method: str) -> JSONResponse | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._addresses.hosts:
            return refused(403, "host", "this server does not go by that name")
        if method in {"GET", "HEAD"}:
            return None
        origins = headers.getlist("origin")
        if len(origins) != 1 or origins[0] not in self._addresses.origins:
            return refused(403, "origin", "this did not come from a page of this server")
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return refused(403, "origin", "this did not come from a page of this server")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return refused(415, "type", "only application/json is read")
        return None


def refused(status: int, kind: str, why: str, **more: object) -> JSONResponse:
    """An answer that says no: `kind` for the page, `why` for the person."""
    return JSONResponse({"error": {"kind": kind, "why": why, **more}}, status, headers={"Cache-Control": "no-store"})


async def _too_much(scope: Scope, receive: Receive) -> JSONResponse | Receive:
    """Read the whole body within its limits: what gives it to the application, or the refusal."""
    announced = Headers(scope=scope).get("content-length", "0")
    if not announced.isdecimal() or len(announced) > 12 or int(announced) > LARGEST_BODY:
        return refused(413, "size", f"more than {LARGEST_BODY:,} bytes")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _body(receive)
    except TimeoutError:
        return refused(408, "time", f"the request took longer than {BODY_SECONDS:g} seconds to arrive")
    if body is None:
        return refused(413, "size", f"more than {LARGEST_BODY:,} bytes")
    given = False

    async def whole() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return whole


async def _body(receive: Receive) -> bytes | None:
    """The body of a request; None when it is too large."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_BODY:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)
