"""Ids proved unique from hashes of which most are no longer at hand."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

import labelkit as lk
from labelkit.errors import DataError, MachineError
from labelkit.lineage import CHUNK_ROWS
from labelkit.records import seen as module
from labelkit.records.seen import SeenIds
from projects import Made


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes grow old after four, and go to a file after sixteen."""
    monkeypatch.setattr(module, "RECENT", 4)
    monkeypatch.setattr(module, "HELD", 16)


def differ(chunks: list[list[int]], folder: Path | None) -> bool:
    """Whether all of them are found to be different."""
    with closing(SeenIds(folder)) as seen:
        found = [seen.add_hashes(np.array(sorted(chunk), np.uint64)) for chunk in chunks]
        return seen.all_differ() and all(found)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("filed", [False, True])
def test_exactly_what_came_twice_is_found(filed: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Wherever the two stand, in memory and in a file."""
    folder = tmp_path_factory.mktemp("hashes") if filed else None

    @given(st.lists(st.sets(st.integers(0, 2**64 - 1) | st.integers(0, 500), max_size=9), max_size=20))
    def check(chunks: list[set[int]]) -> None:
        everything = [value for chunk in chunks for value in chunk]
        assert differ([list(chunk) for chunk in chunks], folder) == (len(set(everything)) == len(everything))

    check()


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("first", range(0, 40, 3))
@pytest.mark.parametrize("last", [40, 59])
def test_two_that_stand_far_apart(first: int, last: int, tmp_path: Path) -> None:
    """One of them in each place that a hash can be in."""
    values = (np.random.default_rng(1).integers(0, 2**64, 60, dtype=np.uint64)).tolist()
    assert differ([[value] for value in values], tmp_path)
    values[last] = values[first]
    assert not differ([[value] for value in values], tmp_path)


@pytest.mark.usefixtures("soon")
def test_what_was_reported_is_not_reported_again(tmp_path: Path) -> None:
    """Whoever hears of two hashes that agree compares all ids; when none is repeated, reading goes on."""
    with closing(SeenIds(tmp_path)) as seen:
        found = [seen.add_hashes(np.array([value], np.uint64)) for value in [*range(8), 3, *range(100, 130)]]
        assert (found.count(False), seen.all_differ()) == (1, True)


@pytest.mark.usefixtures("soon")
def test_nothing_is_left_of_the_file(tmp_path: Path) -> None:
    """It has no name, so that a killed process leaves none."""
    with closing(SeenIds(tmp_path)) as seen:
        assert all(seen.add_hashes(np.array([value], np.uint64)) for value in range(100))
        assert seen._file is not None
        assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("soon")
def test_a_repeated_id_is_refused_in_the_end() -> None:
    """Where it is not noticed before, the last batch is followed by the refusal."""
    ids = [str(i) for i in range(3 * CHUNK_ROWS)]
    ids[-1] = "77"
    records = lk.read(pa.table({"id": ids, "text": ids}))
    batches = records.batches()
    assert next(batches).num_rows == CHUNK_ROWS
    with pytest.raises(DataError, match=f'row {3 * CHUNK_ROWS}, column "id": id "77" stands already at row 78$'):
        list(batches)


@pytest.mark.usefixtures("soon")
def test_a_disk_without_room_for_them_is_said(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is published."""
    before = (made.root / "labels.parquet").read_bytes()
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda dir: Path("/dev/full").open("r+b"))  # noqa: A006, SIM115
    with pytest.raises(MachineError, match="no space left on device"):
        made.project.apply()
    assert (made.root / "labels.parquet").read_bytes() == before


MEMORY = """
import re, sys
from pathlib import Path
import numpy as np
from labelkit.records.seen import SeenIds

def peak():  # of this program: getrusage would also tell of the process that started it
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) >> 10

chance, peaks = np.random.default_rng(0), []
seen = SeenIds(Path(sys.argv[1]))
for number in range(1, 769):
    assert seen.add_hashes(np.sort(chance.integers(0, 2**64, 65_536, dtype=np.uint64)))
    if number in (384, 768):
        peaks.append(peak())
assert seen.all_differ()
seen.close()
print(*peaks, peak())
"""


@pytest.mark.slow
def test_memory_does_not_grow(tmp_path: Path) -> None:
    """Fifty million ids take as much of it as twenty-five, though their hashes are 400 MB."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path)], capture_output=True, text=True, check=True, timeout=300
    )
    half, all_added, end = map(int, done.stdout.split())
    assert end < half + 32, (half, all_added, end)
    assert end < 400
