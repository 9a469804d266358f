"""What the documentation says is executed: docstrings, README, help."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import click
import pytest

import labelkit

ROOT = Path(__file__).parent.parent
MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(labelkit.__path__, "labelkit.")
    if not info.name.endswith("__main__") and ".template" not in info.name
)
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name: str) -> None:
    """Every example in a docstring gives what it says."""
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert result.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """Every relative link of a page points to a file of the repository."""
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_of_pages_run(page: Path) -> None:
    """Every Python prompt of a page gives what it says; a blank line ends the last output of a block."""
    result = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert result.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_pages_exist(page: Path) -> None:
    """Every `labelkit` command and option, and every make target, that a page shows is there."""
    from labelkit.cli.main import labelkit as group

    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", text)) <= set(targets)
    for command, rest in re.findall(r"(?:`|\$ |bin/)labelkit ([a-z]+)([^`\n]*)", text):
        assert command in group.commands
        found = group.commands[command]
        if isinstance(found, click.Group):
            name = rest.split()[0] if rest.split() else ""
            assert name in {"", "...", *found.commands} or not name.isalpha()
            found = found.commands.get(name, found)
        known = {option for parameter in found.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest.split("#")[0])) <= known
