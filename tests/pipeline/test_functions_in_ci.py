"""The example of a pipeline that stops bad changes of functions runs as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from applied_projects import FAST
from projects import FUNCTIONS, Made, MakeProject
from repositories import commit_all, git

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "ci" / "github-functions.yml"
WORKFLOW: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
CARRYING = "@lk.labeling_function(examples=[('click', 1)])\ndef begs"
TESTED = FUNCTIONS.replace("@lk.labeling_function()\ndef begs", CARRYING)


def run_steps(made: Made, tmp_path: Path) -> list[tuple[str, int, str]]:
    """The steps that run something, but for the installation, as a runner runs them: (name, exit code, output)."""
    program = tmp_path / "bin" / "labelkit"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m labelkit "$@"\n')
    program.chmod(0o755)
    own = {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "GITHUB_BASE_REF": "main",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    ended, failed = [], False
    for step in WORKFLOW["jobs"]["functions"]["steps"]:
        always = str(step.get("if", "")).startswith("always()") and (made.root / "diff.md").exists()
        if "run" not in step or step["run"].startswith("pip install") or (failed and not always):
            continue
        command = ["bash", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(
            command, cwd=made.root, env={**os.environ, **own}, capture_output=True, text=True, check=False, timeout=120
        )
        failed = failed or done.returncode != 0
        ended.append((step["name"], done.returncode, done.stdout + done.stderr))
    return ended


@pytest.mark.slow
@pytest.mark.parametrize(
    ("functions", "codes", "summary"),
    [
        (TESTED + "\n# a remark\n", [0, 0, 0], "## 🔀 Labels before and after"),
        (TESTED.replace('"song" in x.text or "voice"', '"voice"'), [0, 1, 0], "## ❌ Labels changed more than allowed"),
        (TESTED.replace('or "click" in x.text', ""), [1], ""),
    ],
)
def test_a_pull_request_is_stopped_by_what_it_breaks(
    make_project: MakeProject, tmp_path: Path, functions: str, codes: list[int], summary: str
) -> None:
    """A remark passes; a word too few flips too many labels; a broken example stops before that."""
    made = make_project(functions=TESTED, toml=FAST)
    commit_all(made.root)
    git(made.root, "update-ref", "refs/remotes/origin/main", "HEAD")
    made.write("labeling_functions/first.py", functions)
    commit_all(made.root)
    ended = run_steps(made, tmp_path)
    assert [code for _, code, _ in ended] == codes, ended
    page = tmp_path / "summary.md"
    assert (page.read_text(encoding="utf-8") if page.exists() else "").startswith(summary)
