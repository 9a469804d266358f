"""`annotate`: ask people about the records where an answer is worth most, and keep every answer."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit import __version__
from labelkit.active import QueueItem, select
from labelkit.annotations import Annotation, AnnotationStore, read_answers, write_queue
from labelkit.errors import AnswerError, UsageError, named, visible
from labelkit.files import atomic_write, timestamp
from labelkit.label_models import Posterior
from labelkit.lineage import Run, RunStore
from labelkit.matrix import LabelMatrix
from labelkit.pipeline.current import current_run, current_run_record, rows_by_id
from labelkit.pipeline.truth import has_answers
from labelkit.project import TRAIN, ProjectFolder
from labelkit.records import open_records


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

    Asked are records of split train (all, where the project has no split) that nobody has answered and that this
    annotator has not skipped.
    """
    current = current_run(project)
    done = frozenset[str]()
    if has_answers(project):
        store = AnnotationStore.open(project.store_url)
        done = frozenset(store.answers()) | (store.asked(annotator) if annotator else frozenset())
    open_to_people = _trainable(project, current.votes.ids)
    votes, posterior = _part(current.votes, current.posterior, open_to_people)
    return select(
        posterior,
        votes,
        n=n,
        strategy=strategy or project.settings.annotate.strategy,
        exclude=done,
        seed=project.settings.model.seed if seed is None else seed,
    )


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
    project: ProjectFolder, *, annotator: str, strategy: str | None = None, budget: int | None = None
) -> AnnotateReport:
    """Ask one person at this terminal."""
    from labelkit.ui.terminal import annotate_in_terminal

    started, limit = timestamp(), budget or project.settings.annotate.budget
    items = queue(project, limit, strategy=strategy, annotator=annotator)
    if not items:
        raise UsageError("there is nothing to ask: every record of this queue is answered; try another --strategy")
    session = annotate_in_terminal(
        items,
        _fields_of(project, items),
        AnnotationStore.open(project.store_url),
        project.settings.project.classes,
        annotator,
        limit,
    )
    counts = {
        "asked": len(items),
        "labelled": session.answered,
        "skipped": session.skipped,
        "undone": session.undone,
    }
    return _recorded(project, started, {"annotator": annotator, "strategy": items[0].strategy}, counts)


def export_queue(
    project: ProjectFolder, n: int, out: Path, *, annotator: str, strategy: str | None = None
) -> AnnotateReport:
    """Write the next n questions as JSON lines, to be answered elsewhere."""
    started = timestamp()
    items = queue(project, n, strategy=strategy, annotator=annotator)
    with atomic_write(out) as file:
        write_queue(items, file, _fields_of(project, items))
    counts = {"asked": len(items), "labelled": 0, "skipped": 0, "undone": 0}
    return _recorded(project, started, {"annotator": annotator, "strategy": strategy or ""}, counts)


def import_answers(project: ProjectFolder, path: Path, *, annotator: str) -> AnnotateReport:
    """Store the answers of a JSON lines file, all of them or none. The same file again stores nothing twice."""
    started = timestamp()
    data = project.settings.data
    known = set(open_records(project).to_table([]).column(data.id).to_pylist())
    answers = read_answers(path, project.settings.project.classes, known, annotator)
    AnnotationStore.open(project.store_url).add_all(answers)
    skipped = sum(item.label is None for item in answers)
    counts = {"asked": 0, "labelled": len(answers) - skipped, "skipped": skipped, "undone": 0}
    return _recorded(project, started, {"annotator": annotator, "strategy": "file"}, counts)


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


def _fields_of(project: ProjectFolder, items: Sequence[QueueItem]) -> Callable[[str], Mapping[str, object]]:
    rows = rows_by_id(open_records(project), [item.record for item in items], project.settings.data.fields)

    def fields_of(record: str) -> Mapping[str, object]:
        if record not in rows:
            raise AnswerError(f'record "{visible(record)}" is no longer in the data; run `labelkit apply` again')
        return rows[record]

    return fields_of
