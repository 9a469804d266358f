"""Expectations that cannot fail, or that GX cannot evaluate on labelkit's tables: named before anything runs.

GX accepts `mostly: 0`, a mean without bounds or a pattern that matches everything, and reports success. Such an
expectation guards nothing, so a suite that holds one is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

_NO_SQL = "labelkit's tables are no database; judge one of their computed columns instead"
_NO_LIKE = "GX has it for databases only; use the type with regex in its name"
UNSUPPORTED: Mapping[str, str] = {
    "expect_column_values_to_match_like_pattern": _NO_LIKE,
    "expect_column_values_to_match_like_pattern_list": _NO_LIKE,
    "expect_column_values_to_not_match_like_pattern": _NO_LIKE,
    "expect_column_values_to_not_match_like_pattern_list": _NO_LIKE,
    "expect_query_results_to_match_comparison": _NO_SQL,
    "expect_table_row_count_to_equal_other_table": _NO_SQL,
    "unexpected_rows_expectation": _NO_SQL,
    "expect_column_values_to_match_json_schema": "a schema may fetch others from the network; match a regex",
    "expect_column_value_z_scores_to_be_less_than": "it holds on any constant column; give bounds to the values",
    "expect_multicolumn_sum_to_equal": "it counts a null as 0 and compares floats exactly; give bounds to p_sum",
}
"""Types that GX knows and labelkit refuses: why, and what to write instead."""

_SETS = ("value_set", "value_pairs_set", "column_set", "column_list", "type_list", "regex_list")
_REQUIRED = {"expect_column_kl_divergence_to_be_less_than": ("threshold", "partition_object")}
_NEVER_NEGATIVE = (
    "expect_column_proportion_of_non_null_values_to_be_between",
    "expect_column_proportion_of_unique_values_to_be_between",
    "expect_column_stdev_to_be_between",
    "expect_column_unique_value_count_to_be_between",
    "expect_column_value_lengths_to_be_between",
    "expect_table_column_count_to_be_between",
    "expect_table_row_count_to_be_between",
)
_PROBES = ("", "a", "Z", "0", " ", "\n", "\x00", "-", "é", "\u4e2d")


def faults_of(type_name: str, expectation: Any) -> Iterator[str]:
    """Say why an expectation could not fail, or could not be evaluated; nothing when it can."""
    fields = {name: getattr(expectation, name) for name in type(expectation).__fields__}
    if type_name in UNSUPPORTED:
        yield f"labelkit does not judge by this type: {UNSUPPORTED[type_name]}"
    if fields.get("mostly") == 0:
        yield "mostly is 0: it could not fail; give a share above 0, or leave it out"
    for name in (*_SETS, *_REQUIRED.get(type_name, ())):
        if name in fields and not fields[name]:
            yield f"{name} is empty or missing: it could not fail, or not be evaluated"
    yield from _bounds(type_name, fields)
    yield from _condition(fields.get("row_condition"))
    if type_name == "expect_column_quantile_values_to_be_between":
        yield from _quantiles(fields["quantile_ranges"])
    for pattern in [fields.get("regex"), *(fields.get("regex_list") or [])]:
        if isinstance(pattern, str):
            yield from _pattern(pattern, negated="_not_" in type_name)


def _condition(condition: Any) -> Iterator[str]:
    for part in getattr(condition, "conditions", []):
        yield from _condition(part)
    if hasattr(condition, "pass_through_filter"):
        yield "row_condition is a string, which would be run as a pandas query; write it as a condition object"


def _bounds(type_name: str, fields: Mapping[str, Any]) -> Iterator[str]:
    if not {"min_value", "max_value"} <= fields.keys() or "kl_divergence" in type_name:
        return
    low, high = fields["min_value"], fields["max_value"]
    if low is None and high is None:
        yield "it has no min_value and no max_value: it could not fail; give one"
        return
    never_below = low is None or (_is_number(low) and low <= 0 and not fields.get("strict_min"))
    never_above = high is None or ("proportion" in type_name and high >= 1 and not fields.get("strict_max"))
    if type_name in _NEVER_NEGATIVE and never_below and never_above:
        yield f"min_value {low}, max_value {high}: what it measures is never outside; tighten one"
    if _is_number(low) and _is_number(high) and low > high:
        yield f"min_value {low} is above max_value {high}: nothing lies between"


def _quantiles(ranges: Any) -> Iterator[str]:
    content = ranges if isinstance(ranges, dict) else ranges.dict()
    spans = content.get("value_ranges") or []
    if not content.get("quantiles"):
        yield "quantiles is empty: it could not fail"
    if any(low is None and high is None for low, high in spans):
        yield "a value range of quantile_ranges has no bound: it could not fail"


def _pattern(pattern: str, *, negated: bool) -> Iterator[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        yield f"{pattern!r} is no regular expression: {error}"
        return
    if all(compiled.search(probe) for probe in _PROBES):
        so = "every value would fail" if negated else "it could not fail"
        yield f"the pattern {pattern!r} is found in any text: {so}; anchor it with ^ and $"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
