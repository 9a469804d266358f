"""Where Chromium is. Playwright drives the one that is installed and downloads none."""

from __future__ import annotations

import os
import shutil

import pytest


def chromium() -> str:
    """The path of the browser. Where there is none, CI fails and a laptop skips."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path is not None), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium here: apt-get install chromium")
        pytest.skip("no Chromium here: apt-get install chromium")
    return found
