"""Preprocessors: work on a record that several labeling functions share, as in Snorkel.

A preprocessor gets its own copy of the row, sets new attributes on it and returns it.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

from labelkit.labeling.rows import Row

MEMO_LIMIT = 100_000


class Preprocessor:
    """A function from row to row, run before a labeling function.

    With `memoize` the result is kept per content of the row, for at most 100,000 rows.
    """

    def __init__(self, function: Callable[[Any], Any], *, memoize: bool = False) -> None:
        self.name = getattr(function, "__name__", type(function).__name__)
        self.function = function
        self.memoize = memoize
        self._memo: dict[Any, Any] = {}
        functools.update_wrapper(self, function)

    def __call__(self, x: Any) -> Any:
        """Apply to a copy of the row; the row itself stays as it is."""
        if not self.memoize:
            return self._applied(x)
        key = frozenset(vars(x).items())
        if key not in self._memo:
            if len(self._memo) >= MEMO_LIMIT:
                self._memo.clear()
            self._memo[key] = self._applied(x)
        return self._memo[key]

    def _applied(self, x: Any) -> Any:
        mapped = self.function(Row(**vars(x)) if isinstance(x, Row) else copy.copy(x))
        if mapped is None:
            raise ValueError(f"preprocessor {self.name} returned None; it must return the row")
        return mapped

    def __repr__(self) -> str:
        return f"Preprocessor({self.name!r})"


def preprocessor(*, memoize: bool = False) -> Callable[[Callable[[Any], Any]], Preprocessor]:
    """Decorate a function from row to row.

    >>> @preprocessor(memoize=True)
    ... def words(x):
    ...     x.words = x.text.split()
    ...     return x
    >>> words(Row(text="so good")).words
    ['so', 'good']
    """
    if not isinstance(memoize, bool):
        raise TypeError("preprocessor takes parentheses: @preprocessor()")

    def decorate(function: Callable[[Any], Any]) -> Preprocessor:
        return Preprocessor(function, memoize=memoize)

    return decorate
