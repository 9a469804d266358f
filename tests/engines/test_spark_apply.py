"""`apply` on Spark: the same run, labels, votes, model and report as on one machine, with any number of partitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelkit.engines import Limits, LocalEngine
from labelkit.engines.spark import SparkEngine
from labelkit.label_models import read_labels
from labelkit.lineage import CHUNK_ROWS, hash_file
from labelkit.matrix import read_votes
from labelkit.pipeline.compute import Computed, compute
from labelkit.pipeline.passes import LocalPasses, Passes
from labelkit.pipeline.spark_passes import SparkPasses
from labelkit.pipeline.truth import read_answers
from projects import Made

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]

N = 6 * CHUNK_ROWS + 321  # seven chunks, the last one short
TOML = """
[project]
name = "numbers"
classes = ["low", "high", "odd"]
[data]
path = "records"
fields = ["text", "n"]
gold = "gold"
split = "split"
[model]
name = "{model}"
seed = 3
"""
FUNCTIONS = """
import os, signal, time
from pathlib import Path
import labelkit as lk
from helper import limit

WORDS = (Path(__file__).parent / "words.txt").read_text().split()

@lk.labeling_function()
def below(x):
    return "low" if x.n < limit() else lk.ABSTAIN

@lk.labeling_function(resources={"words": set(WORDS)})
def listed(x, words):
    return 1 if x.text.split()[1] in words else -1

@lk.labeling_function()
def planted(x):
    if x.n == 1_000_001:
        raise KeyError("planted")
    if x.n == 1_000_002:
        os.kill(os.getpid(), signal.SIGKILL)
    if x.n == 1_000_003:
        time.sleep(60)
    return 7 if x.n == 1_000_004 else -1

@lk.batch_labeling_function()
def odd(x):
    return [2 if n % 17 == 1 else -1 for n in x["n"]]

big = lk.rules.threshold("big", field="n", above=700, label="high")
"""


def write_records(folder: Path, count: int = N) -> None:
    """Records in several files, with faults waiting in some of them, gold for a third."""
    rng = np.random.default_rng(5)
    numbers = rng.integers(0, 1_000, count)
    numbers[rng.choice(count, 8, replace=False)] = np.repeat(1_000_001 + np.arange(4), 2)
    gold = np.where(numbers < 500, "low", "high")
    gold[rng.random(count) > 0.3] = ""
    table = pa.table(
        {
            "id": [f"r{i}" for i in range(count)],
            "text": [f"number {n}" for n in numbers],
            "n": numbers,
            "gold": gold,
            "split": rng.choice(["train", "dev", "test"], count),
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    for i, start in enumerate(range(0, count, 100_000)):
        pq.write_table(table.slice(start, 100_000), folder / f"{i}.parquet", row_group_size=30_000)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A project with seven chunks of records, faulty functions, a helper, a file of words, and answers of people."""
    made = Made(tmp_path_factory.mktemp("project"))
    write_records(made.root / "records")
    made.write("labelkit.toml", TOML.format(model="dawid_skene"))
    made.write("labeling_functions/first.py", FUNCTIONS)
    made.write("labeling_functions/helper.py", "def limit():\n    return 300\n")
    made.write("labeling_functions/words.txt", "13 14 15 999")
    for record, label in (("r5", "odd"), (f"r{N - 1}", "low"), ("r70000", "high")):
        made.project.answer(record, label, annotator="ann")
    return made


Compute = Callable[[Passes], tuple[Computed, Path]]


@pytest.fixture(scope="module")
def computed(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Compute:
    """A function that computes labels in a folder of its own."""

    def computes(passes: Passes) -> tuple[Computed, Path]:
        folder = tmp_path_factory.mktemp("computed")
        project = made.project.folder
        return compute(project, passes, read_answers(project), folder, max_faults=9), folder

    return computes


@pytest.fixture(scope="module")
def local(computed: Compute) -> tuple[Computed, Path]:
    """What the local engine makes of the project."""
    return computed(LocalPasses(LocalEngine(2, None, Limits(2.0))))


def on_spark(partitions: int = 0) -> SparkPasses:
    """Spark, one chunk to a block."""
    return SparkPasses(SparkEngine(limits=Limits(2.0), partitions=partitions, block=1))


@pytest.fixture(scope="module", params=[1, 2, 7])
def distributed(request: pytest.FixtureRequest, spark: Any, computed: Compute) -> tuple[Computed, Path]:
    """What Spark makes of it, with some partitions."""
    return computed(on_spark(request.param))


def test_the_run_is_the_same(local: tuple[Computed, Path], distributed: tuple[Computed, Path]) -> None:
    """Its id hashes data, functions, answers and settings, never the engine; its counts are equal, too."""
    assert distributed[0].run.id == local[0].run.id
    assert distributed[0].run.inputs == local[0].run.inputs
    assert distributed[0].run.counts == local[0].run.counts


def test_the_report_is_the_same(local: tuple[Computed, Path], distributed: tuple[Computed, Path]) -> None:
    """Every figure, every fault with its function, record and kind, to the last bit."""
    report = distributed[0].report
    assert replace(report, reused=0.0, saved=0.0) == replace(local[0].report, reused=0.0, saved=0.0)
    assert sorted({fault.exception for fault in report.faults}) == [
        "BadVote",
        "KeyError",
        "ProcessDied",
        "Timeout",
    ]
    assert report.answered == 3


def test_votes_and_labels_are_the_same(local: tuple[Computed, Path], distributed: tuple[Computed, Path]) -> None:
    """Posteriors to the last bit, in the same order, with the run's id."""
    one, other = (read_votes(folder / "votes.arrow") for _, folder in (local, distributed))
    assert np.array_equal(one.votes, other.votes)
    assert one.ids.equals(other.ids)
    mine, theirs = (read_labels(folder / "labels.parquet") for _, folder in (local, distributed))
    assert mine.equals(theirs, check_metadata=True)


def test_the_model_is_the_same(local: tuple[Computed, Path], distributed: tuple[Computed, Path]) -> None:
    """Byte for byte."""
    for name in ("model.json", "model.npz", "rules.json"):
        assert (local[1] / name).read_bytes() == (distributed[1] / name).read_bytes()


def test_labels_are_a_folder_whose_hash_the_run_names(distributed: tuple[Computed, Path]) -> None:
    """One file for each block, whatever the number of partitions, and nothing half-written beside them."""
    done, folder = distributed
    names = sorted(path.name for path in (folder / "labels.parquet").iterdir())
    assert names == [f"part-{i:08d}.parquet" for i in range(7)]
    assert done.run.outputs["labels.parquet"] == hash_file(folder / "labels.parquet")
    assert done.run.outputs["votes.arrow"] == hash_file(folder / "votes.arrow")


def test_the_number_of_partitions_changes_no_byte(computed: Compute) -> None:
    """Blocks are fixed, so that a replay can compare bytes."""
    one, other = (computed(on_spark(partitions))[0].run.outputs for partitions in (0, 3))
    assert one == other
