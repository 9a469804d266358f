"""How fields are spread, label by label: lengths of texts, values of numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.pipeline.overview.columns import NUMBERS, kind_of
from labelkit.reports.overview.content import Spread

if TYPE_CHECKING:
    import pyarrow as pa

MOST = 200_000
"""Records that the pictures are counted on at most; there are at least half as many where there are enough."""

BINS = 40
SHOWN_FIELDS = 12
SHOWN_CLASSES = 8
NO_LABEL = "(no label)"


class Sample:
    """Every s-th record, in order: s doubles whenever there are too many, so that nothing depends on chunks."""

    def __init__(self, fields: Sequence[str]) -> None:
        self.units: dict[str, str] = {}  # field -> "characters", or "" for a number
        self._fields = list(fields)
        self._parts: dict[str, list[NDArray[np.float64]]] = {}
        self._rows: list[NDArray[np.int64]] = []
        self._step, self._seen, self.rows = 1, 0, 0

    def add(self, chunk: pa.RecordBatch, rows: NDArray[np.int64]) -> None:
        """Take of one more chunk; `rows` are its records' rows in the labels table, -1 for none."""
        import pyarrow as pa

        start = -self._seen % self._step
        taken = np.arange(start, chunk.num_rows, self._step)
        self._seen += chunk.num_rows
        part = chunk.take(pa.array(taken))
        for field in self._fields:
            measured = _measured(part.column(field))
            if measured is not None:
                self.units[field], values = measured
                self._parts.setdefault(field, []).append(values)
        self._rows.append(rows[taken])
        self.rows += len(taken)
        while self.rows > MOST:
            self._halve()

    def __iter__(self) -> Iterator[tuple[str, str, NDArray[np.float64], NDArray[np.int64]]]:
        """Field, unit, (n,) values with NaN where there is none, and (n,) rows of the labels table."""
        rows = np.concatenate(self._rows) if self._rows else np.empty(0, np.int64)
        for field, unit in self.units.items():
            values = np.concatenate(self._parts[field])
            if len(values) == len(rows):  # a field that changes its type on the way is left out
                yield field, unit, values, rows

    def _halve(self) -> None:
        self._step *= 2
        self._rows = [np.concatenate(self._rows)[::2]]
        self._parts = {field: [np.concatenate(parts)[::2]] for field, parts in self._parts.items()}
        self.rows = len(self._rows[0])


def _measured(column: pa.Array) -> tuple[str, NDArray[np.float64]] | None:
    """The unit and (n,) float64 numbers of a column; None where it holds neither texts nor numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = kind_of(column.type)
    if kind == "text":
        unit, numbers = "characters", pc.utf8_length(column)
    elif kind in NUMBERS:
        unit, numbers = "", column
    else:
        return None
    return unit, np.asarray(numbers.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def spreads_of(sample: Sample, labels: Any, classes: Sequence[str]) -> tuple[Spread, ...]:
    """A picture per field, at most SHOWN_FIELDS; `labels` is the label column of the labels table, or None."""
    coded = _coded(labels, classes)
    found = []
    for field, unit, values, rows in sample:
        kinds = np.where(rows >= 0, coded[rows], len(classes))
        spread = _spread(field, unit, values, kinds, [*classes, NO_LABEL])
        found += [spread] if spread else []
    return tuple(found[:SHOWN_FIELDS])


def _coded(labels: Any, classes: Sequence[str]) -> NDArray[np.int64]:
    """(n + 1,) int64: the class index of each label, the number of classes for none; the last for row -1."""
    import pyarrow as pa
    import pyarrow.compute as pc

    none = np.full(1, len(classes))
    if labels is None:
        return none
    places = pc.fill_null(pc.index_in(labels, value_set=pa.array(list(classes), labels.type)), len(classes))
    return np.concatenate([places.to_numpy().astype(np.int64), none])


def _spread(
    field: str, unit: str, values: NDArray[np.float64], kinds: NDArray[np.int64], names: Sequence[str]
) -> Spread | None:
    finite = np.isfinite(values)
    values, kinds = values[finite], kinds[finite]
    if not len(values) or values.min() == values.max():
        return None
    low, high, logarithmic = _axis(values, unit)
    edges = np.geomspace(low, high, BINS + 1) if logarithmic else np.linspace(low, high, BINS + 1)
    shown = np.clip(values, low, high)
    common = [int(c) for c in np.argsort(-np.bincount(kinds, minlength=len(names)), kind="stable")[:SHOWN_CLASSES]]
    rows = [
        (names[c], tuple(np.histogram(shown[kinds == c], edges)[0].tolist()), float(np.median(values[kinds == c])))
        for c in sorted(common)
        if (kinds == c).any()
    ]
    return Spread(field, unit, float(low), float(high), logarithmic, tuple(rows))


def _axis(values: NDArray[np.float64], unit: str) -> tuple[float, float, bool]:
    """Where the picture begins and ends: lengths on a logarithmic axis; of numbers, rare extremes go to the rim."""
    if unit:
        return 1.0, max(float(values.max()), 10.0), True
    low, high = np.quantile(values, [0.005, 0.995])
    least, most = float(values.min()), float(values.max())
    spread = float(high - low)
    if not math.isfinite(spread) or spread == 0 or most - least < 3 * spread:
        return least, most, False
    return float(low), float(high), False
