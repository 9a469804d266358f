"""What passes between labelkit and other tools: a record with all that is known of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
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

    label: str | None  # class name; None: the person skipped it
    annotator: str  # "" where a file does not say it
    time: str = ""  # UTC, ISO 8601; "" where a file does not say it
    role: Role = PERSON
    strategy: str = ""  # that asked
    operation: str = ""  # unique id of the act of answering; "" where a file has none


@dataclass(frozen=True)
class Vote:
    """What one labeling function said about a record."""

    source: str  # name of the function
    kind: str  # row, batch or rule
    version: str  # fingerprint of the function
    label: str | None  # class name; None: the function failed on the record


@dataclass(frozen=True)
class Item:
    """A record and what functions, the label model and people say about it."""

    id: str  # "" where a file names no record
    fields: Mapping[str, object]
    metadata: Mapping[str, object] = field(default_factory=dict)  # gold, split and what else a file says
    label: str | None = None  # class name
    confidence: float | None = None  # from 0 to 1
    probs: tuple[float, ...] = ()  # of the classes, in their order; empty where unknown
    source: Source = "none"  # of the label
    opinions: tuple[Opinion, ...] = ()
    votes: tuple[Vote, ...] = ()  # abstentions left out
    place: str = ""  # where a file has it: "line 3"

    @property
    def model_label(self) -> str | None:
        """The label, where it is the model's."""
        return self.label if self.source == "model" else None


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
    schema: pa.Schema | None = None  # of id, fields and metadata, where they come from records

    @property
    def text_field(self) -> str:
        """The field that is the text. Raises UsageError when several could be meant."""
        if self.text and self.text not in self.fields:
            raise UsageError(f'no field "{visible(self.text)}"; fields are {named(self.fields)}')
        if not self.text and len(self.fields) != 1:
            raise UsageError(f"this format holds one text; say with --text which of {named(self.fields)} it is")
        return self.text or self.fields[0]


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


def text_of(value: object, what: str, place: str) -> str:
    """A value that a file has to give as text. Raises DataError naming the place."""
    if not isinstance(value, str):
        raise DataError(f"{place}: {what} must be text, not {visible(json.dumps(as_json(value))[:80])}")
    return value
