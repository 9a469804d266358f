"""labels.parquet as the page of a project shows it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from labelkit.errors import ArtifactError, named
from labelkit.label_models.labels import HUMAN, MODEL
from labelkit.lineage import Run
from labelkit.pipeline.background import NO_CLASS, confidences
from labelkit.project import ProjectFolder
from labelkit.reports.overview.content import ClassCount, Labels

if TYPE_CHECKING:
    import pyarrow as pa


def check_labels(labels: pa.Table, project: ProjectFolder) -> pa.Table:
    """The labels table, if it has the columns that the page reads. Raises ArtifactError otherwise."""
    import pyarrow as pa

    wanted = {"id": pa.string(), "label": pa.string(), "confidence": pa.float64(), "source": pa.string()}
    names = labels.schema.names
    wrong = [name for name in wanted if names.count(name) != 1 or labels.schema.field(name).type != wanted[name]]
    if wrong:
        raise ArtifactError(
            f"{project.labels_path.name}: {named(wrong)} missing, or of another type; run `labelkit apply` again"
        )
    return labels


def labels_of(project: ProjectFolder, labels: pa.Table, run: Run | None, basis: str) -> Labels:
    """What the labels say, counted."""
    import pyarrow.compute as pc

    totals: dict[str, Counter[str]] = {MODEL: Counter(), HUMAN: Counter()}
    unlabelled = 0
    for row in labels.group_by(["label", "source"]).aggregate([([], "count_all")]).to_pylist():
        if row["label"] is None:
            unlabelled += row["count_all"]
        else:
            totals[HUMAN if row["source"] == HUMAN else MODEL][row["label"]] += row["count_all"]
    classes = project.settings.project.classes
    counts = [ClassCount(name, totals[MODEL].pop(name, 0), totals[HUMAN].pop(name, 0)) for name in classes]
    strange = [sum(counter.values()) for counter in totals.values()]
    counts += [ClassCount(NO_CLASS, *strange)] if any(strange) else []
    return Labels(
        run="" if run is None else run.id,
        time="" if run is None else run.finished,
        model="" if run is None else str(run.parameters.get("model", "")),
        records=labels.num_rows,
        classes=tuple(counts),
        unlabelled=unlabelled,
        confidences=confidences(labels.filter(pc.equal(labels.column("source"), MODEL))),
        yardsticks=(),
        basis=basis,
    )
