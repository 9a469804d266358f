"""Records whose footers were read once, for many who read parts of them."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelkit as lk
from labelkit.errors import DataError
from labelkit.lineage import CHUNK_ROWS
from labelkit.records import Records
from labelkit.records.gold_sets import GoldSets, SeekableGoldSource, with_gold_of_class
from labelkit.records.parquet import ParquetSource, located

SIZES = (30_000, 0, 50_000, 1, 70_000, 40_000)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    """Three chunks in six files that fit none of them, one of the files empty."""
    start = 0
    for i, size in enumerate(SIZES):
        ids = pa.array([f"r{n}" for n in range(start, start + size)], pa.string())
        pq.write_table(pa.table({"id": ids, "n": pa.array(range(size), pa.int32())}), tmp_path / f"{i}.parquet")
        start += size
    return lk.read(tmp_path)


def test_chunks_are_the_same(records: Records) -> None:
    """From the start and from any chunk, in another process, too."""
    found: Records = pickle.loads(pickle.dumps(located(records)))  # noqa: S301
    for first in range(3):
        one, other = list(records.chunks(first)), list(found.chunks(first))
        assert [chunk.num_rows for chunk in one] == [chunk.num_rows for chunk in other]
        assert all(a.equals(b) for a, b in zip(one, other, strict=True))


def test_only_the_files_of_a_part_are_opened(records: Records, tmp_path: Path) -> None:
    """Others may be gone, or may be ten thousand."""
    found = located(records)
    for gone in (0, 1, 5):
        (tmp_path / f"{gone}.parquet").unlink()
    chunk = next(found.chunks(1))
    assert chunk.column(0)[0].as_py() == f"r{CHUNK_ROWS}"
    assert chunk.num_rows == CHUNK_ROWS


def test_a_file_that_has_changed_is_refused(records: Records, tmp_path: Path) -> None:
    """Its rows would be taken for others'."""
    found = located(records)
    pq.write_table(pq.read_table(tmp_path / "2.parquet").slice(1), tmp_path / "2.parquet")
    with pytest.raises(DataError, match=r"/2\.parquet: changed while it was read; try again$"):
        list(found.chunks())


def test_records_of_other_formats_stay_as_they_are() -> None:
    """A frame has no footers."""
    frame = lk.read(pa.table({"id": ["a"], "text": ["x"]}))
    assert located(frame) is frame


def test_footers_are_found_behind_gold_of_several_classes(tmp_path: Path) -> None:
    """One of the classes sees the records through a source of its own."""
    path = tmp_path / "records.parquet"
    pq.write_table(pa.table({"id": ["a", "b"], "gold": ["toxic; rude", "rude"]}), path)
    plain = lk.read(path)
    gold = GoldSets("gold", "toxic", ("toxic", "rude"), ";", alone=False)
    seen = located(replace(plain, source=with_gold_of_class(plain.source, gold)))
    assert isinstance(seen.source, SeekableGoldSource)
    assert isinstance(seen.source.inner, ParquetSource)
    assert seen.source.inner.footers is not None
    assert seen.to_table().column("gold").to_pylist() == ["yes", "no"]
