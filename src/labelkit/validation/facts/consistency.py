"""Label consistency: labels against one another, against people, against the functions' votes, against the run before.

`model_label` is what the label model says with people's answers left aside: in labels.parquet an answer has replaced
the model's label, so that a comparison there would always be flawless.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit.label_models.labels import MODEL
from labelkit.validation.facts.evidence import Evidence, places
from labelkit.validation.facts.fact import Fact
from labelkit.validation.texts import labels_per_group, texts_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


def _same_text(evidence: Evidence) -> Mapping[str, Any]:
    return {"labels_of_same_text": _labels_of_group(evidence, evidence.same_text)}


def _near_text(evidence: Evidence) -> Mapping[str, Any]:
    return {"labels_of_near_text": _labels_of_group(evidence, evidence.near_text)}


def _near_embedding(evidence: Evidence) -> Mapping[str, Any]:
    return {"labels_of_near_embedding": _labels_of_group(evidence, evidence.near_embedding)}


def _labels_of_group(evidence: Evidence, groups: NDArray[np.int64] | None) -> pa.Array:
    """(rows of labels,) int64: how many different labels the group of each row's record carries, or null."""
    import pyarrow as pa

    place = evidence.place
    if groups is None or not len(groups):
        return pa.nulls(len(place), pa.int64())
    group = np.where(place >= 0, groups[place], -1)
    counts = labels_per_group(group, evidence.label_codes)
    return pa.array(np.append(counts, 0)[group], mask=group < 0)  # group -1 takes the 0 at the end, and is masked


def _people(evidence: Evidence) -> Mapping[str, Any]:
    import pyarrow.compute as pc

    human = human_labels(evidence)
    differs = pc.invert(pc.fill_null(pc.equal(human, evidence.label), fill_value=False))
    return {"human_label": human, "contradicts_people": pc.and_(pc.is_valid(human), differs).cast("int64")}


def human_labels(evidence: Evidence) -> pa.Array:
    """(rows of labels,) string: the class that people settled on, or null."""
    import pyarrow as pa

    answered = list(evidence.answers)
    row = places(texts_of(evidence.labels, "id"), pa.array(answered, pa.string()))
    names = pa.array([evidence.classes[evidence.answers[record]] for record in answered], pa.string())
    return names.take(pa.array(row, mask=row < 0))


def _model(evidence: Evidence) -> Mapping[str, Any]:
    import pyarrow.compute as pc

    model = labels_by_row(evidence, evidence.model_labels())
    return {"model_label": model, "model_agrees": pc.equal(model, human_labels(evidence)).cast("int64")}


def _flips(evidence: Evidence) -> Mapping[str, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    before = labels_by_row(evidence, evidence.previous())
    by_model = pc.fill_null(pc.equal(texts_of(evidence.labels, "source"), MODEL), fill_value=False)
    now = pc.if_else(by_model, evidence.label, pa.scalar(None, pa.string()))
    return {"previous_label": before, "flipped": pc.not_equal(now, before).cast("int64")}


def labels_by_row(evidence: Evidence, other: pa.Table | None) -> pa.Array:
    """(rows of labels,) string: the label that another table of ids and labels gives each row, or null."""
    import pyarrow as pa

    if other is None:
        return pa.nulls(evidence.labels.num_rows, pa.string())
    row = places(texts_of(evidence.labels, "id"), texts_of(other, "id"))
    return texts_of(other, "label").take(pa.array(row, mask=row < 0))


def _votes(evidence: Evidence) -> Mapping[str, Any]:
    """What the functions voted on each row's record; null where there are no votes on it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = ("voters", "abstained", "conflict", "reversed")
    if evidence.votes is None:
        return {name: pa.nulls(evidence.labels.num_rows, pa.int64()) for name in names}
    cells = evidence.votes.votes
    voters = (cells >= 0).sum(axis=1)
    highest = cells.max(axis=1, initial=-1)
    lowest = np.where(cells >= 0, cells, np.int8(127)).min(axis=1, initial=127)
    row = places(texts_of(evidence.labels, "id"), texts_of(pa.table({"id": evidence.votes.ids}), "id"))
    classes = pa.array(evidence.votes.classes, pa.string())
    own = pc.fill_null(pc.index_in(evidence.label, value_set=classes, skip_nulls=True), -1).to_numpy()
    by_model = pc.fill_null(pc.equal(texts_of(evidence.labels, "source"), MODEL), fill_value=False)
    judged = by_model.to_numpy(zero_copy_only=False) & (row >= 0)
    if not len(cells):
        return {name: pa.nulls(evidence.labels.num_rows, pa.int64()) for name in names}
    conflict = (highest != lowest) & (voters > 0)
    turned = (voters > 0)[row] & ~conflict[row] & (highest[row] != own)
    found = {
        "voters": pa.array(voters[row].astype(np.int64), mask=row < 0),
        "abstained": pa.array((voters == 0)[row].astype(np.int64), mask=row < 0),
        "conflict": pa.array(conflict[row].astype(np.int64), mask=row < 0),
        "reversed": pa.array(turned.astype(np.int64), mask=~judged),
    }
    return {name: found[name] for name in names}


def _reversals(evidence: Evidence) -> Mapping[str, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    judged = pc.drop_null(_votes(evidence)["reversed"])
    share = (pc.mean(judged).as_py() or 0.0) if evidence.votes is not None else None
    return {"reversal_share": pa.array([share], pa.float64())}


RUNS = (
    Fact(
        {
            "reversal_share": "float64: share of the model's labels that all functions which voted contradict; null "
            "without votes"
        },
        _reversals,
    ),
)

LABELS = (
    Fact(
        {"labels_of_same_text": "int64: how many different labels the records of this normalised text carry"},
        _same_text,
    ),
    Fact(
        {"labels_of_near_text": "int64: how many different labels the near-duplicates of this text carry, itself one"},
        _near_text,
    ),
    Fact(
        {
            "labels_of_near_embedding": "int64: how many different labels the records of like embeddings carry, itself "
            "one; null without an embedding"
        },
        _near_embedding,
    ),
    Fact(
        {
            "human_label": "string: the class that people settled on, or null",
            "contradicts_people": "int64: 1 when people settled on another class than the label, else 0",
        },
        _people,
        needs_records=False,
    ),
    Fact(
        {
            "model_label": "string: what the label model says, people's answers left aside; null without a vote",
            "model_agrees": "int64: 1 when that is what people answered, 0 when not; null where one of them is missing",
        },
        _model,
    ),
    Fact(
        {
            "previous_label": "string: what the label model of the run before said; null without one",
            "flipped": "int64: 1 when the model's label is another than in the run before, 0 when not; null where one "
            "of them is missing",
        },
        _flips,
    ),
    Fact(
        {
            "voters": "int64: how many functions voted on the record",
            "abstained": "int64: 1 when none did, else 0",
            "conflict": "int64: 1 when two of them disagree, else 0",
            "reversed": "int64: 1 when all that voted agree and the model's label is another; null for other sources",
        },
        _votes,
    ),
)
