"""What a page may ask: one model per request. Nothing says who asks; that is the session's to know."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from labelkit.annotations.annotation import LIMITS

Label = Annotated[str, Field(min_length=1, max_length=LIMITS["label"])]
RecordId = Annotated[str, Field(min_length=1, max_length=LIMITS["record"])]
Operation = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,100}$")]


class Request(BaseModel):
    """A body: an unknown key is an error, and so is a number in the place of a text."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Enter(Request):
    """Exchange the token of a link for a session."""

    token: str = Field(min_length=1, max_length=200)


class Leave(Request):
    """Give back what is in hand; with `forget` the session ends, too."""

    forget: bool = False


class Next(Request):
    """Ask for the records to answer next."""

    have: list[RecordId] = Field(default=[], max_length=100)  # that this tab has already


class Say(Request):
    """Answer a record: with a class, or with true or false of each where a record may have several; null skips it."""

    record: RecordId
    label: Label | Annotated[dict[Label, bool], Field(min_length=1, max_length=1_000)] | None
    operation: Operation


class TakeBack(Request):
    """Take back the latest answer, or the one whose operation is `undoes`."""

    operation: Operation
    undoes: Operation | None = None


class Flag(Request):
    """Set a flag on a record, or take it off."""

    record: RecordId
    on: bool
    operation: Operation


class Note(Request):
    """Keep a note about a record."""

    record: RecordId
    text: str = Field(min_length=1, max_length=LIMITS["note"])
    operation: Operation
