"""Proof that no two ids are alike, from 8 bytes for each: its hash, kept in memory or, where they are many, in a file.

Where two hashes agree, and only then, whoever asked compares the ids themselves.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from labelkit.records.ids import sorted_hashes

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

RECENT = 1 << 20  # hashes with which each id that comes is compared at once; older ones wait
HELD = 1 << 24  # hashes that stay in memory, 128 MiB of them, where there is a folder for more
PARTS = 256  # by a hash's first byte: as much as a part is in memory when old hashes are compared


class SeenIds:
    """Hashes of the ids seen so far. Those of a `folder`'s user go to a file without a name there, beyond HELD.

    An id is compared at once with those before it, up to a million. Older ones are compared all together whenever there
    are twice as many, and when `all_differ` is asked at the end: a look for each would be a walk through memory.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._recent: list[NDArray[np.uint64]] = []  # a few sorted runs of rapidly growing length
        self._old = list[_Run]()
        self._compared = 1  # old runs, when they were last compared; one alone holds no two alike
        self._folder = folder
        self._file: IO[bytes] | None = None

    def close(self) -> None:
        """Let go of the file, if there is one."""
        if self._file is not None:
            self._file.close()

    def add(self, ids: pa.Array) -> bool:
        """Add ids. False when any may be null, empty or there already: compare all of them, and go on if none is."""
        return self.add_hashes(sorted_hashes(ids))

    def add_hashes(self, hashes: NDArray[np.uint64] | None) -> bool:
        """Add the ids behind `sorted_hashes`, worked out here or elsewhere."""
        if hashes is None:
            return False
        new = not any(_meet(run, hashes) for run in self._recent)
        self._recent.append(hashes)
        while len(self._recent) > 1 and self._recent[-2].size <= 2 * self._recent[-1].size:
            self._recent[-2:] = [_together(self._recent[-2:])]
        if sum(run.size for run in self._recent) >= RECENT:
            self._retire()
        return new and (len(self._old) < 2 * self._compared or self._old_differ())

    def all_differ(self) -> bool:
        """Whether no id may have come twice; to be asked when all have been added."""
        if self._old and self._recent:
            self._retire()
        return len(self._old) <= self._compared or self._old_differ()

    def _retire(self) -> None:
        """Make one run of the recent hashes."""
        hashes, held = _together(self._recent), sum(run.held for run in self._old)
        self._recent = []
        if self._folder is not None and held + hashes.size > HELD:
            self._file = self._file or tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  `close` closes it
            self._old.append(_Run.filed(hashes, self._file))
        else:
            self._old.append(_Run(_parts(hashes), hashes))

    def _old_differ(self) -> bool:
        """Whether no two of the old hashes agree. If some do, they have been reported, and are let go."""
        differ = all(not _repeats(_together([run.part(i) for run in self._old])) for i in range(PARTS))
        if not differ:
            self._old = []
        self._compared = max(1, len(self._old))
        return differ


@dataclass(frozen=True)
class _Run:
    """Sorted hashes in memory, or in a file from some byte on."""

    places: list[int]  # PARTS + 1: where each part begins
    hashes: NDArray[np.uint64] | None
    file: IO[bytes] | None = None
    first: int = 0

    @classmethod
    def filed(cls, hashes: NDArray[np.uint64], file: IO[bytes]) -> _Run:
        """Append them to a file."""
        first = file.tell()
        file.write(hashes.data)
        file.flush()
        return cls(_parts(hashes), None, file, first)

    @property
    def held(self) -> int:
        """Hashes in memory."""
        return 0 if self.hashes is None else self.hashes.size

    def part(self, i: int) -> NDArray[np.uint64]:
        """Those that begin with the byte `i`."""
        import numpy as np

        start, stop = self.places[i : i + 2]
        if self.hashes is not None:
            return self.hashes[start:stop]
        assert self.file is not None  # noqa: S101  one of the two is there
        content = os.pread(self.file.fileno(), 8 * (stop - start), self.first + 8 * start)
        if len(content) != 8 * (stop - start):
            raise OSError("a temporary file lost what was written to it")
        return np.frombuffer(content, np.uint64)


def _parts(hashes: NDArray[np.uint64]) -> list[int]:
    """Where in sorted hashes each part begins, and where the last one ends."""
    import numpy as np

    edges = np.arange(PARTS, dtype=np.uint64) << np.uint64(56)
    return [*np.searchsorted(hashes, edges).tolist(), hashes.size]


def _together(runs: list[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """All hashes of sorted runs, sorted."""
    import numpy as np

    return np.sort(np.concatenate(runs))  # faster than a merge, and in place


def _repeats(hashes: NDArray[np.uint64]) -> bool:
    """Whether a hash stands twice in sorted ones."""
    return bool((hashes[1:] == hashes[:-1]).any())


def _meet(run: NDArray[np.uint64], hashes: NDArray[np.uint64]) -> bool:
    """Whether two sorted arrays have a value in common."""
    import numpy as np

    if not run.size:
        return False
    places = np.minimum(np.searchsorted(run, hashes), run.size - 1)
    return bool((run[places] == hashes).any())
