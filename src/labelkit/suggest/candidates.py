"""What a rule could ask: a condition with the settings that a rule file would give it, and nothing about a vote yet."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import shortened
from labelkit.labeling.rules.conditions import AllOf, Between, Condition, Matches, Words
from labelkit.labeling.rules.nearest import Near

LONGEST_NAME = 40  # characters


@dataclass(frozen=True)
class Candidate:
    """A condition as a rule file would say it. Candidates with equal settings are equal."""

    kind: str  # of rule: keywords, pattern, threshold, length, nearest, all
    field: str  # "" for kind all
    settings: tuple[tuple[str, Any], ...]  # keys of the rule file and their values, label left out
    title: str  # what it is, in a word or two: "digits in a row"
    parts: tuple[Candidate, ...] = ()  # of kind all
    values: tuple[str, ...] = ()  # of a category
    example: str = ""  # id of the record that an embedding is to be near to
    vector: bytes = b""  # its embedding, float64, of length 1

    @property
    def condition(self) -> Condition:
        """What a rule of this kind with these settings asks."""
        given = dict(self.settings)
        if self.kind == "all":
            return AllOf(tuple(part.condition for part in self.parts))
        if self.kind == "keywords":
            return Words(self.field, tuple(given["words"]), ignore_case=True, at="word")
        if self.kind == "pattern":
            return Matches(self.field, given["regex"], bool(given.get("ignore_case", False)))
        if self.kind == "nearest":
            return Near(self.field, self.vector, len(self.vector) // np.dtype(np.float64).itemsize, given["above"])
        unit = given.get("unit", "value")
        return Between(self.field, unit, given.get("above"), given.get("below"))

    @property
    def said(self) -> str:
        """What it asks, in words for a person: `text has "subscribe"`."""
        return " and ".join(part.said for part in self.parts) if self.parts else f"{self.field} {self.title}"

    @property
    def family(self) -> tuple[str, ...]:
        """What conditions have in common of which one suffices: limits on one side of one quantity."""
        given = dict(self.settings)
        if self.kind == "nearest":
            return (self.field, self.example)
        if self.kind not in {"threshold", "length"}:
            return ()
        return (self.field, given.get("unit", "value"), *(side for side in ("above", "below") if side in given))

    @property
    def stem(self) -> str:
        """What a rule of it may be called, in ASCII letters, digits and underscores."""
        if self.parts:
            return "_and_".join(part.stem for part in self.parts)[: 2 * LONGEST_NAME]
        said = f"near {self.example}" if self.example else f"{self.field} {self.title}"
        words = re.findall(r"[a-z0-9]+", said.lower())
        return "_".join(words)[:LONGEST_NAME].strip("_") or self.kind


def has_words(field: str, phrase: str) -> Candidate:
    """The words stand in the text, as whole words."""
    return Candidate("keywords", field, (("words", (phrase,)),), f'has "{shortened(phrase)}"')


def matches(field: str, regex: str, title: str) -> Candidate:
    """The regular expression is found in the text."""
    return Candidate("pattern", field, (("regex", regex),), title)


def is_one_of(field: str, values: Iterable[str]) -> Candidate:
    """The whole text is one of the values.

    >>> is_one_of("state", ["new", "old"]).settings
    (('regex', '^(?:new|old)$'),)
    """
    listed = tuple(sorted(values))
    settings = (("regex", rf"^(?:{'|'.join(map(re.escape, listed))})$"),)
    return Candidate("pattern", field, settings, f"is {shortened(' or '.join(listed))}", values=listed)


def compared(field: str, *, above: float | None = None, below: float | None = None) -> Candidate:
    """The number lies between the limits."""
    return Candidate("threshold", field, _limits(above, below), _between(above, below))


def counted(field: str, unit: str, *, above: float | None = None, below: float | None = None) -> Candidate:
    """The text has so many characters or words."""
    said = [f"{words} {value:,}" for words, value in (("more than", above), ("fewer than", below)) if value is not None]
    title = f"has {' and '.join(said)} {unit}"
    return Candidate("length", field, (("unit", unit), *_limits(above, below)), title)


def is_near(
    field: str, example: str, vector: NDArray[np.float64], above: float, file: str, key: str, column: str
) -> Candidate:
    """The embedding is nearer than `above` to that of a record, which `file` has in its columns `key` and `column`."""
    named = (("id", key), ("column", column)) if (key, column) != ("id", field) else ()
    settings = (("ids", (example,)), ("file", file), *named, ("above", above))
    title = f"is near to {shortened(example, 30)} (above {above})"
    return Candidate("nearest", field, settings, title, example=example, vector=vector.tobytes())


def both(one: Candidate, other: Candidate) -> Candidate:
    """Both hold."""
    return Candidate("all", "", (), "", (one, other))


def _limits(above: float | None, below: float | None) -> tuple[tuple[str, Any], ...]:
    return tuple((key, value) for key, value in (("above", above), ("below", below)) if value is not None)


def _between(above: float | None, below: float | None) -> str:
    said = [f"{word} {value:,}" for word, value in (("above", above), ("below", below)) if value is not None]
    return "is " + " and ".join(said)
