"""Suites guessed from data: what held for every record becomes an expectation, with room for what was not seen.

Conservative: another sample of the same population shall pass. A bound on numbers lies half a range beyond what was
seen, a set of values is closed only when each was seen often, a distance from the reference must be one that chance
does not reach at this number of rows. Every expectation says in its notes what was seen, for a person to curate.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, named, visible
from labelkit.records.vectors import is_vectors
from labelkit.validation.profile import Profile, as_text, kind_of, measured, type_of

if TYPE_CHECKING:
    import pyarrow as pa

_ID_NAMES = re.compile(r"(^|_)(id|key|uuid|guid)$", re.IGNORECASE)
_GOLD_NAMES = ("gold", "label", "class", "target", "y")
_SPLIT_NAMES = ("split", "fold", "subset")
_LONGEST_ID = 80
_SEEN_OFTEN = 5  # rows of a value; of one seen less often others like it may be unseen

_SHAPES = {
    r"^[0-9]+$": "digits",
    r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": "a UUID",
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$": "a date as 2026-01-31",
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+(Z|[+-][0-9:]+)?$": "a time as 2026-01-31T12:00",
    r"^https?://\S+$": "a web address",
    r"^[^@\s]+@[^@\s]+\.[^@\s]+$": "a mail address",
    r"^[A-Za-z]+[_-]?[0-9]+$": "letters and then a number",
    r"^[0-9]+[_-][0-9]+$": "two numbers",
}
_DAMAGE = {
    r"\S": ("is not blank", False),
    "\ufffd": ("holds no replacement character, which a wrong encoding leaves behind", True),
    "\u00c3[\u0080-\u00bf]|\u00e2\u20ac|\u00c2[\u0080-\u00bf]": ("holds no UTF-8 read as Latin-1", True),
    r"&(amp|lt|gt|quot|nbsp|#[0-9]+);|</?[a-zA-Z][^<>]*>": ("holds no HTML", True),
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]": ("holds no control characters", True),
    r"^\s|\s$": ("has no white space around it", True),
}
_PLACEHOLDERS = ["", "nan", "NaN", "null", "NULL", "None", "none", "N/A", "n/a", "NA", "#N/A", "-", "?", "undefined"]


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are, as far as names and contents tell."""

    id: str
    fields: tuple[str, ...]  # in the order of the table
    gold: str | None = None
    split: str | None = None


def guess_roles(table: pa.Table, source: str, gold: str | None = None) -> Roles:
    """Guess which column is the id, which ones gold (unless it is said) and split; all others are fields.

    The id is unique, never null and short; a name such as "id" or "comment_id" goes first. Raises DataError when no
    column can be it.

    >>> import pyarrow as pa
    >>> table = pa.table({"text": ["so good", "so bad"], "review_id": ["r1", "r2"], "gold": ["good", "bad"]})
    >>> guess_roles(table, "reviews.csv")
    Roles(id='review_id', fields=('text',), gold='gold', split=None)
    """
    if gold is not None and gold not in table.schema.names:
        raise DataError(f'{source}: no column "{visible(gold)}"; columns are {named(table.schema.names)}')
    candidates = [name for name in table.schema.names if name != gold and _may_be_id(table, name)]
    if not candidates:
        raise DataError(
            f"{source}: no column could be the id: none has a short text or whole number of its own in every row; "
            f"add one (columns are {named(table.schema.names)})"
        )
    key = next((name for name in candidates if _ID_NAMES.search(name)), candidates[0])
    others = [name for name in table.schema.names if name != key]
    gold = gold or next((name for name in others if name.lower() in _GOLD_NAMES), None)
    split = next((name for name in others if name.lower() in _SPLIT_NAMES), None)
    fields = tuple(name for name in others if name not in (gold, split))
    if not fields:
        raise DataError(f"{source}: no column is left to be a field; columns are {named(table.schema.names)}")
    return Roles(key, fields, gold, split)


def _may_be_id(table: pa.Table, name: str) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table.column(name)
    whole = pa.types.is_integer(column.type)
    text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    if not (whole or text) or column.null_count or not len(column) or pc.count_distinct(column).as_py() < len(column):
        return False
    return whole or int(pc.max(pc.utf8_length(column)).as_py()) <= _LONGEST_ID


def records_suite(table: pa.Table, roles: Roles, duplicates: float, *, exact: bool = True) -> dict[str, Any]:
    """A suite on the records, in GX's format; `duplicates` is the share of records whose fields were there before.

    Other columns than those of `roles` are unexpected when `exact`.
    """
    n = table.num_rows
    columns = [roles.id, *roles.fields, *(name for name in (roles.gold, roles.split) if name)]
    entries = [
        _entry("expect_table_row_count_to_be_between", "the data is whole", f"{n:,} records were seen.",
               min_value=max(1, n // 2)),
        _entry("expect_table_columns_to_match_set", "the columns are those that were seen", "Curate the list.",
               column_set=columns, exact_match=exact),
        *_id_entries(table, roles.id),
        _entry("expect_column_mean_to_be_between", "few records say what an earlier one said",
               f"{duplicates:.1%} did.", column="duplicate", max_value=_share_bound(duplicates, n, 0.02)),
    ]  # fmt: skip
    for name in columns[1:]:
        if not is_vectors(table.schema.field(name).type):
            entries += _column_entries(table, name)
    return _suite("records", "records", entries, n)


def fields_suite(profile: Profile) -> dict[str, Any]:
    """A suite on the distance of fields and labels from the reference profile, in GX's format."""
    n = max(profile.rows, 1)
    bins = max([10, *(len(column.values) for column in profile.fields.values()), len(profile.labels)])
    nulls = max([0.0, *(column.nulls for column in profile.fields.values())], key=lambda share: share * (1 - share))
    between = "expect_column_values_to_be_between"
    reached = f"Chance alone reaches about a quarter of this in {n:,} rows."
    entries = [
        _entry("expect_column_values_to_be_in_set", "every column has its type", "As in the reference.",
               column="type_changed", value_set=[0]),
        _entry(between, "no population has changed", f"Population stability index. {reached}", column="psi",
               max_value=round(max(0.25, 8 * (bins - 1) / n), 3)),
        _entry(between, "no distribution has moved", "Kolmogorov-Smirnov distance, of lengths for texts.", column="ks",
               max_value=round(max(0.1, 2.5 * math.sqrt(2 / n)), 3)),
        _entry(between, "few values lie outside what was seen", "New categories, numbers or lengths beyond the range.",
               column="unseen", max_value=round(max(0.02, 10 / n), 3)),
        _entry(between, "no column lost its values", "Change of the share of nulls.", column="nulls_change",
               max_value=round(_share_bound(nulls, n / 2, 0.05) - nulls, 3)),
    ]  # fmt: skip
    if any(column.label_shift is not None for column in profile.fields.values()):
        change = round(max(0.15, 4 / math.sqrt(n)), 3)
        entries.append(
            _entry(between, "the labels go with the fields as before",
                   "Change of Cramér's V: labels that were shuffled go with nothing.",
                   column="label_shift_change", min_value=-change, max_value=change)
        )  # fmt: skip
    return _suite("fields", "fields", entries, profile.rows)


def _suite(name: str, table: str, entries: Sequence[Mapping[str, Any]], rows: int) -> dict[str, Any]:
    return {
        "name": name,
        "meta": {"labelkit": {"table": table}},
        "notes": f"Guessed from {rows:,} records. Read every line: drop what may change, tighten what may not.",
        "expectations": list(entries),
    }


def _entry(kind: str, description: str, notes: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs, "severity": "critical", "description": description, "notes": notes}


def _share_bound(share: float, n: float, least: float) -> float:
    """A share that chance does not reach when the true one is `share`: four standard errors more, or `least` more."""
    return min(1.0, share + max(least, 4 * math.sqrt(share * (1 - share) / max(n, 1))))


def _id_entries(table: pa.Table, name: str) -> Iterator[dict[str, Any]]:
    yield _entry("expect_column_values_to_not_be_null", "every record has an id", "Everything is matched by it.",
                 column=name)  # fmt: skip
    yield _entry("expect_column_values_to_be_unique", "no two records share an id", "Everything is matched by it.",
                 column=name)  # fmt: skip
    yield from _shape(as_text(table.column(name)), name)


def _column_entries(table: pa.Table, name: str) -> Iterator[dict[str, Any]]:
    column = table.column(name)
    nulls = column.null_count / max(table.num_rows, 1)
    if nulls < 1:
        room = {} if nulls == 0 else {"mostly": round(1 - _share_bound(nulls, table.num_rows, 0.02), 3)}
        if room.get("mostly", 1) > 0:
            yield _entry("expect_column_values_to_not_be_null", f"{name} is given", f"{nulls:.1%} were null.",
                         column=name, **room)  # fmt: skip
        kind = kind_of(table, name)
        if kind == "number":
            yield from _number(table, name)
        elif kind == "category" and type_of(table, name) == "string":
            yield from _category(as_text(column), name)
        elif kind == "text":
            yield from _text(table, name)


def _number(table: pa.Table, name: str) -> Iterator[dict[str, Any]]:
    numbers = measured(table, name, "number")
    if not len(numbers):
        return
    low, high = float(numbers.min()), float(numbers.max())
    room = (high - low) / 2 or abs(high) / 2 or 1.0
    bounds = {
        "min_value": 0.0 if low >= 0 else _round(low - room),
        "max_value": 0.0 if high <= 0 < -low else _round(high + room),
    }
    yield _entry("expect_column_values_to_be_between", f"{name} lies in its range", f"{low:g} to {high:g} were seen.",
                 column=name, **bounds)  # fmt: skip


def _round(number: float) -> float:
    """Three digits."""
    return float(f"{number:.3g}")


def _category(values: pa.Array, name: str) -> Iterator[dict[str, Any]]:
    counts = {entry["values"]: entry["counts"] for entry in values.drop_null().value_counts().to_pylist()}
    if min(counts.values()) >= _SEEN_OFTEN and set(counts) != {"true", "false"}:
        yield _entry("expect_column_values_to_be_in_set", f"{name} is one of the values seen",
                     "Each was seen at least five times; add those that are still to come.",
                     column=name, value_set=sorted(counts))  # fmt: skip


def _text(table: pa.Table, name: str) -> Iterator[dict[str, Any]]:
    import pyarrow.compute as pc

    texts = as_text(table.column(name)).drop_null()
    lengths = measured(table, name, "text")
    if not len(lengths):
        return
    shortest, longest = int(lengths.min()), int(lengths.max())
    yield _entry("expect_column_value_lengths_to_be_between", f"{name} is of a known length",
                 f"{shortest:,} to {longest:,} characters were seen.",
                 column=name, min_value=max(1, shortest // 2), max_value=longest * 2)  # fmt: skip
    for pattern, (says, unwanted) in _DAMAGE.items():
        found = pc.sum(pc.match_substring_regex(texts, pattern)).as_py() or 0
        if found == (0 if unwanted else len(texts)):
            kind = "expect_column_values_to_not_match_regex" if unwanted else "expect_column_values_to_match_regex"
            yield _entry(kind, f"{name} {says}", "So it was in every record.", column=name, regex=pattern)
    present = set(texts.unique().to_pylist())
    unseen = [word for word in _PLACEHOLDERS if word not in present]
    if unseen:
        yield _entry("expect_column_values_to_not_be_in_set", f"{name} is no word for nothing",
                     "A missing value is null.", column=name, value_set=unseen)  # fmt: skip
    yield from _shape(texts, name)


def _shape(texts: pa.Array, name: str) -> Iterator[dict[str, Any]]:
    import pyarrow.compute as pc

    for pattern, says in _SHAPES.items():
        if len(texts) >= _SEEN_OFTEN and pc.all(pc.match_substring_regex(texts, pattern)).as_py():
            yield _entry("expect_column_values_to_match_regex", f"{name} is {says}", "So it was in every record.",
                         column=name, regex=pattern)  # fmt: skip
            return
