"""Reading labelkit.toml, and saying in its own words what is wrong with one that does not hold."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from labelkit.errors import ConfigError, listed, named, shortened, visible
from labelkit.files import machine_errors
from labelkit.settings import FILE_NAME, Settings


def read_settings(path: Path) -> Settings:
    """Read the labelkit.toml at `path`. Raises ConfigError when it does not hold."""
    with machine_errors(path):
        content = path.read_bytes()
    try:
        return Settings.model_validate(tomllib.loads(content.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        row, byte = error.object.count(b"\n", 0, error.start) + 1, error.object[error.start]
        raise ConfigError(f"{FILE_NAME}: row {row}: invalid UTF-8 byte 0x{byte:02X}") from error
    except RecursionError as error:
        raise ConfigError(f"{FILE_NAME}: nested too deeply") from error
    except ValidationError as error:
        raise ConfigError(listed([explained(problem) for problem in error.errors()])) from error
    except ValueError as error:  # also what tomllib lets through, such as a number of 5,000 digits
        raise ConfigError(f"{FILE_NAME}: not TOML: {shortened(str(error), 200)}") from error


_WORDS = {
    "missing": "missing",
    "string_type": "must be a text in quotes",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "literal_error": "must be {expected}",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be below {lt}",
    "value_error": "{error}",
}


def explained(problem: Any) -> str:
    """One pydantic problem in the words of labelkit.toml."""
    location, value = list(problem["loc"]), problem["input"]
    if problem["type"] == "extra_forbidden":
        return _unknown([str(part) for part in location], value)
    words = _WORDS.get(problem["type"])
    what = problem["msg"] if words is None else words.format_map(problem.get("ctx", {}))
    place = f"{_place(location)}: " if location else ""  # the whole file has none
    return f"{FILE_NAME}: {place}{what}" + (f", not {_as_toml(value)}" if _is_plain(value) else "")


def _is_plain(value: object) -> bool:
    """Whether a value may stand in a message: not a URL that may hold a login."""
    login = isinstance(value, str) and "://" in value and "@" in value
    return isinstance(value, (str, int, float)) and value != "" and not login


def _as_toml(value: object) -> str:
    """A plain value as it stands in the file."""
    if isinstance(value, str):
        return f'"{shortened(value, 60)}"'
    return shortened(str(value).lower(), 60)  # true and false are written small


def _place(location: list[str | int]) -> str:
    """`[data] fields, item 2` for a pydantic location."""
    names = [visible(part) for part in location if isinstance(part, str) and part != "[key]"]
    items = "".join(f", item {part + 1}" for part in location if isinstance(part, int))
    return f"[{names[0]}]{items}" if len(names) == 1 else f"[{'.'.join(names[:-1])}] {names[-1]}{items}"


def _unknown(location: list[str], value: object) -> str:
    """What a key that nothing reads could have been meant to be."""
    known, key = _known_keys(location[:-1]), location[-1]
    near = difflib.get_close_matches(key[:200], known, n=1)
    hint = f'did you mean "{near[0]}"?' if near else f"known are {named(known)}"
    if len(location) > 1:
        return f"{FILE_NAME}: [{location[0]}] {shortened(key)}: unknown key; {hint}"
    if isinstance(value, dict):
        return f"{FILE_NAME}: [{shortened(key)}]: unknown section; {hint}"
    return f"{FILE_NAME}: {shortened(key)}: a key outside any section; known sections are {named(known)}"


def _known_keys(place: list[str]) -> list[str]:
    model: Any = Settings
    for part in place:
        model = model.model_fields[part].annotation
    return list(model.model_fields)
