"""`validate --engine spark`: the same tables for the same suites, gathered where the rows are."""

from __future__ import annotations

from collections.abc import Sequence

from labelkit.engines.spark import SparkEngine
from labelkit.engines.spark.blocks import spark_errors
from labelkit.label_models import run_of
from labelkit.pipeline.evidence import run_behind
from labelkit.pipeline.spark_evidence import SparkProject, spark_evidence, spread_of
from labelkit.pipeline.validate import Gathered
from labelkit.project import ProjectFolder
from labelkit.settings import EngineSection
from labelkit.validation import Suite, read_by
from labelkit.validation.spark import spark_tables


def gathered_on_spark(project: ProjectFolder, suites: Sequence[Suite], engine: EngineSection) -> Gathered:
    """The tables that suites read. Raises MachineError for a Spark that fails, UsageError for what it cannot read."""
    place = SparkProject(project, SparkEngine.of(engine))
    named = place.labels_schema()
    labels, data, run = place.hash_of(project.labels_path), place.fingerprint(), run_behind(project, named)
    evidence = spark_evidence(place, labels, data, run_of(named), run)
    with spark_errors():
        tables = spark_tables(evidence, read_by(suites))
    return Gathered(tables, labels, data, run, spread_of(place))
