"""From what an event tells to the JSON document that OpenLineage defines, through the client's own models."""

from __future__ import annotations

from typing import Any

import attr
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    RunFacet,
    column_lineage_dataset as lineage,
    data_quality_assertions_dataset as quality,
    dataset_version_dataset as version,
    datasource_dataset as source,
    documentation_job,
    error_message_run,
    input_statistics_input_dataset as input_statistics,
    job_type_job,
    output_statistics_output_dataset as output_statistics,
    processing_engine_run,
    schema_dataset as schema,
    source_code_location_job as code,
)
from openlineage.client.serde import Serde

from labelkit import __version__
from labelkit.errors import visible
from labelkit.lineage.openlineage.facts import Dataset, Event, Origin

PRODUCER = f"urn:labelkit:{__version__}"
"""Says in each event and facet what made it: a URI, as the specification asks, which nobody needs to look up."""

_SAID = {
    "infer": "Guesses suites and a reference profile from the records.",
    "apply": "Casts the votes of labeling functions and combines them into labels.",
    "annotate": "Asks people about the records where an answer is worth most.",
    "validate": "Judges records, labels and lineage by Great Expectations suites.",
    "train": "Hands out the training set of labels that passed.",
}
_SEVERITIES = {"critical": "error", "warning": "warn", "info": "info"}


@attr.define
class LabelkitRunFacet(RunFacet):
    """What labelkit's run record adds: its id, the runs it stands on, hashes of what went in, and counts."""

    record: str
    parents: list[str]
    inputs: dict[str, Any]
    counts: dict[str, Any]

    @staticmethod
    def _get_schema() -> str:
        return "urn:labelkit:facets:LabelkitRunFacet:1"


def document(event: Event) -> dict[str, Any]:
    """The event as plain JSON values. Raises ValueError for what the client's models refuse."""
    made = RunEvent(
        eventType=RunState[event.kind],
        eventTime=event.time,
        producer=PRODUCER,
        run=Run(event.execution, _run_facets(event)),
        job=Job(event.namespace, event.job, _job_facets(event)),
        inputs=[_input(dataset) for dataset in event.inputs],
        outputs=[_output(dataset) for dataset in event.outputs],
    )
    content: dict[str, Any] = _shown(Serde.to_dict(made))
    return content


def _run_facets(event: Event) -> dict[str, Any]:
    engine = processing_engine_run.ProcessingEngineRunFacet(__version__, "labelkit", producer=PRODUCER)
    facets: dict[str, Any] = {"processing_engine": engine}
    if event.error:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(event.error, "PYTHON", producer=PRODUCER)
    if event.run:
        facets["labelkit_run"] = LabelkitRunFacet(
            record=event.run["id"],
            parents=list(event.run["parents"]),
            inputs=dict(event.run["inputs"]),
            counts=dict(event.run["counts"]),
            producer=PRODUCER,
        )
    return facets


def _job_facets(event: Event) -> dict[str, Any]:
    kind = job_type_job.JobTypeJobFacet("BATCH", "LABELKIT", event.verb.upper(), producer=PRODUCER)
    facets: dict[str, Any] = {"jobType": kind}
    if event.verb in _SAID:
        facets["documentation"] = documentation_job.DocumentationJobFacet(_SAID[event.verb], producer=PRODUCER)
    if event.code is not None:
        facets["sourceCodeLocation"] = code.SourceCodeLocationJobFacet(
            type="git",
            url=event.code.repository,
            repoUrl=event.code.repository,
            path=event.code.path,
            version=event.code.commit or None,
            producer=PRODUCER,
        )
    return facets


def _facets(dataset: Dataset) -> dict[str, Any]:
    """What is said of a dataset whether it was read or written."""
    facets: dict[str, Any] = {
        "dataSource": source.DatasourceDatasetFacet(dataset.namespace, dataset.uri, producer=PRODUCER)
    }
    if dataset.columns:
        fields = [
            schema.SchemaDatasetFacetFields(name, kind or None, ordinal_position=i)
            for i, (name, kind) in enumerate(dataset.columns.items(), start=1)
        ]
        facets["schema"] = schema.SchemaDatasetFacet(fields, producer=PRODUCER)
    if dataset.version:
        facets["version"] = version.DatasetVersionDatasetFacet(dataset.version, producer=PRODUCER)
    if dataset.made_from:
        made = {
            column: lineage.Fields([_origin(origin) for origin in origins])
            for column, origins in dataset.made_from.items()
        }
        facets["columnLineage"] = lineage.ColumnLineageDatasetFacet(made, producer=PRODUCER)
    return facets


def _origin(origin: Origin) -> Any:
    how = lineage.Transformation("DIRECT", "TRANSFORMATION" if origin.how else "IDENTITY", origin.how or None)
    return lineage.InputField(origin.dataset.namespace, origin.dataset.name, origin.column, [how])


def _input(dataset: Dataset) -> InputDataset:
    facets: dict[str, Any] = {}
    if dataset.rows is not None or dataset.size is not None:
        facets["inputStatistics"] = input_statistics.InputStatisticsInputDatasetFacet(
            dataset.rows, dataset.size, producer=PRODUCER
        )
    if dataset.checks:
        assertions = [
            quality.Assertion(
                assertion=check.kind,
                success=check.held,
                column=check.column,
                severity=_SEVERITIES[check.severity],
                name=check.name,
                description=check.description or None,
            )
            for check in dataset.checks
        ]
        facets["dataQualityAssertions"] = quality.DataQualityAssertionsDatasetFacet(assertions, producer=PRODUCER)
    return InputDataset(dataset.namespace, dataset.name, facets, facets=_facets(dataset))


def _output(dataset: Dataset) -> OutputDataset:
    facets: dict[str, Any] = {}
    if dataset.rows is not None or dataset.size is not None:
        facets["outputStatistics"] = output_statistics.OutputStatisticsOutputDatasetFacet(
            dataset.rows, dataset.size, producer=PRODUCER
        )
    return OutputDataset(dataset.namespace, dataset.name, facets, facets=_facets(dataset))


def _shown(value: Any) -> Any:
    """Plain values whose texts hide nothing: what is built from names may be shown by a receiver."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(key): _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list) else value
