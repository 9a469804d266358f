"""`annotate`: ask people about the records where an answer is worth most, and keep every answer."""

from __future__ import annotations

import contextlib
import itertools
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit import __version__
from labelkit.active import QueueItem, in_order, is_code
from labelkit.active.handout import AT_ONCE, HandOut
from labelkit.annotations import Annotation, AnnotationStore, read_answers, write_queue
from labelkit.annotations.annotation import ADJUDICATOR, PERSON, Answer, enough
from labelkit.errors import AnswerError, ConfigError, DataError, MachineError, UsageError, named, visible
from labelkit.files import atomic_write, timestamp
from labelkit.label_models import Posterior
from labelkit.lineage import Run, RunStore
from labelkit.matrix import LabelMatrix
from labelkit.pipeline.agreement import SIMULATED, disputes
from labelkit.pipeline.current import CurrentRun, current_run, current_run_record, rows_by_id
from labelkit.pipeline.truth import has_answers
from labelkit.project import TRAIN, ProjectFolder
from labelkit.records import open_records

FETCHED_AT_ONCE = 500  # records whose fields are read together: each reading goes through the whole data


@dataclass(frozen=True)
class AnnotateReport:
    """What one session of `annotate` did."""

    run: str
    asked: int
    labelled: int
    skipped: int
    undone: int

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dict(vars(self))


def queue(
    project: ProjectFolder,
    n: int,
    *,
    strategy: str | None = None,
    annotator: str | None = None,
    seed: int | None = None,
) -> list[QueueItem]:
    """The next n records for a person, each with the reason it is asked.

    Asked are records of split train (all, where the project has no split) that fewer than `[annotate] overlap` people
    have answered and that this annotator has neither answered nor skipped.
    """
    return list(_wanted(project, current_run(project), strategy, annotator, seed=seed, most=n))


def answer(
    project: ProjectFolder,
    record: str,
    label: str | None,
    *,
    annotator: str,
    strategy: str = "api",
    operation: str | None = None,
) -> Annotation:
    """Store one answer; label None is a skip. Raises AnswerError for a class the project does not have."""
    classes = project.settings.project.classes
    if label is not None and label not in classes:
        raise AnswerError(f'no class "{visible(str(label))}"; classes are {named(classes)}')
    store = AnnotationStore.open(project.store_url)
    return store.add(record, label, annotator, strategy, operation or secrets.token_hex(16))


def annotate_at_terminal(
    project: ProjectFolder,
    *,
    annotator: str,
    strategy: str | None = None,
    budget: int | None = None,
    adjudicate: bool = False,
) -> AnnotateReport:
    """Ask one person at this terminal; others may do the same at theirs, and nobody gets the same record twice.

    With `adjudicate` the person decides what others disagree on.
    """
    from labelkit.ui.terminal import annotate_in_terminal

    settings = project.settings.annotate
    started, limit, role = timestamp(), budget or settings.budget, ADJUDICATOR if adjudicate else PERSON
    current, store = current_run(project), AnnotationStore.open(project.store_url)
    if adjudicate:
        wanted, named_strategy = disputes(store.history(), current.votes), "adjudicate"
    else:
        wanted, named_strategy = _wanted(project, current, strategy, annotator), strategy or settings.strategy
    rows = _Rows(project, wanted)
    hand = HandOut(
        iter(rows),
        store.leases,
        annotator,
        overlap=1 if adjudicate else settings.overlap,
        seconds=settings.lease,
        role=role,
        at_once=1 if adjudicate else min(AT_ONCE, limit),
    )
    if hand.is_over():
        raise UsageError(_nothing_to_ask(store, adjudicate=adjudicate))
    try:
        session = annotate_in_terminal(
            hand,
            rows.fields_of,
            store,
            project.settings.project.classes,
            annotator,
            limit,
            keys=settings.keys,
            role=role,
            hold_seconds=settings.lease,
        )
    finally:
        with contextlib.suppress(MachineError):  # then they run out
            hand.release()
    counts = {
        "asked": session.answered + session.skipped,
        "labelled": session.answered,
        "skipped": session.skipped,
        "undone": session.undone,
    }
    return _recorded(project, started, {"annotator": annotator, "strategy": named_strategy, "role": role}, counts)


def export_queue(
    project: ProjectFolder, n: int, out: Path, *, annotator: str, strategy: str | None = None
) -> AnnotateReport:
    """Write the next n questions as JSON lines, to be answered elsewhere."""
    started = timestamp()
    items = queue(project, n, strategy=strategy, annotator=annotator)
    rows = _Rows(project, iter(items))
    with atomic_write(out) as file:
        write_queue(rows, file, rows.fields_of)
    counts = {"asked": len(items), "labelled": 0, "skipped": 0, "undone": 0}
    return _recorded(project, started, {"annotator": annotator, "strategy": strategy or ""}, counts)


def import_answers(project: ProjectFolder, path: Path, *, annotator: str) -> AnnotateReport:
    """Store the answers of a JSON lines file, all of them or none. The same file again stores nothing twice."""
    started = timestamp()
    data = project.settings.data
    known = set(open_records(project).to_table([]).column(data.id).to_pylist())
    answers = read_answers(path, project.settings.project.classes, known, annotator)
    return _stored(project, started, answers, {"annotator": annotator, "strategy": "file"}, asked=0)


def simulate(
    project: ProjectFolder, column: str, *, strategy: str | None = None, budget: int | None = None
) -> AnnotateReport:
    """Answer from a column of the records in place of a person, until `budget` labels are given or nothing is left.

    For experiments: the answers are those of the annotator "simulated", and the run says which column gave them. A
    record whose column is empty is skipped, as a person might. Raises DataError for a value that is no class.
    """
    started, limit = timestamp(), budget or project.settings.annotate.budget
    said = _column_labels(project, column)
    answers: list[Answer] = []
    labels = 0
    for item in _wanted(project, current_run(project), strategy, SIMULATED):
        label = said[item.record]
        answers.append(Answer(item.record, label, SIMULATED, item.strategy, secrets.token_hex(16)))
        labels += label is not None
        if labels == limit:
            break
    named_strategy = strategy or project.settings.annotate.strategy
    parameters = {"annotator": SIMULATED, "strategy": named_strategy, "simulated_from": column}
    return _stored(project, started, answers, parameters, asked=len(answers))


def _wanted(
    project: ProjectFolder,
    current: CurrentRun,
    strategy: str | None,
    annotator: str | None,
    *,
    seed: int | None = None,
    most: int | None = None,
) -> Iterator[QueueItem]:
    """Records that want an answer of this person, most wanted first."""
    settings = project.settings.annotate
    if strategy is None and is_code(settings.strategy):
        raise ConfigError(
            f'labelkit.toml: [annotate] strategy: "{visible(settings.strategy)}" is code, and opening a project runs '
            f"none but its labeling functions; give it on the command line: --strategy {visible(settings.strategy)}"
        )
    done = frozenset[str]()
    if has_answers(project):
        store = AnnotationStore.open(project.store_url)
        done = enough(store.history(), settings.overlap) | (store.asked(annotator) if annotator else frozenset())
    votes, posterior = _part(current.votes, current.posterior, _trainable(project, current.votes.ids))
    return in_order(
        posterior,
        votes,
        strategy=strategy or settings.strategy,
        exclude=done,
        seed=project.settings.model.seed if seed is None else seed,
        most=most,
    )


class _Rows:
    """Items of a queue with the fields of their records, which are read some hundred at a time."""

    def __init__(self, project: ProjectFolder, items: Iterator[QueueItem]) -> None:
        self._project, self._items = project, items
        self._fields: dict[str, dict[str, Any]] = {}

    def __iter__(self) -> Iterator[QueueItem]:
        size = FETCHED_AT_ONCE
        while block := list(itertools.islice(self._items, size)):
            ids = [item.record for item in block]
            self._fields |= rows_by_id(open_records(self._project), ids, self._project.settings.data.fields)
            yield from block
            size = min(size * 4, 50_000)

    def fields_of(self, record: str) -> Mapping[str, object]:
        """The fields of a record that was given already."""
        if record not in self._fields:
            raise AnswerError(f'record "{visible(record)}" is no longer in the data; run `labelkit apply` again')
        return self._fields[record]


def _nothing_to_ask(store: AnnotationStore, *, adjudicate: bool) -> str:
    if adjudicate:
        return "there is nothing to decide: no record has answers that differ, or somebody is deciding it"
    busy = len(store.leases.held())
    if busy:
        return f"there is nothing to ask: {busy:,} records are with people at this moment; try again later"
    return "there is nothing to ask: every record of this queue is answered; try another --strategy"


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


def _stored(
    project: ProjectFolder, started: str, answers: Sequence[Answer], parameters: Mapping[str, str], *, asked: int
) -> AnnotateReport:
    """Store answers that were given elsewhere, all or none, and record the session."""
    AnnotationStore.open(project.store_url).add_all(answers)
    skipped = sum(item.label is None for item in answers)
    counts = {"asked": asked, "labelled": len(answers) - skipped, "skipped": skipped, "undone": 0}
    return _recorded(project, started, parameters, counts)


def _recorded(
    project: ProjectFolder, started: str, parameters: Mapping[str, str], counts: Mapping[str, int]
) -> AnnotateReport:
    """Write the run record of a session. Its id is random: what people say is not determined by what went in."""
    sequence = AnnotationStore.open(project.store_url).last_sequence if has_answers(project) else 0
    run = Run(
        verb="annotate",
        inputs={},
        parameters=dict(parameters),
        versions={"labelkit": __version__},
        counts={**counts, "last_sequence": sequence},
        parents=(current_run_record(project).id,) if project.labels_path.is_file() else (),
        started=started,
        finished=timestamp(),
        id=secrets.token_hex(8),
    )
    RunStore(project.state / "runs").write(run)
    return AnnotateReport(run.id, counts["asked"], counts["labelled"], counts["skipped"], counts["undone"])


def _trainable(project: ProjectFolder, ids: Any) -> NDArray[np.bool_]:
    """(n,) bool, in the order of `ids`: the records that people may be asked about."""
    import pyarrow as pa
    import pyarrow.compute as pc

    data = project.settings.data
    if data.split is None:
        return np.ones(len(ids), dtype=bool)
    table = open_records(project).to_table([data.split])
    chosen = table.filter(pc.equal(table.column(data.split), TRAIN)).column(data.id).combine_chunks()
    return np.asarray(pc.is_in(ids, value_set=chosen.cast(pa.string())).to_numpy(zero_copy_only=False))


def _part(votes: LabelMatrix, posterior: Posterior, keep: NDArray[np.bool_]) -> tuple[LabelMatrix, Posterior]:
    """Some of the records."""
    if keep.all():
        return votes, posterior
    import pyarrow as pa

    ids = votes.ids.filter(pa.array(keep))
    return (
        LabelMatrix(votes.votes[keep], ids, votes.names, votes.classes),
        Posterior(posterior.probs[keep], posterior.covered[keep], ids, posterior.classes),
    )
