"""A small project with records in Parquet, as Spark reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from projects import FUNCTIONS, Made, comments

TOML = """
[project]
name = "comments"
classes = ["ham", "spam"]
[data]
path = "{path}"
fields = ["text"]
gold = "gold"
split = "split"
{more}
"""
MAJORITY = '[model]\nname = "majority"\n'


def spark_toml(more: str = "", path: str = "comments.parquet") -> str:
    """Its settings; `more` begins in [data]."""
    return TOML.format(path=path, more=more)


def spark_project(
    root: Path,
    toml: str,
    functions: str = FUNCTIONS,
    rows: Sequence[dict[str, str | None]] | Sequence[dict[str, str]] = (),
) -> Made:
    """Make it in a folder, with 200 comments unless there are other rows."""
    made = Made(root)
    made.write("labelkit.toml", toml)
    made.write("labeling_functions/first.py", functions)
    pq.write_table(pa.Table.from_pylist(list(rows) or comments(200, seed=3)), made.root / "comments.parquet")
    return made
