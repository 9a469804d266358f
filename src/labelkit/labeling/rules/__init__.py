"""Rules: labeling functions that are data. They need no Python beyond the call that declares them.

    links = rules.pattern("links", r"https?://", field="text", label=SPAM)
    thanks = rules.keywords("thanks", ["thank you", "love this"], field="text", label=HAM)
    minor = rules.threshold("minor", field="age", below=18, label=CHILD)

A rule votes its label where it matches and abstains elsewhere, null fields included.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

from labelkit.errors import FunctionError, named, visible
from labelkit.labeling.places import place_of
from labelkit.matrix import ABSTAIN

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Rule:
    """What a rule matches on and what it then votes. Made by `keywords`, `pattern` or `threshold`."""

    name: str
    field: str
    label: int | str  # class index or class name
    kind: Literal["keywords", "pattern", "threshold"]
    settings: tuple[tuple[str, Any], ...]  # what the rule was made with, in a fixed order
    matches: Callable[[Any], bool]  # on a value that is not null
    numeric: bool = False  # needs numbers, else text
    place: str = ""  # folder/file:line where it was declared
    file: str = ""  # that file's path

    def vote_on(self, x: Any) -> int | str:
        """Vote on one row."""
        value = getattr(x, self.field)
        return self.label if value is not None and self.matches(value) else ABSTAIN

    def definition(self) -> list[Any]:
        """Everything that decides a vote, as plain values."""
        return [self.kind, self.field, self.label, list(self.settings)]

    def __repr__(self) -> str:
        return f"Rule({self.kind} {self.name!r} on {self.field!r})"


def keywords(name: str, words: Iterable[str], *, field: str, label: int | str, ignore_case: bool = True) -> Rule:
    r"""Match where one of the words or phrases stands in the text as whole words.

    A match may not touch a further letter, digit or underscore on either side (`\w` of Python's `re`); upper and lower
    case are the same, as under `re.IGNORECASE`, unless `ignore_case` is False. The order of the words does not matter.

    >>> from types import SimpleNamespace
    >>> rule = keywords("thanks", ["thank you"], field="text", label=0)
    >>> rule.vote_on(SimpleNamespace(text="Thank you!")), rule.vote_on(SimpleNamespace(text="thank yous"))
    (0, -1)
    """
    listed = [] if isinstance(words, str) else list(words)
    if not listed or not all(isinstance(word, str) and word.strip() for word in listed):
        raise FunctionError(f'rule "{visible(name)}": words must be a list of at least one word, none of them empty')
    chosen = sorted(set(listed), key=lambda word: (-len(word), word))
    alternatives = "|".join(re.escape(word) for word in chosen)
    expression = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE if ignore_case else 0)
    settings = (("words", tuple(chosen)), ("ignore_case", ignore_case))
    return _rule(name, field, label, "keywords", settings, lambda text: expression.search(text) is not None)


def pattern(name: str, regex: str, *, field: str, label: int | str, ignore_case: bool = False) -> Rule:
    """Match where the regular expression is found anywhere in the text, with the meaning of Python's `re.search`.

    >>> from types import SimpleNamespace
    >>> pattern("links", r"https?://", field="text", label=1).vote_on(SimpleNamespace(text="see http://a.b"))
    1
    """
    if not isinstance(regex, str):
        raise FunctionError(f'rule "{visible(name)}": regex must be a text, not a {visible(type(regex).__name__)}')
    try:
        expression = re.compile(regex, re.IGNORECASE if ignore_case else 0)
    except (re.error, RecursionError, OverflowError) as error:
        raise FunctionError(f'rule "{visible(name)}": not a regular expression: {visible(str(error))}') from error
    settings = (("regex", regex), ("ignore_case", ignore_case))
    return _rule(name, field, label, "pattern", settings, lambda text: expression.search(text) is not None)


def threshold(
    name: str, *, field: str, label: int | str, above: float | None = None, below: float | None = None
) -> Rule:
    """Match where the number is greater than `above` and less than `below`; at least one of them is given.

    NaN is neither. Whole numbers are compared exactly, however large.

    >>> from types import SimpleNamespace
    >>> rule = threshold("teen", field="age", above=12, below=20, label=1)
    >>> [rule.vote_on(SimpleNamespace(age=age)) for age in (12, 13, 19.5, None)]
    [-1, 1, 1, -1]
    """
    if above is None and below is None:
        raise FunctionError(f'rule "{visible(name)}": give above=, below= or both')
    low, high = _limit(name, "above", above), _limit(name, "below", below)
    if low is not None and high is not None and not low < high:
        raise FunctionError(f'rule "{visible(name)}": no number is above {low} and below {high}')

    def matches(value: Any) -> bool:
        return (low is None or value > low) and (high is None or value < high)

    return _rule(name, field, label, "threshold", (("above", low), ("below", high)), matches, numeric=True)


def _limit(name: str, side: str, value: Any) -> int | float | None:
    """The limit as a plain number, so that nothing is compared in fewer digits than it has."""
    if value is None:
        return None
    if not isinstance(value, Real) or isinstance(value, bool) or value != value:  # noqa: PLR0124  NaN is not itself
        raise FunctionError(f'rule "{visible(name)}": {side} must be a number, not {visible(repr(value)[:60])}')
    return int(value) if isinstance(value, Integral) else float(value)


def _rule(
    name: str,
    field: str,
    label: int | str,
    kind: Literal["keywords", "pattern", "threshold"],
    settings: tuple[tuple[str, Any], ...],
    matches: Callable[[Any], bool],
    *,
    numeric: bool = False,
) -> Rule:
    if not isinstance(label, (int, str)) or isinstance(label, bool):
        raise FunctionError(
            f'rule "{visible(name)}": label must be a class index or a class name, not {visible(repr(label)[:60])}'
        )
    caller = sys._getframe(2)
    file = caller.f_code.co_filename
    place = place_of(file, caller.f_lineno)
    return Rule(name, field, label, kind, settings, matches, numeric, place, file)


def check_rule(rule: Rule, fields: Sequence[str], classes: Sequence[str]) -> None:
    """Raise FunctionError when the rule names a field or class that the project does not have."""
    where = f'{rule.place}: rule "{visible(rule.name)}"'
    if rule.field not in fields:
        raise FunctionError(f'{where}: no field "{visible(rule.field)}"; functions see {named(fields)}')
    known = rule.label in classes if isinstance(rule.label, str) else 0 <= rule.label < len(classes)
    if not known:
        raise FunctionError(
            f"{where}: no class {visible(repr(rule.label)[:60])}; classes are "
            + ", ".join(f"{index} = {visible(name)}" for index, name in enumerate(classes))
        )


def check_column(rule: Rule, kind: pa.DataType) -> None:
    """Raise FunctionError when the rule's field is of a type that it cannot read: every cell would be a fault."""
    import pyarrow as pa

    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    number = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    if any(test(plain) for test in (number if rule.numeric else text)):
        return
    needs = "numbers" if rule.numeric else "text"
    raise FunctionError(
        f'{rule.place}: rule "{visible(rule.name)}" needs {needs}, but field "{visible(rule.field)}" is {kind}'
        + ("; declare its type under [data.types] in labelkit.toml" if rule.numeric else "")
    )
