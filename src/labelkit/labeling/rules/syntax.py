r"""Regular expressions read by Python's own parser into a small tree, every class of characters spelled out.

A tree says what a pattern matches and nothing about how: groups, laziness and flags are gone. It is read for a domain:
"ascii", texts of these 128 characters, which is quick; "unicode", all texts; "shape", the classes as in the first and
the places as in the second, to find out whether a pattern can be matched at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from re import (  # type: ignore[attr-defined, unused-ignore]
    _constants as sre,
    _parser,
)
from typing import Any, Literal

from labelkit.labeling.rules.charsets import (
    ASCII_TEXT,
    Ranges,
    cased_characters,
    cases_of,
    category,
    complement,
    merged,
    ranges_in,
)

MAX_REPEAT = 1000  # the longest count that RE2 takes
Domain = Literal["ascii", "unicode", "shape"]
Place = Literal[
    "start", "end", "last line end", "line start", "line end", "boundary", "inside", "ascii boundary", "ascii inside"
]


class NotLinearError(ValueError):
    """The pattern cannot be matched in linear time. The message says what in it is the reason."""


@dataclass(frozen=True)
class Chars:
    """One character of a set. `literal` is the character where the pattern says just that one, in any case or not."""

    ranges: Ranges
    literal: str = ""


@dataclass(frozen=True)
class At:
    r"""No character, but a condition on the place: "last line end" is `$`, "end" is `\Z`, "inside" is `\B`."""

    place: Place


@dataclass(frozen=True)
class Either:
    """One of several."""

    branches: tuple[Sequence, ...]


@dataclass(frozen=True)
class Repeat:
    """The same, `low` to `high` times; any number of times from `low` on if `high` is None."""

    low: int
    high: int | None
    body: Sequence


Node = Chars | At | Either | Repeat
Sequence = tuple[Node, ...]

REFUSED = {
    sre.GROUPREF: "a back-reference",
    sre.GROUPREF_EXISTS: "a condition on a group",
    sre.ASSERT: "look-ahead or look-behind",
    sre.ASSERT_NOT: "look-ahead or look-behind",
    sre.ATOMIC_GROUP: "an atomic group",
    sre.POSSESSIVE_REPEAT: "a possessive repeat",
}
CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}


def read(regex: str, domain: Domain, *, ignore_case: bool = False) -> Sequence:
    r"""The tree of a pattern. Raises NotLinearError for what is not regular, `re.error` for what is no pattern.

    >>> read("a+$", "ascii")
    (Repeat(low=1, high=None, body=(Chars(ranges=((97, 97),), literal='a'),)), At(place='last line end'))
    """
    tree = _parser.parse(regex, re.IGNORECASE if ignore_case else 0)
    return tuple(_nodes(tree, tree.state.flags, domain))


def _nodes(items: Any, flags: int, domain: Domain) -> Iterator[Node]:
    for op, value in items:
        if op in REFUSED:
            raise NotLinearError(f"it uses {REFUSED[op]}")
        if op is sre.AT:
            yield At(_place(value, flags, domain))
        elif op is sre.BRANCH:
            yield Either(tuple(tuple(_nodes(branch, flags, domain)) for branch in value[1]))
        elif op is sre.SUBPATTERN:
            _, added, removed, inner = value
            if added & (re.ASCII | re.UNICODE):
                raise NotLinearError("it sets the flag a or u (ASCII, Unicode) for a part of the pattern")
            yield from _nodes(inner, (flags | added) & ~removed, domain)
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            low, high, inner = value
            if low > MAX_REPEAT or (high is not sre.MAXREPEAT and high > MAX_REPEAT):
                raise NotLinearError(f"it counts to more than {MAX_REPEAT:,}")
            body = tuple(_nodes(inner, flags, domain))
            yield Repeat(low, None if high is sre.MAXREPEAT else int(high), body)
        else:
            literal = chr(value) if op is sre.LITERAL else ""
            yield Chars(_ranges(op, value, flags, domain), literal)


def _place(at: Any, flags: int, domain: Domain) -> Place:
    lines = flags & re.MULTILINE
    if at is sre.AT_BEGINNING:
        return "line start" if lines else "start"
    if at is sre.AT_BEGINNING_STRING:
        return "start"
    if at is sre.AT_END:
        return "line end" if lines else "last line end"
    if at is sre.AT_END_STRING:
        return "end"
    plain = domain == "ascii" or flags & re.ASCII
    if at is sre.AT_BOUNDARY:
        return "ascii boundary" if plain else "boundary"
    if at is sre.AT_NON_BOUNDARY:
        if plain and domain != "ascii":  # RE2 would see one between the bytes of a character
            raise NotLinearError(r"it uses \B with the flag a (ASCII)")
        return "ascii inside" if plain else "inside"
    raise NotLinearError(f"it uses {at}")


def _ranges(op: Any, value: Any, flags: int, domain: Domain) -> Ranges:
    """The set of characters that one item of Python's tree matches."""
    source, asked = _source(op, value), flags & (re.ASCII | re.IGNORECASE | re.DOTALL)
    if domain != "unicode":
        return ranges_in(ASCII_TEXT, source, asked)
    if op is sre.LITERAL and asked & re.IGNORECASE and not asked & re.ASCII:
        return cases_of(chr(value))
    plain = _plain_ranges(op, value, flags)
    if not asked & re.IGNORECASE:
        return plain
    # A character without cases is the same with and without IGNORECASE; the others are asked of `re`.
    cased = merged((ord(char), ord(char)) for char in cased_characters())
    uncased = complement(merged((*complement(plain), *cased)))
    return merged((*uncased, *ranges_in(cased_characters(), source, asked)))


def _source(op: Any, value: Any) -> str:
    """One item, written as a pattern."""
    if op is sre.LITERAL:
        return f"\\U{value:08x}"
    if op is sre.NOT_LITERAL:
        return f"[^\\U{value:08x}]"
    if op is sre.ANY:
        return "."
    if op is sre.CATEGORY:
        return CATEGORIES[value]
    if op is sre.RANGE:
        return f"\\U{value[0]:08x}-\\U{value[1]:08x}"
    if op is sre.IN:
        negated = value[0][0] is sre.NEGATE
        inner = "".join(_source(*item) for item in value[negated:])
        return f"[{'^' if negated else ''}{inner}]"
    raise NotLinearError(f"it uses {str(op).lower().replace('_', ' ')}")


def _plain_ranges(op: Any, value: Any, flags: int) -> Ranges:
    """The set of characters among all of Unicode, without IGNORECASE."""
    if op is sre.LITERAL:
        return ((value, value),)
    if op is sre.NOT_LITERAL:
        return complement(((value, value),))
    if op is sre.RANGE:
        return (value,)
    if op is sre.ANY:
        return complement(() if flags & re.DOTALL else ((10, 10),))
    if op is sre.CATEGORY:
        source = CATEGORIES[value]
        if not flags & re.ASCII:
            return category(source)
        ranges = ranges_in(ASCII_TEXT, source.lower(), re.ASCII)
        return complement(ranges) if source[1].isupper() else ranges
    negated = value[0][0] is sre.NEGATE
    union = merged(part for kind, item in value[negated:] for part in _plain_ranges(kind, item, flags))
    return complement(union) if negated else union
