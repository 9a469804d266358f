"""A project whose records may have several classes, with suites, labels and a verdict."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from projects import Made
from suite_files import BETWEEN, IN_SET, UNIQUE, check, write_suite
from tagged_projects import TOML, tagged_project, whole

MAJORITY = "[model]\nname = 'majority'\n[apply]\nworkers = 1\n"

_UNCHANGED = {"labels_match": 1, "data_match": 1, "functions_changed": ""}


def judged_project(root: Path) -> Made:
    """Make it in a folder: it passes, with suites for all classes and one for class sql."""
    made = tagged_project(root, toml=TOML + MAJORITY)
    folder = made.root / "expectations"
    sure = check(BETWEEN, column="confidence", max_value=0.9, severity="warning", description="no label is too sure")
    write_suite(folder / "labels.json", check(IN_SET, column="label", value_set=["no", "yes"]), sure,
                table="labels", name="labels")  # fmt: skip
    write_suite(folder / "records.json", check(UNIQUE, column="id"), name="records")
    few = check(
        BETWEEN, column="share", max_value=0.9, description="sql is not on everything", notes="Look at `first`."
    )
    write_suite(folder / "sql" / "shares.json", few, table="classes", name="shares")
    changed = [check(IN_SET, column=name, value_set=[value]) for name, value in _UNCHANGED.items()]
    newer = check(IN_SET, column="answers_newer", value_set=[0], severity="warning")
    write_suite(folder / "lineage.json", *changed, newer, table="runs", name="lineage")
    whole(made).apply()
    whole(made).validate().raise_if_failed()
    return made


def copied(made: Made, folder: Path) -> Made:
    """A copy of a project, for one test."""
    shutil.copytree(made.root, folder, symlinks=True)
    return Made(folder)


def written_again(made: Made, table: pa.Table) -> None:
    """Put a table in the place of labels.parquet, with the metadata of labels."""
    path = made.root / "labels.parquet"
    pq.write_table(table.replace_schema_metadata(pq.read_table(path).schema.metadata), path)
