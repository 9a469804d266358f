"""The labeling function as a value, the decorator that makes one, and Snorkel's own functions taken as they are.

@labeling_function()
def shouts(x):
    return SPAM if x.text.isupper() else ABSTAIN
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from labelkit.errors import FunctionError, visible
from labelkit.labeling.examples import Example, checked_examples
from labelkit.labeling.fingerprints import fingerprint_of
from labelkit.labeling.places import place_of
from labelkit.labeling.prompts.prompt import Prompt
from labelkit.labeling.rules import Rule

Kind = Literal["row", "batch", "rule", "prompt"]


@dataclass(frozen=True)
class LabelingFunction:
    """A named voter. Calling it with a row gives its raw vote, which makes it easy to test on its own.

    A vote is a class index (an int, a bool, an IntEnum or a NumPy integer, in range), a class name, or None or ABSTAIN
    for nothing to say. Anything else is a fault.
    """

    name: str
    kind: Kind
    vote: Callable[[Any], Any] = field(repr=False, compare=False)  # row (batch: columns) -> raw vote (batch: votes)
    rule: Rule | None = field(default=None, compare=False)
    place: str = field(default="", compare=False)  # folder/file:line of its definition, where known
    file: str = field(default="", compare=False)  # absolute path of its file, where known
    fingerprint: str = field(default="", repr=False)
    columns: str = field(default="", repr=False)  # what a batch function gets: numpy, pandas or arrow
    examples: tuple[Example, ...] = field(default=(), repr=False, compare=False)  # what `labelkit lf test` checks
    prompt: Prompt | None = field(default=None, repr=False, compare=False)  # what a prompt function asks

    def __call__(self, x: Any) -> Any:
        """Raw vote on one row; of a batch function, raw votes on columns."""
        return self.vote(x)


def labeling_function(
    name: str | None = None,
    *,
    resources: Mapping[str, Any] | None = None,
    pre: Sequence[Callable[[Any], Any]] | None = None,
    examples: Sequence[Example] = (),
) -> Callable[[Callable[..., Any]], LabelingFunction]:
    """Decorate a function from row to vote. Arguments as in Snorkel.

    `resources` are passed to the function by keyword; `pre` are preprocessors applied first, in order. `examples` are
    pairs of a record (the text of the first field, or a mapping) and the vote on it, which `labelkit lf test` checks.

    >>> from types import SimpleNamespace
    >>> @labeling_function(resources={"words": {"awful", "poor"}})
    ... def complains(x, words):
    ...     return 0 if words & set(x.text.split()) else -1
    >>> complains.name, complains(SimpleNamespace(text="a poor show"))
    ('complains', 0)
    """
    if callable(name):
        raise TypeError("labeling_function takes parentheses: @labeling_function()")

    def decorate(function: Callable[..., Any]) -> LabelingFunction:
        own_name = str(name or getattr(function, "__name__", ""))
        return row_function(own_name, function, dict(resources or {}), tuple(pre or ()), examples)

    return decorate


def row_function(
    name: str,
    function: Callable[..., Any],
    resources: Mapping[str, Any],
    pre: Sequence[Callable[[Any], Any]],
    examples: Sequence[Example] = (),
) -> LabelingFunction:
    """A labeling function of kind row. Raises FunctionError for examples that are no pairs."""
    vote: Callable[[Any], Any] = function
    if resources or pre:

        def vote(x: Any) -> Any:
            for step in pre:
                x = step(x)
            return function(x, **resources)

    file, line = definition_of(function)
    place = place_of(file, line) if file else ""
    return LabelingFunction(
        name=name,
        kind="row",
        vote=vote,
        place=place,
        file=file,
        fingerprint=fingerprint_of("row", name, function, dict(resources), list(pre)),
        examples=checked_examples(examples, f'{place}: function "{visible(name)}"'),
    )


def as_labeling_function(candidate: object) -> LabelingFunction | None:
    """The candidate as a labeling function: labelkit's own, a rule, or Snorkel's object; None for anything else."""
    if isinstance(candidate, LabelingFunction):
        return candidate
    if isinstance(candidate, Rule):
        if candidate.label is None:  # a part of other rules
            return None
        return LabelingFunction(
            name=candidate.name,
            kind="rule",
            vote=candidate.vote_on,
            rule=candidate,
            place=candidate.place,
            file=candidate.file,
            fingerprint=fingerprint_of("rule", candidate.name, candidate.definition()),
            examples=candidate.examples,
        )
    if _is_snorkel(candidate):
        return _from_snorkel(candidate)
    return None


def _from_snorkel(lf: Any) -> LabelingFunction:
    """Snorkel's object, called as it is, so that subclasses (nlp_labeling_function) keep their own behaviour."""
    file, line = definition_of(lf._f)
    return LabelingFunction(
        name=lf.name,
        kind="row",
        vote=lf,
        place=place_of(file, line) if file else "",
        file=file,
        fingerprint=fingerprint_of("row", lf.name, lf),
    )


def checked_functions(functions: Sequence[object]) -> tuple[LabelingFunction, ...]:
    """Functions as given by a caller, names distinct. Raises FunctionError otherwise."""
    made: dict[str, LabelingFunction] = {}
    for candidate in functions:
        function = as_labeling_function(candidate)
        if function is None and isinstance(candidate, Rule):
            raise FunctionError(
                f'{candidate.place}: rule "{visible(candidate.name)}" is only a part of other rules; '
                "to vote it needs a label instead of part=True"
            )
        if function is None:
            shown = visible(repr(candidate)[:80])
            raise FunctionError(f"{shown} is no labeling function; decorate it with @labelkit.labeling_function()")
        if not isinstance(function.name, str) or function.name in ("", "id"):
            raise FunctionError(
                f"{function.place or '?'}: a labeling function cannot be called {visible(repr(function.name)[:80])}; "
                "votes are kept in columns by name"
            )
        if function.name in made:
            places = ", ".join(one.place or "?" for one in (made[function.name], function))
            raise FunctionError(
                f'two labeling functions are called "{visible(function.name)}" ({places}); give each its own name'
            )
        made[function.name] = function
    return tuple(made.values())


def _is_snorkel(candidate: object) -> bool:
    # By name, so that Snorkel is not imported to find out that something is not Snorkel's.
    return any(
        base.__name__ == "LabelingFunction" and base.__module__.startswith("snorkel.labeling")
        for base in type(candidate).__mro__
    )


def is_slicing(candidate: object) -> bool:
    """Whether it is one of Snorkel's slicing functions."""
    return any(base.__module__.startswith("snorkel.slicing") for base in type(candidate).__mro__)


def definition_of(function: Callable[..., Any]) -> tuple[str, int]:
    """File and first line of a function; empty when it has no file."""
    inner = inspect.unwrap(function)
    code = getattr(inner, "__code__", None)
    if code is None or code.co_filename.startswith("<"):
        return "", 0
    return code.co_filename, code.co_firstlineno
