"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from projects import FUNCTIONS, Made, MakeProject, comments, write_csv


@pytest.fixture
def make_project(tmp_path: Path) -> MakeProject:
    """A function that makes a small spam project; keyword arguments say what is different."""

    def make(
        *,
        rows: Sequence[dict[str, str]] | None = None,
        functions: str = FUNCTIONS,
        toml: str = "",
        gold: bool = True,
        folder: str = "project",
    ) -> Made:
        made = Made(tmp_path / folder)
        write_csv(made.root / "data" / "comments.csv", rows if rows is not None else comments(200, seed=3))
        more = 'gold = "gold"\nsplit = "split"\n' if gold else ""
        made.write(
            "labelkit.toml",
            '[project]\nname = "comments"\nclasses = ["ham", "spam"]\n'
            f'[data]\npath = "data/comments.csv"\nfields = ["text"]\n{more}{toml}',
        )
        made.write("labeling_functions/first.py", functions)
        return made

    return make
