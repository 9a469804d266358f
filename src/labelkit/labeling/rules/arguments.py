"""What the functions that make rules ask of their arguments. All raise FunctionError for what does not hold."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal

from labelkit.errors import FunctionError, visible
from labelkit.labeling.rules.conditions import Between

LONGEST = 10_000  # characters of a word


def folder_of_declaration() -> Path:
    """Where relative paths begin: the folder of the file that called the caller, or, of a console, where it stands."""
    file = sys._getframe(2).f_code.co_filename
    return Path() if file.startswith("<") else Path(file).parent


def listed_words(name: str, what: str, words: Iterable[str]) -> tuple[str, ...]:
    """The words, each once, longest first."""
    listed = [] if isinstance(words, str) else list(words)
    one = "text" if what == "texts" else "word"  # a text may be a space, but a word may not
    if not listed or not all(isinstance(each, str) and (each if one == "text" else each.strip()) for each in listed):
        raise FunctionError(f'rule "{visible(name)}": {what} must be a list of at least one {one}, none of them empty')
    longest = max(map(len, listed))
    if longest > LONGEST:
        raise FunctionError(
            f'rule "{visible(name)}": {what} may have up to {LONGEST:,} characters each, not {longest:,}'
        )
    return tuple(sorted(set(listed), key=lambda word: (-len(word), word)))


def limits(
    name: str, field: str, of: Literal["value", "characters", "words"], above: float | None, below: float | None
) -> Between:
    """The condition that a number lies between limits, of which one may be missing."""
    if above is None and below is None:
        raise FunctionError(f'rule "{visible(name)}": give above=, below= or both')
    low, high = plain_limit(name, "above", above), plain_limit(name, "below", below)
    if low is not None and high is not None and not low < high:
        raise FunctionError(f'rule "{visible(name)}": no number is above {low} and below {high}')
    return Between(field, of, low, high)


def plain_limit(name: str, side: str, value: Any) -> int | float | None:
    """The limit as a plain number, so that nothing is compared in fewer digits than it has."""
    if value is None:
        return None
    if not isinstance(value, Real) or isinstance(value, bool) or value != value:  # noqa: PLR0124  NaN is not itself
        raise FunctionError(f'rule "{visible(name)}": {side} must be a number, not {shown(value)}')
    return int(value) if isinstance(value, Integral) else float(value)


def shown(value: object) -> str:
    """A value as messages name it."""
    return visible(repr(value)[:60])
