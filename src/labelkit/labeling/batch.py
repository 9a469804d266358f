"""Batch functions: labeling functions that see columns of many records at once, as pandas, NumPy or Arrow.

    @batch_labeling_function(columns="numpy")
    def unpopular(x):
        return np.where(x["likes"] < 1, SPAM, ABSTAIN)

A batch function gets some thousands of records at a time and must treat each record by itself: how records are cut
into batches is not its business, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import visible
from labelkit.labeling.examples import Example, checked_examples
from labelkit.labeling.faults import BadVoteError
from labelkit.labeling.fingerprints import fingerprint_of
from labelkit.labeling.functions import LabelingFunction, definition_of
from labelkit.labeling.places import place_of

if TYPE_CHECKING:
    import pyarrow as pa

Columns = Literal["numpy", "pandas", "arrow"]


def batch_labeling_function(
    name: str | None = None,
    *,
    columns: Columns = "numpy",
    resources: Mapping[str, Any] | None = None,
    examples: Sequence[Example] = (),
) -> Callable[[Callable[..., Any]], LabelingFunction]:
    """Decorate a function from columns to votes.

    The function gets, for n records, a dict of NumPy arrays ("numpy": numbers as float64 or int64, text as object), a
    DataFrame ("pandas") or a RecordBatch ("arrow"), and returns n votes: a one-dimensional array or list of whole
    numbers (class index or ABSTAIN), or of class names and None. Floats are no votes, whole or not. Of a result that
    is no such array, every record of the batch becomes a fault. `examples` as in `labeling_function`.

    >>> @batch_labeling_function(columns="numpy")
    ... def unpopular(x):
    ...     return np.where(x["likes"] < 1, 1, -1)
    >>> unpopular({"likes": np.array([0, 5])})
    array([ 1, -1])
    """
    if callable(name):
        raise TypeError("batch_labeling_function takes parentheses: @batch_labeling_function()")
    if columns not in ("numpy", "pandas", "arrow"):
        raise ValueError(f'columns must be "numpy", "pandas" or "arrow", not {columns!r}')

    def decorate(function: Callable[..., Any]) -> LabelingFunction:
        own_name, given = str(name or getattr(function, "__name__", "")), dict(resources or {})
        file, line = definition_of(function)
        place = place_of(file, line) if file else ""
        return LabelingFunction(
            name=own_name,
            kind="batch",
            vote=(lambda x: function(x, **given)) if given else function,
            place=place,
            file=file,
            fingerprint=fingerprint_of("batch", own_name, columns, function, given),
            columns=columns,
            examples=checked_examples(examples, f'{place}: function "{visible(own_name)}"'),
        )

    return decorate


def as_columns(fields: pa.RecordBatch, columns: str) -> Any:
    """The records as a batch function wants them. What it does to them reaches nobody else."""
    if columns == "arrow":
        return fields
    if columns == "pandas":
        return fields.to_pandas()
    return {
        name: np.array(column.to_numpy(zero_copy_only=False))
        for name, column in zip(fields.schema.names, fields.columns, strict=True)
    }


def votes_of(result: Any, n: int) -> NDArray[Any]:
    """(n,) raw votes: whole numbers, or objects to be looked at one by one. Raises BadVoteError for anything else."""
    votes = np.asarray(result)
    if votes.shape != (n,):
        raise BadVoteError(f"a result of shape {votes.shape} for {n} records; return one vote for each record")
    if votes.dtype.kind in "iub":
        return votes.astype(np.int64) if votes.dtype != np.uint64 else votes
    if votes.dtype.kind in "OUT":
        return votes.astype(object)
    raise BadVoteError(f"{visible(str(votes.dtype))} is no type of votes; return whole numbers or class names")
