"""Suggestions as a rule file has them, each under a line that says what it is worth."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from labelkit.errors import FunctionError, UsageError, visible
from labelkit.files import make_folder, write_bytes
from labelkit.suggest.candidates import Candidate
from labelkit.suggest.proposals import Suggestion, Suggestions


def rule_text(rule: Suggestion, found: Suggestions) -> str:
    """One rule as tables of a rule file.

    >>> from labelkit.suggest.candidates import has_words
    >>> win = Suggestion("has_win", "spam", has_words("text", "win"), 9, 9, 0.97, 0.91, 0.1, 0.08, 0.2)
    >>> print(rule_text(win, Suggestions((win,), 1000, 100, 0, False)))
    # text has "win": right in 9 of 9 held-out answers of 100,
    # and so in at least 91 % of its votes; on 10.0 % of 1,000 records
    [has_win]
    kind = "keywords"
    field = "text"
    words = ["win"]
    label = "spam"
    """
    asks = rule.candidate
    parts = [(f"{rule.name}_part_{number}", part) for number, part in enumerate(asks.parts, start=1)]
    own = {"kind": "all", "of": [name for name, _ in parts]} if parts else _keys(asks)
    tables = [*(_table(name, {**_keys(part), "part": True}) for name, part in parts)]
    tables.append(_table(rule.name, {**own, "label": rule.label}))
    return "\n".join([f"# {visible(asks.said)}: {_worth(rule, found)}", "\n\n".join(tables)])


def _worth(rule: Suggestion, found: Suggestions) -> str:
    tested = f"right in {rule.hits:,} of {rule.trials:,} held-out answers of {found.answers:,}"
    sure = f"# and so in at least {100 * rule.low:.0f} % of its votes"
    return f"{tested},\n{sure}; on {100 * rule.coverage:.1f} % of {found.records:,} records"


def add_rules(path: Path, rules: Iterable[Suggestion], found: Suggestions) -> None:
    """Append rules to a rule file, which may not be there yet; the whole file is written or nothing.

    Raises UsageError for a file that is not named *.toml, FunctionError for one that cannot be read as TOML or has a
    rule of the same name.
    """
    if path.suffix != ".toml":
        raise UsageError(f"{visible(str(path))}: rules go to a file whose name ends in .toml")
    before, names = tables_of(path)
    new = list(rules)
    twice = [rule.name for rule in new if rule.name in names]
    if twice:
        raise FunctionError(f"{visible(path.name)}: has a rule [{twice[0]}] already")
    texts = ([before.rstrip("\n")] if before.strip() else []) + [rule_text(rule, found) for rule in new]
    content = "\n\n".join(texts) + "\n"
    tomllib.loads(content)
    make_folder(path.parent)
    write_bytes(path, content.encode())


def tables_of(path: Path) -> tuple[str, tuple[str, ...]]:
    """Text of a rule file and the names of its tables; of one that is not there, nothing.

    Raises FunctionError for a file that is no TOML.
    """
    if not path.exists():
        return "", ()
    try:
        text = path.read_bytes().decode()
        return text, tuple(tomllib.loads(text))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FunctionError(f"{visible(path.name)}: not a rule file: {visible(str(error))}") from None


def _keys(candidate: Candidate) -> dict[str, Any]:
    settings = {key: list(value) if isinstance(value, tuple) else value for key, value in candidate.settings}
    return {"kind": candidate.kind, "field": candidate.field, **settings}


def _table(name: str, keys: dict[str, Any]) -> str:
    return "\n".join([f"[{name}]", *(f"{key} = {_value(value)}" for key, value in keys.items())])


def _value(value: Any) -> str:
    r"""A value as TOML writes it; texts with backslashes between single quotes, where they may be.

    >>> print(_value(["a", 'b"']), _value(r"\d+"), _value(2.5), _value(True))
    ["a", "b\""] '\d+' 2.5 true
    """
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return repr(value)
    if "\\" in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
