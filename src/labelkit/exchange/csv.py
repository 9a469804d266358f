"""CSV: one row per record, for programs (exact) or for spreadsheets (formulas disarmed).

A spreadsheet takes a cell that begins with =, +, - or @ for a formula, and a formula can run programs and send what
is in other cells away (https://owasp.org/www-community/attacks/CSV_Injection). In a file for spreadsheets such a text
begins with an apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from labelkit.exchange.items import About, Item, as_text
from labelkit.exchange.losses import Losses
from labelkit.exchange.rows import joined, own_columns, schema_of, tables_of
from labelkit.files import atomic_write

CELL = 32_767
"""Characters that a cell of a spreadsheet holds."""

_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # the wide forms of East Asian keyboards too


def write(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write what labelkit reads back: text in quotes, null as nothing at all."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    schema = schema_of(about)
    lists = [each.name for each in schema if pa.types.is_nested(each.type)]
    shown = pa.schema([pa.field(each.name, pa.string() if each.name in lists else each.type) for each in schema])
    rows = 0
    with atomic_write(path) as file, arrow_csv.CSVWriter(file, shown) as writer:
        for table in tables_of(items, about, losses):
            for name in lists:
                texts = [None if each is None else _text(each, name, about) for each in table.column(name).to_pylist()]
                table = table.set_column(table.schema.get_field_index(name), name, pa.array(texts, pa.string()))  # noqa: PLW2901
            writer.write_table(table)
            rows += table.num_rows
    return rows


def _text(value: object, column: str, about: About) -> str:
    """A value as text; names of classes are joined as in labelkit.toml."""
    return joined(value, about) if isinstance(value, list) and column in own_columns(about) else as_text(value)


def disarmed(text: str) -> str:
    """A text that no spreadsheet takes for a formula.

    >>> disarmed("=HYPERLINK(A1)"), disarmed(" @SUM(A1)"), disarmed("2 + 2 = 4")
    ("'=HYPERLINK(A1)", "' @SUM(A1)", '2 + 2 = 4')
    """
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def write_spreadsheet(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write CSV as spreadsheets open it: UTF-8 with a mark, formulas disarmed, long texts cut."""
    header, rows = schema_of(about).names, 0
    with atomic_write(path) as file:
        text = io.TextIOWrapper(file, "utf-8-sig", newline="", errors="backslashreplace")
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow([disarmed(name) for name in header])
        for table in tables_of(items, about, losses):
            for row in table.to_pylist():
                writer.writerow([_cell(row[name], name, str(row[about.id]), about, losses) for name in header])
                rows += 1
        text.flush()
        text.detach()
    return rows


def _cell(value: object, column: str, record: str, about: About, losses: Losses) -> object:
    """A value as a cell; numbers stay numbers."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    text = _text(value, column, about).replace("\0", "")
    safe = disarmed(text)
    losses.add("cells that begin like a formula", record, "they begin with an apostrophe now", int(safe != text))
    losses.add("ends of long texts", record, f"a cell holds {CELL:,} characters", int(len(safe) > CELL))
    return safe[:CELL]
