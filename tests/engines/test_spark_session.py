"""The Spark session: on this machine alone, strict, without a page."""

from __future__ import annotations

from typing import Any

import pytest

from labelkit.engines.spark.session import SparkPlace, spark_session

pytestmark = pytest.mark.spark


def test_a_session_refuses_to_take_text_for_numbers(spark: Any) -> None:
    """A text that is no number is an error in Spark's own checks, whatever the version."""
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"


def test_a_session_shows_no_page_and_listens_on_this_machine_only(spark: Any) -> None:
    """Nothing that a person did not ask for listens for others."""
    settings = spark.sparkContext.getConf()
    assert spark.sparkContext.uiWebUrl is None
    assert settings.get("spark.driver.host") == settings.get("spark.driver.bindAddress") == "127.0.0.1"


def test_a_session_that_runs_is_used(spark: Any) -> None:
    """Whoever has a session, as notebooks do, keeps it."""
    assert spark_session(SparkPlace("local[7]")) is spark
