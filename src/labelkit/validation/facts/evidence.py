"""What facts are computed from: the files of a project as they are, and what several facts share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from labelkit.matrix import LabelMatrix
from labelkit.records.vectors import VectorError, is_vectors, vectors_of
from labelkit.validation.texts import same_text_groups, texts_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from labelkit.annotations.agreement import RatingTable
    from labelkit.validation.profile import Profile


def _unknown() -> None:
    """Nothing is known."""


@dataclass(frozen=True)
class RunFacts:
    """The run that wrote labels.parquet, compared with what is on disk now. None means: could not be told."""

    run: str | None = None  # id of the run that labels.parquet names
    run_recorded: bool = False  # there is a record of it
    labels_match: bool = False  # labels.parquet has the SHA-256 that the run recorded
    data_match: bool = False  # so have the records
    functions_changed: str | None = None  # which functions or files were changed, added or removed since; "" for none
    model_changed: str | None = None  # what of the label model was changed since; "" for nothing
    settings_changed: str | None = None  # which settings were changed since; "" for none
    faults: int | None = None  # cells that functions failed to fill
    max_faults: int | None = None  # how many the project allows
    answers_newer: int | None = None  # people's answers that came after the run
    parents_missing: str | None = None  # runs it stands on that have no record; "" for none
    versions_missing: str | None = None  # libraries whose version it does not name; "" for none
    records: int | None = None  # records it read
    labelled: int | None = None  # records it labelled


@dataclass(frozen=True)
class Evidence:
    """Everything that facts are computed from. What is costly to get is a function, called when a suite reads it."""

    records: pa.Table  # named columns of the records: id, fields, gold, split, metadata; in record order
    labels: pa.Table  # labels.parquet, damaged or not
    classes: tuple[str, ...]
    id: str  # name of the records' id column
    fields: tuple[str, ...]  # the columns that labeling functions see
    answers: Mapping[str, int] = field(default_factory=dict)  # record id -> class index that people settled on
    votes: LabelMatrix | None = None
    run: RunFacts = RunFacts()
    gold: str | None = None  # name of the column of gold classes
    split: str | None = None  # name of the split column
    metadata: tuple[str, ...] = ()  # columns that nobody labels by: where a record is from, when, by whom
    reference: Profile | None = None  # what fields and labels looked like when all was well
    model_labels: Callable[[], pa.Table | None] = _unknown  # columns id and label: what the model says, answers aside
    previous: Callable[[], pa.Table | None] = _unknown  # the same of the run before
    slices: Callable[[], LabelMatrix | None] = _unknown  # (n, s): 1 where a slicing function says that a record is in
    augmented: Callable[[], pa.Table | None] = _unknown  # the file of augmented records
    ratings: Callable[[], RatingTable | None] = _unknown  # each person's latest label of each record
    seed: int = 0

    @cached_property
    def record_ids(self) -> pa.Array:
        """(rows of records,) string."""
        return texts_of(self.records, self.id)

    @cached_property
    def label(self) -> pa.Array:
        """(rows of labels,) string: class names as they stand in the file."""
        return texts_of(self.labels, "label")

    @cached_property
    def label_codes(self) -> NDArray[np.int64]:
        """(rows of labels,) int64: a number per different label, -1 without one. A typo has a number of its own."""
        import pyarrow.compute as pc

        codes = pc.fill_null(self.label.dictionary_encode().indices, -1)
        return np.asarray(codes.to_numpy(), dtype=np.int64)

    @cached_property
    def place(self) -> NDArray[np.int64]:
        """(rows of labels,) int64: row of each label's record among the records, -1 when there is no such record."""
        import pyarrow.compute as pc

        ids, known = texts_of(self.labels, "id"), self.record_ids
        n = min(len(ids), len(known))
        aligned = pc.fill_null(pc.equal(ids[:n], known[:n]), fill_value=False)
        if len(ids) == len(known) and pc.all(aligned).as_py() and known.null_count == 0:
            return np.arange(n)  # the usual case: no table of a million ids is needed
        return places(ids, known)

    @cached_property
    def record_labels(self) -> NDArray[np.int64]:
        """(rows of records,) int64: number of each record's label as in `label_codes`, -1 without one."""
        codes = np.full(self.records.num_rows, -1, dtype=np.int64)
        known = self.place >= 0
        codes[self.place[known]] = self.label_codes[known]
        return codes

    @cached_property
    def same_text(self) -> NDArray[np.int64] | None:
        """(rows of records,) int64: records of the same normalised text have the same number; None without fields."""
        return same_text_groups(self.records, self.fields)

    @cached_property
    def near_text(self) -> NDArray[np.int64] | None:
        """(rows of records,) int64: near-duplicates have the same number; None without a text field."""
        from labelkit.validation.near import near_text_groups

        return near_text_groups(self.records, self.fields)

    @cached_property
    def near_embedding(self) -> NDArray[np.int64] | None:
        """(rows of records,) int64: records with like embeddings have the same number; None without an embedding.

        Of several fields that are embeddings the first counts; one that is none like the others tells nothing.
        """
        from labelkit.validation.alike import near_vector_groups

        once = [name for name in self.fields if self.records.schema.names.count(name) == 1]
        fields = [name for name in once if is_vectors(self.records.schema.field(name).type)]
        try:
            return near_vector_groups(vectors_of(self.records.column(fields[0]))[0]) if fields else None
        except VectorError:
            return None


def places(ids: pa.Array, known: pa.Array) -> NDArray[np.int64]:
    """(n,) int64: index of each id in `known`, the first of several; -1 where it is null or not among them."""
    import pyarrow.compute as pc

    found = pc.fill_null(pc.index_in(ids, value_set=known, skip_nulls=True), -1)
    return np.asarray(found.to_numpy(), dtype=np.int64)
