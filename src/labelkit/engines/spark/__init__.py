"""Spark: the same votes, faults and ids on a cluster."""

from labelkit.engines.spark.engine import SparkEngine
from labelkit.engines.spark.session import SparkPlace, spark_session

__all__ = ["SparkEngine", "SparkPlace", "spark_session"]
