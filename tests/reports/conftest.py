"""A small project whose labels pass, made once and copied."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from projects import FUNCTIONS, Made, comments, write_csv
from suite_files import BETWEEN, IN_SET, UNIQUE, check, write_suite


@pytest.fixture(scope="session")
def passing(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A project with labels, and suites that they pass; do not change it."""
    made = Made(tmp_path_factory.mktemp("reports") / "project")
    write_csv(made.root / "data" / "comments.csv", comments(60, seed=3))
    made.write(
        "labelkit.toml",
        '[project]\nname = "comments"\nclasses = ["ham", "spam"]\n[model]\nname = "majority"\n'
        '[data]\npath = "data/comments.csv"\nfields = ["text"]\ngold = "gold"\nsplit = "split"\n',
    )
    made.write("labeling_functions/first.py", FUNCTIONS)
    label = check(
        IN_SET, column="label", value_set=["ham", "spam"], description="labels are classes", notes="Do `this`."
    )
    sure = check(BETWEEN, column="confidence", min_value=0.5, severity="warning", description="labels are sure")
    write_suite(made.root / "expectations" / "labels.json", label, sure, table="labels", name="labels")
    write_suite(
        made.root / "expectations" / "records.json", check(UNIQUE, column="id"), table="records", name="records"
    )
    made.project.apply()
    return made


@pytest.fixture
def made(passing: Made, tmp_path: Path) -> Made:
    """A copy of the project, to be changed."""
    shutil.copytree(passing.root, tmp_path / "project")
    return Made(tmp_path / "project")
