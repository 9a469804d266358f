"""Which records say the same: text compared without regard to case and white space."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


_MOST_TEXTS = 2_000_000
"""Texts that are numbered by a dictionary of them, quickly; of more only hashes are kept, for that takes gigabytes."""

_MOST_CELLS = 2**28  # bytes of a table of groups and labels; beyond it pairs are sorted instead


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
    """(n,) int64: records of the same normalised text have the same number. None when a field is missing."""
    if not fields or any(records.schema.names.count(name) != 1 for name in fields):
        return None
    if records.num_rows <= _MOST_TEXTS:
        return codes_of(normalised_texts(records, fields))
    found = np.concatenate([digests(chunk) for chunk in _normalised_chunks(records, fields)])
    order = np.lexsort((found[:, 0], found[:, 1]))
    groups = np.empty(len(order), dtype=np.int64)
    groups[order] = np.cumsum(np.append(False, (found[order[1:]] != found[order[:-1]]).any(axis=1)))
    return groups


def digests(texts: pa.Array) -> NDArray[np.uint64]:
    """(n, 2) uint64: a 128-bit hash of each text, which is all that memory keeps of it."""
    found = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts.to_pylist()]
    return np.frombuffer(b"".join(found), dtype=np.uint64).reshape(-1, 2)


def codes_of(texts: pa.ChunkedArray) -> NDArray[np.int64]:
    """(n,) int64: a number for each different text, in the order in which they come."""
    import pyarrow.compute as pc

    codes = [np.asarray(pc.fill_null(chunk.indices, -1), np.int64) for chunk in texts.dictionary_encode().chunks]
    return np.concatenate([np.empty(0, np.int64), *codes])


def text_fields(records: pa.Table, fields: Sequence[str]) -> list[str]:
    """Those of the fields that are there once and hold text."""
    import pyarrow as pa

    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    once = [name for name in fields if records.schema.names.count(name) == 1]
    return [name for name in once if any(is_text(_kind(records, name)) for is_text in texts)]


def _kind(table: pa.Table, name: str) -> pa.DataType:
    import pyarrow as pa

    kind = table.schema.field(name).type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def normalised_texts(records: pa.Table, fields: Sequence[str]) -> pa.ChunkedArray:
    """(n,) large_string: each record's fields as one text, as `normalised` writes it."""
    import pyarrow as pa

    return pa.chunked_array(list(_normalised_chunks(records, fields)), pa.large_string())


def _normalised_chunks(records: pa.Table, fields: Sequence[str]) -> Iterator[pa.Array]:
    import pyarrow as pa
    import pyarrow.compute as pc

    separator = pa.scalar("\x1f", pa.large_string())
    for batch in records.select(list(fields)).to_batches(max_chunksize=65_536):
        cells = [_normalised_chunk(_as_text(column)) for column in batch.columns]
        yield cells[0] if len(cells) == 1 else pc.binary_join_element_wise(*cells, separator)


def _as_text(column: pa.Array) -> pa.Array:
    import pyarrow as pa

    try:
        return column.cast(pa.large_string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # a list, bytes that are no text
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.large_string())


_UNTIDY = r"[\t-\r\x1c-\x1f]|  |^ | $"


def _normalised_chunk(texts: pa.Array) -> pa.Array:
    """`normalised` of each text: at once for tidy ASCII, one by one for the rest."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.fill_null(texts, "")
    slow = pc.or_(pc.invert(pc.string_is_ascii(texts)), pc.match_substring_regex(texts, _UNTIDY))
    lower = pc.utf8_lower(texts)  # ascii_lower gives broken offsets for a cast slice (pyarrow 26)
    if not pc.any(slow).as_py():
        return lower
    mended = [normalised([text]) for text in texts.filter(slow).to_pylist()]
    return pc.replace_with_mask(lower, slow, pa.array(mended, pa.large_string()))


def labels_per_group(groups: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(g,) int64: how many different labels each group carries. A group or label below 0 counts for nothing.

    >>> labels_per_group(np.array([0, 0, 1, 1, -1]), np.array([0, 1, 2, 2, 3]))
    array([2, 1])
    """
    g, k = int(groups.max(initial=-1)) + 1, int(labels.max(initial=-1)) + 1
    counted = (groups >= 0) & (labels >= 0)
    pairs = groups[counted] * k + labels[counted]  # fits: both are below 2**31
    if g * k <= _MOST_CELLS:
        seen = np.zeros(g * k, dtype=bool)
        seen[pairs] = True
        return seen.reshape(g, k).sum(axis=1) if k else np.zeros(g, dtype=np.int64)
    return np.bincount(np.unique(pairs) // k, minlength=g)
