"""What is known to be true of the records: gold labels and people's answers, and which records a figure may use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import AnswerError, DataError, named, visible
from labelkit.lineage import hash_json
from labelkit.matrix import wilson_interval
from labelkit.project import DEV, ProjectFolder
from labelkit.records import Records

if TYPE_CHECKING:
    import pyarrow as pa

    from labelkit.annotations import Annotation, AnnotationStore


@dataclass(frozen=True)
class Answered:
    """What people said, as it stands."""

    labels: Mapping[str, int]  # record id -> class index
    fingerprint: str
    sequence: int  # of the last entry in the store

    @cached_property
    def _ids(self) -> pa.Array:
        import pyarrow as pa

        return pa.array(list(self.labels), pa.string())

    @cached_property
    def _indices(self) -> NDArray[np.int64]:
        return np.array([*self.labels.values(), -1], dtype=np.int64)  # the last for records without an answer

    def of(self, ids: pa.Array) -> NDArray[np.int64]:
        """(n,) int64: the class index that people settled on for each id, or -1."""
        import pyarrow.compute as pc

        if not self.labels:
            return np.full(len(ids), -1, dtype=np.int64)
        places = pc.fill_null(pc.index_in(ids, value_set=self._ids), len(self.labels))
        return np.asarray(self._indices[places.to_numpy(zero_copy_only=False)])


def read_answers(project: ProjectFolder, *, until: int | None = None) -> Answered:
    """Standing answers of people. A project that nobody annotated has none, and no store is created.

    With `until`, what stood after the entry of that sequence.
    """
    if not has_answers(project):
        return Answered({}, "", 0)
    store = store_of(project)
    sequence = store.last_sequence  # before the answers: one that comes between is counted as newer, never lost
    classes = project.settings.project.classes
    answers = store.answers() if until is None else stood(store.history(), until)
    standing = {record: str(answer.label) for record, answer in answers.items()}
    unknown = sorted({label for label in standing.values() if label not in classes})
    if unknown:
        _check_no_sets(unknown)
        raise AnswerError(
            f"people answered {named(unknown)}, which [project] classes does not list "
            f"({named(classes)}); add the class again, or undo these answers"
        )
    indices = {record: classes.index(label) for record, label in standing.items()}
    return Answered(indices, hash_json(sorted(standing.items())), sequence if until is None else until)


def _check_no_sets(labels: Iterable[str]) -> None:
    """Raise AnswerError for an answer of a project whose records have several classes: no class can be added for it."""
    from labelkit.annotations.label_sets import OTHER_KIND, set_in

    for label in labels:
        try:
            set_in(label)
        except AnswerError:
            continue
        raise AnswerError(f"people answered with sets of classes, such as {visible(label[:80])}; {OTHER_KIND}")


def stood(history: Iterable[Annotation], until: int) -> dict[str, Annotation]:
    """The answers that stood after the entry of sequence `until`; the store only appends, so that it can tell."""
    from labelkit.annotations.annotation import standing

    return standing(entry for entry in history if entry.sequence <= until)


def store_of(project: ProjectFolder) -> AnnotationStore:
    """The store of people's answers; that of one class of a multi-label project shows what they say of it."""
    from labelkit.annotations import AnnotationStore

    store = AnnotationStore.open(project.store_url)
    return store if project.of_class is None else store.about(project.of_class)


def has_answers(project: ProjectFolder) -> bool:
    """Whether there is a store of answers; asking creates none."""
    return project.settings.store.url is not None or (project.shared_state / "annotations.db").exists()


class Yardstick:
    """What labels are compared with: gold outside split dev, or people's answers where the project has no gold."""

    def __init__(self, project: ProjectFolder, records: Records, answers: Answered) -> None:
        data = project.settings.data
        self._gold, self._split, self._answers = data.gold, data.split, answers
        self._records, self._classes = records, tuple(project.settings.project.classes)
        self.seen_dev = False  # whether a record of split dev was left out

    def of(self, ids: pa.Array, others: pa.RecordBatch, answered: NDArray[np.int64], first: int) -> NDArray[np.int64]:
        """(n,) int64 class index of the chunk's records, or -1 where nothing is known or the record may not be used.

        `others` holds the gold and split columns, `answered` what people said; `first` is the first record's index.
        """
        if self._gold is None:
            return answered
        truth = self._gold_indices(others.column(self._gold), first)
        if self._split is not None:
            dev = _equals(others.column(self._split), DEV)
            self.seen_dev = self.seen_dev or bool(dev.any())
            truth[dev] = -1
        truth[answered >= 0] = -1
        return truth

    @property
    def basis(self) -> str:
        """What the comparison is with, in words."""
        if self._gold is None:
            return f"answers of people ({len(self._answers.labels):,})"
        outside = f" outside split {DEV}" if self.seen_dev else ""
        return f"gold{outside}" + (" of records nobody was asked about" if self._answers.labels else "")

    def _gold_indices(self, column: pa.Array, first: int) -> NDArray[np.int64]:
        """Class names and class indices as int64; null and empty are -1."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_large_string(column.type):
            known = pa.array([*self._classes, ""], column.type)
            places = pc.index_in(column, value_set=known, skip_nulls=True)
            strange = pc.and_(pc.is_null(places), pc.is_valid(column))
            indices = pc.fill_null(places, -1).to_numpy(zero_copy_only=False).astype(np.int64)
            indices[indices == len(self._classes)] = -1
        elif pa.types.is_integer(column.type):
            indices = pc.fill_null(column, -1).to_numpy(zero_copy_only=False).astype(np.int64)
            strange = pa.array(
                ((indices < 0) & pc.is_valid(column).to_numpy(zero_copy_only=False)) | (indices >= len(self._classes))
            )
        else:
            indices, strange = np.full(len(column), -1), pc.is_valid(column)
        at = pc.index(strange, value=True).as_py()
        if at >= 0:
            self._refuse(first + at, column[at].as_py())
        return np.asarray(indices)

    def _refuse(self, index: int, value: Any) -> None:
        source = self._records.source
        raise DataError(
            f'{source.name}: {source.places([index])[0]}, column "{visible(str(self._gold))}": '
            f"{visible(repr(value)[:60])} is no class; classes are {named(self._classes)}"
        )


def _equals(column: pa.Array, value: str) -> NDArray[np.bool_]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_large_string(column.type):
        return np.zeros(len(column), dtype=bool)
    return np.asarray(pc.fill_null(pc.equal(column, value), fill_value=False).to_numpy(zero_copy_only=False))


@dataclass(frozen=True)
class Agreement:
    """How often a source of labels is right."""

    name: str
    records: int
    accuracy: float  # a tie between t classes, the right one among them, counts 1 / t
    interval: tuple[float, float]  # 95 %, Wilson


@dataclass
class Tally:
    """Counts what `Agreement` divides, chunk by chunk."""

    name: str
    records: int = 0
    credit: float = 0.0

    def add(self, probs: NDArray[np.float64], covered: NDArray[np.bool_], truth: NDArray[np.int64]) -> None:
        """Compare (n, k) probabilities with (n,) truths, on records that have a vote and a known truth."""
        judged = covered & (truth >= 0)
        chosen, right = probs[judged], truth[judged]
        best = chosen >= chosen.max(axis=1, initial=0, keepdims=True) - 1e-9
        self.records += len(right)
        self.credit += float((best[np.arange(len(right)), right] / best.sum(axis=1)).sum())

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.name, self.records + other.records, self.credit + other.credit)

    def agreement(self) -> Agreement | None:
        """The accuracy with its interval; None when nothing could be compared."""
        if not self.records:
            return None
        interval = wilson_interval(round(self.credit), self.records)
        return Agreement(self.name, self.records, self.credit / self.records, interval)
