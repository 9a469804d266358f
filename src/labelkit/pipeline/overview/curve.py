"""How accuracy grew with answers, measured on the labels that earlier runs of `apply` left behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import ArtifactError
from labelkit.lineage import Run, hash_file
from labelkit.pipeline.overview.records import rows_of
from labelkit.reports.overview.content import Curve, CurvePoint, Share

if TYPE_CHECKING:
    import pyarrow as pa


def curve_of(
    runs: Sequence[Run], folder: Path, current: Run, labels: pa.Table, truth: NDArray[np.int8], basis: str
) -> Curve | None:
    """A point per run of `apply` whose labels are kept, by the number of answers that it knew.

    All are judged on the same records: `truth`, (rows of the labels table,), is the class index of those that may be
    compared, -1 elsewhere, and leaves out every record that people were asked about by now. None without two points.
    Raises ArtifactError for labels that are not what their run wrote.
    """
    found: dict[int, Share] = {}
    for run in runs:
        path = folder / run.id / "labels.parquet"
        same = run.inputs.get("data") == current.inputs.get("data") and _classes(run) == _classes(current)
        if run.verb == "apply" and same and path.is_file():
            if hash_file(path) != run.outputs.get(path.name):
                raise ArtifactError(f"run {run.id}: {path.name} is not what the run wrote")
            share = _judged(path, labels, truth, _classes(run))
            found |= {} if share is None else {int(run.counts.get("answered", 0)): share}
    if len(found) < 2:
        return None
    points = [CurvePoint(answers, share.value, *share.interval) for answers, share in sorted(found.items())]
    return Curve(tuple(points), f"labels of {len(points)} runs of apply, against {basis}")


def _classes(run: Run) -> list[str]:
    return list(run.parameters.get("classes", []))


def _judged(path: Path, labels: pa.Table, truth: NDArray[np.int8], classes: Sequence[str]) -> Share | None:
    """How often the labels of a run are right; None for a file that cannot be read, or says nothing here."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, columns=["id", "label"])
        given = pc.index_in(table.column("label"), value_set=pa.array(classes, table.schema.field("label").type))
        rows = rows_of(labels, table.column("id").combine_chunks(), 0)
    except (OSError, pa.ArrowException, KeyError):
        return None
    known = np.where(rows >= 0, truth[rows], -1)
    said = pc.fill_null(given, -1).to_numpy()
    judged = (known >= 0) & (said >= 0)
    return Share(float((said[judged] == known[judged]).sum()), int(judged.sum())) if judged.any() else None
