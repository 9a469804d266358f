"""Small projects whose records somebody answered."""

from __future__ import annotations

from projects import Made, MakeProject, comments

FAST = "[model]\nname = 'weighted'\n[apply]\nworkers = 1\n"


def answered(make_project: MakeProject, n: int = 60, *, apply: bool = True, toml: str = FAST) -> Made:
    """A project of 200 comments; the first n records of split train were answered as their gold says."""
    made = make_project(toml=toml)
    if not apply:
        (made.root / "labeling_functions" / "first.py").unlink()
    train = [row for row in comments(200, seed=3) if row["split"] == "train"]
    for row in train[:n]:
        made.project.answer(row["id"], row["gold"], annotator="ana", strategy="random")
    if apply:
        made.project.apply()
    return made
