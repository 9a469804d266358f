"""Preprocessors: work on a record that several labeling functions share, as in Snorkel.

A preprocessor gets its own copy of the row, sets new attributes on it and returns it.
"""

from __future__ import annotations

import copy
import functools
from collections import deque
from collections.abc import Callable, Hashable
from types import SimpleNamespace
from typing import Any

import numpy as np

from labelkit.labeling.rows import own_row

MEMO_LIMIT = 100_000


class Preprocessor:
    """A function from row to row, run before a labeling function.

    With `memoize` the result is kept per content of the row, for at most 100,000 rows. Lists, sets, dictionaries and
    arrays that it put on the row are copied for each function that gets them; other objects, such as a parsed
    document, are shared.
    """

    def __init__(self, function: Callable[[Any], Any], *, memoize: bool = False) -> None:
        self.name = getattr(function, "__name__", type(function).__name__)
        self.function = function
        self.memoize = memoize
        self._memo: dict[Hashable, Any] = {}
        functools.update_wrapper(self, function)

    def __call__(self, x: Any) -> Any:
        """Apply to a copy of the row; the row itself stays as it is."""
        x = own_row(x)
        key = _content(x) if self.memoize else None
        if key is None:
            return self._applied(x)
        if key not in self._memo:
            mapped = self._applied(x)
            if len(self._memo) >= MEMO_LIMIT:
                self._memo.clear()
            self._memo[key] = mapped
        return own_copy(self._memo[key])

    def _applied(self, x: Any) -> Any:
        mapped = self.function(own_copy(x))
        if mapped is None:
            raise ValueError(f"preprocessor {self.name} returned None; it must return the row")
        return mapped

    def __repr__(self) -> str:
        return f"Preprocessor({self.name!r})"


def preprocessor(*, memoize: bool = False) -> Callable[[Callable[[Any], Any]], Preprocessor]:
    """Decorate a function from row to row.

    >>> from types import SimpleNamespace
    >>> @preprocessor(memoize=True)
    ... def words(x):
    ...     x.words = x.text.split()
    ...     return x
    >>> words(SimpleNamespace(text="so good")).words
    ['so', 'good']
    """
    if not isinstance(memoize, bool):
        raise TypeError("preprocessor takes parentheses: @preprocessor()")

    def decorate(function: Callable[[Any], Any]) -> Preprocessor:
        return Preprocessor(function, memoize=memoize)

    return decorate


def own_copy(value: Any) -> Any:
    """A copy that can be changed in place without the original changing: rows and plain containers, however nested.

    >>> original = {"words": ["a"]}
    >>> own_copy(original)["words"].append("b")
    >>> original
    {'words': ['a']}
    """
    kind = type(value)
    if isinstance(value, SimpleNamespace):
        return kind(**{name: own_copy(item) for name, item in vars(value).items()})
    if kind is dict:
        return {key: own_copy(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return kind([own_copy(item) for item in value])
    if isinstance(value, (list, dict, set, deque, bytearray, np.ndarray)) or _is_series(value):
        return copy.copy(value)
    return value


def _is_series(value: Any) -> bool:
    """A pandas Series: what Snorkel's appliers hand to a function."""
    return type(value).__name__ == "Series"


def _content(x: Any) -> Hashable | None:
    """A key that tells rows of different content apart; None for rows that hold what cannot be compared."""
    if not isinstance(x, SimpleNamespace):
        return None
    try:
        key: Hashable = _comparable(vars(x))
        hash(key)
    except TypeError:
        return None
    return key


def _comparable(value: Any) -> Any:
    """The value with its type, so that 1, 1.0 and True differ, and -0.0 and 0.0; containers made hashable."""
    kind = type(value)
    if kind is dict:
        return kind, frozenset((key, _comparable(item)) for key, item in value.items())
    if kind is list or kind is tuple:
        return kind, tuple(_comparable(item) for item in value)
    if kind is set:
        return kind, frozenset(_comparable(item) for item in value)
    return kind, repr(value) if kind is float else value
