"""A project on Spark, from the command to the labels that every other verb reads; and what is refused."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelkit as lk
from labelkit.engines import Limits, LocalEngine
from labelkit.engines.spark import SparkEngine
from labelkit.engines.spark.blocks import Block, Blocks, over_blocks
from labelkit.errors import DataError, FunctionError, MachineError, UsageError
from labelkit.label_models import read_labels
from labelkit.pipeline.compute import compute
from labelkit.pipeline.passes import LocalPasses, Passes
from labelkit.pipeline.spark_passes import SparkPasses
from labelkit.pipeline.truth import read_answers
from projects import FUNCTIONS, Made, comments, printed
from spark_projects import MAJORITY, spark_project, spark_toml

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]

MakeSpark = Callable[..., Made]


@pytest.fixture
def on_spark(tmp_path: Path) -> MakeSpark:
    """A function that makes a project with records in Parquet; keyword arguments say what is different."""

    def make(
        rows: list[dict[str, Any]] | None = None,
        functions: str = FUNCTIONS,
        path: str = "comments.parquet",
        more: str = "",
    ) -> Made:
        return spark_project(tmp_path / "project", spark_toml(f"{more}\n{MAJORITY}", path), functions, rows or ())

    return make


def test_the_command_labels_on_spark_what_it_labels_here(on_spark: MakeSpark) -> None:
    """The same run and the same rows, in a folder that stands where the file stood."""
    made = on_spark()
    made.project.answer("c3", "spam", annotator="ann")
    here = json.loads(printed(made, "apply", "--json"))
    labels = made.project.labels()
    there = json.loads(printed(made, "apply", "--engine", "spark", "--json"))
    assert there == {**here, "reused": 0.0}
    assert (made.root / "labels.parquet").is_dir()
    assert made.project.labels().equals(labels, check_metadata=True)
    assert pq.read_table(made.root / "labels.parquet").schema.metadata[b"labelkit.run"].decode() == here["run"]


def test_every_verb_reads_what_spark_wrote(on_spark: MakeSpark) -> None:
    """explain, runs, queue, training set and the next run do not ask which engine it was."""
    made = on_spark()
    printed(made, "apply", "--engine", "spark")
    run = made.project.runs()[0]
    assert run.current
    assert made.project.explain("c1").label == read_labels(made.root / "labels.parquet").column("label")[1].as_py()
    assert len(made.project.queue(5)) == 5
    assert "as written" in printed(made, "runs", "show")
    printed(made, "apply")
    assert (made.root / "labels.parquet").is_file()
    printed(made, "apply", "--engine", "spark")
    printed(made, "apply", "--engine", "spark")
    assert made.project.labels().num_rows == 200


def test_a_part_that_was_changed_is_found(on_spark: MakeSpark) -> None:
    """A folder of labels is as hard to change unnoticed as a file."""
    made = on_spark()
    printed(made, "apply", "--engine", "spark")
    (part,) = (made.root / "labels.parquet").iterdir()
    pq.write_table(pq.read_table(part).slice(1), part)
    with pytest.raises(lk.LabelkitError, match="is not what run"):
        made.project.explain("c1")


def test_a_query_of_sparks_own_gives_the_records(on_spark: MakeSpark) -> None:
    """In order of id: the run is that of the same records in that order in a file, and other verbs find them."""
    made = on_spark(path="records.sql", more='url = "spark"')
    made.write("records.sql", f"SELECT * FROM parquet.`{made.root / 'comments.parquet'}` WHERE id <> 'c7'")  # noqa: S608
    report = made.project.apply(engine="spark")
    rows = sorted((row for row in comments(200, seed=3) if row["id"] != "c7"), key=lambda row: row["id"])
    assert made.project.records().to_table().to_pylist() == rows
    made.write("labelkit.toml", spark_toml(MAJORITY, "sorted.parquet"))
    pq.write_table(pa.Table.from_pylist(rows), made.root / "sorted.parquet")
    assert made.project.apply().run == report.run


def test_a_query_that_does_not_hold_is_refused(on_spark: MakeSpark) -> None:
    """What Spark says of it, in a line; and a column that it lacks, by name."""
    made = on_spark(path="records.sql", more='url = "spark"')
    made.write("records.sql", "SELECT * FROM nowhere.at_all")
    with pytest.raises(DataError, match=r"^records\.sql: Spark: .*TABLE_OR_VIEW_NOT_FOUND"):
        made.project.apply(engine="spark")
    made.write("records.sql", "SELECT 1 AS id, 'x' AS text")
    with pytest.raises(DataError, match=r'^records\.sql: no column "gold"'):
        made.project.apply(engine="spark")
    with pytest.raises(UsageError, match=r"^records\.sql: only Spark can read that; choose the engine spark$"):
        made.project.apply()
    with pytest.raises(DataError, match=r"^records\.sql: Spark has not been asked yet"):
        made.project.records()


BAD_IDS = [
    ([{**row, "id": "c1"} if row["id"] == "c199" else row for row in comments(200, seed=3)]),
    ([{**row, "id": None} if row["id"] in ("c5", "c9") else row for row in comments(200, seed=3)]),
    ([{**row, "id": "same"} for row in comments(200, seed=3)]),
    ([{**row, "id": ""} if row["id"] == "c5" else row for row in comments(200, seed=3)]),
    ([{**row, "id": "c" * 10_001} if row["id"] == "c5" else row for row in comments(200, seed=3)]),
]


@pytest.mark.parametrize("rows", BAD_IDS, ids=["twice", "null", "all the same", "empty", "too long"])
def test_bad_ids_are_named_as_on_one_machine(on_spark: MakeSpark, rows: list[dict[str, Any]]) -> None:
    """The whole message is the same: which rows, how many."""
    made = on_spark(rows)
    with pytest.raises(DataError) as here:
        made.project.apply()
    with pytest.raises(DataError) as there:
        made.project.apply(engine="spark")
    assert str(there.value) == str(here.value)
    assert not (made.root / "labels.parquet").exists()


def test_bad_gold_is_named_as_on_one_machine(on_spark: MakeSpark) -> None:
    """An error that the user can mend comes back as itself."""
    made = on_spark([{**row, "gold": "eggs" if row["id"] == "c150" else row["gold"]} for row in comments(200, seed=3)])
    said = r'^comments\.parquet: row 151, column "gold": \'eggs\' is no class; classes are "ham", "spam"$'
    with pytest.raises(DataError, match=said):
        made.project.apply(engine="spark")


def test_functions_that_differ_on_an_executor_are_refused(on_spark: MakeSpark) -> None:
    """A function that depends on where it runs would vote otherwise there, and nobody would know."""
    functions = "import os\nHERE = os.getpid()\n" + FUNCTIONS.replace('"click" in', '"click" * HERE in')
    made = on_spark(functions=functions)
    with pytest.raises(FunctionError, match='"begs" is not the same on an executor as here'):
        made.project.apply(engine="spark")


def test_records_that_executors_cannot_read_are_refused(make_project: Any) -> None:
    """CSV is read on one machine; the message says what to do."""
    with pytest.raises(UsageError, match=r"^comments\.csv: Spark reads records from Parquet, a file or a folder"):
        make_project().project.apply(engine="spark")


def test_prompt_functions_are_refused_before_anybody_is_asked(on_spark: MakeSpark) -> None:
    """Nobody pays for replies that are not used: the endpoint, which is not there, is not missed."""
    prompt = "\nasks = lk.prompt('asks', 'Spam? {text}', labels={'yes': 'spam', 'no': 'ham'})\n"
    made = on_spark(functions=FUNCTIONS + prompt, more="[prompt]\nbase_url = 'http://127.0.0.1:9'\nmodel = 'm'")
    with pytest.raises(UsageError, match=r'^prompt function "asks": replies are kept on this machine'):
        made.project.apply(engine="spark")


def test_a_sample_is_the_one_that_is_drawn_here(on_spark: MakeSpark) -> None:
    """Where a model needs rows and there are too many distinct ones, both engines draw the same."""
    made, drawn = on_spark(), list[Any]()
    engines: list[Passes] = [LocalPasses(LocalEngine(1), 50), SparkPasses(SparkEngine(limits=Limits(9)), 50)]
    for number, passes in enumerate(engines):
        drawn.append(_sample(made, passes, made.root / f"out{number}"))
    assert len(drawn[0]) == 50
    assert np.array_equal(drawn[0], drawn[1])


def _sample(made: Made, passes: Passes, folder: Path) -> Any:
    """The sample that a model would get."""
    found = []

    class Watched(type(passes)):  # type: ignore[misc]
        def publish(self, work: Any, casting: Any, model: Any, run: str) -> Any:
            found.append(self.sample(work, casting).votes)
            return super().publish(work, casting, model, run)

    folder.mkdir()
    project = made.project.folder
    compute(project, Watched(passes.engine, 50), read_answers(project), folder, max_faults=0)  # type: ignore[attr-defined]
    return found[0]


def test_many_results_are_merged_on_the_way(spark: Any) -> None:
    """The driver gets about the square root of them, in order, and the first error."""

    def listed(block: Block) -> list[int]:
        return [block.index]

    def refused(block: Block) -> list[int]:
        if block.index in (77, 78):
            raise DataError(f"block {block.index} is bad")
        return [block.index]

    def joined(one: list[int], other: list[int]) -> list[int]:
        return one + other

    blocks = Blocks(chunks=200, size=1, tasks=3)
    assert over_blocks(spark, blocks, listed) == [[i] for i in range(200)]
    merged = over_blocks(spark, blocks, listed, joined)
    assert len(merged) == 15
    assert [number for part in merged for number in part] == list(range(200))
    with pytest.raises(DataError, match="block 77 is bad"):
        over_blocks(spark, blocks, refused, joined)


def test_what_an_executor_fails_of_is_said_in_a_line(spark: Any) -> None:
    """A failure that may pass is the machine's; a bug is a bug."""

    def full(block: Block) -> None:
        raise OSError(28, "No space left on device")

    def bug(block: Block) -> None:
        raise ZeroDivisionError("oh")

    with pytest.raises(MachineError, match=r"^Spark: OSError: \[Errno 28\] No space left on device$"):
        over_blocks(spark, Blocks(1), full)
    with pytest.raises(RuntimeError, match=r"^ZeroDivisionError: oh\non an executor:"):
        over_blocks(spark, Blocks(1), bug)


def test_a_run_made_on_spark_is_repeated_there(on_spark: MakeSpark) -> None:
    """Byte for byte, in a process of its own."""
    made = on_spark(more='[engine.spark]\n"spark.driver.memory" = "700m"')
    printed(made, "apply", "--engine", "spark")
    said = printed(made, "replay", "--master", "local[2]")
    assert "DIFFERENT" not in said
    assert said.count("identical") == 5
    pq.write_table(pq.read_table(made.root / "comments.parquet").slice(1), made.root / "comments.parquet")
    said = printed(made, "replay", "--master", "local[2]", code=1)
    assert "data comments.parquet changed" in said


@pytest.mark.parametrize("model", ["snorkel", "dawid_skene"])
def test_the_demo_is_labelled_as_here(tmp_path: Path, model: str) -> None:
    """Real texts, real functions: run, figures, every probability."""
    root = Path(__file__).parents[2]
    assert (root / "data" / "reviews.parquet").is_file(), "run `make data` first"
    made = Made(tmp_path / "demo")
    shutil.copytree(root / "labeling_functions", made.root / "labeling_functions")
    shutil.copytree(root / "data", made.root / "data")
    made.write("labelkit.toml", (root / "labelkit.toml").read_text().replace('name = "snorkel"', f'name = "{model}"'))
    here = made.project.apply()
    labels = made.project.labels()
    there = made.project.apply(engine="spark")
    assert {**there.to_json(), "reused": 0} == {**here.to_json(), "reused": 0}
    assert made.project.labels().equals(labels, check_metadata=True)


def test_executors_work_with_what_was_sent(spark: Any) -> None:
    """They run this labelkit, whatever they have installed: it comes as an archive."""

    def where(block: Block) -> str:
        import labelkit.labeling.kernel

        return labelkit.labeling.kernel.__file__

    session = SparkEngine().session
    (file,) = over_blocks(session, Blocks(1), where)
    assert re.search(r"labelkit-[0-9a-f]{32}\.zip/labelkit/labeling/kernel\.py$", file)
