"""Fingerprints of labeling functions.

A function is its name, the whole text of the file it is written in (helpers, constants and imports included), its
resources and its preprocessors. An edit anywhere in the file is a change of all its functions: a needless change is
cheap, a missed one is not.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any


MAX_DEPTH = 20


def fingerprint_of(*parts: object) -> str:
    """SHA-256 over any mix of plain values, functions, preprocessors and objects.

    >>> fingerprint_of("a", {"x": {1, 2}}) == fingerprint_of("a", {"x": {2, 1}})
    True
    """
    digest = hashlib.sha256()
    for part in parts:
        _feed(digest, part, depth=0)
    return digest.hexdigest()


def _feed(digest: Any, value: object, depth: int) -> None:
    """Add one value: its type, then its content in a canonical order."""
    digest.update(f"<{type(value).__qualname__}>".encode())
    if depth > MAX_DEPTH:
        return
    if value is None or isinstance(value, (str, int, float, bool, complex)):
        digest.update(repr(value).encode("utf-8", "surrogatepass"))
    elif isinstance(value, (bytes, bytearray)):
        digest.update(hashlib.sha256(value).digest())
    elif isinstance(value, (list, tuple, set, frozenset, dict)):
        _feed_container(digest, value, depth)
    elif isinstance(value, CodeType):
        _feed(digest, (value.co_code, value.co_names, value.co_consts), depth + 1)
    elif callable(value):
        _feed_callable(digest, value, depth)
    elif hasattr(value, "tobytes"):  # arrays
        digest.update(repr((getattr(value, "dtype", ""), getattr(value, "shape", ""))).encode())
        digest.update(hashlib.sha256(value.tobytes()).digest())
    else:
        _feed(digest, getattr(value, "__dict__", type(value).__module__), depth + 1)


def _feed_container(
    digest: Any, value: list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any] | dict[Any, Any], depth: int
) -> None:
    """Lists in their order; sets and dictionaries in the order of the fingerprints of their items and keys."""
    if isinstance(value, dict):
        for key, item in sorted(((fingerprint_of(key), item) for key, item in value.items()), key=lambda pair: pair[0]):
            digest.update(key.encode())
            _feed(digest, item, depth + 1)
    elif isinstance(value, (set, frozenset)):
        for print_of_item in sorted(fingerprint_of(item) for item in value):
            digest.update(print_of_item.encode())
    else:
        for item in value:
            _feed(digest, item, depth + 1)


def _feed_callable(digest: Any, function: Callable[..., Any], depth: int) -> None:
    inner = inspect.unwrap(function)
    code = getattr(inner, "__code__", None)
    if code is None:  # an object with __call__: a Snorkel mapper, a model
        digest.update(f"{type(inner).__module__}.{getattr(inner, '__qualname__', type(inner).__qualname__)}".encode())
        state = {
            name: value
            for name, value in getattr(inner, "__dict__", {}).items()
            if not name.startswith(("_cache", "_memo"))
        }
        _feed(digest, state, depth + 1)
        return
    text = _file_text(code.co_filename)
    digest.update(text if text is not None else b"")
    _feed(digest, code, depth + 1)
    cells = [cell.cell_contents for cell in getattr(inner, "__closure__", None) or () if _is_set(cell)]
    _feed(digest, [inner.__qualname__, getattr(inner, "__defaults__", None), cells], depth + 1)
    if hasattr(function, "memoize"):
        _feed(digest, bool(function.memoize), depth + 1)


def _is_set(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018  reading it is the test
    except ValueError:
        return False
    return True


def _file_text(name: str) -> bytes | None:
    path = Path(name)
    try:
        return _digest_of_file(name, path.stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=256)
def _digest_of_file(name: str, changed: int) -> bytes:  # noqa: ARG001  the time is part of the key
    return hashlib.sha256(Path(name).read_bytes()).digest()
