"""Simulation: a column of the records answers in place of a person, for experiments with strategies and budgets."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from labelkit.active import needs_learner
from labelkit.annotations import Answer
from labelkit.annotations.label_sets import set_text
from labelkit.errors import DataError, UsageError, named, visible
from labelkit.files import timestamp
from labelkit.pipeline.agreement import SIMULATED
from labelkit.pipeline.annotate import AnnotateReport, stored
from labelkit.pipeline.questions import wanted_of
from labelkit.project import ProjectFolder
from labelkit.records import open_records
from labelkit.settings import YES


def simulate(
    project: ProjectFolder, column: str, *, strategy: str | None = None, budget: int | None = None
) -> AnnotateReport:
    """Answer from a column of the records in place of a person, until `budget` labels are given or nothing is left.

    For experiments: the answers are those of the annotator "simulated", and the run says which column gave them. A
    record whose column is empty is skipped, as a person might. In a multi-label project the column is read as gold is.
    Raises DataError for a value that is no class.
    """
    started, limit = timestamp(), budget or project.settings.annotate.budget
    said = _column_sets(project, column) if project.multilabel else _column_labels(project, column)
    answers: list[Answer] = []
    labels = 0
    wanted = wanted_of(project)
    learned: Any = wanted.learned() if needs_learner(wanted.strategy(strategy)) else None
    for item in wanted.ranked(strategy, annotator=SIMULATED, learned=learned):
        label = said[item.record]
        answers.append(Answer(item.record, label, SIMULATED, item.strategy, secrets.token_hex(16)))
        labels += label is not None
        if labels == limit:
            break
    named_strategy = strategy or project.settings.annotate.strategy
    parameters = {"annotator": SIMULATED, "strategy": named_strategy, "simulated_from": column}
    return stored(project, started, answers, parameters, asked=len(answers))


def _column_sets(project: ProjectFolder, column: str) -> dict[str, str | None]:
    """Record id -> the answer that a column of the records gives, where it names all classes of a record."""
    data, classes = project.settings.data, project.settings.project.classes
    if data.gold_columns:
        raise UsageError("gold is a column for each class here, and no single column can answer for all of them")
    chosen: dict[str, list[str]] = {}
    unknown = set[str]()
    gold = project.settings.model_copy(update={"data": data.model_copy(update={"gold": column})})
    for name, member in replace(project, settings=gold).members.items():
        table = open_records(member).to_table([column])
        for record, value in zip(table.column(0).to_pylist(), table.column(1).to_pylist(), strict=True):
            names = chosen.setdefault(record, [])
            if value is None:
                unknown.add(record)
            elif value == YES:
                names.append(name)
    return {record: None if record in unknown else set_text(names, classes) for record, names in chosen.items()}


def _column_labels(project: ProjectFolder, column: str) -> dict[str, str | None]:
    """Record id -> class name that a column of the records gives; None where it gives none."""
    data, classes = project.settings.data, project.settings.project.classes
    records = open_records(project)
    table = records.to_table([column])
    out: dict[str, str | None] = {}
    ids, values = table.column(data.id).to_pylist(), table.column(column).to_pylist()
    for row, (record, value) in enumerate(zip(ids, values, strict=True)):
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(classes):
            out[record] = classes[value]
        elif value is None or value == "" or value in classes:
            out[record] = value or None
        else:
            raise DataError(
                f'{records.source.name}: {records.source.places([row])[0]}, column "{visible(column)}": '
                f"{visible(repr(value)[:60])} is no class; classes are {named(classes)}"
            )
    return out
