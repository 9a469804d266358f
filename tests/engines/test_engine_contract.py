"""What every engine does: the same votes, faults, ids and fingerprints, however the records are cut and shared."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelkit as lk
from labelkit.engines import ChunkVotes, Engine, Limits, LocalEngine
from labelkit.engines.spark import SparkEngine
from labelkit.errors import DataError, FunctionError
from labelkit.labeling import LabelingFunction
from labelkit.labeling.functions import checked_functions
from labelkit.lineage import CHUNK_ROWS, DataFingerprint
from labelkit.matrix import FAULT
from labelkit.records import Records

CLASSES = ["ham", "spam"]
N = 2 * CHUNK_ROWS + 1234

ENGINES = [
    "local 1",
    "local 2",
    *(pytest.param(f"spark {partitions}", marks=pytest.mark.spark) for partitions in (1, 2, 7)),
]

Cast = Callable[..., list[ChunkVotes]]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine, with limits, shared by one, two or seven."""
    kind, count = request.param.split()
    if kind == "local":
        return LocalEngine(int(count), None, Limits(2.0))
    request.getfixturevalue("spark")
    return SparkEngine(limits=Limits(2.0), partitions=int(count), block=1)


@pytest.fixture
def cast(engine: Engine) -> Cast:
    """A function that casts votes on one of the engines."""

    def casts(source: Records, functions: Sequence[LabelingFunction]) -> list[ChunkVotes]:
        return list(engine.cast(functions, source, ["text", "n"], CLASSES))

    return casts


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """Three chunks of records, the last one short."""
    numbers = np.random.default_rng(3).integers(0, 1000, N)
    return pa.table({"id": [f"r{i}" for i in range(N)], "text": [f"text {n}" for n in numbers], "n": numbers})


@pytest.fixture(scope="module")
def records(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Records:
    """The records in files and row groups that fit no chunk."""
    folder = tmp_path_factory.mktemp("records")
    for i, start in enumerate(range(0, N, 47_000)):
        pq.write_table(table.slice(start, 47_000), folder / f"{i}.parquet", row_group_size=9_999)
    return lk.read(folder)


def functions() -> tuple[LabelingFunction, ...]:
    """One of each kind, one of them failing on some records, one returning what is no vote."""

    @lk.labeling_function(resources={"words": ("7", "77")})
    def ends_in_seven(x: Any, words: tuple[str, ...]) -> int:
        return 1 if x.text.endswith(words) else -1

    @lk.labeling_function(pre=[lk.preprocessor()(_halved)])
    def fails(x: Any) -> int:
        if x.half == 13:
            raise ValueError("thirteen")
        return 0 if x.n < 100 else -1

    @lk.labeling_function()
    def strange(x: Any) -> Any:
        return "no class" if x.n == 50 else None

    @lk.batch_labeling_function()
    def even(x: Any) -> Any:
        return np.where(x["n"] % 2 == 0, 0, -1)

    big = lk.rules.threshold("big", field="n", above=900, label=1)
    return checked_functions([ends_in_seven, fails, strange, even, big])


def _halved(x: Any) -> Any:
    x.half = x.n // 2
    return x


def test_votes_faults_ids_and_fingerprints_are_those_of_one_process(cast: Cast, records: Records) -> None:
    """Chunk by chunk, in record order, whatever the engine."""
    here = list(LocalEngine(1).cast(functions(), records, ["text", "n"], CLASSES))
    there = cast(records, functions())
    assert [chunk.index for chunk in there] == [0, 1, 2]
    for one, other in zip(here, there, strict=True):
        assert np.array_equal(one.votes, other.votes)
        assert one.ids.equals(other.ids)
        assert one.faults == other.faults
        assert one.faults
        assert one.fingerprint == other.fingerprint
        assert one.counts == other.counts


def test_the_fingerprint_is_that_of_the_records(cast: Cast, records: Records) -> None:
    """What is hashed chunk by chunk is what one pass over the records hashes."""
    fingerprint = DataFingerprint()
    for chunk in cast(records, functions()):
        fingerprint.add_digest(chunk.fingerprint, len(chunk.ids))
    assert fingerprint.hexdigest() == records.fingerprint()


def test_a_function_that_ends_its_process_costs_the_cells_it_does_it_on(
    cast: Cast, tmp_path: Path, table: pa.Table
) -> None:
    """All other cells are as if nothing had happened."""
    some = table.slice(0, 5_000)
    pq.write_table(some, tmp_path / "t.parquet")

    @lk.labeling_function()
    def deadly(x: Any) -> int:
        if x.n == 500:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    (chunk,) = cast(lk.read(tmp_path / "t.parquet"), checked_functions([deadly]))
    dead = np.array(some.column("n")) == 500
    assert dead.any()
    assert np.array_equal(chunk.votes[:, 0], np.where(dead, FAULT, 0))
    assert [fault.record for fault in chunk.faults] == [f"r{i}" for i in np.flatnonzero(dead)]
    assert {(f.exception, f.message) for f in chunk.faults} == {("ProcessDied", "it ended its process with SIGKILL")}


def test_a_function_that_hangs_is_stopped(cast: Cast, tmp_path: Path) -> None:
    """The record it hangs on is a fault, on every engine, and the others have their votes."""
    pq.write_table(
        pa.table({"id": ["a", "b", "c"], "text": ["x", "hang", "x"], "n": [1, 2, 3]}), tmp_path / "t.parquet"
    )

    @lk.labeling_function()
    def hangs(x: Any) -> int:
        if x.text == "hang":
            time.sleep(60)
        return 1

    (chunk,) = cast(lk.read(tmp_path / "t.parquet"), checked_functions([hangs]))
    assert chunk.votes[:, 0].tolist() == [1, FAULT, 1]
    ((fault,),) = [chunk.faults]
    assert (fault.record, fault.exception) == ("b", "Timeout")


def test_what_cannot_be_read_is_said_as_in_one_process(cast: Cast, tmp_path: Path, table: pa.Table) -> None:
    """An error of whoever reads reaches the caller as itself."""
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=40_000)
    content = bytearray((tmp_path / "t.parquet").read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = b"\0" * 2000
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"t\.parquet: not a readable Parquet file"):
        cast(lk.read(tmp_path / "t.parquet"), functions())


def test_a_rule_that_does_not_fit_its_column_is_refused(cast: Cast, records: Records) -> None:
    """It is an error of the function, and says which."""
    rule = checked_functions([lk.rules.keywords("words", ["one"], field="n", label=1)])
    with pytest.raises(FunctionError, match='"words"'):
        cast(records, rule)


def test_no_records_give_no_chunks(cast: Cast, table: pa.Table, tmp_path: Path) -> None:
    """A file without rows is no error of an engine."""
    pq.write_table(table.slice(0, 0), tmp_path / "t.parquet")
    assert cast(lk.read(tmp_path / "t.parquet"), functions()) == []
