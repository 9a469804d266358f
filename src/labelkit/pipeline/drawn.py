"""The records that people may be asked about: all of the project's or, drawn on Spark, the candidates among them.

Candidates lie in a folder of their own for as long as somebody is asked: their votes and their fields, as the project
has votes and records. Whoever asks people works on a project of these records, and reads no others.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from labelkit.files import atomic_write, machine_errors, make_folder, write_json
from labelkit.lineage import CHUNK_ROWS, Run
from labelkit.matrix import LabelMatrix, VotesWriter
from labelkit.project import ProjectFolder
from labelkit.settings import EngineSection

if TYPE_CHECKING:
    import pyarrow as pa

DRAWN = 2_000
"""Candidates of each strategy in one session: more than anybody answers before the next."""

VOTES, RECORDS, ABOUT = "votes.arrow", "records.parquet", "drawn.json"
_OLD = 7 * 86_400  # seconds after which the candidates of a session that was killed are removed


@contextlib.contextmanager
def asking(
    project: ProjectFolder,
    engine: EngineSection | None,
    strategy: str,
    *,
    n: int = DRAWN,
    annotator: str | None = None,
    seed: int | None = None,
) -> Iterator[ProjectFolder]:
    """The project to ask from: itself or, where the engine is Spark, one of the candidates for n questions."""
    if engine is None or engine.name == "local":
        yield project
        return
    from labelkit.pipeline.spark_queue import draw

    folder = project.state / "drawn"
    with machine_errors(folder):
        make_folder(folder)
        for old in folder.iterdir():
            if old.stat().st_mtime < time.time() - _OLD:
                shutil.rmtree(old, ignore_errors=True)
        place = Path(tempfile.mkdtemp(dir=folder))
    try:
        draw(project, engine, strategy, place, n=n, annotator=annotator, seed=seed)
        yield project_of(project, place)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def write_drawn(folder: Path, run: Run, votes: LabelMatrix, records: pa.Table) -> None:
    """Keep candidates of a run: their votes, and id and fields of their records."""
    import pyarrow.parquet as pq

    with atomic_write(folder / VOTES) as file:
        writer = VotesWriter(file, votes.names, votes.classes)
        for start in range(0, len(votes.ids), CHUNK_ROWS):
            writer.add(votes.ids[start : start + CHUNK_ROWS], votes.votes[start : start + CHUNK_ROWS])
        writer.close()
    with atomic_write(folder / RECORDS) as file:
        pq.write_table(records, file)
    write_json(folder / ABOUT, {"run": run.id})


def project_of(project: ProjectFolder, folder: Path) -> ProjectFolder:
    """The project whose records are the candidates in a folder: all of them may be asked."""
    data = project.settings.data.model_copy(
        update={
            "path": str(folder / RECORDS),
            "url": None,
            "split": None,
            "gold": None,
            "metadata": [],
            "types": {},
            "embedding": project.settings.data.embedding_field,
        }
    )
    return replace(project, settings=project.settings.model_copy(update={"data": data}), drawn=folder)


def run_drawn_from(folder: Path) -> str:
    """Id of the run whose votes the candidates are."""
    with machine_errors(folder):
        return str(json.loads((folder / ABOUT).read_bytes())["run"])
