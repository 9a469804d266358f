"""Files of JSON, whole or a line a record, read strictly and written atomically."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from labelkit import strict_json
from labelkit.errors import DataError, visible
from labelkit.files import atomic_write, machine_errors

MAX_LINE = 100_000_000  # bytes


def write_lines(path: Path, values: Iterable[object]) -> int:
    """Write one JSON value a line. Returns how many."""
    count = 0
    with atomic_write(path) as file:
        for value in values:
            file.write(_encoded(value) + b"\n")
            count += 1
    return count


def write_list(path: Path, values: Iterable[object]) -> int:
    """Write one JSON list, a value a line. Returns how many."""
    count = 0
    with atomic_write(path) as file:
        file.write(b"[")
        for value in values:
            file.write((b"\n" if count == 0 else b",\n") + _encoded(value))
            count += 1
        file.write(b"\n]\n")
    return count


def _encoded(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")


def read_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, object) of each line that is not blank. Raises DataError naming file and line."""
    name = visible(path.name)
    with machine_errors(path), open_file(path).open("rb") as file:
        number = 0
        while raw := file.readline(MAX_LINE + 1):
            number += 1
            place = f"{name}: line {number}"
            if len(raw) > MAX_LINE:
                raise DataError(f"{place}: longer than {MAX_LINE:,} bytes")
            if raw.strip():
                yield place, as_object(parsed(raw, place), place)


def read_whole(path: Path) -> Any:
    """The one JSON value in a file."""
    with machine_errors(path):
        content = open_file(path).read_bytes()
    return parsed(content, visible(path.name))


def read_list(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, object) of each item of a file that is one JSON list."""
    whole = read_whole(path)
    if not isinstance(whole, list):
        raise DataError(f"{visible(path.name)}: not a JSON list of objects")
    for number, item in enumerate(whole, 1):
        place = f"{visible(path.name)}: item {number}"
        yield place, as_object(item, place)


def open_file(path: Path) -> Path:
    """The path, if it is a file. Raises DataError."""
    if not path.is_file():
        raise DataError(f"{visible(str(path))}: no such file")
    return path


def parsed(raw: bytes, place: str) -> Any:
    """The JSON value in some bytes. Raises DataError: not UTF-8, not JSON, a key twice, NaN, half a character."""
    try:
        text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
        value = strict_json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise DataError(f"{place}: not UTF-8: byte 0x{error.object[error.start]:02X} at {error.start}") from error
    except UnicodeEncodeError as error:
        raise DataError(f"{place}: half of a surrogate pair; it is no character") from error
    except json.JSONDecodeError as error:
        raise DataError(
            f"{place}: not JSON: {visible(error.msg)} (line {error.lineno}, column {error.colno})"
        ) from error
    except RecursionError as error:
        raise DataError(f"{place}: nested too deeply") from error
    except ValueError as error:
        raise DataError(f"{place}: {visible(str(error))}") from error
    return value


def as_object(value: object, place: str) -> dict[str, Any]:
    """A value that has to be an object."""
    if not isinstance(value, dict):
        raise DataError(f"{place}: not a JSON object like {{...}}")
    return value


def objects_in(line: Mapping[str, Any], key: str, place: str) -> list[dict[str, Any]]:
    """The list of objects under a key; none where the key is missing or null."""
    value = line.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise DataError(f'{place}: "{key}" must be a list')
    return [as_object(each, f'{place}, "{key}"') for each in value]


def object_in(line: Mapping[str, Any], key: str, place: str) -> dict[str, Any]:
    """The object under a key; an empty one where the key is missing or null."""
    value = line.get(key)
    return {} if value is None else as_object(value, f'{place}, "{key}"')
