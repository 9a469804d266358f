"""A real Spark on this machine, one for all tests of a process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib import util
from pathlib import Path
from typing import Any

import pytest

from labelkit.engines.spark.session import SparkPlace, spark_session

SMALL = {
    "spark.driver.memory": "1g",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
}


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A session with two threads, on loopback, without a page. Where there is no Spark, CI fails and a laptop skips."""
    if (util.find_spec("pyspark") is None or shutil.which("java") is None) and not os.environ.get("CI"):
        pytest.skip("Spark is not installed; make services installs it")
    session = spark_session(SparkPlace("local[2]", settings=SMALL))
    yield session
    session.stop()


@pytest.fixture(params=["local", pytest.param("spark", marks=pytest.mark.spark)])
def judged_on(request: pytest.FixtureRequest) -> Any:
    """The verdict of real GX on a table by a suite of some entries, as `suite_files.judged`: on pandas, on Spark."""
    from labelkit.validation import validate
    from suite_files import judged, write_suite

    if request.param == "local":
        return judged
    spark = request.getfixturevalue("spark")

    def on_spark(folder: Path, table: Any, *entries: Any) -> Any:
        return validate(spark.createDataFrame(table), write_suite(folder / "checks.json", *entries))

    return on_spark


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sockets that pyspark leaves to the garbage collector are no leaks of ours."""
    for item in items:
        if item.get_closest_marker("spark") is not None:
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))
