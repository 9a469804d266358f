"""Schema: labels.parquet is of the shape that `apply` writes, and its cells agree with one another.

A damaged file must be judged, not crash: a computed column is null where what it needs is missing or of the wrong
kind, so that the gate calls it vacuous instead of passing it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit.errors import ConfigError, visible
from labelkit.label_models.labels import HUMAN, MODEL, NONE, probability_column
from labelkit.validation.facts.evidence import Evidence
from labelkit.validation.facts.fact import Fact, with_columns
from labelkit.validation.frames import named_by
from labelkit.validation.texts import texts_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

_P_SUM = "p_sum"


def with_computed(labels: pa.Table, classes: Sequence[str] | None = None) -> pa.Table:
    """A labels table with the columns that follow from it alone.

    Without `classes` they are read off the p_ columns.

    >>> import pyarrow as pa
    >>> labels = pa.table({"id": ["a"], "label": ["ham"], "p_ham": [0.25], "p_spam": [0.75]})
    >>> with_computed(labels).select(["p_sum", "label_p", "label_is_argmax"]).to_pylist()
    [{'p_sum': 1.0, 'label_p': 0.25, 'label_is_argmax': 0}]
    """
    classes = classes_of(labels) if classes is None else classes
    return with_columns(named_by(labels, "id"), _cells(labels, classes))


def classes_of(labels: pa.Table) -> tuple[str, ...]:
    """The classes of a labels table, read off its p_ columns."""
    return tuple(name[2:] for name in labels.schema.names if name.startswith("p_") and name != _P_SUM)


def _cells(labels: pa.Table, classes: Sequence[str]) -> Mapping[str, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if _P_SUM in map(probability_column, classes):
        raise ConfigError('a class cannot be called "sum": "p_sum" is the sum of the probabilities; rename the class')
    probs = _probabilities(labels, classes)
    given = ~np.isnan(probs)
    label = texts_of(labels, "label")
    labelled = pc.is_valid(label).to_numpy(zero_copy_only=False)
    index = pc.fill_null(pc.index_in(label, value_set=pa.array(classes, pa.string()), skip_nulls=True), -1).to_numpy()
    own = np.full(len(probs), np.nan)
    for c in range(len(classes)):
        np.copyto(own, probs[:, c], where=index == c)
    highest = np.where(given, probs, -np.inf).max(axis=1, initial=-np.inf)
    source = texts_of(labels, "source")
    decided = pc.is_in(source, value_set=pa.array([HUMAN, MODEL])).to_numpy(zero_copy_only=False)
    undecided = pc.is_in(source, value_set=pa.array([NONE])).to_numpy(zero_copy_only=False)
    every, some = given.all(axis=1), given.any(axis=1)
    return {
        "labelled": labelled.astype(np.int64),
        "p_sum": pa.array(np.where(given, probs, 0.0).sum(axis=1), mask=~some),
        "missing_p": (~given).sum(axis=1),
        "label_p": pa.array(own, mask=np.isnan(own)),
        "label_is_argmax": pa.array((own >= highest).astype(np.int64), mask=~labelled),
        "source_fits": ((decided & labelled & every) | (undecided & ~labelled & ~some)).astype(np.int64),
    }


def _probabilities(table: pa.Table, classes: Sequence[str]) -> NDArray[np.float64]:
    """(n, k) float64: NaN where a probability is null, or its column is missing, ambiguous or holds no numbers."""
    import pyarrow as pa

    probs = np.full((table.num_rows, len(classes)), np.nan, order="F")
    for c, name in enumerate(map(probability_column, classes)):
        kind = table.schema.field(name).type if table.schema.names.count(name) == 1 else pa.null()
        if pa.types.is_floating(kind) or pa.types.is_integer(kind):
            probs[:, c] = table.column(name).cast(pa.float64(), safe=False).to_numpy()
    return probs


def _membership(evidence: Evidence) -> Mapping[str, Any]:
    place = evidence.place
    here = np.arange(len(place))
    return {"in_records": (place >= 0).astype(np.int64), "in_place": (place == here).astype(np.int64)}


def _columns(evidence: Evidence) -> Mapping[str, Any]:
    """What is wrong with the columns of labels.parquet, in words; "" for nothing."""
    import pyarrow as pa

    present = evidence.labels.schema.names
    wanted = ["id", "label", "confidence", *map(probability_column, evidence.classes), "source", "run"]
    numbers = {"confidence", *map(probability_column, evidence.classes)}
    wrong = []
    for name in wanted:
        kinds = [field.type for field in evidence.labels.schema if field.name == name]
        fits = pa.types.is_float64 if name in numbers else pa.types.is_string
        wrong += [f"{visible(name)} is {kind}" for kind in kinds if not fits(kind)]
    words = {
        "columns_missing": [name for name in wanted if name not in present],
        "columns_unexpected": [name for name in present if name not in wanted or present.count(name) > 1],
        "types_wrong": wrong,
    }
    return {name: pa.array([", ".join(map(visible, found))], pa.string()) for name, found in words.items()}


LABELS = (
    Fact(
        {
            "labelled": "int64: 1 when the row has a label, else 0",
            "p_sum": "float64: sum of the probabilities that are given; null when none is",
            "missing_p": "int64: how many probabilities are null or NaN, 0 to k",
            "label_p": "float64: the probability of the row's own label; null without one",
            "label_is_argmax": "int64: 1 when no class is more probable than the label, else 0; null without a label",
            "source_fits": "int64: 1 when label and every probability are given for source human or model, and neither "
            "for source none; 0 for everything else",
        },
        lambda evidence: _cells(evidence.labels, evidence.classes),
        needs_records=False,
    ),
    Fact(
        {
            "in_records": "int64: 1 when the id is that of a record, else 0",
            "in_place": "int64: 1 when the row stands where its record stands, else 0",
        },
        _membership,
    ),
)

RUNS = (
    Fact(
        {
            "columns_missing": 'string: columns that labels.parquet should have and has not; "" for none',
            "columns_unexpected": 'string: columns that it has and should not have, or has twice; "" for none',
            "types_wrong": 'string: columns of another type than `apply` writes, with the type; "" for none',
        },
        _columns,
    ),
)
