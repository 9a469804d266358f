"""`annotate`: ask people about the records where an answer is worth most, and keep every answer."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelkit.active.progress import Progress
from labelkit.annotations import Annotation, read_answers, write_queue
from labelkit.annotations.annotation import Answer, Role
from labelkit.annotations.label_sets import checked_label
from labelkit.files import atomic_write, timestamp
from labelkit.lineage import Run, hash_file, versions_of
from labelkit.pipeline.drawn import asking
from labelkit.pipeline.events import announced
from labelkit.pipeline.questions import Rows, queue, strategy_of
from labelkit.pipeline.recording import keep_run, run_store
from labelkit.pipeline.runs import current_id
from labelkit.pipeline.truth import has_answers, store_of
from labelkit.project import ProjectFolder
from labelkit.records import open_records
from labelkit.settings import EngineSection


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

    def __str__(self) -> str:
        undone = f", took back {self.undone:,}" if self.undone else ""
        return f"stored {self.labelled:,} answers and {self.skipped:,} skips{undone}; `labelkit apply` uses them"


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
    if label is not None:
        checked_label(label, project.settings.project.classes, several=project.multilabel)
    store = store_of(project)
    return store.add(record, label, annotator, strategy, operation or secrets.token_hex(16))


@announced("annotate")
def annotate_at_terminal(
    project: ProjectFolder,
    *,
    annotator: str,
    strategy: str | None = None,
    budget: int | None = None,
    adjudicate: bool = False,
    engine: EngineSection | None = None,
) -> AnnotateReport:
    """Ask one person at this terminal; others may do the same at theirs, and nobody gets the same record twice.

    With `adjudicate` the person decides what others disagree on.
    """
    from labelkit.pipeline.sessions import Sessions
    from labelkit.ui.terminal import annotate_in_terminal

    started = timestamp()
    with (
        asking(project, engine, strategy_of(project, strategy), annotator=annotator) as asked,
        Sessions(asked, strategy=strategy, adjudicate=adjudicate) as sessions,
        sessions.open(annotator, budget=budget) as session,
    ):
        progress = annotate_in_terminal(session, keys=project.settings.annotate.keys)
    return recorded_session(project, started, annotator, sessions.strategy, sessions.role, progress)


def recorded_session(
    project: ProjectFolder, started: str, annotator: str, strategy: str, role: Role, progress: Progress
) -> AnnotateReport:
    """Write the run record of one person's session, whatever asked them."""
    counts = {
        "asked": progress.answered + progress.skipped,
        "labelled": progress.answered,
        "skipped": progress.skipped,
        "undone": progress.undone,
    }
    return recorded(project, started, {"annotator": annotator, "strategy": strategy, "role": role}, counts)


@announced("annotate")
def export_queue(
    project: ProjectFolder,
    n: int,
    out: Path,
    *,
    annotator: str,
    strategy: str | None = None,
    engine: EngineSection | None = None,
) -> AnnotateReport:
    """Write the next n questions as JSON lines, to be answered elsewhere."""
    started = timestamp()
    of_classes = project.settings.project.classes if project.multilabel else ()
    with asking(project, engine, strategy_of(project, strategy), n=n, annotator=annotator) as asked:
        items = queue(asked, n, strategy=strategy, annotator=annotator)
        rows = Rows(asked, iter(items))
        with atomic_write(out) as file:
            write_queue(rows, file, rows.fields_of, of_classes=of_classes)
    counts = {"asked": len(items), "labelled": 0, "skipped": 0, "undone": 0}
    parameters = {"annotator": annotator, "strategy": strategy or ""}
    return recorded(project, started, parameters, counts, outputs={out.name: hash_file(out)})


@announced("annotate")
def import_answers(project: ProjectFolder, path: Path, *, annotator: str) -> AnnotateReport:
    """Store the answers of a JSON lines file, all of them or none. The same file again stores nothing twice."""
    started = timestamp()
    data = project.settings.data
    known = set(open_records(project).to_table([]).column(data.id).to_pylist())
    classes = project.settings.project.classes
    answers = read_answers(path, classes, known, annotator, several=project.multilabel)
    parameters = {"annotator": annotator, "strategy": "file"}
    return stored(project, started, answers, parameters, asked=0, inputs={"file": hash_file(path)})


def stored(
    project: ProjectFolder,
    started: str,
    answers: Sequence[Answer],
    parameters: Mapping[str, str],
    *,
    asked: int,
    inputs: Mapping[str, str] | None = None,
) -> AnnotateReport:
    """Store answers that were given elsewhere, all or none, and record the session."""
    store_of(project).add_all(answers)
    skipped = sum(item.label is None for item in answers)
    counts = {"asked": asked, "labelled": len(answers) - skipped, "skipped": skipped, "undone": 0}
    return recorded(project, started, parameters, counts, inputs=inputs)


def recorded(
    project: ProjectFolder,
    started: str,
    parameters: Mapping[str, str],
    counts: Mapping[str, int],
    *,
    inputs: Mapping[str, str] | None = None,
    outputs: Mapping[str, str] | None = None,
) -> AnnotateReport:
    """Write the run record of a session. Its id is random: what people say is not determined by what went in."""
    sequence = store_of(project).last_sequence if has_answers(project) else 0
    current = current_id(project)
    run = Run(
        verb="annotate",
        inputs=inputs or {},
        parameters=dict(parameters),
        versions=versions_of(("modAL-python",)),
        outputs=outputs or {},
        counts={**counts, "last_sequence": sequence},
        parents=(current,) if current and run_store(project).exists(current) else (),
        started=started,
        id=secrets.token_hex(8),
    )
    keep_run(project, run)
    return AnnotateReport(run.id, counts["asked"], counts["labelled"], counts["skipped"], counts["undone"])
