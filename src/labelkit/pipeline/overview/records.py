"""One pass over the records: what is in them, how it is spread, and what is known to be true of each label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.lineage import DataFingerprint, chunk_fingerprint, column_digests
from labelkit.pipeline.overview.columns import ColumnFigures
from labelkit.pipeline.overview.spreads import Sample, spreads_of
from labelkit.pipeline.truth import Answered, Yardstick
from labelkit.project import ProjectFolder
from labelkit.records import open_records
from labelkit.reports.overview.content import Data

if TYPE_CHECKING:
    import pyarrow as pa

NO_SPLIT = "(no split)"


@dataclass(frozen=True)
class Records:
    """What the pass found."""

    data: Data
    truth: NDArray[np.int8]  # (rows of the labels table,): class index, or -1 where nothing may be compared
    basis: str  # what `truth` is, in words


def look_at_records(project: ProjectFolder, labels: pa.Table | None, answers: Answered) -> Records:
    """Read every record once. Raises DataError for records that cannot be read."""
    settings = project.settings.data
    records = open_records(project, settings.metadata)
    roles = _roles(project)
    figures = {name: ColumnFigures(name, role) for name, role in roles.items()}
    base = [name for name in records.columns if name not in settings.metadata]
    yardstick, fingerprint = Yardstick(project, records, answers), DataFingerprint()
    truth = np.full(0 if labels is None else labels.num_rows, -1, dtype=np.int8)
    sample, seen = Sample(settings.fields), 0
    for chunk in records.batches():
        fingerprint.add_digest(chunk_fingerprint(column_digests(chunk.select(base)), chunk.num_rows), chunk.num_rows)
        for name, column in zip(chunk.schema.names, chunk.columns, strict=True):
            figures[name].add(column)
        known = yardstick.of(chunk.column(0), chunk, answers.of(chunk.column(0)), seen)
        rows = rows_of(labels, chunk.column(0), seen)
        truth[rows[rows >= 0]] = known[rows >= 0]
        sample.add(chunk, rows)
        seen += chunk.num_rows
    splits = () if settings.split is None else _splits(figures[settings.split])
    data = Data(
        source=settings.path,
        records=seen,
        fingerprint=fingerprint.hexdigest() if seen else "",
        columns=tuple(figure.column() for figure in figures.values()),
        splits=splits,
        spreads=spreads_of(sample, _label_column(labels), project.settings.project.classes),
        looked_at=sample.rows,
    )
    return Records(data, truth, yardstick.basis)


def rows_of(labels: pa.Table | None, ids: pa.Array, first: int) -> NDArray[np.int64]:
    """(n,) int64: the rows of the labels table that hold these ids, -1 for none; quick where the order is the same.

    >>> import pyarrow as pa
    >>> rows_of(pa.table({"id": ["a", "b", "c"]}), pa.array(["c", "x"]), 0)
    array([ 2, -1])
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if labels is None:
        return np.full(len(ids), -1, dtype=np.int64)
    column = labels.column("id")
    if column.slice(first, len(ids)).equals(pa.chunked_array([ids], column.type)):
        return np.arange(first, first + len(ids))
    found = pc.index_in(ids, value_set=column.combine_chunks())
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64))


def _roles(project: ProjectFolder) -> dict[str, str]:
    """Column -> what it is for, in the order in which a reader reads them."""
    data = project.settings.data
    roles = {data.id: "id", **dict.fromkeys(data.fields, "field")}
    roles |= {name: role for name, role in ((data.gold, "gold"), (data.split, "split")) if name is not None}
    return roles | dict.fromkeys(data.metadata, "metadata")


def _splits(figures: ColumnFigures) -> tuple[tuple[str, int], ...]:
    """Records of each split, those without one last."""
    counts = sorted(figures.values.items(), key=lambda pair: -pair[1])
    return (*counts, *([(NO_SPLIT, figures.rows - figures.filled)] if figures.rows > figures.filled else []))


def _label_column(labels: pa.Table | None) -> Sequence[Any] | None:
    return None if labels is None else labels.column("label")
