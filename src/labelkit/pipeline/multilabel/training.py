"""The door to training on records of several classes: it opens when the gate of every class does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from labelkit.errors import SHOWN_PROBLEMS, AnswerIsNo, listed
from labelkit.files import timestamp
from labelkit.label_models import labels_content
from labelkit.pipeline.events import announced
from labelkit.pipeline.multilabel.validate import verify_all
from labelkit.pipeline.training import rows_of
from labelkit.project import ProjectFolder
from labelkit.records import open_records

if TYPE_CHECKING:
    import pyarrow as pa


@announced("train")
def training_set_of_all(
    project: ProjectFolder, split: str | None = None, *, augmented: str | Path | None = None
) -> pa.Table:
    """The labelled records as one table: id, fields, labels, undecided, p_<class>, source, run; see `training_set`.

    Records of which nothing is known are left out. Raises AnswerIsNo, with every reason, unless this very
    labels.parquet passed and every class is as it was then.
    """
    started, content = timestamp(), labels_content(project.labels_path)
    data = open_records(project).fingerprint()
    found = verify_all(project, data=data)
    if not found.verified:
        raise AnswerIsNo(listed(found.reasons, SHOWN_PROBLEMS))
    if found.labels != content.sha256:
        raise AnswerIsNo("labels.parquet was replaced in this moment; ask again")
    passed = {"labels": content.sha256, "data": data, "run": found.run}
    return rows_of(project, content, passed, started, split, augmented)
