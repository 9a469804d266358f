"""What `export` writes: a project's records with what functions, the label model and people say of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from labelkit.annotations.annotation import LABEL, SKIP, Annotation, not_undone, opinions, standing
from labelkit.errors import ArtifactError, named
from labelkit.exchange import About, Item, Opinion, Vote
from labelkit.label_models import labels_content, run_of
from labelkit.label_models.labels import NONE, probability_column
from labelkit.lineage import Run, hash_json
from labelkit.matrix import FAULT, LabelMatrix
from labelkit.pipeline.current import check_as_written, kept_votes
from labelkit.pipeline.recording import VOTES_FILE, run_store
from labelkit.pipeline.truth import has_answers, store_of
from labelkit.project import ProjectFolder
from labelkit.records import open_records

if TYPE_CHECKING:
    import pyarrow as pa


class Labelling(Protocol):
    """How a kind of project says what a record is."""

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of the functions that voted."""

    @property
    def ids(self) -> Sequence[pa.Array]:
        """The ids of the records, as each source of votes has them."""

    def told(self, item: Item, label: Mapping[str, Any], index: int) -> Item:
        """The item with labels, answers and votes; `label` is its row of labels.parquet, empty where there is none."""


class Sheet:
    """A project's records with their labels, answers and votes, one at a time."""

    def __init__(self, project: ProjectFolder, text: str, *, judged: bool) -> None:
        """Open everything; `judged` takes labels as they passed the gate, without answers that came since."""
        data = project.settings.data
        self._records = open_records(project, [*data.metadata, *data.gold_columns.values()])
        content = labels_content(project.labels_path) if project.labels_path.exists() else None
        self._labels = None if content is None else content.table()
        self._hash = "" if content is None else content.sha256
        run = _run_of(project, self._labels)
        if run is not None:
            check_as_written(project, run, project.labels_path, self._hash)
        self._history = store_of(project).history() if has_answers(project) else []
        self._labelling = _labelling(project, run, self._history, judged=judged)
        self.about = About(
            name=project.settings.project.name,
            classes=tuple(project.settings.project.classes),
            fields=tuple(data.fields),
            id=data.id,
            functions=self._labelling.functions,
            text=text,
            run="" if run is None else run.id,
            split=data.split or "",
            gold=data.gold or "",
            several=project.multilabel,
            separator=data.separator,
            schema=self._schema(),
        )

    def _schema(self) -> pa.Schema:
        first = next(self._records.batches(), None)
        return self._records.to_table().schema if first is None else first.schema

    def inputs(self) -> dict[str, str]:
        """Hashes of what goes out: the labels and the answers."""
        labels = {"labels": self._hash} if self._hash else {}
        said = [[entry.operation, entry.label] for entry in last_said(self._history)]
        return labels | {"answers": hash_json(said)}

    def items(self) -> Iterator[Item]:
        """The items, in record order. Raises ArtifactError when labels.parquet is of other records."""
        about, first = self.about, 0
        for batch in self._records.batches():
            self._check_same(batch.column(0), first)
            labels = None if self._labels is None else self._labels.slice(first, batch.num_rows).to_pylist()
            for i, row in enumerate(batch.to_pylist()):
                fields = {name: row[name] for name in about.fields}
                metadata = {name: value for name, value in row.items() if name != about.id and name not in fields}
                item = Item(row[about.id], fields, metadata)
                yield self._labelling.told(item, {} if labels is None else labels[i], first + i)
            first += batch.num_rows

    def _check_same(self, ids: pa.Array, first: int) -> None:
        tables = [] if self._labels is None else [self._labels.column("id")]
        tables += self._labelling.ids
        if any(column.slice(first, len(ids)).to_pylist() != ids.to_pylist() for column in tables):
            raise ArtifactError("labels.parquet is of other records than [data] path; run `labelkit apply` again")


def _run_of(project: ProjectFolder, labels: pa.Table | None) -> Run | None:
    """The run that made the labels, if its record is there."""
    name = None if labels is None else run_of(labels)
    store = run_store(project)
    return store.read(name) if name and store.exists(name) else None


def _labelling(project: ProjectFolder, run: Run | None, history: list[Annotation], *, judged: bool) -> Labelling:
    if project.multilabel:
        from labelkit.pipeline.multilabel.labelling import LabelSets

        return LabelSets(project, run, history, judged=judged)
    return OneLabel(project, run, history, judged=judged)


class OneLabel:
    """A record has one class."""

    def __init__(self, project: ProjectFolder, run: Run | None, history: list[Annotation], *, judged: bool) -> None:
        self._classes = tuple(project.settings.project.classes)
        self._cast = CastVotes(project, run)
        self._standing = {} if judged else standing(history)
        self._said: defaultdict[str, list[Opinion]] = defaultdict(list)
        for entry in last_said(history):
            self._said[entry.record].append(opinion_of(entry, None if entry.label is None else (entry.label,)))

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of the functions that voted."""
        return self._cast.names

    @property
    def ids(self) -> Sequence[pa.Array]:
        """The ids of the records that were voted on."""
        return self._cast.ids

    def told(self, item: Item, label: Mapping[str, Any], index: int) -> Item:
        """The item with the answer that stands, else with what the model says."""
        votes = tuple(self._cast.on(index, self._classes))
        item = replace(item, opinions=tuple(self._said.get(item.id, ())), votes=votes)
        answer = self._standing.get(item.id)
        if answer is not None:
            probs = tuple(float(name == answer.label) for name in self._classes)
            return replace(item, labels=(str(answer.label),), confidence=1.0, probs=probs, source="human")
        if label.get("source", NONE) == NONE:
            return item
        columns = [probability_column(name) for name in self._classes]
        if not label.keys() >= {*columns, "label", "confidence"}:
            missing = named(name for name in ("label", "confidence", *columns) if name not in label)
            raise ArtifactError(f"labels.parquet has no column {missing}; run `labelkit apply` again")
        return replace(
            item,
            labels=(label["label"],),
            confidence=label["confidence"],
            probs=tuple(label[name] for name in columns),
            source=label["source"],
        )


class CastVotes:
    """The votes behind labels, where they are still there: those of older runs are thrown away some day."""

    def __init__(self, project: ProjectFolder, run: Run | None, of_class: str = "") -> None:
        self._votes: LabelMatrix | None = None
        if run is not None and (run_store(project).path(run.id) / VOTES_FILE).exists():
            self._votes = kept_votes(project, run)
        self._versions = {} if run is None else dict(run.inputs.get("functions", {}))
        self._of_class = of_class

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the functions."""
        return () if self._votes is None else self._votes.names

    @property
    def ids(self) -> list[pa.Array]:
        """The ids of the records that they voted on."""
        return [] if self._votes is None else [self._votes.ids]

    def on(self, index: int, classes: Sequence[str]) -> Iterator[Vote]:
        """Who voted on a record, abstentions left out."""
        if self._votes is None:
            return
        cast = self._votes.votes[index]
        for j in np.flatnonzero((cast >= 0) | (cast == FAULT)):
            name = self._votes.names[j]
            label = None if cast[j] == FAULT else classes[cast[j]]
            yield Vote(name, "function", str(self._versions.get(name, "")), label, self._of_class)


def last_said(history: list[Annotation]) -> list[Annotation]:
    """What each person last said of each record, and what they skipped, oldest first."""
    last = opinions(history)
    answered = {(entry.record, entry.annotator) for entry in last}
    skips = {(entry.record, entry.annotator): entry for entry in not_undone(history) if entry.kind == SKIP}
    kept = [*last, *(entry for key, entry in skips.items() if key not in answered)]
    return sorted(kept, key=lambda entry: entry.sequence)


def opinion_of(entry: Annotation, labels: tuple[str, ...] | None) -> Opinion:
    """An entry of the store as other tools are told of it."""
    said = labels if entry.kind == LABEL else None
    return Opinion(said, entry.annotator, entry.time, entry.role, entry.strategy, entry.operation)
