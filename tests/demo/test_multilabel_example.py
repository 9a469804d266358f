"""The example on reviews with several labels runs as its README says, offline."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from readmes import commands_of, run

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "multilabel"


@pytest.mark.slow
def test_the_readme_runs(tmp_path: Path) -> None:
    """Every command of the README succeeds in turn, and the last one trains on what passed the gate."""
    folder = tmp_path / "multilabel"
    made = shutil.ignore_patterns("data", ".labelkit", "labels.parquet", "__pycache__")
    shutil.copytree(EXAMPLE, folder, ignore=made)
    commands = commands_of(folder / "README.md")
    assert commands[-1] == "python train.py"
    shown = {f"{i} {command}": run(command, folder) for i, command in enumerate(commands)}
    assert shown["4 labelkit validate"].startswith("PASS")
    assert "service/share" in shown["4 labelkit validate"]
    accuracies = {line.split()[0]: float(line.split()[2]) for line in shown["7 python train.py"].splitlines()[1:]}
    assert list(accuracies) == ["food", "service", "price"]
    assert min(accuracies.values()) > 0.9
    labels = pq.read_table(folder / "labels.parquet")
    assert labels.num_rows == 600
    assert labels["source"].to_pylist().count("human") == 20


@pytest.mark.slow
def test_the_data_is_the_same_everywhere(tmp_path: Path) -> None:
    """The script draws by a seed, and each review is there once."""
    texts = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(EXAMPLE / "make_data.py", folder)
        run("python make_data.py", folder)
        texts.append((folder / "data" / "reviews.csv").read_text(encoding="utf-8"))
    assert texts[0] == texts[1]
    rows = list(csv.DictReader(texts[0].splitlines()))
    assert len({row["text"] for row in rows}) == len(rows) == 600
