"""`export`: records, labels, answers and votes as a file of another tool.

A file for training is written only of labels that passed the gate. What the tool's format cannot hold is counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from labelkit.annotations.annotation import LABEL, SKIP, Annotation, not_undone, opinions, standing
from labelkit.errors import AnswerIsNo, ArtifactError, UsageError, named, visible
from labelkit.exchange import About, Item, Losses, Opinion, Vote, format_of
from labelkit.files import timestamp
from labelkit.label_models import labels_content, run_of
from labelkit.label_models.labels import NONE, probability_column
from labelkit.lineage import Run, hash_file, hash_json, versions_of
from labelkit.matrix import FAULT, LabelMatrix
from labelkit.pipeline.current import check_as_written, kept_votes
from labelkit.pipeline.events import announced
from labelkit.pipeline.recording import keep_run, run_store
from labelkit.pipeline.truth import has_answers, store_of
from labelkit.pipeline.verify import verify
from labelkit.project import ProjectFolder
from labelkit.records import open_records

if TYPE_CHECKING:
    import pyarrow as pa

Which = Literal["all", "labelled", "human"]


@dataclass(frozen=True)
class ExportReport:
    """What was written, and what was not."""

    run: str
    format: str
    path: str
    written: int  # records, or rows of votes, or tasks
    losses: Losses
    labeling_interface: str = ""  # to paste into Label Studio

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**vars(self), "losses": self.losses.to_json()}

    def __str__(self) -> str:
        return f"{self.written:,} written to {visible(self.path)} (run {self.run})"


@announced("export")
def export(
    project: ProjectFolder,
    path: Path,
    format: str,  # noqa: A002  the word of the command line
    *,
    which: Which = "all",
    text: str = "",
    unchecked: bool = False,
) -> ExportReport:
    """Write the project's records for another tool.

    `which` is "all" records, those with a label ("labelled") or with an answer of a person ("human"); `text` names the
    field that is the text, for tools that know one. Formats for training are refused (AnswerIsNo) unless labels.parquet
    passed the gate as it is, or `unchecked` says that this does not matter.
    """
    kind, losses, started = format_of(format), Losses(), timestamp()
    if not str(path.name).endswith(kind.endings):
        raise UsageError(f"{visible(str(path))}: a file of {kind.title} ends in {named(kind.endings)}")
    if kind.trains and not unchecked:
        _check_gate(project)
    sheet = _Sheet(project, text, judged=kind.trains)
    items = (item for item in sheet.items() if _wanted(item, which))
    written = kind.write(items, path, sheet.about, losses)
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    run = Run(
        verb="export",
        inputs=sheet.inputs(),
        parameters={"format": format, "which": which, "text": text, "unchecked": unchecked and kind.trains},
        versions=versions_of(("pyarrow",)),
        outputs={file.name: hash_file(file) for file in files},
        counts={"written": written, "lost": dict(losses.counts)},
        parents=(sheet.about.run,) if run_store(project).exists(sheet.about.run) else (),
    )
    kept = keep_run(project, run, started=started)
    return ExportReport(kept.id, format, str(path), written, losses, _interface(format, sheet.about))


def _check_gate(project: ProjectFolder) -> None:
    verified = verify(project)
    if not verified.verified:
        raise AnswerIsNo(
            f"this format is for training, and the labels have not passed the gate: {verified.reasons[0]}; "
            "or say --unchecked"
        )


def _interface(format: str, about: About) -> str:  # noqa: A002
    from labelkit.exchange.label_studio import labeling_interface

    return labeling_interface(about) if format == "label-studio" else ""


def _wanted(item: Item, which: Which) -> bool:
    if which == "human":
        return any(opinion.label is not None for opinion in item.opinions)
    return which == "all" or item.label is not None


class _Sheet:
    """A project's records with their labels, answers and votes, one at a time."""

    def __init__(self, project: ProjectFolder, text: str, *, judged: bool) -> None:
        """Open everything; `judged` takes labels as they passed the gate, without answers that came since."""
        self._records = open_records(project, project.settings.data.metadata)
        content = labels_content(project.labels_path) if project.labels_path.exists() else None
        self.labels = None if content is None else content.table()
        self._hash = "" if content is None else content.sha256
        run = _run_of(project, self.labels)
        if run is not None:
            check_as_written(project, run, project.labels_path, self._hash)
        self._votes = _votes_of(project, run)
        self._versions = {} if run is None else dict(run.inputs.get("functions", {}))
        self._history = _history(project)
        self._standing = {} if judged else standing(self._history)
        data, classes = project.settings.data, tuple(project.settings.project.classes)
        self.about = About(
            name=project.settings.project.name,
            classes=classes,
            fields=tuple(data.fields),
            id=data.id,
            functions=() if self._votes is None else self._votes.names,
            text=text,
            run="" if run is None else run.id,
            split=data.split or "",
            gold=data.gold or "",
            schema=self._schema(),
        )

    def _schema(self) -> pa.Schema:
        first = next(self._records.batches(), None)
        return self._records.to_table().schema if first is None else first.schema

    def inputs(self) -> dict[str, str]:
        """Hashes of what goes out: the labels and the answers."""
        labels = {"labels": self._hash} if self._hash else {}
        return labels | {"answers": hash_json([[entry.operation, entry.label] for entry in self._history])}

    def items(self) -> Iterator[Item]:
        """The items, in record order. Raises ArtifactError when labels.parquet is of other records."""
        said: defaultdict[str, list[Opinion]] = defaultdict(list)
        for entry in self._history:
            said[entry.record].append(_opinion(entry))
        first = 0
        for batch in self._records.batches():
            self._check_same(batch.column(0), first)
            labels = None if self.labels is None else self.labels.slice(first, batch.num_rows).to_pylist()
            for i, row in enumerate(batch.to_pylist()):
                yield self._item(row, {} if labels is None else labels[i], first + i, tuple(said[row[self.about.id]]))
            first += batch.num_rows

    def _check_same(self, ids: pa.Array, first: int) -> None:
        tables = [] if self.labels is None else [self.labels.column("id")]
        tables += [] if self._votes is None else [self._votes.ids]
        if any(column.slice(first, len(ids)).to_pylist() != ids.to_pylist() for column in tables):
            raise ArtifactError("labels.parquet is of other records than [data] path; run `labelkit apply` again")

    def _item(self, row: Mapping[str, Any], label: Mapping[str, Any], index: int, said: tuple[Opinion, ...]) -> Item:
        about = self.about
        fields = {name: row[name] for name in about.fields}
        metadata = {name: value for name, value in row.items() if name != about.id and name not in fields}
        votes = tuple(self._votes_on(index))
        answer = self._standing.get(row[about.id])
        if answer is not None:
            probs = tuple(float(name == answer.label) for name in about.classes)
            return Item(row[about.id], fields, metadata, answer.label, 1.0, probs, "human", said, votes)
        if label.get("source", NONE) == NONE:
            return Item(row[about.id], fields, metadata, opinions=said, votes=votes)
        probs = tuple(label[probability_column(name)] for name in about.classes)
        who, confidence = label["source"], label["confidence"]
        return Item(row[about.id], fields, metadata, label["label"], confidence, probs, who, said, votes)

    def _votes_on(self, index: int) -> Iterator[Vote]:
        if self._votes is None:
            return
        cast = self._votes.votes[index]
        for j in np.flatnonzero((cast >= 0) | (cast == FAULT)):
            name = self._votes.names[j]
            label = None if cast[j] == FAULT else self.about.classes[cast[j]]
            yield Vote(name, "function", str(self._versions.get(name, "")), label)


def _run_of(project: ProjectFolder, labels: pa.Table | None) -> Run | None:
    """The run that made the labels, if its record is there."""
    name = None if labels is None else run_of(labels)
    store = run_store(project)
    return store.read(name) if name and store.exists(name) else None


def _votes_of(project: ProjectFolder, run: Run | None) -> LabelMatrix | None:
    """The votes behind the labels; those of older runs are thrown away some day."""
    if run is None or not (run_store(project).path(run.id) / "votes.arrow").exists():
        return None
    return kept_votes(project, run)


def _history(project: ProjectFolder) -> list[Annotation]:
    """What each person last said of each record, and what they skipped, oldest first."""
    if not has_answers(project):
        return []

    history = store_of(project).history()
    last = opinions(history)
    answered = {(entry.record, entry.annotator) for entry in last}
    skips = {(entry.record, entry.annotator): entry for entry in not_undone(history) if entry.kind == SKIP}
    kept = [*last, *(entry for key, entry in skips.items() if key not in answered)]
    return sorted(kept, key=lambda entry: entry.sequence)


def _opinion(entry: Annotation) -> Opinion:
    label = entry.label if entry.kind == LABEL else None
    return Opinion(label, entry.annotator, entry.time, entry.role, entry.strategy, entry.operation)
