"""One answer of one person, and which answer stands.

The history of answers only grows: taking one back is another entry. What stands is computed from the history, so that
the rule can be read, tested and changed without touching what people said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from labelkit.errors import AnswerError, named, visible
from labelkit.files import timestamp

Kind = Literal["label", "skip", "undo"]
Role = Literal["person", "adjudicator"]

LABEL: Kind = "label"
SKIP: Kind = "skip"
UNDO: Kind = "undo"

PERSON: Role = "person"
ADJUDICATOR: Role = "adjudicator"
ROLES: tuple[Role, ...] = (PERSON, ADJUDICATOR)

LIMITS = {"record": 10_000, "label": 100_000, "annotator": 200, "strategy": 200, "operation": 200, "note": 10_000}
"""Most characters of each text that a store keeps."""

_OF_AN_ANSWER = ("record", "label", "annotator", "strategy", "operation")

_MAY_BE_EMPTY = frozenset({"strategy"})


@dataclass(frozen=True)
class Answer:
    """What a person says about a record, on its way to the store."""

    record: str  # id of the record
    label: str | None  # class name; None: the person skips the record
    annotator: str
    strategy: str  # that asked; empty when nobody did
    operation: str  # unique id of this act of answering: the same id again is the same answer again
    role: Role = PERSON  # an adjudicator decides where people disagree
    time: str = field(default="", compare=False)  # as `timestamp` gives it, of one given elsewhere; empty: now

    @property
    def kind(self) -> Kind:
        """A label or a skip."""
        return SKIP if self.label is None else LABEL


@dataclass(frozen=True)
class Annotation:
    """One entry of the store."""

    record: str  # id of the record
    label: str | None  # class name; None for a skip or an undo
    annotator: str
    time: str  # when it was given: UTC, ISO 8601; to be read by people: the order is that of `sequence`
    strategy: str  # that asked; empty when nobody did
    operation: str  # unique
    sequence: int  # given by the store, growing
    kind: Kind
    undoes: str | None = None  # operation of the entry that an undo takes back
    role: Role = PERSON


def check_answer(answer: Answer) -> None:
    """Refuse an answer that a store could not give back exactly as it came. Raises AnswerError.

    >>> check_answer(Answer("c7", "spam", "ana", "margin", "op-1"))
    >>> check_answer(Answer("c7", "spam", "", "margin", "op-1"))
    Traceback (most recent call last):
        ...
    labelkit.errors.AnswerError: the annotator is empty
    """
    if answer.role not in ROLES:
        raise AnswerError(f'no role "{visible(str(answer.role)[:80])}"; known are {named(ROLES)}')
    if answer.time and utc(answer.time) != answer.time:
        raise AnswerError(f'the time "{visible(answer.time[:80])}" is not like {timestamp(0)}')
    for name in _OF_AN_ANSWER:
        value = getattr(answer, name)
        if name != "label" or value is not None:
            check_text(name, value)


def utc(time: str) -> str | None:
    """A time in ISO 8601, from 1971 on, as `timestamp` gives it; None for what is none, or names no zone.

    >>> utc("2026-01-02T03:04:05+02:00"), utc("2026-01-02T03:04:05"), utc("yesterday")
    ('2026-01-02T01:04:05.000Z', None, None)
    """
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return None
    return timestamp(moment.timestamp()) if moment.tzinfo is not None and 1970 < moment.year < 9999 else None


def check_text(name: str, value: object) -> None:
    """Refuse a text that not every database keeps as it is; `name` is one of LIMITS. Raises AnswerError."""
    limit = LIMITS[name]
    if not isinstance(value, str):
        raise AnswerError(f"the {name} must be text, not {visible(repr(value)[:80])}")
    if not value and name not in _MAY_BE_EMPTY:
        raise AnswerError(f"the {name} is empty")
    if len(value) > limit:
        raise AnswerError(f"the {name} has {len(value):,} characters; at most {limit:,} are kept")
    if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise AnswerError(
            f'the {name} "{visible(value[:80])}" holds a NUL or half a surrogate pair; no database keeps it'
        )


def not_undone(history: Iterable[Annotation]) -> list[Annotation]:
    """Labels and skips that nobody took back, in the order in which they were stored."""
    entries = sorted(history, key=lambda entry: entry.sequence)
    taken_back = {entry.undoes for entry in entries if entry.kind == UNDO}
    return [entry for entry in entries if entry.kind != UNDO and entry.operation not in taken_back]


def opinions(history: Iterable[Annotation]) -> list[Annotation]:
    """What each person last said about each record: the latest label that nobody took back.

    Somebody who answered as one of the people and later decided as adjudicator is counted in both roles.
    """
    latest: dict[tuple[str, str, str], Annotation] = {}
    for entry in not_undone(history):
        if entry.kind == LABEL:
            latest[entry.record, entry.annotator, entry.role] = entry
    return list(latest.values())


def standing(history: Iterable[Annotation]) -> dict[str, Annotation]:
    """The answer that stands for each record: record id -> the annotation that carries it.

    Of one person the latest label counts; a skip is no answer and takes none back. An adjudicator outranks all other
    people. Between several of one rank the label of the most stands, of equally many the one given latest.

    >>> def said(n, who, label):
    ...     return Annotation("c7", label, who, "", "margin", f"op-{n}", n, "label")
    >>> standing([said(1, "ana", "ham"), said(2, "ben", "spam"), said(3, "cem", "ham")])["c7"].label
    'ham'
    >>> standing([said(1, "ana", "ham"), said(2, "ben", "spam")])["c7"].label
    'spam'
    """
    by_record: defaultdict[str, list[Annotation]] = defaultdict(list)
    for entry in opinions(history):
        by_record[entry.record].append(entry)
    return {record: _settled(entries) for record, entries in by_record.items()}


def enough(history: Iterable[Annotation], overlap: int) -> frozenset[str]:
    """Ids of records that want no more answers: `overlap` people have labelled them, or an adjudicator has decided."""
    people: Counter[str] = Counter()
    for entry in opinions(history):
        people[entry.record] += overlap if entry.role == ADJUDICATOR else 1
    return frozenset(record for record, count in people.items() if count >= overlap)


def disputed(history: Iterable[Annotation]) -> dict[str, list[Annotation]]:
    """Records on which people disagree and no adjudicator has decided: record id -> one opinion per person.

    In order of the first opinion; each record's opinions in the order in which they were given.
    """
    by_record: defaultdict[str, list[Annotation]] = defaultdict(list)
    for entry in sorted(opinions(history), key=lambda entry: entry.sequence):
        by_record[entry.record].append(entry)
    return {
        record: entries
        for record, entries in by_record.items()
        if len({entry.label for entry in entries}) > 1 and all(entry.role == PERSON for entry in entries)
    }


def _settled(said: list[Annotation]) -> Annotation:
    """The annotation that decides between the opinions on one record."""
    said = [entry for entry in said if entry.role == ADJUDICATOR] or said
    people = Counter(entry.label for entry in said)
    most = max(people.values())
    return max((entry for entry in said if people[entry.label] == most), key=lambda entry: entry.sequence)
