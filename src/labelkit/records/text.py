"""What the readers of text files share: lines, decoded strictly, and declared types."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from labelkit.errors import ConfigError, DataError, shortened, visible
from labelkit.files import machine_errors

if TYPE_CHECKING:
    import pyarrow as pa

Row = TypeVar("Row")

BATCH_ROWS = 8_192
MAX_LINE = 64 * 1024 * 1024  # characters

SIGNATURES = {
    b"\xff\xfe": 'this is UTF-16; set encoding = "utf-16" under [data]',
    b"\xfe\xff": 'this is UTF-16; set encoding = "utf-16" under [data]',
    b"\x1f\x8b": "this is a gzip archive; unpack it",
    b"PK\x03\x04": "this is a ZIP archive or a spreadsheet; unpack it, or save it as CSV",
    b"PAR1": "this is a Parquet file; let its name end in .parquet",
    b"SQLite": "this is a SQLite database; use labelkit.read_sql",
}


def check_encoding(encoding: str) -> str:
    """The codec to open a file with: UTF-8 may start with a byte order mark. Raises ConfigError for unknown names."""
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)  # codecs such as base64 are no encodings of text
    except (LookupError, ValueError) as error:
        raise ConfigError(f'unknown encoding "{shortened(encoding)}"; utf-8 and latin-1 are common') from error
    return "utf-8-sig" if name == "utf-8" else name


def in_parts(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """So many rows at a time as a batch holds; fewer at the end."""
    while part := list(islice(rows, BATCH_ROWS)):
        yield part


def line_names(lines: Iterator[int], indices: Sequence[int]) -> list[str]:
    """What messages call the records with these indices; `lines` are the line numbers of all records, in order."""
    names = {index: f"record {index + 1}" for index in indices}
    with suppress(DataError):  # what stands before a line that cannot be read can be named nevertheless
        for index, line in enumerate(lines):
            if index in names:
                names[index] = f"row {line}"
    return [names[index] for index in indices]


def text_lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """Lines of a text file with their numbers, from 1, and their line ends: newline, carriage return or both.

    Raises DataError, naming the row and the way out, for bytes that the encoding has no character for.
    """
    for number, line in raw_lines(path, encoding):
        check_text(line, path, encoding, f"row {number}")
        yield number, line


def raw_lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """The same, with undecodable bytes as lone surrogates. Who reads these lines calls `check_text` on each."""
    codec, number = check_encoding(encoding), 0
    with machine_errors(path):
        try:
            with path.open("r", encoding=codec, errors="surrogateescape", newline="") as file:
                while line := file.readline(MAX_LINE):
                    number += 1
                    if len(line) == MAX_LINE:
                        raise DataError(f"{visible(path.name)}: row {number}: longer than {MAX_LINE:,} characters")
                    yield number, line
        except FileNotFoundError as error:
            raise DataError(f"{visible(str(path))}: no such file or folder") from error
        except UnicodeError as error:
            problem = f"this is not {codec}; set encoding under [data] to the file's own"
            raise DataError(_refused(path, codec, problem)) from error


def check_text(text: str, path: Path, encoding: str, place: str) -> None:
    """Raise DataError for lone surrogates; `place` is where the text stands in the file."""
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code, codec = ord(text[error.start]), check_encoding(encoding)
        if not 0xDC80 <= code <= 0xDCFF:
            what = f"half of a surrogate pair (\\u{code:04x}); it is no character"
        elif codec == "utf-8-sig":
            what = f'invalid UTF-8 byte 0x{code - 0xDC00:02X} (try encoding = "latin-1" under [data])'
        else:
            what = f"byte 0x{code - 0xDC00:02X} is not {codec}; set encoding under [data] to the file's own"
        raise DataError(_refused(path, codec, f"{place}: {what}")) from None


def check_no_nul(line: str, path: Path, number: int) -> None:
    """Raise DataError for a NUL character: tools disagree on what it means, databases cannot keep it."""
    if "\0" in line:
        offset = line.index("\0")
        hint = '; if the file is UTF-16, set encoding = "utf-16-le" under [data]' if number == 1 else ""
        raise DataError(_refused(path, "", f"row {number}: a NUL character at offset {offset}; remove it{hint}"))


def _refused(path: Path, codec: str, problem: str) -> str:
    """What the file is, where its first bytes tell; otherwise the problem."""
    with machine_errors(path), path.open("rb") as file:
        start = file.read(8)
    known = {} if codec.startswith(("utf-16", "utf-32")) else SIGNATURES
    said = next((said for signature, said in known.items() if start.startswith(signature)), problem)
    return f"{visible(path.name)}: {said}"


Parser = Callable[[str], Any]


def _whole(text: str) -> int:
    value = int(text) if re.fullmatch(r"[+-]?[0-9]{1,30}", text) else None
    if value is None or not -(2**63) <= value < 2**63:
        raise ValueError(text)
    return value


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or "_" in text or not text.isascii():
        raise ValueError(text)
    return value


def _truth(text: str) -> bool:
    return {"true": True, "false": False, "1": True, "0": False}[text.lower()]


PARSERS: Mapping[str, tuple[Parser, str]] = {
    "string": (str, "text"),
    "int64": (_whole, "a whole number of 64 bits"),
    "float64": (_number, "a finite number"),
    "bool": (_truth, "true or false"),
}


def typed_column(values: Sequence[str], kind: str, where: Callable[[int], str]) -> pa.Array:
    """Text values as a column of the declared type; an empty cell is null, except in text.

    `where(i)` names the cell of value i. Raises DataError for a value that is not of the type.
    """
    import pyarrow as pa

    if kind == "string":
        return pa.array(values, pa.large_string())
    parse, meant = PARSERS[kind]
    out: list[Any] = []
    for i, text in enumerate(values):
        stripped = text.strip()
        try:
            out.append(parse(stripped) if stripped else None)
        except (ValueError, KeyError) as error:
            raise DataError(f'{where(i)}: "{shortened(text, 60)}" is not {meant}') from error
    return pa.array(out, {"int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_()}[kind])
