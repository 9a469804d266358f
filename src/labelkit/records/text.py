"""What the readers of text files share: strict decoding, and declared types."""

from __future__ import annotations

import codecs
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.errors import ConfigError, DataError, visible

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 8_192


def check_encoding(encoding: str) -> str:
    """The codec to open a file with: UTF-8 may start with a byte order mark. Raises ConfigError for unknown names."""
    try:
        name = codecs.lookup(encoding).name
    except LookupError as error:
        raise ConfigError(f'unknown encoding "{visible(encoding)}"; utf-8 and latin-1 are common') from error
    return "utf-8-sig" if name == "utf-8" else name


def decoded_lines(path: Path, encoding: str) -> Iterator[str]:
    """Lines of a text file with their line ends, decoded strictly.

    Raises DataError naming row, byte and the way out.
    """
    codec = check_encoding(encoding)
    try:
        with path.open("r", encoding=codec, errors="strict", newline="") as file:
            yield from file
    except UnicodeDecodeError:
        raise DataError(_bad_bytes(path, codec)) from None
    except OSError as error:
        raise DataError(f"{visible(path.name)}: {(error.strerror or 'cannot be read').lower()}") from error


def _bad_bytes(path: Path, codec: str) -> str:
    """Say where the first undecodable byte of the file stands."""
    name = visible(path.name)
    if codec not in ("utf-8-sig", "ascii"):
        return f"{name}: not {codec}; set encoding under [data] to the file's own"
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if number == 1 and line[:2] in (b"\xff\xfe", b"\xfe\xff"):
                return f'{name}: this is UTF-16; set encoding = "utf-16" under [data]'
            try:
                line.decode("utf-8" if codec == "utf-8-sig" else codec)
            except UnicodeDecodeError as error:
                byte = line[error.start]
                return (
                    f"{name}: row {number}: invalid {'UTF-8' if codec != 'ascii' else codec} byte 0x{byte:02X} at "
                    f'offset {error.start} (try encoding = "latin-1" under [data])'
                )
    return f"{name}: cannot be decoded"


Parser = Callable[[str], Any]


def _whole(text: str) -> int:
    value = int(text, 10)
    if not -(2**63) <= value < 2**63 or not text.strip("+-").isdigit():
        raise ValueError(text)
    return value


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or "_" in text:
        raise ValueError(text)
    return value


def _truth(text: str) -> bool:
    return {"true": True, "false": False, "1": True, "0": False}[text.lower()]


PARSERS: Mapping[str, tuple[Parser, str]] = {
    "int64": (_whole, "a whole number"),
    "float64": (_number, "a finite number"),
    "bool": (_truth, "true or false"),
}


def arrow_type(name: str) -> pa.DataType:
    """Arrow type of a declared type."""
    import pyarrow as pa

    return {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_()}[name]


def typed_column(values: Sequence[str], kind: str, where: Callable[[int], str]) -> pa.Array:
    """Text values as a column of the declared type; an empty cell is null, except in text.

    `where(i)` names the cell of value i. Raises DataError for a value that is not of the type.
    """
    import pyarrow as pa

    if kind == "string":
        return pa.array(values, pa.string())
    parse, meant = PARSERS[kind]
    out: list[Any] = []
    for i, text in enumerate(values):
        stripped = text.strip()
        try:
            out.append(parse(stripped) if stripped else None)
        except (ValueError, KeyError) as error:
            raise DataError(f'{where(i)}: "{visible(text[:60])}" is not {meant}') from error
    return pa.array(out, arrow_type(kind))
