"""A reference profile: what fields and labels looked like when all was well, small enough to be kept beside the suites.

    {"schema": 1, "rows": 3697, "labels": {"negative": 0.4, "positive": 0.6},
     "fields": {"text":  {"kind": "text", "type": "string", "nulls": 0.0, "label_shift": 0.02, "quantiles": [1.0, ...]},
                "stars": {"kind": "number", "type": "int64", "nulls": 0.1, "label_shift": 0.7, "quantiles": [1.0, ...]},
                "shop":  {"kind": "category", "type": "string", "nulls": 0.0, "label_shift": 0.0,
                          "values": {"A": 0.7, "B": 0.3}}}}

A number is known by its quantiles, a text by those of its length in characters, a category by the share of each value.
The file holds no record: of texts only lengths, of categories the values themselves.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from labelkit.errors import ArtifactError, visible
from labelkit.files import machine_errors, write_json
from labelkit.validation.texts import texts_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

Kind = Literal["number", "text", "category"]

SCHEMA_VERSION = 1
QUANTILES = 101
MOST_VALUES = 50  # a column of more different values is no category
_KINDS: tuple[Kind, ...] = ("number", "text", "category")


@dataclass(frozen=True)
class FieldProfile:
    """One column, as it was."""

    kind: Kind
    nulls: float  # share of rows without a value
    type: str = ""  # Arrow type; string for every width of text
    label_shift: float | None = None  # association with the label, 0 to 1; None where there was none
    quantiles: tuple[float, ...] = ()  # number: of the values; text: of the lengths; rising
    values: Mapping[str, float] = field(default_factory=dict)  # category: value -> share of the rows with one


@dataclass(frozen=True)
class Profile:
    """All columns and the labels, as they were."""

    rows: int
    fields: Mapping[str, FieldProfile]
    labels: Mapping[str, float] = field(default_factory=dict)  # class -> share of the labelled rows

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        fields = {}
        for name, column in self.fields.items():
            about: dict[str, Any] = {"kind": column.kind, "type": column.type, "nulls": column.nulls}
            about |= {} if column.label_shift is None else {"label_shift": column.label_shift}
            about |= {"values": dict(column.values)} if column.kind == "category" else {}
            about |= {} if column.kind == "category" else {"quantiles": list(column.quantiles)}
            fields[name] = about
        return {"schema": SCHEMA_VERSION, "rows": self.rows, "labels": dict(self.labels), "fields": fields}

    def write(self, path: Path) -> None:
        """Write the profile as JSON."""
        write_json(path, self.to_json())


def profile_of(table: pa.Table, columns: Sequence[str], labels: pa.Array | None = None) -> Profile:
    """Profile the named columns of a table, and the labels of its rows (string, null without one).

    >>> import pyarrow as pa
    >>> table = pa.table({"stars": [1, 2, 3, None] * 5, "shop": ["A", "A", "B", "A"] * 5})
    >>> profile = profile_of(table, ["stars", "shop"], pa.array(["good", "bad"] * 10))
    >>> profile.fields["stars"].nulls, profile.fields["stars"].quantiles[50], profile.fields["shop"].values
    (0.25, 2.0, {'A': 0.75, 'B': 0.25})
    """
    return Profile(table.num_rows, {name: _column(table, name) for name in columns}, _shares(labels))


def kind_of(table: pa.Table, name: str) -> Kind:
    """What a column is: numbers, a category of at most 50 values that repeat, else text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = table.schema.field(name).type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    column = as_text(table.column(name)) if pa.types.is_nested(kind) else table.column(name)
    distinct = pc.count_distinct(column).as_py()
    return "category" if distinct <= MOST_VALUES and distinct * 5 <= table.num_rows else "text"


def _column(table: pa.Table, name: str) -> FieldProfile:
    column = table.column(name)
    nulls = column.null_count / max(table.num_rows, 1)
    kind = kind_of(table, name)
    if kind == "category":
        return FieldProfile(kind, nulls, type_of(table, name), values=_shares(as_text(column)))
    numbers = measured(table, name, kind)
    quantiles = np.quantile(numbers, np.linspace(0, 1, QUANTILES), method="inverted_cdf") if len(numbers) else ()
    return FieldProfile(kind, nulls, type_of(table, name), quantiles=tuple(map(float, quantiles)))


def type_of(table: pa.Table, name: str) -> str:
    """The Arrow type of a column; every width of text is "string"."""
    kind = str(table.schema.field(name).type)
    return "string" if kind in ("large_string", "string_view") else kind


def _shares(values: pa.Array | None) -> dict[str, float]:
    if values is None:
        return {}
    found = {entry["values"]: entry["counts"] for entry in values.value_counts().to_pylist()}
    found.pop(None, None)
    total = sum(found.values())
    return {name: count / total for name, count in sorted(found.items())}


def as_text(column: pa.ChunkedArray) -> pa.Array:
    """(n,) string: the values of a category as text."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    try:
        return column.cast(pa.large_string()).combine_chunks()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.large_string())


def measured(table: pa.Table, name: str, kind: Kind) -> NDArray[np.float64]:
    """(v,) float64: the finite numbers of a column, or the lengths of its texts; nothing when it holds neither."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table.column(name)
    if kind == "text":
        texts = as_text(column) if pa.types.is_nested(column.type) else texts_of(table, name)
        found = pc.utf8_length(texts.drop_null()).to_numpy(zero_copy_only=False)
        return np.asarray(found, dtype=np.float64)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)):
        return np.empty(0)
    numbers = column.drop_null().cast(pa.float64(), safe=False).to_numpy()
    return np.asarray(numbers[np.isfinite(numbers)])


def read_profile(path: Path, name: str | None = None) -> Profile:
    """Read a profile; `name` is what messages call the file. Raises ArtifactError when it is none."""
    shown = visible(name or path.name)
    if not path.is_file():
        raise ArtifactError(f"{shown}: no such file; write a reference profile with `labelkit validate --infer`")
    with machine_errors(path):
        content = path.read_bytes()
    try:
        return _profile(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        said = visible(str(error))[:200]
        raise ArtifactError(
            f"{shown}: no reference profile ({said}); write one with `labelkit validate --infer`"
        ) from error


def _profile(raw: Any) -> Profile:
    if raw["schema"] != SCHEMA_VERSION:
        raise ValueError(f"schema {raw['schema']!r}, not {SCHEMA_VERSION}")
    if not isinstance(raw["rows"], int) or raw["rows"] < 0:
        raise ValueError(f"rows {raw['rows']!r} is no count")
    fields = {name: _field(name, about) for name, about in raw["fields"].items()}
    return Profile(raw["rows"], fields, _read_shares("labels", raw["labels"]))


def _field(name: str, raw: Any) -> FieldProfile:
    if raw["kind"] not in _KINDS:
        raise ValueError(f"{name}: no kind {raw['kind']!r}")
    quantiles = tuple(float(value) for value in raw.get("quantiles", ()))
    if any(not math.isfinite(value) for value in quantiles) or any(a > b for a, b in pairwise(quantiles)):
        raise ValueError(f"{name}: quantiles do not rise")
    shift = raw.get("label_shift")
    return FieldProfile(
        kind=raw["kind"],
        nulls=float(raw["nulls"]),
        type=str(raw.get("type", "")),
        label_shift=None if shift is None else float(shift),
        quantiles=quantiles,
        values=_read_shares(name, raw.get("values", {})),
    )


def _read_shares(name: str, raw: Any) -> dict[str, float]:
    shares = {str(key): float(value) for key, value in raw.items()}
    if any(not 0 <= value <= 1 for value in shares.values()) or (shares and abs(sum(shares.values()) - 1) > 1e-6):
        raise ValueError(f"{name}: shares do not sum to one")
    return shares
