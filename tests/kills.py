"""A project to be hurt, and the programs that hurt it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from projects import FUNCTIONS, Made, comments, write_csv
from report_samples import passing_project


def before(folder: Path, *, finished: bool = False) -> Path:
    """`before` in the folder: a project with labels and answers waiting in a file.

    Unless it is finished, every verb has work to do: a function has changed since, and the answers were never read.
    """
    made = passing_project(folder / "before")
    settings = made.root / "labelkit.toml"
    settings.write_text(settings.read_text() + "[annotate]\nretrain = false\n")
    lines = [json.dumps({"id": row["id"], "label": row["gold"]}) for row in comments(60, seed=3)[10:30]]
    made.write("answers.jsonl", "\n".join(lines) + "\n")
    tasks = [json.dumps({"text": row["text"], "label": [row["gold"]]}) for row in comments(60, seed=3)[10:30]]
    made.write("tasks.jsonl", "\n".join(tasks) + "\n")
    if finished:
        checked = FUNCTIONS.replace('label="spam")', 'label="spam", examples=[("free cash", SPAM)])')
        made.write("labeling_functions/first.py", checked)
        made.run("annotate", "--answers", "answers.jsonl", "--annotator", "bob")
        made.project.apply()
    made.project.validate()
    if not finished:
        made.write("labeling_functions/first.py", FUNCTIONS.replace('"guitar"', '"melody"'))
    return folder


def asking(folder: Path, url: str = "") -> Path:
    """`before` in the folder: a project with thousands of records to ask people about."""
    made = Made(folder / "before")
    rows = [{"id": f"c{i}", "text": f"number {i} of all, win or song"} for i in range(6_000)]
    write_csv(made.root / "data" / "comments.csv", rows)
    made.write(
        "labelkit.toml",
        '[project]\nname = "comments"\nclasses = ["ham", "spam"]\n[model]\nname = "majority"\n'
        '[data]\npath = "data/comments.csv"\nfields = ["text"]\n[annotate]\nstrategy = "random"\nretrain = false\n'
        + (f'[store]\nurl = "{url}"\n' if url else ""),
    )
    made.write("labeling_functions/first.py", FUNCTIONS)
    made.project.apply()
    return folder


def alone() -> dict[str, str]:
    """The environment of a program that forks and kills: without coverage, whose lock may be left held for ever."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return {**kept, "OMP_NUM_THREADS": "1"}


def outcome_of(program: str, *arguments: object, mounting: bool = False) -> dict[str, Any]:
    """The JSON object that a program in tests/ prints last. With `mounting` its mounts are its own, and go with it."""
    command = [sys.executable, str(Path(__file__).with_name(program)), *map(str, arguments)]
    done = subprocess.run(
        [*(["unshare", "-m"] if mounting else []), *command],
        capture_output=True, text=True, check=False, timeout=3000, env=alone(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))
