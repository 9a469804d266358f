"""Record ids: text, never null or empty, no two alike.

Proving that needs 8 bytes per record: the sorted hashes of the ids seen so far. Where two hashes agree, and only then,
the ids themselves are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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


class SeenIds:
    """Hashes of ids seen so far, as a few sorted runs of rapidly growing length."""

    def __init__(self) -> None:
        self._runs: list[NDArray[np.int64]] = []

    def add(self, ids: Sequence[str | None]) -> bool:
        """Add ids; whether all of them are surely new and none is null or empty."""
        return self.add_hashes(sorted_hashes(ids))

    def add_hashes(self, hashes: NDArray[np.int64] | None) -> bool:
        """Add the ids behind `sorted_hashes`, worked out by this process or one forked from it."""
        import numpy as np

        if hashes is None:
            return False
        new = not any(_meet(run, hashes) for run in self._runs)
        self._runs.append(hashes)
        while len(self._runs) > 1 and self._runs[-2].size <= 2 * self._runs[-1].size:
            self._runs[-2:] = [np.sort(np.concatenate(self._runs[-2:]), kind="stable")]
        return new


def sorted_hashes(ids: Sequence[str | None]) -> NDArray[np.int64] | None:
    """(n,) int64, sorted: a hash of each id; None when an id is null, empty or holds NUL, or two hashes agree."""
    import numpy as np

    hashes = np.sort(id_hashes(ids))
    clean = all(ids) and not any("\0" in record for record in ids if record)
    return hashes if clean and not (hashes[1:] == hashes[:-1]).any() else None


def id_hashes(ids: Sequence[str | None]) -> NDArray[np.int64]:
    """(n,) int64: Python's own hash of each id, which differs from one process to the next."""
    import numpy as np

    return np.fromiter(map(hash, ids), dtype=np.int64, count=len(ids))


def _meet(run: NDArray[np.int64], hashes: NDArray[np.int64]) -> bool:
    """Whether two sorted arrays have a value in common."""
    import numpy as np

    if not run.size:
        return False
    places = np.minimum(np.searchsorted(run, hashes), run.size - 1)
    return bool((run[places] == hashes).any())


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
        if self.first is None:
            return f'the id "{shortened(self.id)}" holds a NUL character, which databases cannot keep'
        return f'id "{shortened(self.id)}" stands already at {places[self.first]}'


def bad_ids(passes: Callable[[], Iterable[Sequence[str | None]]]) -> Iterator[BadId]:
    """All bad ids. `passes` gives the ids, in chunks, from the start: once to find equal hashes, once to compare."""
    import numpy as np

    hashes = [id_hashes(ids) for ids in passes()]
    values, counts = np.unique(np.concatenate(hashes), return_counts=True)
    suspects = frozenset(values[counts > 1].tolist())
    first: dict[str, int] = {}
    index = 0
    for ids in passes():
        for record, value in zip(ids, id_hashes(ids).tolist(), strict=True):
            if not record or "\0" in record:
                yield BadId(index, record, None)
            elif value in suspects and first.setdefault(record, index) != index:
                yield BadId(index, record, first[record])
            index += 1
