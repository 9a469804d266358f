"""Copies of the demo project, which the repository's own folder is."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent
PARTS = ("labelkit.toml", "labeling_functions", "expectations", "data")


def copied_demo(folder: Path, *more: str) -> Path:
    """Copy the demo project, and what else is named, into a folder; the folder."""
    assert (ROOT / "data" / "reviews.parquet").is_file(), "run `make data` first"
    for part in (*PARTS, *more):
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
    return folder
