"""The file of augmented records as others read it: the gate, and whoever trains on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from labelkit.errors import AnswerIsNo, ArtifactError, DataError, visible
from labelkit.files import refusals
from labelkit.lineage import hash_file
from labelkit.pipeline.recording import run_store
from labelkit.project import TRAIN, ProjectFolder
from labelkit.settings import AUGMENTED_FROM

if TYPE_CHECKING:
    import pyarrow as pa

PARENT, FUNCTIONS, SEED = AUGMENTED_FROM, "augmented_by", "augmented_seed"  # columns of a new record
RUN = b"labelkit.run"  # in the file's metadata
_AGAIN = "run `labelkit augment` again"


def augmented_records(project: ProjectFolder) -> pa.Table | None:
    """What `[data] augmented` names; None where it names nothing. Raises ArtifactError for what is no such file."""
    name = project.settings.data.augmented
    return None if name is None else read_augmented(project, project.root / name)


def read_augmented(project: ProjectFolder, path: Path) -> pa.Table:
    """A file of augmented records. Raises ArtifactError for what is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    shown, data = visible(project.relative(path)), project.settings.data
    try:
        with refusals(path):
            table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise ArtifactError(f"{shown}: no file of augmented records; {_AGAIN}") from error
    wanted = [data.id, *data.fields, *([data.split] if data.split else []), PARENT, FUNCTIONS, SEED]
    missing = [name for name in wanted if name not in table.column_names]
    if missing:
        raise ArtifactError(f'{shown}: no column "{visible(missing[0])}"; {_AGAIN}')
    return table


def checked_augmented(project: ProjectFolder, path: Path, records: str) -> pa.Table:
    """The same for training: as `augment` wrote it, of the records with this fingerprint, and none off split train.

    Raises AnswerIsNo where that is not known, DataError for a record on another split.
    """
    import pyarrow.compute as pc

    table, shown = read_augmented(project, path), visible(project.relative(path))
    store, run = run_store(project), (table.schema.metadata or {}).get(RUN, b"").decode("ascii", "replace")
    if not run or not store.exists(run):
        raise AnswerIsNo(f"{shown}: no record of the run that wrote it; {_AGAIN}")
    made = store.read(run)
    if made.outputs.get(project.relative(path)) != hash_file(path):
        raise AnswerIsNo(f"{shown} is not what run {run} wrote; {_AGAIN}")
    if made.inputs.get("data") != records:
        raise AnswerIsNo(f"{shown} was made of other records than those that passed; {_AGAIN}")
    split = project.settings.data.split
    if split is not None and not pc.all(pc.equal(table.column(split), TRAIN)).as_py() and table.num_rows:
        raise DataError(f'{shown}: a record is not on split "{TRAIN}"; {_AGAIN}')
    return table
