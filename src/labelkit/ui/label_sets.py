"""Sets of classes as the terminal and the page show them: what was said, what is suggested, what functions vote.

A text that is no set, as a project leaves behind that had one class per record before, is shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labelkit.annotations.label_sets import classes_in, shown_set
from labelkit.errors import AnswerError, visible
from labelkit.settings import YES


@dataclass(frozen=True)
class ClassVotes:
    """The functions of one class that voted on a record."""

    name: str  # of the class
    yes: tuple[str, ...]
    no: tuple[str, ...]


def shown_label(label: str, *, several: bool) -> str:
    """An answer as people read it; nothing in it steers a terminal.

    >>> shown_label("spam", several=False), shown_label('{"pandas": true, "sql": true}', several=True)
    ('spam', 'pandas, sql')
    """
    try:
        return visible(shown_set(label) if several else label)
    except AnswerError:
        return visible(label)


def same_label(label: str, other: str, *, several: bool) -> bool:
    """Whether two answers give a record the same class or classes.

    >>> same_label('{"pandas": true}', '{"sql": false, "pandas": true}', several=True)
    True
    """
    if not several:
        return label == other
    try:
        return set(classes_in(label)) == set(classes_in(other))
    except AnswerError:
        return False


def said_classes(label: str | None, classes: Sequence[str]) -> tuple[str, ...]:
    """Those of these classes that an earlier answer gave to a record; none after a skip.

    >>> said_classes('{"pandas": true, "gone": true}', ["pandas", "sql"])
    ('pandas',)
    """
    try:
        found = classes_in(label) if label is not None else ()
    except AnswerError:
        found = ()
    return tuple(name for name in classes if name in found)


def suggested_classes(suggestion: str | None, classes: Sequence[str]) -> tuple[str, ...] | None:
    """The classes of a suggested set; None where nothing is suggested that the person could say.

    >>> suggested_classes('{"pandas": true, "sql": false}', ["pandas", "sql"]), suggested_classes(None, ["sql"])
    (('pandas',), None)
    """
    if suggestion is None:
        return None
    try:
        found = classes_in(suggestion)
    except AnswerError:
        return None
    return found if set(found) <= set(classes) else None


def votes_by_class(votes: Mapping[str, str], classes: Sequence[str]) -> list[ClassVotes]:
    """Votes of the form "class: function" -> yes or no, class by class: those with the most functions for them first.

    >>> votes_by_class({"sql: select": "no", "pandas: frame": "yes"}, ["pandas", "sql"])
    [ClassVotes(name='pandas', yes=('frame',), no=()), ClassVotes(name='sql', yes=(), no=('select',))]
    """
    found: dict[str, tuple[list[str], list[str]]] = {name: ([], []) for name in classes}
    for cast, vote in votes.items():
        of = max((name for name in classes if cast.startswith(f"{name}: ")), key=len, default=None)
        if of is not None:
            found[of][vote != YES].append(cast.removeprefix(f"{of}: "))
    sides = [ClassVotes(name, tuple(yes), tuple(no)) for name, (yes, no) in found.items() if yes or no]
    return sorted(sides, key=lambda side: -len(side.yes))
