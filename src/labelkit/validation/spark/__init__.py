"""Facts computed and suites judged where the rows are: on Spark, with the verdicts of one machine.

Rows never come to the driver, but for those that fail, at most MOST_ROWS of each expectation. The Spark traps are
closed here: a NaN is missing as it is in pandas, a text is never a number, and nothing goes through a pandas frame.
"""

from labelkit.validation.spark.evidence import SparkEvidence, SparkVotes
from labelkit.validation.spark.judged import MOST_ROWS, SparkTable
from labelkit.validation.spark.rows import Placed, placed
from labelkit.validation.spark.tables import judged_frame, spark_tables

__all__ = ["MOST_ROWS", "Placed", "SparkEvidence", "SparkTable", "SparkVotes", "judged_frame", "placed", "spark_tables"]
