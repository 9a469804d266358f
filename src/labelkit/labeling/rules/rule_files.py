"""Rule files: rules in TOML, for people who do not write Python. A table is a rule, and its name the rule's.

    [links]
    kind = "pattern"
    field = "text"
    regex = "https?://"
    label = "spam"

    [long]
    kind = "length"
    field = "text"
    unit = "words"
    above = 40
    part = true          # has no vote of its own

    [bare_link]
    kind = "all"         # or "any", or "not" with a single name
    of = ["links", "long"]
    label = "spam"

The kinds are the functions of `labelkit.rules` with their arguments, and "all", "any" and "not" of rules in the file.
Nothing is guessed: an unknown key, a key that is missing and a value of another type are errors.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from labelkit.errors import FunctionError, listed, named, shortened, visible
from labelkit.files import machine_errors
from labelkit.labeling.places import place_of
from labelkit.labeling.rules import declare
from labelkit.labeling.rules.conditions import AllOf, AnyOf, Condition, Not
from labelkit.labeling.rules.rule import Rule

COMMON = {"kind": "text", "label": "class", "part": "true or false", "examples": "list of pairs of a record and a vote"}
WORDS = {"field": "text", "ignore_case": "true or false"}
LIMITS = {"field": "text", "above": "number", "below": "number"}
KINDS: dict[str, dict[str, str]] = {  # the keys of each kind and the types of their values
    "keywords": {"words": "list of texts", **WORDS},
    "contains": {"texts": "list of texts", **WORDS},
    "lookup": {"file": "text", "column": "text", "match": "text", **WORDS},
    "pattern": {"regex": "text", **WORDS},
    "threshold": LIMITS,
    "length": {"unit": "text", **LIMITS},
    "nearest": {
        "ids": "list of texts",
        "file": "text",
        "id": "text",
        "column": "text",
        "above": "number",
        "field": "text",
    },
    "all": {"of": "list of texts"},
    "any": {"of": "list of texts"},
    "not": {"of": "text"},
}
NEEDED = ("field", "words", "texts", "file", "regex", "of")
TESTS: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "class": lambda value: isinstance(value, (str, int)) and not isinstance(value, bool),
    "true or false": lambda value: isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "list of texts": lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    "list of pairs of a record and a vote": lambda value: (
        isinstance(value, list) and all(isinstance(one, list) and len(one) == 2 for one in value)
    ),
}


def read_rules(path: Path) -> list[Rule]:
    """The rules of a file in its order, those that are only parts of others left out.

    Raises FunctionError with every problem, each with its file and line.
    """
    with machine_errors(path):
        data = path.read_bytes()
    try:
        text = data.decode()
        tables = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise FunctionError(f"{_name(path)}: byte {error.start + 1:,} is not UTF-8; save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise FunctionError(f"{_name(path)}: {visible(str(error))}") from None
    file = _RuleFile(path, text, tables)
    rules, problems = [], []
    for name in tables:
        try:
            rules.append(file.rule(name))
        except FunctionError as error:
            problems.append(str(error))
    if problems:
        raise FunctionError(listed(list(dict.fromkeys(problems))))
    return [rule for rule in rules if rule.label is not None]


class _RuleFile:
    """The tables of one file, each made a rule when it or another asks for it."""

    def __init__(self, path: Path, text: str, tables: Mapping[str, Any]) -> None:
        self._path, self._text, self._tables = path, text, tables
        self._making: list[str] = []
        self.rule = functools.cache(self._rule)

    def _place(self, name: str) -> str:
        header = re.compile(rf"""^[ \t]*\[[ \t]*["']?{re.escape(name)}["']?[ \t]*\]""", re.MULTILINE)
        found = header.search(self._text)
        return place_of(str(self._path), self._text.count("\n", 0, found.start()) + 1 if found else 1)

    def _rule(self, name: str) -> Rule:
        where = f"{visible(self._place(name))}: [{shortened(name)}]"
        if name in self._making:
            raise FunctionError(f"{where}: is made of itself, by way of {named(self._making)}")
        self._making.append(name)
        try:
            settings = self._checked(where, self._tables[name])
            made = self._made(where, name, settings)
        finally:
            self._making.pop()
        return dataclasses.replace(made, kind=settings["kind"], place=self._place(name), file=str(self._path))

    def _checked(self, where: str, table: Any) -> dict[str, Any]:
        """The table, if all its keys are known, there and of the right type."""
        if not isinstance(table, dict):
            raise FunctionError(f"{where}: not a table; a rule begins with its name in brackets, [links]")
        kind = table.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            said = f'no kind "{shortened(kind)}"{_nearest(kind, KINDS)}' if isinstance(kind, str) else "kind is missing"
            raise FunctionError(f"{where}: {said}; kinds are {named(KINDS)}")
        keys = {**KINDS[kind], **COMMON}
        for key, value in table.items():
            if key not in keys:
                hint = _nearest(key, keys) or f"; a {kind} rule has {named(keys)}"
                raise FunctionError(f'{where}: unknown key "{shortened(key)}"{hint}')
            if not TESTS[keys[key]](value):
                wanted = "a class name or index" if keys[key] == "class" else f"a {keys[key]}"
                wanted = keys[key] if keys[key].startswith("true") else wanted
                raise FunctionError(f"{where}: {key} must be {wanted}, not {visible(repr(value)[:60])}")
        needed = ("ids", "file", "above", "label") if kind == "nearest" else (*NEEDED, "label")
        missing = [key for key in needed if key in keys and key not in table]
        if table.get("part") and "label" in missing:
            missing.remove("label")
        if missing:
            raise FunctionError(f"{where}: {named(missing)} missing")
        return dict(table)

    def _made(self, where: str, name: str, settings: Mapping[str, Any]) -> Rule:
        """The rule of a table whose keys were checked."""
        given = {key: value for key, value in settings.items() if key not in ("kind", "of")}
        kind = settings["kind"]
        try:
            if "of" in settings:
                return declare.combine(name, self._combined(where, settings), **given)
            if "file" in given:  # which begins at this one
                given["file"] = self._path.parent / given["file"]
            if kind == "lookup":
                return declare.lookup(name, given.pop("file"), **given)
            if kind in ("keywords", "contains", "pattern"):
                main = given.pop({"keywords": "words", "contains": "texts", "pattern": "regex"}[kind])
                return getattr(declare, kind)(name, main, **given)  # type: ignore[no-any-return]
            return getattr(declare, kind)(name, **given)  # type: ignore[no-any-return]
        except FunctionError as error:
            said = str(error)
            own = f'rule "{visible(name)}": '
            raise FunctionError(f"{where}: {said.removeprefix(own)}" if said.startswith(own) else said) from None

    def _combined(self, where: str, settings: Mapping[str, Any]) -> Condition:
        names = [settings["of"]] if settings["kind"] == "not" else settings["of"]
        if not names:
            raise FunctionError(f"{where}: of is empty; name at least one rule of this file")
        for name in names:
            if name not in self._tables:
                hint = _nearest(name, self._tables) or f"; there are {named(self._tables)}"
                raise FunctionError(f'{where}: no rule "{shortened(name)}" in this file{hint}')
        parts = tuple(self.rule(name).condition for name in names)
        if settings["kind"] == "not":
            return Not(parts[0])
        return AllOf(parts) if settings["kind"] == "all" else AnyOf(parts)


def _name(path: Path) -> str:
    return f"{path.parent.name}/{visible(path.name)}"


def _nearest(word: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(word[:200], list(known), n=1)
    return f'; did you mean "{visible(near[0])}"?' if near else ""
