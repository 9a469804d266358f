"""Examples that a function carries: records, and what it must vote on them.

    @labeling_function(examples=[("WIN A CAR", SPAM), ("see you at seven", ABSTAIN)])
    def shouts(x): ...

They decide no vote and are no part of the fingerprint; `labelkit lf test` checks them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from labelkit.errors import FunctionError, named, visible
from labelkit.matrix import ABSTAIN

Example: TypeAlias = tuple[Any, Any]
"""A record (the text of its first field, or a mapping from fields to values) and a vote (class index or name, ABSTAIN
or None)."""


def checked_examples(examples: Iterable[Any], where: str) -> tuple[Example, ...]:
    """Examples as a function holds them. Raises FunctionError unless each is a pair of record and vote.

    >>> checked_examples([["free cash", "spam"], ({"text": "hi"}, None)], "first.py:3")
    (('free cash', 'spam'), ({'text': 'hi'}, None))
    """
    made: list[Example] = []
    given = (
        [examples] if isinstance(examples, (str, bytes, Mapping)) or not isinstance(examples, Iterable) else examples
    )
    for number, example in enumerate(given, start=1):
        if not isinstance(example, (tuple, list)) or len(example) != 2:
            raise FunctionError(
                f"{where}: example {number} must be a pair of a record and a vote, such as "
                f'("some text", 1), not {visible(repr(example)[:60])}'
            )
        made.append((example[0], example[1]))
    return tuple(made)


def record_of(example: Example, fields: Sequence[str]) -> dict[str, Any]:
    """Every field of an example's record; null where it says nothing. Raises FunctionError for an unknown field.

    >>> record_of(("hi", 1), ["text", "likes"])
    {'text': 'hi', 'likes': None}
    """
    given = dict(example[0]) if isinstance(example[0], Mapping) else {fields[0]: example[0]}
    strange = [str(name) for name in given if name not in fields]
    if strange:
        raise FunctionError(f"no field {named(strange)}; functions see {named(fields)}")
    return {name: given.get(name) for name in fields}


def wanted_vote(example: Example, classes: Sequence[str]) -> int:
    """The class index that an example asks for, or ABSTAIN. Raises FunctionError for what is no class.

    >>> wanted_vote(("hi", "spam"), ["ham", "spam"]), wanted_vote(("hi", None), ["ham", "spam"])
    (1, -1)
    """
    vote = example[1]
    if vote is None:
        return ABSTAIN
    if isinstance(vote, str) and vote in classes:
        return classes.index(vote)
    if not isinstance(vote, str) and hasattr(vote, "__index__") and ABSTAIN <= int(vote) < len(classes):
        return int(vote)
    known = ", ".join(f"{index} = {visible(name)}" for index, name in enumerate(classes))
    raise FunctionError(f"no class {visible(repr(vote)[:60])}; classes are {known}, and -1 is ABSTAIN")
