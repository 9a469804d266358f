"""Answers that name several classes: one text, so that an answer stays one entry of the store, whole or not there.

The text is a JSON object that says true or false of every class that the person could choose. A class that joined the
project later is not in it: nobody has said anything of it yet.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from labelkit.errors import AnswerError, named, shortened, visible
from labelkit.settings import NO, YES

OTHER_KIND = (
    "answers of a project with one class per record and of one with several need a store each: name another as url "
    "under [store], and move them with `labelkit export --to label-studio` and `labelkit import`"
)


def set_text(names: Iterable[str], classes: Sequence[str]) -> str:
    """The answer that of these classes a record has those named and no others. Raises AnswerError for another class.

    >>> set_text(["regex"], classes=["pandas", "regex"])
    '{"pandas": false, "regex": true}'
    """
    chosen = set(names)
    unknown = sorted(chosen.difference(classes))
    if unknown:
        raise AnswerError(f"no class {named([shortened(name, 80) for name in unknown])}; classes are {named(classes)}")
    return json.dumps({name: name in chosen for name in classes}, ensure_ascii=False)


def set_in(text: str) -> Mapping[str, bool]:
    """What an answer says of each class. Raises AnswerError for a text that is none.

    >>> set_in('{"pandas": false, "regex": true}')
    {'pandas': False, 'regex': True}
    """
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or not all(isinstance(value, bool) for value in said.values()):
        raise AnswerError(f'"{visible(text[:80])}" says not of each class whether a record has it; {OTHER_KIND}')
    return said


def classes_in(text: str) -> tuple[str, ...]:
    """The classes that an answer gives to a record.

    >>> classes_in('{"pandas": false, "regex": true}')
    ('regex',)
    """
    return tuple(name for name, chosen in set_in(text).items() if chosen)


def said_of(text: str, name: str) -> str | None:
    """What an answer says of one class: YES, NO, or None where the person was not asked about it."""
    chosen = set_in(text).get(name)
    return None if chosen is None else YES if chosen else NO


def speaks_of_all(text: str | None, classes: Iterable[str]) -> bool:
    """Whether a person had all the classes to choose from; a skip is about whatever there is."""
    return text is None or set_in(text).keys() >= set(classes)


def shown_set(text: str) -> str:
    """An answer as people read it.

    >>> shown_set('{"pandas": true, "regex": true}'), shown_set('{"pandas": false}')
    ('pandas, regex', 'none of the classes')
    """
    return ", ".join(classes_in(text)) or "none of the classes"


def checked_label(label: str, classes: Collection[str], *, several: bool) -> str:
    """The label if it is a class or, with `several`, the text of a set of them. Raises AnswerError."""
    unknown = sorted(set(set_in(label)).difference(classes)) if several else []
    if unknown:
        raise AnswerError(f"no class {named([shortened(name, 80) for name in unknown])}; classes are {named(classes)}")
    if not several and label not in classes:
        raise AnswerError(f'no class "{visible(str(label))}"; classes are {named(classes)}')
    return label
