"""Counts: a row per labeling function, per class, per annotator, and the project's accuracy against people.

Accuracies are given with the ends of their 95 % Wilson interval: "at least 0.8" on ten answers is no finding, and an
expectation on the lower end says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit.annotations.agreement import krippendorff_alpha, rating_counts
from labelkit.label_models import lf_summary
from labelkit.matrix import wilson_interval
from labelkit.project import DEV
from labelkit.validation.facts.consistency import human_labels, labels_by_row
from labelkit.validation.facts.evidence import Evidence, places
from labelkit.validation.facts.fact import Fact
from labelkit.validation.frames import named_by
from labelkit.validation.texts import texts_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from labelkit.matrix.analysis import FunctionFigures
    from labelkit.validation.profile import Profile


def function_table(evidence: Evidence) -> pa.Table:
    """One row per labeling function. Shares are of all records; without votes there is no row.

    Accuracy is over the votes on records with a known class: gold where the project has it, else people's answers.
    """
    votes = evidence.votes
    return summarised(() if votes is None else lf_summary(votes, truth_of_votes(evidence)).rows)


def summarised(rows: Sequence[FunctionFigures]) -> pa.Table:
    """The same of figures that were counted elsewhere."""
    import pyarrow as pa

    low_high = [row.interval or (None, None) for row in rows]
    judged = [(row.correct or 0) + (row.incorrect or 0) for row in rows]
    columns: dict[str, tuple[list[Any], str]] = {
        "name": ([row.name for row in rows], "string"),
        "coverage": ([row.coverage for row in rows], "float64"),
        "overlaps": ([row.overlaps for row in rows], "float64"),
        "conflicts": ([row.conflicts for row in rows], "float64"),
        "faults": ([row.faults for row in rows], "int64"),
        "judged": (judged, "int64"),
        "accuracy": ([row.accuracy for row in rows], "float64"),
        "accuracy_low": ([low for low, _ in low_high], "float64"),
        "accuracy_high": ([high for _, high in low_high], "float64"),
        "accuracy_by_chance": ([row.by_chance for row in rows], "float64"),
        "worse_than_chance": ([int(row.worse) if row.accuracy is not None else None for row in rows], "int64"),
        "copies": ([len(row.copies) for row in rows], "int64"),
    }
    return named_by(pa.table({name: pa.array(values, kind) for name, (values, kind) in columns.items()}), "name")


def truth_of_votes(evidence: Evidence) -> NDArray[np.int64] | None:
    """(rows of votes,) int64: known class index of each record that was voted on, -1 where none is known.

    Gold counts outside the split that functions were written on, and where nobody was asked, as everywhere.
    """
    import pyarrow as pa

    if evidence.votes is None:
        return None
    ids = texts_of(pa.table({"id": evidence.votes.ids}), "id")
    answered = list(evidence.answers)
    truth = np.append(np.array([evidence.answers[record] for record in answered], dtype=np.int64), -1)
    known = truth[places(ids, pa.array(answered, pa.string()))]
    if evidence.gold is not None:
        gold = np.append(_gold(evidence), -1)[places(ids, evidence.record_ids)]
        known = np.where(known >= 0, -1, gold)
    return known if (known >= 0).any() else None


def _gold(evidence: Evidence) -> NDArray[np.int64]:
    """(rows of records,) int64: class index of the gold label, -1 without one, for no class, and on split dev."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = evidence.records.column(str(evidence.gold))
    if pa.types.is_integer(column.type):
        index = np.asarray(pc.fill_null(column, -1), dtype=np.int64).copy()  # Arrow's own cannot be written to
        index[index >= len(evidence.classes)] = -1
    else:
        names = texts_of(evidence.records, str(evidence.gold))
        found = pc.index_in(names, value_set=pa.array(evidence.classes, pa.string()), skip_nulls=True)
        index = np.asarray(pc.fill_null(found, -1), dtype=np.int64).copy()
    if evidence.split is not None:
        dev = pc.fill_null(pc.equal(texts_of(evidence.records, evidence.split), DEV), fill_value=False)
        index[dev.to_numpy(zero_copy_only=False)] = -1
    return index


def class_table(evidence: Evidence) -> pa.Table:
    """One row per class of the project: the records that carry it, their share of the labelled, and the reference's."""
    found = evidence.label.value_counts().to_pylist()
    counts = {entry["values"]: entry["counts"] for entry in found if entry["values"] is not None}
    return counted_classes(counts, evidence.classes, evidence.reference)


def counted_classes(counts: Mapping[str, int], classes: Sequence[str], reference: Profile | None) -> pa.Table:
    """The same of labels that were counted elsewhere; labels that are no class count as labelled."""
    import pyarrow as pa

    records, total = [counts.get(name, 0) for name in classes], sum(counts.values())
    shares = [count / total if total else None for count in records]
    before = {} if reference is None else reference.labels
    expected = [before.get(name, 0.0) if before else None for name in classes]
    change = [None if a is None or b is None else a - b for a, b in zip(shares, expected, strict=True)]
    table = pa.table(
        {
            "class": pa.array(classes, pa.string()),
            "records": pa.array(records, pa.int64()),
            "share": pa.array(shares, pa.float64()),
            "reference_share": pa.array(expected, pa.float64()),
            "share_change": pa.array(change, pa.float64()),
        }
    )
    return named_by(table, "class")


def annotator_table(evidence: Evidence) -> pa.Table:
    """One row per annotator: labels given, those shared with others, and how often another said the same.

    agreement is over the pairs of one's own label and another's on the same record; null where nothing is shared.
    Adjudicators are no annotators: they saw what the others said.
    """
    import pyarrow as pa

    table = evidence.ratings()
    names = () if table is None else table.annotators
    ratings = np.empty((0, 0), np.int16) if table is None else table.ratings
    counts = rating_counts(ratings, len(evidence.classes))
    rows: dict[str, list[Any]] = {"labels": [], "shared": [], "agreement": []}
    for said in ratings.T:
        given = np.flatnonzero(said >= 0)
        others = counts[given].sum(axis=1) - 1
        same = counts[given, said[given]] - 1
        rows["labels"].append(len(given))
        rows["shared"].append(int((others > 0).sum()))
        rows["agreement"].append(float(same.sum() / others.sum()) if others.any() else None)
    kinds = {"labels": pa.int64(), "shared": pa.int64(), "agreement": pa.float64()}
    columns = {name: pa.array(values, kinds[name]) for name, values in rows.items()}
    return named_by(pa.table({"annotator": pa.array(names, pa.string()), **columns}), "annotator")


def _between_people(evidence: Evidence) -> Mapping[str, Any]:
    import pyarrow as pa

    table = evidence.ratings()
    alpha = float("nan") if table is None or not table.records else krippendorff_alpha(table.ratings)
    return {
        "annotators": pa.array([0 if table is None else len(table.annotators)], pa.int64()),
        "annotator_alpha": pa.array([None if np.isnan(alpha) else alpha], pa.float64()),
    }


def _against_people(evidence: Evidence) -> Mapping[str, Any]:
    """The label model against people's answers, where both speak."""
    import pyarrow.compute as pc

    agrees = pc.drop_null(pc.equal(labels_by_row(evidence, evidence.model_labels()), human_labels(evidence)))
    return compared(int(pc.sum(agrees).as_py() or 0), len(agrees))


def compared(hits: int, total: int) -> Mapping[str, Any]:
    """The accuracy of the model on answers that were compared elsewhere."""
    import pyarrow as pa

    low, high = wilson_interval(hits, total) if total else (None, None)
    return {
        "answers_compared": pa.array([total], pa.int64()),
        "model_accuracy": pa.array([hits / total if total else None], pa.float64()),
        "model_accuracy_low": pa.array([low], pa.float64()),
        "model_accuracy_high": pa.array([high], pa.float64()),
    }


RUNS = (
    Fact(
        {
            "annotators": "int64: people whose answers stand, adjudicators aside",
            "annotator_alpha": "float64: Krippendorff's alpha between them, 1 for perfect agreement and 0 for that of "
            "chance; null where nothing can be compared",
        },
        _between_people,
    ),
    Fact(
        {
            "answers_compared": "int64: records that people answered and the label model has a label for",
            "model_accuracy": "float64: share of them where both say the same; null without any",
            "model_accuracy_low": "float64: lower end of its 95 % interval",
            "model_accuracy_high": "float64: upper end of its 95 % interval",
        },
        _against_people,
    ),
)
