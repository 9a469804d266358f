"""`explain`: where the label of one record comes from, down to the line of code and the person.

    log P(y | votes) = start[y] + sum over votes of adds[y] + const

holds for additive label models, and the numbers shown give the stored probability again. For any other model, each vote
is left out alone, and what is shown is by how much the probability would change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.annotations import Annotation
from labelkit.annotations.annotation import not_undone, standing
from labelkit.errors import ArtifactError, DataError, named, shortened
from labelkit.label_models import LabelModel, labels_content, load_model
from labelkit.label_models.labels import probability_column
from labelkit.lineage import Run
from labelkit.matrix import FAULT, LabelMatrix, VotesFile
from labelkit.pipeline.compute import function_files
from labelkit.pipeline.current import rows_by_id
from labelkit.pipeline.recording import VOTES_FILE
from labelkit.pipeline.runs import CURRENT, current_id, find_run, kept_folder, list_runs
from labelkit.pipeline.truth import has_answers, store_of
from labelkit.project import ProjectFolder
from labelkit.records import open_records

CLOSE = 1e-6  # how near the arithmetic must come to the stored probability


@dataclass(frozen=True)
class ExplainedVote:
    """What one function did, and what came of it."""

    function: str
    place: str  # file:line where it was defined in that run; "" where the run does not say
    vote: str | None  # class name; None for nothing to say
    fault: bool  # it failed on this record, and counts as silent
    adds: Mapping[str, float]  # class -> what the vote adds


@dataclass(frozen=True)
class Arithmetic:
    """How the label model comes to its belief."""

    additive: bool  # else each vote's number is what the probability would lose without it, alone
    start: Mapping[str, float]  # class -> natural logarithm before any vote; additive models only
    total: Mapping[str, float]  # class -> start and all that is added
    probabilities: Mapping[str, float]  # class -> what the label model believes


@dataclass(frozen=True)
class Explanation:
    """Everything that led to a label. Text from data is as it is in the data."""

    record: str
    fields: Mapping[str, Any] | None  # the record as it is now; None where it is no longer in the data
    others: Mapping[str, Any]  # gold and split, where the project has them
    label: str | None
    source: str  # human, model or none
    stored: Mapping[str, float | None]  # class -> probability in the labels of the run
    votes: tuple[ExplainedVote, ...]  # in the order of the functions
    arithmetic: Arithmetic | None  # None where nobody voted
    answers: tuple[Annotation, ...]  # what people said of the record, oldest first
    stands: str  # operation of the answer that stands now; "" for none
    undone: tuple[str, ...]  # operations that were taken back
    run: Run
    current: bool  # the run wrote labels.parquet
    changed: tuple[str, ...]  # files of labeling_functions/ that are not as the run saw them
    checks: tuple[Run, ...]  # validate and train runs of these very labels, latest first

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        content = {**asdict(self), "fields": _plain(self.fields), "others": _plain(self.others)}
        content["answers"] = [
            {**asdict(entry), "stands": entry.operation == self.stands, "undone": entry.operation in self.undone}
            for entry in self.answers
        ]
        del content["stands"], content["undone"]
        return content

    def __str__(self) -> str:
        from labelkit.pipeline.texts.explain import explain_text

        return explain_text(self)


def _plain(value: Any) -> Any:
    """A value of a record as JSON has it; dates, bytes and numbers that JSON has not, as text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    plain = value is None or isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value))
    return value if plain else str(value)


def explain(project: ProjectFolder, record: str, *, run: str = CURRENT) -> Explanation:
    """Explain the label that a run gave a record.

    Raises DataError for a record that the run did not label, ArtifactError where the run's files are not as it wrote
    them or no longer kept, UsageError for an unknown run or one of another verb.
    """
    found = find_run(project, run)
    current = found.id == current_id(project)
    folder = kept_folder(project, found)
    votes = _votes_on(found, folder / VOTES_FILE, record)
    row = _label_of(project, found, folder, record, current=current)
    stored = {name: row[probability_column(name)] for name in votes.classes}
    model = load_model(folder)
    numbers, arithmetic = _arithmetic(model, votes, stored if row["source"] == "model" else None)
    shown = rows_by_id(open_records(project), [record], _columns(project)).get(record)
    entries, stands, undone = _answers(project, record)
    files = found.inputs.get("files", {})
    return Explanation(
        record=record,
        fields=None if shown is None else {name: shown[name] for name in project.settings.data.shown},
        others={} if shown is None else {k: v for k, v in shown.items() if k not in project.settings.data.fields},
        label=row["label"],
        source=row["source"],
        stored=stored,
        votes=_explained(found, votes, numbers),
        arithmetic=arithmetic if votes.covered[0] else None,
        answers=entries,
        stands=stands,
        undone=undone,
        run=found,
        current=current,
        changed=tuple(sorted(_differing(files, function_files(project)))),
        checks=tuple(_checks(project, found)),
    )


def _votes_on(run: Run, path: Path, record: str) -> LabelMatrix:
    """The one row of votes on a record."""
    import pyarrow.compute as pc

    file, first = VotesFile(path), list[str]()
    for ids, cells in file:
        at = pc.index(ids, value=record).as_py()
        if at >= 0:
            return LabelMatrix(cells[at : at + 1], ids.slice(at, 1), file.names, file.classes)
        first = first or ids.slice(0, 3).to_pylist()
    raise DataError(f'run {run.id} labelled no record "{shortened(record)}"; its first ids are {named(first)}')


def _label_of(project: ProjectFolder, run: Run, folder: Path, record: str, *, current: bool) -> dict[str, Any]:
    """The row of a record in the labels that the run wrote."""
    import pyarrow.compute as pc

    path = project.labels_path if current else folder / project.labels_path.name
    content = labels_content(path)
    if content.sha256 != run.outputs.get(project.labels_path.name):
        raise ArtifactError(f"{path.name} is not what run {run.id} wrote; run `labelkit apply` again")
    table = content.table()
    (row,) = table.filter(pc.equal(table.column("id"), record)).to_pylist()
    return dict(row)


def _arithmetic(
    model: LabelModel, votes: LabelMatrix, stored: Mapping[str, float] | None
) -> tuple[NDArray[np.float64], Arithmetic]:
    """(m, k) what each vote adds, and how it adds up to what is stored."""
    given = model.contributions(votes)
    probs, values = model.predict_votes(votes.votes)[0], given.values[0]
    total = given.start + values.sum(axis=0)
    wanted = probs if stored is None else np.array([stored[name] for name in votes.classes])
    additive = given.additive and bool(np.abs(_softmax(total) - wanted).max() < CLOSE)
    if not additive:
        values = _left_out(model, votes) if given.additive else values
        given, total = type(given)(values[None], np.zeros(len(probs)), additive=False), probs
    return values, Arithmetic(additive, *(_by_class(votes, row) for row in (given.start, total, probs)))


def _left_out(model: LabelModel, votes: LabelMatrix) -> NDArray[np.float64]:
    """(m, k): by how much each class is more probable than if the vote were left out, alone."""
    cells = np.maximum(votes.votes, -1)
    without = np.repeat(cells, cells.shape[1], axis=0)
    np.fill_diagonal(without, -1)
    return np.asarray(model.predict_votes(cells) - model.predict_votes(without))


def _softmax(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logs - logs.max())
    return np.asarray(powers / powers.sum())


def _by_class(votes: LabelMatrix, row: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(votes.classes, row.tolist(), strict=True))


def _explained(run: Run, votes: LabelMatrix, adds: NDArray[np.float64]) -> tuple[ExplainedVote, ...]:
    places, cells = run.about.get("functions", {}), votes.votes[0].tolist()
    return tuple(
        ExplainedVote(
            function=name,
            place=places.get(name, ""),
            vote=votes.classes[cell] if cell >= 0 else None,
            fault=cell == FAULT,
            adds=_by_class(votes, row),
        )
        for name, cell, row in zip(votes.names, cells, adds, strict=True)
    )


def _columns(project: ProjectFolder) -> list[str]:
    data = project.settings.data
    return [*data.fields, *(column for column in (data.gold, data.split) if column)]


def _answers(project: ProjectFolder, record: str) -> tuple[tuple[Annotation, ...], str, tuple[str, ...]]:
    """What people said of a record, which answer stands, and which were taken back."""
    if not has_answers(project):
        return (), "", ()
    history = [entry for entry in store_of(project).history() if entry.record == record]
    said = [entry for entry in history if entry.kind != "undo"]
    kept = {entry.operation for entry in not_undone(history)}
    standing_now = standing(history).get(record)
    undone = tuple(entry.operation for entry in said if entry.operation not in kept)
    return tuple(said), "" if standing_now is None else standing_now.operation, undone


def _differing(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [name for name in then.keys() | now.keys() if then.get(name) != now.get(name)]


def _checks(project: ProjectFolder, run: Run) -> list[Run]:
    """Runs that judged these very labels or handed them to training."""
    labels = run.outputs.get(project.labels_path.name)
    others = [line.record for line in list_runs(project) if line.record is not None]
    return [other for other in others if other.verb in {"validate", "train"} and other.inputs.get("labels") == labels]
