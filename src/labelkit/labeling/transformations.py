"""Transformation functions: from a record to another one that should get the same label.

@transformation_function()
def shouts(x):
    x.text = x.text.upper()
    return x

Snorkel's are taken as they are, and so are its policies, which say which functions are applied one after another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from labelkit.errors import FunctionError, UsageError, named, visible
from labelkit.labeling.fingerprints import fingerprint_of
from labelkit.labeling.functions import definition_of
from labelkit.labeling.loader import load_modules
from labelkit.labeling.places import place_of
from labelkit.labeling.preprocessors import own_copy

Order = Literal["each", "random", "all"]
ORDERS: tuple[str, ...] = get_args(Order)
MOST = 1_000  # new records of one record


@dataclass(frozen=True)
class TransformationFunction:
    """A named function from row to row; None means: not on this one. Calling it does not change what it is given."""

    name: str
    function: Callable[[Any], Any] = field(repr=False, compare=False)
    place: str = field(default="", compare=False)  # folder/file:line of its definition, where known
    fingerprint: str = field(default="", repr=False)

    def __call__(self, x: Any) -> Any:
        """The transformed row, or None."""
        return self.function(own_copy(x))


def transformation_function(name: str | None = None) -> Callable[[Callable[[Any], Any]], TransformationFunction]:
    """Decorate a function from row to row.

    >>> from types import SimpleNamespace
    >>> @transformation_function()
    ... def shouts(x):
    ...     x.text = x.text.upper()
    ...     return x
    >>> shouts(SimpleNamespace(text="so good")).text
    'SO GOOD'
    """
    if callable(name):
        raise TypeError("transformation_function takes parentheses: @transformation_function()")

    def decorate(function: Callable[[Any], Any]) -> TransformationFunction:
        own_name = str(name or getattr(function, "__name__", ""))
        return TransformationFunction(
            own_name, function, _place(function), fingerprint_of("transform", own_name, function)
        )

    return decorate


@dataclass(frozen=True)
class Policy:
    """Which functions are applied to a record one after another, and how often that is done.

    "each": every function by itself; "random": `per_record` times `length` functions drawn at random; "all":
    `per_record` times all of them, in order. Or what a policy object of Snorkel's says.
    """

    order: str = "random"
    per_record: int = 1
    length: int = 1
    snorkel: Any = field(default=None, compare=False, repr=False)

    def sequences(self, functions: int, rng: np.random.Generator) -> list[list[int]]:
        """Numbers of functions, a list for each new record. Snorkel's policies draw from NumPy's global generator."""
        if self.snorkel is not None:
            return [list(map(int, one)) for one in self.snorkel.generate_for_example() if one]
        if self.order == "each":
            return [[number] for number in range(functions)]
        if self.order == "all":
            return [list(range(functions))] * self.per_record
        return [rng.integers(0, functions, self.length).tolist() for _ in range(self.per_record)]


def checked_policy(order: str, per_record: int, length: int) -> Policy:
    """A policy. Raises UsageError for one that does not hold."""
    if order not in ORDERS:
        raise UsageError(f'no policy "{visible(order)}"; policies are {named(ORDERS)}')
    if not 1 <= per_record <= MOST or not 1 <= length <= MOST:
        raise UsageError(f"new records of a record, and functions of one of them, are 1 to {MOST:,}")
    return Policy(order, per_record, length)


def load_transformations(folder: Path) -> tuple[tuple[TransformationFunction, ...], Policy | None]:
    """The transformation functions of a folder's .py files, in order of file name and definition, and their policy.

    Raises FunctionError for a folder without any, for two of one name, and for two policies.
    """
    if not folder.is_dir():
        raise FunctionError(f"{visible(folder.name)}/: no such folder; transformation functions are .py files in it")
    functions, policies = dict[str, TransformationFunction](), list[Any]()
    for module in load_modules(folder):
        for name, value in vars(module).items():
            made = None if name.startswith("_") else as_transformation(value)
            if made is not None and functions.setdefault(made.name, made).fingerprint != made.fingerprint:
                places = ", ".join(one.place or "?" for one in (functions[made.name], made))
                raise FunctionError(
                    f'two transformation functions are called "{visible(made.name)}" ({places}); give each its own name'
                )
            if _is_snorkel(value, "augmentation.policy") and not any(value is one for one in policies):
                policies.append(value)
    if not functions:
        raise FunctionError(f"{visible(folder.name)}/: no transformation function in any .py file of it")
    if len(policies) > 1:
        raise FunctionError(f"{visible(folder.name)}/: {len(policies)} policies; which one counts?")
    if policies and policies[0].n > len(functions):
        raise FunctionError(
            f"{visible(folder.name)}/: the policy is for {policies[0].n} functions, and there are {len(functions)}"
        )
    return tuple(functions.values()), Policy("snorkel", snorkel=policies[0]) if policies else None


def as_transformation(candidate: object) -> TransformationFunction | None:
    """The candidate as a transformation function: one of ours, or Snorkel's object; None for anything else."""
    if isinstance(candidate, TransformationFunction):
        return candidate
    if not _is_snorkel(candidate, "map") or _is_snorkel(candidate, "preprocess"):
        return None
    mapper: Any = candidate
    made = getattr(mapper, "_f", mapper)
    return TransformationFunction(mapper.name, mapper, _place(made), fingerprint_of("transform", mapper.name, mapper))


def _is_snorkel(candidate: object, package: str) -> bool:
    # By name, so that Snorkel is not imported to find out that something is not Snorkel's.
    return any(base.__module__.startswith(f"snorkel.{package}") for base in type(candidate).__mro__)


def _place(function: Any) -> str:
    file, line = definition_of(function) if callable(function) else ("", 0)
    return place_of(file, line) if file else ""


def functions_of(sequence: Sequence[int], functions: Sequence[TransformationFunction]) -> list[TransformationFunction]:
    """The functions of a sequence. Raises FunctionError for a number that is none's."""
    wrong = [number for number in sequence if not 0 <= number < len(functions)]
    if wrong:
        raise FunctionError(f"the policy asks for function {wrong[0]}, and there are {len(functions)}")
    return [functions[number] for number in sequence]
