"""URLs as lineage may name them: where something is, never how to get in."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_LOGIN = re.compile(r"(?<=://)[^/@\s]*:\S*@")  # a password may hold anything, a slash too


def public_url(url: str) -> str:
    """Scheme, host, port and path of a URL; user, password and options stay out. Empty for what is no URL.

    >>> public_url("postgresql+psycopg://ana:s3cret@db.example:5432/reviews?sslpassword=x")
    'postgresql+psycopg://db.example:5432/reviews'
    >>> public_url("ana:s3cret@db.example")
    ''
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    return f"{parts.scheme}://{host}{port}{parts.path}" if parts.scheme and "://" in url else ""


def without_login(text: str) -> str:
    """Text in which no URL holds a password.

    >>> without_login("read from mysql://ana:s3cret@host/db")
    'read from mysql://***@host/db'
    """
    return _LOGIN.sub("***@", text)
