"""Small projects whose functions were applied, in one version after another."""

from __future__ import annotations

from typing import Any

from projects import FUNCTIONS, Made, MakeProject

FAST = "[model]\nname = 'dawid_skene'\n[apply]\nworkers = 1\n"
EDITED = FUNCTIONS.replace('"song" in x.text or "voice" in x.text', '"voice" in x.text')


def applied(make_project: MakeProject, *versions: str, toml: str = FAST, **more: Any) -> Made:
    """A project whose functions went through some versions, each of them applied."""
    made = make_project(functions=versions[0], toml=toml, **more)
    for version in versions:
        made.write("labeling_functions/first.py", version)
        made.project.apply()
    return made
