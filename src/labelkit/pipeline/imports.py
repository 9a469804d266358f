"""`import`: answers that people gave in another tool."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labelkit.annotations.annotation import Annotation, Answer, check_answer, utc
from labelkit.annotations.label_sets import set_in, set_text
from labelkit.errors import AnswerError, UsageError, listed, named, visible
from labelkit.exchange import About, Item, Losses, Opinion, format_of
from labelkit.exchange.items import as_text
from labelkit.files import timestamp
from labelkit.lineage import hash_file, hash_json
from labelkit.pipeline.annotate import AnnotateReport, stored
from labelkit.pipeline.events import announced
from labelkit.pipeline.truth import has_answers, store_of
from labelkit.project import ProjectFolder
from labelkit.records import open_records


@dataclass(frozen=True)
class ImportReport:
    """What was read of a file, and what was not."""

    format: str
    items: int  # tasks, lines or records in the file
    losses: Losses
    answers: AnnotateReport | None = None  # what was stored; None when records were written instead
    records: str = ""  # the file of records that was written

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        answers = None if self.answers is None else self.answers.to_json()
        return {**vars(self), "losses": self.losses.to_json(), "answers": answers}

    def __str__(self) -> str:
        if self.answers is None:
            return f"{self.items:,} records written to {visible(self.records)}"
        labelled, skipped = self.answers.labelled, self.answers.skipped
        return f"{labelled:,} answers and {skipped:,} skips stored of {self.items:,} items"


@announced("annotate")
def import_from(
    project: ProjectFolder,
    path: Path,
    format: str,  # noqa: A002  the word of the command line
    *,
    annotator: str,
    by: str = "",
) -> ImportReport:
    """Store the answers in a file of another tool, all of them or none; the same file again stores nothing twice.

    A record is found by its id, or, with `by`, by the value of that field, which has to be of one record only.
    `annotator` is who answered where the file does not say it.

    Raises AnswerError listing, place by place, records that are not there and classes that the project does not have.
    """
    started, losses, data = timestamp(), Losses(), project.settings.data
    if by and by not in data.fields:
        raise UsageError(f'no field "{visible(by)}"; fields are {named(data.fields)}')
    about = About(
        name=project.settings.project.name,
        classes=tuple(project.settings.project.classes),
        fields=tuple(data.fields),
        id=data.id,
        text=by,
        split=data.split or "",
        gold=data.gold or "",
        several=project.multilabel,
        separator=data.separator,
    )
    known, count = _Known(project, by), 0
    answers: list[Answer] = []
    problems: list[str] = []
    for item in format_of(format).read(path, about, losses):
        count += 1
        if item.model_labels is not None:
            losses.add("predictions of a model", item.id or item.place, "answers are of people; see --records")
        try:
            answers += _answers(item, known, about, format, annotator, losses)
        except AnswerError as error:
            problems.append(f"{item.place}: {error}")
    if problems:
        raise AnswerError(listed(problems))
    parameters = {"annotator": annotator, "strategy": format}
    given = _as_kept(project, _distinct(answers))
    report = stored(project, started, given, parameters, asked=0, inputs={"file": _hash(path)})
    return ImportReport(format, count, losses, report)


def _hash(path: Path) -> str:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return hash_json([hash_file(file) for file in files if file.is_file()])


class _Known:
    """The ids of the records, and which record a value of a field names."""

    def __init__(self, project: ProjectFolder, by: str) -> None:
        data = project.settings.data
        table = open_records(project).to_table([by] if by else [])
        self.ids = frozenset(table.column(data.id).to_pylist())
        values = [as_text(value) for value in table.column(by).to_pylist()] if by else []
        self._times = Counter(values)
        self._by = by
        self._ids: dict[str, str] = dict(zip(values, table.column(data.id).to_pylist(), strict=False))

    def record(self, item: Item) -> str:
        """Id of the record that an item is about. Raises AnswerError when there is none, or more than one."""
        if item.id in self.ids:
            return item.id
        if not self._by:
            what = f'no record has the id "{visible(item.id[:80])}"' if item.id else "the file names no record"
            raise AnswerError(f"{what}; say with --by which field tells records apart")
        times = self._times[as_text(item.fields.get(self._by))]
        if times != 1:
            raise AnswerError(f'{times or "no"} records have this text in field "{visible(self._by)}"')
        return self._ids[as_text(item.fields.get(self._by))]


def _answers(
    item: Item,
    known: _Known,
    about: About,
    format: str,  # noqa: A002
    annotator: str,
    losses: Losses,
) -> Iterator[Answer]:
    """The item's answers on their way to the store."""
    if not item.opinions:
        return
    record = known.record(item)
    for opinion in item.opinions:
        who, label = opinion.annotator or annotator, _label(opinion, about)
        said = _said(label, several=about.several)
        again = hash_json([format, who, record, said, opinion.time])[:32]
        answer = Answer(
            record,
            label,
            who,
            opinion.strategy or format,
            opinion.operation or f"{format}-{again}",
            opinion.role,
            utc(opinion.time) or "",
        )
        if opinion.time and not answer.time:
            losses.add("times of answers", record, "they are no time with its zone; the time of the import stands")
        check_answer(answer)
        yield answer


def _label(opinion: Opinion, about: About) -> str | None:
    """What the store keeps of an opinion: a class or, of several, the text of the set. Raises AnswerError."""
    for name in opinion.labels or ():
        if name not in about.classes:
            near = difflib.get_close_matches(name, about.classes, n=1)
            hint = f'did you mean "{visible(near[0])}"?' if near else f"classes are {named(about.classes)}"
            raise AnswerError(f'no class "{visible(name[:80])}"; {hint}')
    if opinion.labels is None or not about.several:
        return opinion.label
    asked = [name for name in about.classes if name not in opinion.undecided or name in opinion.labels]
    if not asked:
        raise AnswerError(f"the answer says nothing of the project's classes, which are {named(about.classes)}")
    return set_text(opinion.labels, asked)


def _distinct(answers: Iterable[Answer]) -> list[Answer]:
    """The answers without repetitions. Raises AnswerError when one operation stands for two."""
    kept: dict[str, Answer] = {}
    for answer in answers:
        if kept.setdefault(answer.operation, answer) != answer:
            raise AnswerError(f'operation "{visible(answer.operation[:80])}" stands for two different answers')
    return list(kept.values())


def _as_kept(project: ProjectFolder, answers: list[Answer]) -> list[Answer]:
    """The answers; those that went out of this very store and came home as they are there.

    A tool forgets who skipped, and names whoever took the file in; classes may stand in another order by now.
    """
    kept = {entry.operation: entry for entry in store_of(project).history()} if has_answers(project) else {}
    return [_as_entered(answer, kept.get(answer.operation), several=project.multilabel) for answer in answers]


def _as_entered(answer: Answer, entry: Annotation | None, *, several: bool) -> Answer:
    if entry is None or (entry.record, entry.kind) != (answer.record, answer.kind):
        return answer
    if _said(entry.label, several=several) != _said(answer.label, several=several):
        return answer
    return replace(answer, label=entry.label, annotator=entry.annotator, role=entry.role)


def _said(label: str | None, *, several: bool) -> object:
    """What a label says, whatever the order in which it names classes."""
    return sorted(set_in(label).items()) if several and label is not None else label
