"""The local engine: the same votes with any number of workers, from any source, with and without the cache."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelkit as lk
from labelkit.engines import ChunkVotes, LocalEngine, VoteCache
from labelkit.errors import DataError, MachineError
from labelkit.labeling.functions import checked_functions
from labelkit.lineage import CHUNK_ROWS
from labelkit.matrix import FAULT
from labelkit.records.parquet import ParquetSource

CLASSES = ["ham", "spam"]
N = 2 * CHUNK_ROWS + 1234


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """Three chunks of records, the last one short."""
    numbers = np.random.default_rng(3).integers(0, 1000, N)
    return pa.table({"id": [f"r{i}" for i in range(N)], "text": [f"text {n}" for n in numbers], "n": numbers})


@pytest.fixture(scope="module")
def sources(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same records in every form; row groups that fit no chunk."""
    folder = tmp_path_factory.mktemp("sources")
    (folder / "many").mkdir()
    pq.write_table(table, folder / "one.parquet", row_group_size=50_000)
    for i, start in enumerate(range(0, N, 47_000)):
        pq.write_table(table.slice(start, 47_000), folder / "many" / f"{i}.parquet", row_group_size=9_999)
    table.select(["id", "text", "n"]).to_pandas().to_csv(folder / "one.csv", index=False)
    return {
        "frame": lk.read(table),
        "file": lk.read(folder / "one.parquet"),
        "folder": lk.read(folder / "many"),
        "csv": lk.read(folder / "one.csv", types={"n": "int64"}),
    }


def functions() -> Sequence[Any]:
    """One of each kind, one of them failing on some records."""

    @lk.labeling_function()
    def ends_in_seven(x: Any) -> int:
        return 1 if x.text.endswith("7") else -1

    @lk.labeling_function()
    def fails(x: Any) -> int:
        if x.n == 13:
            raise ValueError("thirteen")
        return 0 if x.n < 100 else -1

    @lk.batch_labeling_function()
    def even(x: Any) -> Any:
        return np.where(x["n"] % 2 == 0, 0, -1)

    return checked_functions([ends_in_seven, fails, even, lk.rules.threshold("big", field="n", above=900, label=1)])


def cast(source: Any, workers: int = 1, cache: VoteCache | None = None, given: Any = None) -> list[ChunkVotes]:
    """All chunks."""
    return list(LocalEngine(workers, cache).cast(given or functions(), source, ["text", "n"], CLASSES))


def same(one: list[ChunkVotes], two: list[ChunkVotes]) -> None:
    """Chunks agree in everything that counts."""
    assert [chunk.index for chunk in one] == [chunk.index for chunk in two] == [0, 1, 2]
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a.votes, b.votes)
        assert a.ids.equals(b.ids)
        assert a.faults == b.faults
        assert a.fingerprint == b.fingerprint


@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize("source", ["frame", "file", "folder", "csv"])
def test_votes_faults_ids_and_fingerprints_are_the_same(sources: dict[str, Any], source: str, workers: int) -> None:
    """Whatever the form of the records and the number of processes."""
    same(cast(sources["frame"]), cast(sources[source], workers))


def test_footers_are_read_once(sources: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by each worker for each of its blocks: that grows with the square of the files."""
    types, read = ParquetSource._types, list[int]()

    def once(*arguments: Any) -> Any:
        assert not read
        read.append(os.getpid())
        return types(*arguments)

    monkeypatch.setattr(ParquetSource, "_types", once)
    same(cast(sources["frame"]), cast(sources["folder"], 2))
    assert read == [os.getpid()]


def test_faults_name_their_records_in_order(sources: dict[str, Any], table: pa.Table) -> None:
    """Each failing cell is a fault, in record order, and only those."""
    chunks = cast(sources["file"], 2)
    wanted = [f"r{i}" for i, n in enumerate(table.column("n").to_pylist()) if n == 13]
    assert [fault.record for chunk in chunks for fault in chunk.faults] == wanted
    assert sum(int((chunk.votes == FAULT).sum()) for chunk in chunks) == len(wanted)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_pass_takes_votes_from_the_cache(sources: dict[str, Any], tmp_path: Path, workers: int) -> None:
    """Functions without faults are not run again; the votes are the same."""
    cache = VoteCache(tmp_path / "cache")
    first, second = (cast(sources["file"], workers, cache) for _ in range(2))
    same(first, second)
    assert [chunk.reused for chunk in first] == [0, 0, 0]
    assert [chunk.reused for chunk in second] == [3, 3, 3]


def test_appended_records_cost_only_themselves(table: pa.Table, tmp_path: Path) -> None:
    """Whole chunks that were there before are not cast again."""
    cache = VoteCache(tmp_path / "cache")
    cast(lk.read(table.slice(0, 2 * CHUNK_ROWS)), cache=cache)
    assert [chunk.reused for chunk in cast(lk.read(table), cache=cache)] == [3, 3, 0]


def test_an_edited_function_costs_only_its_own_column(sources: dict[str, Any], tmp_path: Path) -> None:
    """The other columns come from the cache."""
    cache = VoteCache(tmp_path / "cache")
    cast(sources["frame"], cache=cache)

    @lk.labeling_function()
    def ends_in_seven(x: Any) -> int:
        return 1 if x.text.endswith("77") else -1

    edited = checked_functions([ends_in_seven, *functions()[1:]])
    chunks = cast(sources["frame"], cache=cache, given=edited)
    assert [chunk.reused for chunk in chunks] == [2, 2, 2]
    assert all(
        np.array_equal(a.votes, b.votes) for a, b in zip(chunks, cast(sources["frame"], given=edited), strict=True)
    )


def test_votes_depend_on_the_classes(sources: dict[str, Any], tmp_path: Path) -> None:
    """A class name means another index when the classes change: nothing is reused."""
    cache = VoteCache(tmp_path / "cache")
    rule = checked_functions([lk.rules.threshold("big", field="n", above=900, label="spam")])
    for classes, label in ((["ham", "spam"], 1), (["spam", "ham"], 0)):
        (chunk, *_) = LocalEngine(1, cache).cast(rule, sources["frame"], ["n"], classes)
        assert chunk.reused == 0
        assert set(np.unique(chunk.votes).tolist()) == {-1, label}


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b"", lambda b: b[:200] + b"x" + b[201:], lambda b: b + b"x"]
)
def test_a_damaged_cache_file_is_as_good_as_none(sources: dict[str, Any], tmp_path: Path, damage: Any) -> None:
    """A file that is not whole is never believed."""
    cache = VoteCache(tmp_path / "cache")
    first = cast(sources["frame"], cache=cache)
    for path in (tmp_path / "cache").glob("*/*"):
        path.write_bytes(damage(path.read_bytes()))
    second = cast(sources["frame"], cache=cache)
    same(first, second)
    assert [chunk.reused for chunk in second] == [0, 0, 0]


def test_the_longest_unused_votes_go_first(sources: dict[str, Any], tmp_path: Path) -> None:
    """Beyond its limit the cache forgets what was not used for longest."""
    cache = VoteCache(tmp_path / "cache")
    cast(sources["frame"], cache=cache)
    files = sorted((tmp_path / "cache").glob("*/*"))
    for age, path in enumerate(files):
        os.utime(path, (age, age))
    cache.trim(sum(path.stat().st_size for path in files[1:]))
    assert sorted((tmp_path / "cache").glob("*/*")) == files[1:]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_repeated_id_is_found_across_chunks(table: pa.Table, workers: int) -> None:
    """Two processes that each see one of two equal ids do not hide it."""
    ids = table.column("id").to_pylist()
    ids[-1] = ids[5]
    with pytest.raises(DataError, match=rf'row {N}, column "id": id "r5" stands already at row 6'):
        lk.apply_lfs(functions(), table.set_column(0, "id", pa.array(ids)), classes=CLASSES, workers=workers)


def test_a_death_that_no_function_explains_ends_the_pass(
    sources: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that dies again and again outside functions is an error that says so, not a loop."""
    monkeypatch.setattr("labelkit.engines.chunks.column_digests", lambda chunk: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(MachineError, match="a worker process ended with SIGKILL 3 times at the same place"):
        cast(sources["file"], 2)


def test_workers_end_with_the_pass(sources: dict[str, Any]) -> None:
    """Whoever stops reading half-way leaves no process behind."""
    before = children()
    chunks = LocalEngine(2).cast(functions(), sources["file"], ["text", "n"], CLASSES)
    next(iter(chunks))
    assert len(children()) == len(before) + 2
    chunks.close()  # type: ignore[attr-defined]
    assert children() == before


def test_workers_die_with_their_parent(tmp_path: Path) -> None:
    """A parent that is killed takes its workers with it, within two seconds."""
    pid = os.fork()
    if not pid:

        @lk.labeling_function()
        def waits(x: Any) -> int:
            time.sleep(60)
            return 0

        big = pa.table(
            {
                "id": [str(i) for i in range(2 * CHUNK_ROWS)],
                "text": ["x"] * (2 * CHUNK_ROWS),
                "n": [1] * (2 * CHUNK_ROWS),
            }
        )
        try:
            list(LocalEngine(2).cast(checked_functions([waits]), lk.read(big), ["text", "n"], CLASSES))
        finally:
            os._exit(0)
    deadline = time.monotonic() + 20
    while len(workers := children(pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    time.sleep(2)
    assert len(workers) == 2
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def children(pid: int | None = None) -> set[int]:
    """Processes whose parent is `pid` (this one, by default) and that are not zombies."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after[1]) == (pid or os.getpid()) and after[0] != "Z":
            found.add(int(stat.parent.name))
    return found
