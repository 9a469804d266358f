"""Drift: fields and labels that left the reference, and biased selection.

The table `fields` has a row per field, per metadata column and for the label, each against the reference profile, in
the spirit of TensorFlow Data Validation's skew and drift (E. Breck et al., "Data Validation for Machine Learning",
MLSys 2019). label_shift is how strongly a column decides the label: a source, a day or an annotator with another class
balance than the rest is a selection bias that a model will learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from labelkit.records.vectors import is_vectors
from labelkit.validation.distances import chi_square, cramers_v, jensen_shannon, ks_of_counts, psi
from labelkit.validation.facts.evidence import Evidence
from labelkit.validation.frames import named_by
from labelkit.validation.profile import (
    MOST_VALUES,
    FieldProfile,
    Profile,
    as_text,
    kind_of,
    measured,
    profile_of,
    type_of,
)
from labelkit.validation.texts import texts_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

BINS = 10
_NUMBERS = (
    "nulls", "nulls_change", "unseen", "psi", "js", "chi2_p", "ks", "ks_p",
    "label_shift", "label_shift_p", "label_shift_change",
)  # fmt: skip


def field_table(evidence: Evidence) -> pa.Table:
    """One row per field, metadata column and label.

    field, role     string; role is field, metadata, gold or label
    kind            string: number, text or category, as in the reference where it knows the field
    nulls           float64: share of rows without a value; nulls_change: less the reference's
    unseen          float64: share of values outside what the reference has seen: a new category, beyond its range
    psi, js, chi2_p float64: distance of the shares per bin (tenths of the reference, or categories)
    ks, ks_p        float64: distance of the cumulative distributions; null for categories
    label_shift     float64: association with the label, 0 to 1 (Cramér's V); label_shift_p: its chi-square p;
                    label_shift_change: less the reference's
    type_changed    int64: 1 when the column has another type than in the reference, else 0

    Against the reference everything is null for a column that the reference does not know.
    """
    present = roles_of(evidence.fields, evidence.metadata, evidence.gold, evidence.records.schema)
    rows = [{"field": name, "role": role, **_column(evidence, name)} for name, role in present]
    rows.append({"field": "label", "role": "label", **_label(evidence)})
    return described(rows)


def roles_of(
    fields: Sequence[str], metadata: Sequence[str], gold: str | None, schema: pa.Schema
) -> list[tuple[str, str]]:
    """The columns that the table has a row for, each with its role: those that are there once, and no embeddings."""
    roles = [(name, "field") for name in fields] + [(name, "metadata") for name in metadata]
    roles += [(gold, "gold")] if gold else []
    once = [(name, role) for name, role in roles if schema.names.count(name) == 1]
    return [(name, role) for name, role in once if not is_vectors(schema.field(name).type)]


def described(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The table of rows that were worked out elsewhere."""
    import pyarrow as pa

    kinds = [(name, pa.string()) for name in ("field", "role", "kind")] + [(name, pa.float64()) for name in _NUMBERS]
    return named_by(pa.Table.from_pylist(list(rows), pa.schema([*kinds, ("type_changed", pa.int64())])), "field")


def _column(evidence: Evidence, name: str) -> dict[str, Any]:
    records = evidence.records
    then = None if evidence.reference is None else evidence.reference.fields.get(name)
    nulls = records.column(name).null_count / max(records.num_rows, 1)
    found: dict[str, Any] = {"kind": then.kind if then else kind_of(records, name), "nulls": nulls}
    if name != evidence.gold:
        found |= _shift(evidence, name)
    if then is None or evidence.reference is None:
        return found
    against = _against(records, name, then, evidence.reference.rows) if nulls < 1 else {}
    return compared_column(found, then, type_of(records, name), against)


def compared_column(
    found: Mapping[str, Any], then: FieldProfile, kind: str, against: Mapping[str, Any]
) -> dict[str, Any]:
    """What was found of a column of an Arrow type, and what changed since; `against` holds the distances."""
    nulls = found["nulls"]
    changed: dict[str, Any] = {
        "nulls_change": nulls - then.nulls,
        "type_changed": int(bool(then.type) and nulls < 1 and then.type != kind),
        **against,
    }
    if then.label_shift is not None and "label_shift" in found:
        changed["label_shift_change"] = found["label_shift"] - then.label_shift
    return {**found, **changed}


def _against(records: pa.Table, name: str, then: FieldProfile, rows: int) -> dict[str, Any]:
    if then.kind == "category":
        return compared_shares(_counts(as_text(records.column(name))), then.values, rows * (1 - then.nulls))
    return compared_numbers(NumberCounts.of(measured(records, name, then.kind), then), then, rows)


@dataclass(frozen=True)
class NumberCounts:
    """Numbers counted along the quantiles of a reference. Counts of several parts of them add up."""

    total: int
    unseen: int  # below the lowest quantile or above the highest
    bins: NDArray[np.int64]  # by tenths of the reference
    fewer: NDArray[np.int64]  # below each different quantile
    as_many: NDArray[np.int64]  # up to each different quantile

    @classmethod
    def of(cls, numbers: NDArray[np.float64], then: FieldProfile) -> Self:
        """Count (v,) numbers."""
        quantiles, ordered = np.asarray(then.quantiles), np.sort(numbers)
        if not len(quantiles):
            return cls(0, 0, *(np.zeros(0, np.int64) for _ in range(3)))
        edges, cuts = edges_of(quantiles), np.unique(quantiles)
        fewer, as_many = np.searchsorted(ordered, cuts), np.searchsorted(ordered, cuts, side="right")
        bins = np.bincount(np.searchsorted(edges, ordered), minlength=len(edges) + 1)
        return cls(len(ordered), int(fewer[0] + len(ordered) - as_many[-1]), bins, fewer, as_many)

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.total + other.total,
            self.unseen + other.unseen,
            self.bins + other.bins,
            self.fewer + other.fewer,
            self.as_many + other.as_many,
        )


def edges_of(quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inner edges of the tenths between evenly spaced quantiles."""
    return np.unique(quantiles[np.linspace(0, len(quantiles) - 1, BINS + 1).astype(int)])[1:-1]


def compared_numbers(counts: NumberCounts, then: FieldProfile, rows: int) -> dict[str, Any]:
    """Numbers against what they were. A column of another type has no values that were seen before."""
    if not counts.total:
        return {"unseen": 1.0, "psi": None, "js": 1.0, "chi2_p": 0.0, "ks": 1.0, "ks_p": 0.0}
    quantiles = np.asarray(then.quantiles)
    edges = edges_of(quantiles)
    before = np.bincount(np.searchsorted(edges, quantiles), minlength=len(edges) + 1) / len(quantiles)
    size = round(rows * (1 - then.nulls))
    distance, p = ks_of_counts(quantiles, size, counts.fewer, counts.as_many, counts.total)
    distances = _distances(before * size, counts.bins.astype(np.float64))
    return {"unseen": counts.unseen / counts.total, **distances, "ks": distance, "ks_p": p}


def compared_shares(counts: Mapping[str, int], shares: Mapping[str, float], rows: float) -> dict[str, Any]:
    """Counts per value against the shares per value in `rows` rows of the reference."""
    names = sorted({*counts, *shares})
    before = np.array([shares.get(name, 0.0) * rows for name in names])
    now = np.array([counts.get(name, 0) for name in names], dtype=np.float64)
    unseen = sum(count for name, count in counts.items() if name not in shares) / max(sum(counts.values()), 1)
    return {"unseen": unseen, **_distances(before, now)}


def _distances(before: NDArray[np.float64], now: NDArray[np.float64]) -> dict[str, float]:
    return {
        "psi": psi(before, now),
        "js": jensen_shannon(before, now),
        "chi2_p": chi_square(np.stack([before, now]))[1],
    }


def _counts(values: pa.Array) -> dict[str, int]:
    found = {entry["values"]: entry["counts"] for entry in values.value_counts().to_pylist()}
    found.pop(None, None)
    return found


def _label(evidence: Evidence) -> dict[str, Any]:
    return compared_labels(_counts(evidence.label), len(evidence.label), evidence.reference)


def compared_labels(counts: Mapping[str, int], rows: int, reference: Profile | None) -> dict[str, Any]:
    """The row of the label, from how many of the rows carry each."""
    labelled = sum(counts.values())
    found: dict[str, Any] = {"kind": "category", "nulls": (rows - labelled) / max(rows, 1)}
    if reference is None or not reference.labels or not labelled:
        return found
    return {**found, **compared_shares(counts, reference.labels, reference.rows)}


def _shift(evidence: Evidence, name: str) -> dict[str, Any]:
    """How strongly the label depends on a column, over the records that have both."""
    labels, values = evidence.record_labels, _binned(evidence.records, name)
    both = (labels >= 0) & (values >= 0)
    if not both.any():
        return {}
    k, m = int(labels.max()) + 1, int(values.max()) + 1
    return shift_of(np.bincount(values[both] * k + labels[both], minlength=k * m).reshape(m, k))


def shift_of(counts: NDArray[np.int64]) -> dict[str, Any]:
    """How strongly labels depend on a column, from (m, k) counts of the records by bin and label."""
    table = counts.astype(np.float64)
    return {"label_shift": cramers_v(table), "label_shift_p": chi_square(table)[1]}


def _binned(records: pa.Table, name: str) -> NDArray[np.int64]:
    """(n,) int64: bin of each value, -1 for none: tenths of numbers and of text lengths, the commonest categories."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, column = kind_of(records, name), records.column(name)
    if kind == "category" or (kind == "text" and not len(measured(records, name, kind))):
        codes = pc.fill_null(as_text(column).dictionary_encode().indices, -1)
        return np.minimum(np.asarray(codes, dtype=np.int64), MOST_VALUES)
    numbers = pc.utf8_length(texts_of(records, name)) if kind == "text" else column.cast(pa.float64(), safe=False)
    values = np.asarray(numbers.cast(pa.float64()).to_numpy(zero_copy_only=False) if kind == "text" else numbers)
    finite = np.isfinite(values)
    if not finite.any():
        return np.full(len(values), -1)
    edges = np.unique(np.quantile(values[finite], np.linspace(0, 1, BINS + 1), method="inverted_cdf"))[1:-1]
    return np.where(finite, np.searchsorted(edges, np.where(finite, values, 0.0)), -1)


def reference_profile(evidence: Evidence) -> Profile:
    """What later data is compared with: the columns of the records as they are now, and how they go with the labels.

    Labels are those of the labels table; without one of them, gold.
    """
    import pyarrow.compute as pc

    present = roles_of(evidence.fields, evidence.metadata, evidence.gold, evidence.records.schema)
    columns, labels = [name for name, _ in present], evidence.label
    if labels.null_count == len(labels) and evidence.gold:
        labels = as_text(evidence.records.column(evidence.gold))
    profile = profile_of(evidence.records, columns, pc.drop_null(labels))
    shifts = {name: _shift(evidence, name).get("label_shift") for name in columns if name != evidence.gold}
    fields = {name: replace(column, label_shift=shifts.get(name)) for name, column in profile.fields.items()}
    return replace(profile, fields=fields)
