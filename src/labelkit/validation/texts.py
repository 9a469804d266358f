"""Which records say the same: text compared without regard to case and white space."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


def texts_of(table: pa.Table, name: str) -> pa.Array:
    """(n,) string: the column, or nulls where it is missing, ambiguous or holds no text."""
    import pyarrow as pa

    if table.schema.names.count(name) == 1:
        kind = table.schema.field(name).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            return pa.concat_arrays([pa.nulls(0, pa.string()), *table.column(name).cast(pa.string()).chunks])
    return pa.nulls(table.num_rows, pa.string())


def normalised(values: Iterable[Any]) -> str:
    r"""The fields of a record as one text, casefolded, runs of white space made one space.

    >>> normalised(["Straße  nach\tROM ", None])
    'strasse nach rom\x1f'
    """
    return "\x1f".join(" ".join(str("" if value is None else value).casefold().split()) for value in values)


def same_text_groups(records: pa.Table, fields: Sequence[str]) -> NDArray[np.int64] | None:
    """(n,) int64: records of the same normalised text have the same number. None when a field is missing.

    Texts are compared by a 128-bit hash, so memory holds no second copy of them.
    """
    if not fields or any(records.schema.names.count(name) != 1 for name in fields):
        return None
    groups = np.empty(records.num_rows, dtype=np.int64)
    numbers: dict[bytes, int] = {}
    start = 0
    for batch in records.select(list(fields)).to_batches(max_chunksize=65_536):
        rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        for i, row in enumerate(rows, start):
            digest = hashlib.blake2b(normalised(row).encode("utf-8", "replace"), digest_size=16).digest()
            groups[i] = numbers.setdefault(digest, len(numbers))
        start += batch.num_rows
    return groups


def labels_per_group(groups: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(g,) int64: how many different labels each group carries. A group or label below 0 counts for nothing.

    >>> labels_per_group(np.array([0, 0, 1, 1, -1]), np.array([0, 1, 2, 2, 3]))
    array([2, 1])
    """
    counted = (groups >= 0) & (labels >= 0)
    pairs = np.unique(np.stack([groups[counted], labels[counted]]), axis=1)
    return np.bincount(pairs[0], minlength=int(groups.max(initial=-1)) + 1)
