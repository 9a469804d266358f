"""The documentation site."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_asks_nobody(tmp_path: Path) -> None:
    """Every page is in the navigation, every link leads somewhere, every public name is in the reference.

    No page loads anything from elsewhere.
    """
    import labelkit as lk

    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    assert "not included in the" not in done.stderr
    pages = {path.relative_to(tmp_path / "site"): path.read_text() for path in (tmp_path / "site").rglob("*.html")}
    loaded = re.compile(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//[^"]+"[^>]*>')
    foreign = {str(name): found for name, text in pages.items() if (found := loaded.findall(text))}
    assert not foreign
    reference = pages[Path("reference/index.html")]
    plain = {"ABSTAIN", "FAULT", "LabelkitError", "rules"}  # values, and names with a section of their own
    missing = [name for name in lk.__all__ if name not in plain and f'.{name}"' not in reference]
    assert not missing
