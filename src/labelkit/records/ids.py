"""Record ids: text, never null or empty, no two alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labelkit.errors import DataError, shortened, visible
from labelkit.lineage import canonical_column

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


def ids_as_text(column: pa.Array, source: str, name: str) -> pa.Array:
    """Ids as string: text as it is, whole numbers in decimal. Raises DataError for anything that would be rounded."""
    import pyarrow as pa

    column = canonical_column(column)
    kind = column.type
    if pa.types.is_large_string(kind) or pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0):
        return column.cast(pa.string())
    raise DataError(
        f'{source}: column "{visible(name)}": ids are text or whole numbers, and this column is {column.type}; '
        "name another column as id"
    )


LONG = 256  # bytes; below, all ids of a chunk are hashed at once
LONGEST = 10_000  # characters of an id: the annotation store takes no more


def sorted_hashes(ids: pa.Array) -> NDArray[np.uint64] | None:
    """(n,) uint64, sorted: a hash of each id; None when an id may be bad, or two hashes agree."""
    import numpy as np

    offsets, content = text_buffers(ids)
    lengths = np.diff(offsets)
    if ids.null_count or not lengths.all() or not content.all() or lengths.max(initial=0) > LONGEST:
        return None
    hashes = np.sort(id_hashes(ids))
    return None if (hashes[1:] == hashes[:-1]).any() else hashes


def id_hashes(ids: pa.Array) -> NDArray[np.uint64]:
    """(n,) uint64: a hash of each id's UTF-8 bytes, the same in every process; a null counts as empty.

    Eight bytes at a time are mixed with a constant of their place (the finalizer of SplitMix64: Steele, Lea and Flood,
    "Fast splittable pseudorandom number generators", OOPSLA 2014) and added up; bytes past the end add nothing. An
    id of more than LONG bytes has the BLAKE2b of its bytes.

    >>> import pyarrow as pa
    >>> a, b, again = id_hashes(pa.array(["record 1", "record 2", "record 1"])).tolist()
    >>> a != b, a == again
    (True, True)
    """
    import numpy as np

    offsets, content = text_buffers(ids)
    starts, lengths = offsets[:-1], np.diff(offsets)
    hashes = _mixed(lengths.astype(np.uint64))
    padded = np.append(content, np.zeros(8, np.uint8))
    rows = np.flatnonzero(lengths <= LONG)
    longest = int(lengths[rows].max(initial=0))
    for place in range(0, longest, 8):
        rows = rows[lengths[rows] > place]
        at = starts[rows] + place
        words = np.zeros(len(at), np.uint64)
        for byte in range(min(8, longest - place)):
            inside = lengths[rows] > place + byte
            words |= np.where(inside, padded[at + byte], 0).astype(np.uint64) << np.uint64(8 * byte)
        constant = _mixed(np.array([place + 1], np.uint64))
        hashes[rows] += _mixed(words + constant) - _mixed(constant)
    for row in np.flatnonzero(lengths > LONG).tolist():
        text = content[offsets[row] : offsets[row + 1]].tobytes()
        hashes[row] = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
    return hashes


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    import numpy as np

    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def text_buffers(ids: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """(n + 1,) int64 offsets and the UTF-8 bytes of a string column, both from its first value on."""
    import numpy as np

    if not len(ids):
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    _, places, values = ids.buffers()
    offsets = np.frombuffer(places, np.int32)[ids.offset : ids.offset + len(ids) + 1].astype(np.int64)
    content = np.frombuffer(values, np.uint8) if values is not None else np.zeros(0, np.uint8)
    return offsets - offsets[0], content[offsets[0] : offsets[-1]]


@dataclass(frozen=True)
class BadId:
    """A record without an id of its own."""

    index: int
    id: str | None
    first: int | None  # index of the record that has this id already

    def problem(self, places: dict[int, str]) -> str:
        """What is wrong with it, in words."""
        if self.id is None:
            return "the id is null; every record needs one"
        if not self.id:
            return "the id is empty; every record needs one"
        if len(self.id) > LONGEST:
            return f'the id "{shortened(self.id)}" has {len(self.id):,} characters; at most {LONGEST:,} are kept'
        if self.first is None:
            return f'the id "{shortened(self.id)}" holds a NUL character, which databases cannot keep'
        return f'id "{shortened(self.id)}" stands already at {places[self.first]}'


def bad_ids(passes: Callable[[], Iterable[pa.Array]]) -> Iterator[BadId]:
    """All bad ids. `passes` gives the ids, in chunks, from the start: once to find equal hashes, once to compare."""
    import numpy as np

    hashes = [id_hashes(ids) for ids in passes()]
    values, counts = np.unique(np.concatenate(hashes), return_counts=True)
    suspects = values[counts > 1]
    first: dict[str, int] = {}
    index = 0
    for ids in passes():
        suspicious = np.isin(id_hashes(ids), suspects).tolist()
        for record, suspect in zip(ids.to_pylist(), suspicious, strict=True):
            if not record or "\0" in record or len(record) > LONGEST:
                yield BadId(index, record, None)
            elif suspect and first.setdefault(record, index) != index:
                yield BadId(index, record, first[record])
            index += 1
