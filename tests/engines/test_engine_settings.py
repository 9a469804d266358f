"""Where the work is done: `[engine]`, and what a caller says instead."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest

from labelkit.errors import ConfigError, UsageError
from labelkit.settings import EngineSection
from projects import MakeProject


@pytest.mark.parametrize(
    "written",
    [
        '"spark.executor.memory" = "4g"\n"spark.sql.shuffle.partitions" = 64\n"spark.speculation" = true',
        'executor.memory = "4g"\nsql.shuffle.partitions = 64\nspeculation = true',
        'spark.executor.memory = "4g"\nspark.sql.shuffle.partitions = 64\nspark.speculation = true',
    ],
)
def test_settings_of_spark_may_be_written_in_any_way(written: str) -> None:
    """In quotes, as dotted keys, with and without spark: Spark gets its own names, and texts."""
    assert EngineSection(spark=tomllib.loads(written)).spark == {
        "spark.executor.memory": "4g",
        "spark.sql.shuffle.partitions": "64",
        "spark.speculation": "true",
    }


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('name = "dask"', "[engine] name: must be 'local' or 'spark', not \"dask\""),
        ('remote = "spark://x"', '[engine] remote: must begin with sc://, not "spark://x"'),
        ('master = "yarn"\nremote = "sc://x"', "[engine]: master and remote are two places; name one"),
        ("partitions = -1", "[engine] partitions: must be at least 0, not -1"),
        ("[engine.spark]\nlist = [1]", "[engine] spark: spark.list must be a text, a number, true or false"),
    ],
)
def test_what_does_not_hold_is_explained(make_project: MakeProject, toml: str, message: str) -> None:
    """In the words of the file."""
    made = make_project(toml=f"[engine]\n{toml}\n")
    with pytest.raises(ConfigError) as caught:
        _ = made.project
    assert str(caught.value) == f"labelkit.toml: {message}"


def test_what_a_caller_says_goes_before_what_is_written() -> None:
    """Engine and place, one by one."""
    written = EngineSection(name="spark", master="yarn", partitions=7)
    assert written.or_else() == written
    assert written.or_else("local").name == "local"
    assert written.or_else(master="local[2]").master == "local[2]"
    assert written.or_else(remote="sc://x") == EngineSection(name="spark", remote="sc://x", partitions=7)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"name": "dask"}, 'no engine is called "dask"; there are "local" and "spark"'),
        ({"master": "yarn"}, "master and remote say where Spark runs; choose the engine spark, too"),
        ({"name": "spark", "master": "yarn", "remote": "sc://x"}, "yarn and sc://x are two places for Spark; name one"),
        (
            {"name": "spark", "remote": "http://x"},
            '"http://x" is no server of Spark Connect; such an address begins with sc://',
        ),
    ],
)
def test_what_does_not_go_together_is_refused(said: dict[str, str], message: str) -> None:
    """With the way out."""
    with pytest.raises(UsageError) as caught:
        EngineSection().or_else(**said)
    assert str(caught.value) == message


def test_workers_are_of_this_machine(make_project: MakeProject) -> None:
    """A number of processes is not silently ignored."""
    with pytest.raises(UsageError, match=r"^workers are processes of the local engine; how many Spark has"):
        make_project().project.apply(engine="spark", workers=2)


def test_the_engine_is_not_loaded_where_it_is_not_asked_for() -> None:
    """apply on one machine starts without pyspark, even where that is installed."""
    code = "import sys, labelkit.pipeline.apply; assert 'pyspark' not in sys.modules; import labelkit.engines.spark; "
    code += "assert 'pyspark' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
