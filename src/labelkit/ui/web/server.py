"""Serving the application on this machine: one process, one port, until it is told to end."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import ipaddress
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import uvicorn

from labelkit.errors import MachineError, UsageError, visible
from labelkit.ui.web.app import application
from labelkit.ui.web.guard import Addresses
from labelkit.ui.web.patience import ImpatientProtocol
from labelkit.ui.web.room import Room, Site

DEFAULT_PORT = 8477
LOCAL = "127.0.0.1"
MOST_CONNECTIONS = 500
IDLE_SECONDS = 30
GRACE_SECONDS = 3


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens at the address; port 0 takes any that is free. Raises MachineError when it cannot."""
    with contextlib.ExitStack() as stack:
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            sock = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
            sock.listen(128)
        except (OSError, UnicodeError) as error:
            in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            why = "somebody listens there already; end that, or give another --port" if in_use else str(error)
            raise MachineError(f"cannot listen at {visible(host)}, port {port}: {visible(why)}") from error
        yield sock


def is_local(host: str) -> bool:
    """Whether only this machine can reach the address.

    >>> is_local("127.0.0.1"), is_local("localhost"), is_local("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def site_at(host: str, port: int, url: str | None = None) -> Site:
    """The origins by which a server at this address is reached; `url` is the one that people use, where it is another.

    Raises UsageError for a url that is no origin, or where nobody can tell by which name people come.

    >>> sorted(site_at("127.0.0.1", 8477).addresses.origins)[0]
    'http://127.0.0.1:8477'
    >>> site_at("127.0.0.1", 8477, "https://labels.example.org").secure
    True
    """
    if url is not None:
        home = _origin(url)
        return Site(home, Addresses(frozenset({home})), _cookie(home))
    if host in {"0.0.0.0", "::"}:  # noqa: S104  it is refused here
        raise UsageError(f"--host {host} is every address of this machine; say by --url which one people use")
    names = ("127.0.0.1", "localhost", "[::1]") if is_local(host) else (f"[{host}]" if ":" in host else host,)
    origins = [_origin(f"http://{name}:{port}") for name in names]
    return Site(origins[0], Addresses(frozenset(origins)), _cookie(str(port)))


def _cookie(place: str) -> str:
    return f"labelkit-{hashlib.sha256(place.encode()).hexdigest()[:8]}"


def _origin(url: str) -> str:
    """Scheme, host and port as a browser writes them."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), (parts.hostname or "").lower(), parts.port
    except ValueError:
        scheme, host, port, parts = "", "", None, urlsplit("")
    rest = (parts.path.rstrip("/"), parts.query, parts.fragment, parts.username, parts.password)
    if scheme not in {"http", "https"} or not host or any(rest):
        raise UsageError(
            f'--url "{visible(url[:200])}" is no address such as https://labels.example.org, without a path'
        )
    name = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[scheme]
    return f"{scheme}://{name}" + ("" if port in {None, usual} else f":{port}")


def serve(room: Room, sock: socket.socket) -> None:
    """Answer requests until SIGINT or SIGTERM, which then do what they did before."""
    server_of(room).run(sockets=[sock])


def server_of(room: Room) -> uvicorn.Server:
    """A server that answers requests once it runs."""
    config = uvicorn.Config(
        application(room),
        log_level="critical",
        access_log=False,
        lifespan="off",
        ws="none",
        http=ImpatientProtocol,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=32 * 1024,
    )
    return uvicorn.Server(config)
