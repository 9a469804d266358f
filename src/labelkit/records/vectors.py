"""Columns of embeddings: a list of numbers for each record, all of one length and finite, or null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

DIGITS = 9  # of a similarity; beyond them it depends on how many vectors were multiplied at once


class VectorError(ValueError):
    """A value that is no embedding."""

    def __init__(self, row: int, problem: str) -> None:
        super().__init__(problem)
        self.row = row  # 0-based, in the column that was looked at


def is_vectors(kind: pa.DataType) -> bool:
    """Whether a column of this type holds lists of numbers."""
    import pyarrow as pa

    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(lists and (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)))


def vectors_of(column: pa.Array | pa.ChunkedArray, size: int = 0) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(n, d) float64 and (n,) bool: the embeddings, zeros where there is none, and where there is one.

    Raises VectorError for one that has another length than the first (or than `size`, where that is given), a null or
    a number that is not finite.

    >>> import pyarrow as pa
    >>> vectors_of(pa.array([[1.0, 2.0], None]))[0].tolist()
    [[1.0, 2.0], [0.0, 0.0]]
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) and column.num_chunks else column
    known = np.asarray(whole.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    rows, present = np.flatnonzero(known), whole.drop_null()
    lengths = np.asarray(pc.list_value_length(present).to_numpy(zero_copy_only=False))
    wanted = size or (int(lengths[0]) if len(lengths) else 0)
    odd = np.flatnonzero(lengths != wanted)
    if len(odd):
        raise VectorError(int(rows[odd[0]]), f"{int(lengths[odd[0]]):,} numbers, where others have {wanted:,}")
    flat = pc.list_flatten(present).cast(pa.float64()).to_numpy(zero_copy_only=False)  # a null in it becomes NaN
    numbers = np.asarray(flat, dtype=np.float64).reshape(len(rows), wanted)
    broken = np.argwhere(~np.isfinite(numbers))
    if len(broken):
        row, place = broken[0]
        said = _said(numbers[row, place])
        raise VectorError(int(rows[row]), f"{said} at place {int(place) + 1:,} of {wanted:,}")
    if len(rows) == len(known):
        return numbers, known
    vectors = np.zeros((len(known), wanted))
    vectors[rows] = numbers
    return vectors, known


def directions(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, d): each vector scaled to length 1; zeros stay zeros."""
    lengths = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    return np.asarray(vectors / np.where(lengths == 0, 1.0, lengths))


def _said(number: Any) -> str:
    return "NaN or a null" if np.isnan(number) else "an infinite number"
