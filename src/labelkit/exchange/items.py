"""What passes between labelkit and other tools: a record with all that is known of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from labelkit.annotations.annotation import PERSON, Role
from labelkit.errors import DataError, UsageError, named, visible

if TYPE_CHECKING:
    import pyarrow as pa

Source = Literal["human", "model", "none"]


@dataclass(frozen=True)
class Opinion:
    """What one person said about a record."""

    labels: tuple[str, ...] | None  # names of classes, one unless a record may have several; None: a skip
    annotator: str  # "" where a file does not say it
    time: str = ""  # UTC, ISO 8601; "" where a file does not say it
    role: Role = PERSON
    strategy: str = ""  # that asked
    operation: str = ""  # unique id of the act of answering; "" where a file has none
    undecided: tuple[str, ...] = ()  # where a record may have several classes, those that nobody asked the person about

    @property
    def label(self) -> str | None:
        """The class, where a record has one."""
        return self.labels[0] if self.labels else None


@dataclass(frozen=True)
class Vote:
    """What one labeling function said about a record."""

    source: str  # name of the function
    kind: str  # row, batch or rule
    version: str  # fingerprint of the function
    label: str | None  # class name, of one of several classes yes or no; None: the function failed on the record
    of_class: str = ""  # where a record may have several classes, the one that the function is about


@dataclass(frozen=True)
class Item:
    """A record and what functions, the label model and people say about it."""

    id: str  # "" where a file names no record
    fields: Mapping[str, object]
    metadata: Mapping[str, object] = field(default_factory=dict)  # gold, split and what else a file says
    labels: tuple[str, ...] | None = None  # names of classes, one unless a record may have several; None: not known
    confidence: float | None = None  # from 0 to 1; in several labels, that of the class which is least certain
    probs: tuple[float | None, ...] = ()  # of the classes, in their order; empty, or None for a class, where unknown
    source: Source = "none"  # of the labels; of several "human" where people settled all
    undecided: tuple[str, ...] = ()  # where a record may have several classes, those of which nothing is known
    settled: tuple[str, ...] = ()  # and those that people settled
    opinions: tuple[Opinion, ...] = ()
    votes: tuple[Vote, ...] = ()  # abstentions left out
    place: str = ""  # where a file has it: "line 3"

    @property
    def label(self) -> str | None:
        """The class, where a record has one."""
        return self.labels[0] if self.labels else None

    @property
    def model_labels(self) -> tuple[str, ...] | None:
        """The labels, where they are the model's."""
        return self.labels if self.source == "model" else None

    @property
    def others(self) -> int:
        """How many probabilities there are beside the confidence."""
        return sum(p is not None for p in self.probs) - 1 if self.probs else 0


@dataclass(frozen=True)
class About:
    """What a file is about as a whole."""

    name: str = "labelkit"  # of the project
    classes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    id: str = "id"  # column of record ids
    functions: tuple[str, ...] = ()
    text: str = ""  # the field that is the text, for tools that know only one; "" where it is to be the only field
    run: str = ""  # that made the labels
    split: str = ""  # column of the split
    gold: str = ""  # column of gold labels
    several: bool = False  # whether a record may have several of the classes
    separator: str = ","  # between their names, where a column holds them
    schema: pa.Schema | None = None  # of id, fields and metadata, where they come from records

    @property
    def text_field(self) -> str:
        """The field that is the text. Raises UsageError when several could be meant."""
        if self.text and self.text not in self.fields:
            raise UsageError(f'no field "{visible(self.text)}"; fields are {named(self.fields)}')
        if not self.text and len(self.fields) != 1:
            raise UsageError(f"this format holds one text; say with --text which of {named(self.fields)} it is")
        return self.text or self.fields[0]


def fitting(names: Sequence[str], about: About) -> tuple[str, ...] | None:
    """The names as the labels of a record; None where it may have one and these are several, or none.

    >>> fitting(["ham"], About()), fitting(["ham", "spam"], About()), fitting(["ham", "spam"], About(several=True))
    (('ham',), None, ('ham', 'spam'))
    """
    return tuple(dict.fromkeys(names)) if about.several or len(names) == 1 else None


def certainty(probs: Iterable[float | None]) -> float | None:
    """How sure the class that is least certain is, of those that a record may have beside one another.

    >>> certainty([0.9, None, 0.25])
    0.75
    """
    return min((max(p, 1 - p) for p in probs if p is not None), default=None)


def as_text(value: object) -> str:
    """A value of a field as text: null is empty, a list is JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(as_json(value), ensure_ascii=False)


def as_json(value: object) -> object:
    """A value of a field as JSON can say it; what JSON has no word for becomes text."""
    if isinstance(value, (list, tuple)):
        return [as_json(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): as_json(each) for key, each in value.items()}
    if value is None or isinstance(value, (str, bool, int)):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else str(value)


def texts_of(value: object, what: str, place: str) -> tuple[str, ...]:
    """A list of texts that a file has to give; what is missing or null is none. Raises DataError naming the place."""
    if value is not None and not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
        raise DataError(f"{place}: {what} must be a list of names, not {visible(json.dumps(as_json(value))[:80])}")
    return tuple(value or ())


def text_of(value: object, what: str, place: str) -> str:
    """A value that a file has to give as text. Raises DataError naming the place."""
    if not isinstance(value, str):
        raise DataError(f"{place}: {what} must be text, not {visible(json.dumps(as_json(value))[:80])}")
    return value
