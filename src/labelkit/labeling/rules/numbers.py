"""Thresholds on whole columns, exact to the last digit."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.labeling.rules.conditions import Between

if TYPE_CHECKING:
    import pyarrow as pa

Found = tuple[NDArray[np.bool_], NDArray[np.bool_] | None]  # (n,) where it holds; (n,) where that is known, None: all


def numbers_between(condition: Between, column: pa.Array) -> Found:
    """Where numbers are between the limits; null and NaN are unknown.

    Numbers of a floating column are compared as float64, whole numbers as such, decimals in Python.
    """
    import pyarrow as pa

    known = column.is_valid().to_numpy(zero_copy_only=False) if column.null_count else None
    if pa.types.is_decimal(column.type):
        decimals = [value is not None and bool(condition.holds_for(value)) for value in column.to_pylist()]
        return np.array(decimals, dtype=np.bool_), known
    if pa.types.is_null(column.type):
        return np.zeros(len(column), dtype=np.bool_), np.zeros(len(column), dtype=np.bool_)
    if pa.types.is_integer(column.type):
        whole = column.fill_null(0) if known is not None else column
        held = between(whole.to_numpy(zero_copy_only=False), condition)
        return held if known is None else held & known, known
    floats = column.cast(pa.float64()).to_numpy(zero_copy_only=False)  # null becomes NaN
    held = between(floats, condition)
    is_number = floats == floats  # noqa: PLR0124  NaN is not itself
    return held, None if is_number.all() else is_number


def between(numbers: NDArray[Any], condition: Between) -> NDArray[np.bool_]:
    """(n,) bool: where numbers are greater than `above` and less than `below`, as Python compares them."""
    held = np.ones(len(numbers), dtype=np.bool_)
    whole = numbers.dtype.kind in "iu"
    if condition.above is not None:
        limit, equal = _limit(condition.above, whole=whole, up=False)
        held &= (numbers >= limit) if equal else (numbers > limit)
    if condition.below is not None:
        limit, equal = _limit(condition.below, whole=whole, up=True)
        held &= (numbers <= limit) if equal else (numbers < limit)
    return held


def _limit(limit: float, *, whole: bool, up: bool) -> tuple[int | float, bool]:
    """The limit as a number of the column's kind, and whether that number itself is within.

    `up` is for `below`: the numbers within are smaller.
    """
    if whole:
        if isinstance(limit, int) or math.isinf(limit):
            return limit, False
        return (math.ceil(limit) if up else math.floor(limit)), False
    try:
        near = float(limit)
    except OverflowError:  # a whole number beyond all floats but the infinite ones
        largest = sys.float_info.max
        return (largest, up) if limit > 0 else (-largest, not up)
    return near, (near < limit if up else near > limit)
