"""JSON as its standard has it: what Python's reader lets through beyond that is refused."""

from __future__ import annotations

import json
import math
from typing import Any

from labelkit.errors import shortened


class Refused(ValueError):
    """Something that Python's own reader would let through: what it is, and how a record says it instead."""

    def __init__(self, what: str, instead: str = "") -> None:
        super().__init__(f"{what}; {instead}" if instead else what)
        self.what = what


def loads(text: str) -> Any:
    """The value in a text. Raises Refused for a key that stands twice, NaN, and numbers that no 64 bits hold.

    Otherwise raises what `json.loads` does: JSONDecodeError, or RecursionError for a value that is nested too deeply.

    >>> loads('{"a": [1, 2.5, null]}')
    {'a': [1, 2.5, None]}
    >>> loads('{"a": 1, "a": 2}')
    Traceback (most recent call last):
        ...
    labelkit.strict_json.Refused: key "a" stands twice
    """
    return json.loads(
        text,
        object_pairs_hook=_distinct,
        parse_constant=_no_constant,
        parse_int=_whole_number,
        parse_float=_finite_number,
    )


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Refused(f'key "{shortened(twice)}" stands twice')
    return record


def _no_constant(name: str) -> Any:
    raise Refused(f"{name} is no JSON value", "write null")


def _whole_number(text: str) -> int:
    if len(text) > 20:  # no 64 bits hold it, and Python refuses to read the longest
        raise Refused(f"{shortened(text, 40)} does not fit 64 bits", "write it as text")
    return int(text)


def _finite_number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Refused(f"{shortened(text, 40)} is too large for a number", "write it as text")
    return value
