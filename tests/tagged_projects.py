"""A small project whose records may have several classes."""

from __future__ import annotations

import random
from pathlib import Path

import labelkit as lk
from projects import FILLER, Made, write_csv

WORDS = {
    "python": ("python", "def", "import", "lambda"),
    "pandas": ("dataframe", "groupby", "merge", "column"),
    "sql": ("select", "join", "where", "query"),
}
TOML = """
[project]
name = "questions"
kind = "multilabel"
classes = ["python", "pandas", "sql"]
[data]
path = "questions.csv"
fields = ["text"]
gold = "tags"
split = "split"
"""
FUNCTIONS = """
import labelkit as lk

NO, YES = 0, 1
WORDS = {words!r}

@lk.labeling_function()
def first(x):
    return YES if WORDS[0] in x.text.split() else lk.ABSTAIN

@lk.labeling_function()
def others(x):
    return YES if set(WORDS[1:3]) & set(x.text.split()) else lk.ABSTAIN

@lk.labeling_function()
def nothing(x):
    return lk.ABSTAIN if set(WORDS) & set(x.text.split()) else NO

last = lk.rules.keywords("last", WORDS[1:], field="text", label="yes")
"""


def questions(n: int, seed: int) -> list[dict[str, str]]:
    """n records with id, text, tags and split; tags are told by the words, most of the time."""
    rng, rows = random.Random(seed), list[dict[str, str]]()
    for i in range(n):
        tags = [name for name in WORDS if rng.random() < 0.4]
        words = [*rng.sample(FILLER, 4), f"n{i}"]
        for name, own in WORDS.items():
            words += rng.sample(own, 2) if name in tags else [rng.choice(own)] if rng.random() < 0.1 else []
        rng.shuffle(words)
        split = rng.choice(("train", "train", "test"))
        rows.append({"id": f"q{i}", "text": " ".join(words), "tags": ",".join(tags) or "[]", "split": split})
    return rows


def tagged_project(root: Path, *, toml: str = TOML, n: int = 120) -> Made:
    """Make it in a folder."""
    made = Made(root)
    made.write("labelkit.toml", toml)
    write_csv(made.root / "questions.csv", questions(n, seed=5))
    for name, words in WORDS.items():
        made.write(f"labeling_functions/{name}/words.py", FUNCTIONS.format(words=words))
    return made


def whole(made: Made) -> lk.MultilabelProject:
    """The project from Python."""
    return lk.MultilabelProject(made.root)
