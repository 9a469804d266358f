"""A project to be hurt."""

from __future__ import annotations

import json
from pathlib import Path

from projects import FUNCTIONS, comments
from report_samples import passing_project


def before(folder: Path, *, finished: bool = False) -> Path:
    """`before` in the folder: a project with labels and answers waiting in a file.

    Unless it is finished, every verb has work to do: a function has changed since, and the answers were never read.
    """
    made = passing_project(folder / "before")
    lines = [json.dumps({"id": row["id"], "label": row["gold"]}) for row in comments(60, seed=3)[10:30]]
    made.write("answers.jsonl", "\n".join(lines) + "\n")
    if finished:
        made.run("annotate", "--answers", "answers.jsonl", "--annotator", "bob")
        made.project.apply()
    made.project.validate()
    if not finished:
        made.write("labeling_functions/first.py", FUNCTIONS.replace('"guitar"', '"melody"'))
    return folder
