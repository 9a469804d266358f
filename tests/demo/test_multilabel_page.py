"""What docs/multilabel.md tells a newcomer to do works, line by line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import labelkit as lk
from readmes import run

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "multilabel.md"


def followed(page: str, folder: Path) -> dict[str, str]:
    """Write the files and run the commands of a page, in their order: command -> what it printed."""
    shown = {}
    for block in re.findall(r"^```[a-z]*\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL):
        name = re.match(r"# (labeling_functions/\S+)\n", block)
        if name:
            path = folder / name[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block, encoding="utf-8")
        for command in re.findall(r"^\$ (.+)$", block, flags=re.MULTILINE):
            if command.startswith("cd "):
                folder = folder / command.removeprefix("cd ")
            else:
                shown[command] = run(command, folder)
    return shown


@pytest.mark.slow
def test_a_newcomer_gets_through(tmp_path: Path) -> None:
    """From records to an export that passed the gate, and each command for one class."""
    shutil.copy(ROOT / "examples" / "multilabel" / "make_data.py", tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    shown = followed(page[page.index("## In ten minutes") :], tmp_path)
    assert shown["labelkit validate"].startswith("PASS")
    assert shown["labelkit explain review-003"].count("\nclass ") == 3
    project = lk.MultilabelProject(tmp_path / "reviews")
    assert project.records().to_table().num_rows == 600
    assert set(project) == {"food", "service", "price"}
    assert (tmp_path / "reviews" / "train.parquet").is_file()


def test_the_settings_of_the_page_hold(tmp_path: Path) -> None:
    """Its labelkit.toml is read as it stands, and so is the other way to name gold."""
    blocks = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    (first, other) = (block for block in blocks if block.startswith(("[project]", "[data.gold_columns]")))
    (tmp_path / "labelkit.toml").write_text(first)
    settings = lk.MultilabelProject(tmp_path).folder.settings
    assert (settings.data.gold, settings.data.separator) == ("topics", ";")
    (tmp_path / "labelkit.toml").write_text(re.sub("gold = .*\n", "", first) + other)
    members = lk.MultilabelProject(tmp_path).folder.members
    assert {name: one.settings.data.gold for name, one in members.items()} == {
        "food": "is_food",
        "service": None,
        "price": "is_price",
    }
