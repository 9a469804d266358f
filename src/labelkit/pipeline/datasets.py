"""What each verb reads and writes, under the names that OpenLineage gives to files and tables.

Source of the names: the naming conventions of the OpenLineage specification (spec/Naming.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from labelkit.label_models import labels_files
from labelkit.lineage import Run, RunStore, public_url
from labelkit.lineage.git import repository_of
from labelkit.lineage.openlineage import Check, Code, Dataset, Origin
from labelkit.pipeline.truth import has_answers
from labelkit.project import ProjectFolder
from labelkit.records import open_records
from labelkit.settings import SPARK
from labelkit.validation import Verdict

if TYPE_CHECKING:
    import pyarrow as pa

_BY_VOTES = "votes of labeling functions, combined by a label model"
_BY_PEOPLE = "answers of people, which outrank the model"
_OF_RECORDS = frozenset({"records", "fields"})
"""Tables whose suites judge the records; all others judge the labels."""


@dataclass(frozen=True)
class Places:
    """The datasets of a project; with a run, as that run found and left them."""

    project: ProjectFolder
    run: Run | None = None

    @cached_property
    def records(self) -> Dataset:
        """The records: a file, or what a query gave."""
        data = self.project.settings.data
        if data.url is None:
            named = _file(str(self.project.data_path.resolve()))
        elif data.url == SPARK:
            named = Dataset(SPARK, data.path)
        else:
            namespace, database = _database(self.project.rooted(data.url))
            named = Dataset(namespace, database if namespace == "file" else f"{database}.{data.path}")
        if self.run is None:
            return named
        rows = self.run.counts.get("records") if self.run.verb == "apply" else None
        return replace(named, columns=self._columns(), version=self._hash("data"), rows=rows)

    @cached_property
    def labels(self) -> Dataset:
        """labels.parquet."""
        path = self.project.labels_path
        named = _file(str(path.resolve()))
        files = labels_files(path)
        if self.run is None or not files:
            return named
        version = self.run.outputs.get(path.name) or self._hash("labels")
        size = sum(file.stat().st_size for file in files)
        return replace(named, columns=_parquet_columns(str(files[0])), version=version, size=size)

    @cached_property
    def answers(self) -> Dataset:
        """The store of people's answers."""
        namespace, name = _database(self.project.store_url)
        named = Dataset(namespace, name if namespace == "file" else f"{name}.public.annotation")
        columns = {"record": "string", "label": "string", "annotator": "string", "time": "string"}
        return replace(named, columns=columns) if self.run is not None else named

    def _hash(self, name: str) -> str:
        return "" if self.run is None else str(self.run.inputs.get(name, ""))

    def _columns(self) -> Mapping[str, str]:
        """Names and types of the columns; of a query the names alone, for asking it again could take long."""
        data = self.project.settings.data
        names = [data.id, *data.fields, *(name for name in (data.gold, data.split) if name)]
        if data.url is not None:
            return dict.fromkeys(names, "")
        first = next(open_records(self.project).batches(), None)
        return dict.fromkeys(names, "") if first is None else {field.name: _type(field) for field in first.schema}


def read_by(verb: str, places: Places) -> tuple[Dataset, ...]:
    """What a verb reads."""
    records, labels = places.records, places.labels
    if verb in {"infer", "embed", "augment"}:
        return (records,)
    if verb == "apply":
        return (records, places.answers) if has_answers(places.project) else (records,)
    if verb == "validate" and places.run is not None:
        checks = _checks(places.project, places.run)
        of_records = tuple(check for table, check in checks if table in _OF_RECORDS)
        of_labels = tuple(check for table, check in checks if table not in _OF_RECORDS)
        return (replace(records, checks=of_records), replace(labels, checks=of_labels))
    return (records, labels)


def written_by(verb: str, places: Places) -> tuple[Dataset, ...]:
    """What a verb writes."""
    run = places.run
    if verb == "apply":
        made_from = {} if run is None else _lineage(places)
        rows = None if run is None else run.counts.get("records")
        return (replace(places.labels, made_from=made_from, rows=rows),)
    if verb in {"embed", "augment"} and run is not None:
        return tuple(_file(str(places.project.root / name)) for name in sorted(run.outputs))
    if verb == "annotate":
        return (replace(places.answers, rows=None if run is None else run.counts.get("labelled")),)
    return ()


def code_of(project: ProjectFolder, run: Run) -> Code | None:
    """Where the project's code is; None where git does not know it."""
    repository, prefix = repository_of(project.root)
    if not repository:
        return None
    return Code(repository, str(run.git.get("commit", "")), f"{prefix}{project.relative(project.functions_folder)}")


def _lineage(places: Places) -> dict[str, tuple[Origin, ...]]:
    """Column of the labels -> columns of the records, and answers where there are some."""
    data = places.project.settings.data
    votes = tuple(Origin(places.records, name, _BY_VOTES) for name in data.fields)
    people = (Origin(places.answers, "label", _BY_PEOPLE),) if has_answers(places.project) else ()
    made: dict[str, tuple[Origin, ...]] = {"id": (Origin(places.records, data.id),)}
    for column in places.labels.columns:
        if column in {"label", "confidence", "source"} or column.startswith("p_"):
            made[column] = (*votes, *people)
    return made


def _checks(project: ProjectFolder, run: Run) -> list[tuple[str, Check]]:
    """The outcomes of a validation, each with the table that it judged. What was found stays in the report."""
    from labelkit.pipeline.validate import VERDICT_FILE

    path = RunStore(project.state / "runs").path(run.id) / VERDICT_FILE
    outcomes = Verdict.from_json(json.loads(path.read_bytes())).outcomes
    return [
        (
            outcome.table,
            Check(
                name=f"{outcome.suite}[{outcome.index}]",
                kind=outcome.type,
                held=outcome.status == "pass",
                column=outcome.column,
                severity=outcome.severity,
                description=outcome.description,
            ),
        )
        for outcome in outcomes
    ]


def _file(path: str) -> Dataset:
    return Dataset("file", path)


def _database(url: str) -> tuple[str, str]:
    """Namespace and database of a SQLAlchemy URL: a SQLite database is a file, others have a host. No login."""
    public = public_url(url)
    parts = urlsplit(public)
    scheme = parts.scheme.partition("+")[0]
    if scheme == "sqlite":
        return "file", public.partition(":///")[2] or "(memory)"
    scheme = "postgres" if scheme == "postgresql" else scheme
    return f"{scheme}://{parts.netloc}", parts.path.strip("/")


def _type(field: pa.Field) -> str:
    """The type of a column as Arrow calls it, whatever the width of its offsets."""
    return str(field.type).removeprefix("large_")


def _parquet_columns(path: str) -> dict[str, str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return {field.name: _type(field) for field in pq.read_schema(path)}
    except (OSError, pa.ArrowException):
        return {}
