r"""What a rule asks of a record: plain values, so that they can be hashed, compared and shown, with their meaning.

A condition holds, does not hold, or is unknown (None), as where a field is null or a number is NaN. `~a` is unknown
where `a` is; `a & b` does not hold where one of them does not, `a | b` holds where one of them does, whatever
the other is. This is the meaning on one record; `RulePlan` finds the same for a column at a time.
"""

from __future__ import annotations

import functools
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from labelkit.labeling.rules.charsets import folded
from labelkit.labeling.rules.regex import linear_regex


class Condition(ABC):
    """Something that holds for a record or not. Combined with `&`, `|` and `~`."""

    @abstractmethod
    def holds(self, x: Any) -> bool | None:
        """Whether it holds for one row; None where that is unknown."""

    @abstractmethod
    def definition(self) -> list[Any]:
        """Everything that decides a vote, as plain values."""

    @abstractmethod
    def leaves(self) -> Iterator[Leaf]:
        """The conditions on single fields of which this one is made, from left to right."""

    def __and__(self, other: Condition) -> Condition:
        return AllOf((self, other)) if isinstance(other, Condition) else NotImplemented

    def __or__(self, other: Condition) -> Condition:
        return AnyOf((self, other)) if isinstance(other, Condition) else NotImplemented

    def __invert__(self) -> Condition:
        return Not(self)

    def __bool__(self) -> bool:
        raise TypeError("write a & b, a | b and ~a for rules, not `and`, `or` and `not`")


@dataclass(frozen=True)
class Leaf(Condition):
    """A condition on one field."""

    field: str

    numeric = False  # needs numbers
    vector = False  # needs embeddings; else text

    def holds(self, x: Any) -> bool | None:
        """Whether it holds for one row; None where the field is null."""
        value = getattr(x, self.field)
        return None if value is None else self.holds_for(value)

    @abstractmethod
    def holds_for(self, value: Any) -> bool | None:
        """Whether it holds for a value that is not null."""

    def leaves(self) -> Iterator[Leaf]:
        """This one."""
        yield self


# Chinese, Japanese, Thai, Lao, Burmese and Khmer.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True)
class Words(Leaf):
    """One of the words is in the text: as a whole word, anywhere, or as all of it."""

    words: tuple[str, ...]  # sorted, distinct, none empty
    ignore_case: bool
    at: Literal["word", "anywhere", "all"]

    def holds_for(self, value: Any) -> bool:
        """Whether one of the words is in this text."""
        if self.at == "all":
            return (folded(value) if self.ignore_case else value) in _lookup(self.words, self.ignore_case)
        return _alternatives(self.words, self.ignore_case, self.at == "word").search(value) is not None

    @property
    def unspaced(self) -> tuple[str, ...]:
        """Words that are to stand alone, of scripts in which words touch one another: they will hardly ever."""
        return tuple(word for word in self.words if _UNSPACED.search(word)) if self.at == "word" else ()

    def definition(self) -> list[Any]:
        """Kind, field, words, case and place."""
        return ["words", self.field, list(self.words), self.ignore_case, self.at]


@dataclass(frozen=True)
class Matches(Leaf):
    """The regular expression is found in the text."""

    regex: str
    ignore_case: bool

    def holds_for(self, value: Any) -> bool:
        """Whether it is found in this text, as `re.search` finds it."""
        return linear_regex(self.regex, ignore_case=self.ignore_case).found(value)

    def definition(self) -> list[Any]:
        """Kind, field, pattern and case."""
        return ["matches", self.field, self.regex, self.ignore_case]


@dataclass(frozen=True)
class Between(Leaf):
    """A number, or the length of a text, is greater than `above` and less than `below`."""

    of: Literal["value", "characters", "words"]
    above: int | float | None
    below: int | float | None

    @property
    def numeric(self) -> bool:  # type: ignore[override]
        """Whether it needs numbers, else text."""
        return self.of == "value"

    def holds_for(self, value: Any) -> bool | None:
        """Whether it is between the limits; NaN is unknown."""
        number = value if self.of == "value" else len(value if self.of == "characters" else value.split())
        if number != number:  # noqa: PLR0124  NaN is not itself
            return None
        return bool((self.above is None or number > self.above) and (self.below is None or number < self.below))

    def definition(self) -> list[Any]:
        """Kind, field, what is measured, and the limits."""
        return ["between", self.field, self.of, self.above, self.below]


@dataclass(frozen=True)
class Several(Condition):
    """Conditions that are joined."""

    parts: tuple[Condition, ...]

    word: ClassVar[str]  # of the definition

    def definition(self) -> list[Any]:
        """How they are joined, and the parts."""
        return [self.word, [part.definition() for part in self.parts]]

    def leaves(self) -> Iterator[Leaf]:
        """Of all parts."""
        for part in self.parts:
            yield from part.leaves()


@dataclass(frozen=True)
class AllOf(Several):
    """All of these hold."""

    word = "all"

    def holds(self, x: Any) -> bool | None:
        """False where one does not hold, else unknown where one is."""
        found = [part.holds(x) for part in self.parts]
        return False if False in found else None if None in found else True


@dataclass(frozen=True)
class AnyOf(Several):
    """One of these holds."""

    word = "any"

    def holds(self, x: Any) -> bool | None:
        """True where one holds, else unknown where one is."""
        found = [part.holds(x) for part in self.parts]
        return True if True in found else None if None in found else False


@dataclass(frozen=True)
class Not(Condition):
    """This does not hold."""

    part: Condition

    def holds(self, x: Any) -> bool | None:
        """The opposite; unknown where the part is."""
        found = self.part.holds(x)
        return None if found is None else not found

    def definition(self) -> list[Any]:
        """The part."""
        return ["not", self.part.definition()]

    def leaves(self) -> Iterator[Leaf]:
        """Of the part."""
        yield from self.part.leaves()


@functools.lru_cache(maxsize=1024)
def _alternatives(words: tuple[str, ...], ignore_case: bool, whole: bool) -> re.Pattern[str]:  # noqa: FBT001
    listed = "|".join(map(re.escape, words))
    return re.compile(rf"(?<!\w)(?:{listed})(?!\w)" if whole else listed, re.IGNORECASE if ignore_case else 0)


@functools.lru_cache(maxsize=1024)
def _lookup(words: tuple[str, ...], ignore_case: bool) -> frozenset[str]:  # noqa: FBT001
    return frozenset(map(folded, words) if ignore_case else words)
