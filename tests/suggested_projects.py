"""Small projects whose records somebody answered."""

from __future__ import annotations

import shutil
from pathlib import Path

from labelkit.annotations import AnnotationStore
from labelkit.annotations.annotation import Answer
from projects import Made, MakeProject, comments

FAST = "[model]\nname = 'weighted'\n[apply]\nworkers = 1\n"


def train_rows() -> list[dict[str, str]]:
    """The records of split train, of which people are asked."""
    return [row for row in comments(200, seed=3) if row["split"] == "train"]


def answer_all(made: Made, rows: list[dict[str, str]]) -> Made:
    """Somebody answers as the gold of these records says."""
    made.project.folder.state.mkdir(exist_ok=True)
    store = AnnotationStore.open(made.project.folder.store_url)
    store.add_all([Answer(row["id"], row["gold"], "ana", "random", f"op {row['id']}") for row in rows])
    return made


def answered(make_project: MakeProject, n: int = 60, *, apply: bool = True, toml: str = FAST) -> Made:
    """A project of 200 comments; the first n records of split train were answered as their gold says."""
    made = make_project(toml=toml)
    if not apply:
        (made.root / "labeling_functions" / "first.py").unlink()
    if n:
        answer_all(made, train_rows()[:n])
    if apply:
        made.project.apply()
    return made


def copied(made: Made, folder: Path) -> Made:
    """A copy of a project, to be changed."""
    shutil.copytree(made.root, folder / "copy")
    return Made(folder / "copy")
