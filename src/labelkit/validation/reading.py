"""What an expectation reads: its columns, those of its condition, or only the names of columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

ON_NAMES = (
    "expect_column_to_exist",
    "expect_table_columns_to_match_set",
    "expect_table_columns_to_match_ordered_list",
)
"""Types that judge which columns there are, by name."""

ON_COLUMNS = (*ON_NAMES, "expect_table_column_count_to_be_between", "expect_table_column_count_to_equal")
"""Types that judge which columns there are; those that labelkit computed are none of the file's."""


def columns_of(expectation: Any) -> list[str]:
    """The columns whose values an expectation judges."""
    single = [getattr(expectation, name, None) for name in ("column", "column_A", "column_B")]
    listed = [] if expectation.expectation_type in ON_NAMES else getattr(expectation, "column_list", None) or []
    return [name for name in [*single, *listed] if name is not None]


def condition_columns(condition: Any) -> list[str]:
    """The columns that decide which rows an expectation is about."""
    if condition is None:
        return []
    if hasattr(condition, "conditions"):
        return [name for part in condition.conditions for name in condition_columns(part)]
    return [condition.column.name]


def columns_read(expectations: Iterable[Any]) -> frozenset[str]:
    """All columns whose values these expectations need."""
    read: set[str] = set()
    for expectation in expectations:
        if expectation.expectation_type not in ON_COLUMNS:
            read.update(columns_of(expectation))
            read.update(condition_columns(getattr(expectation, "row_condition", None)))
    return frozenset(read)
