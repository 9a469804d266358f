"""The examples for pipelines run as they stand, on a small project."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from labelkit.cli.main import labelkit as group
from projects import Made

EXAMPLES = Path(__file__).parent.parent.parent / "examples" / "ci"
WORKFLOW: dict[str, Any] = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text(encoding="utf-8"))
HOOKS: dict[str, Any] = yaml.safe_load((EXAMPLES / "pre-commit-config.yaml").read_text(encoding="utf-8"))


def environment(tmp_path: Path) -> dict[str, str]:
    """Where `labelkit` is the one under test, and a runner's summary file is there."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / "labelkit"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m labelkit "$@"\n')
    program.chmod(0o755)
    path = f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    own = {
        "PATH": path,
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "PRE_COMMIT_HOME": str(tmp_path / "hooks"),
    }
    return {**os.environ, **own}


def run_steps(made: Made, tmp_path: Path) -> list[tuple[str, int, str]]:
    """The steps that run something, but for the installation, as a runner runs them: (name, exit code, output)."""
    ended, failed = [], False
    for step in WORKFLOW["jobs"]["labels"]["steps"]:
        always = str(step.get("if", "")).startswith("always()")
        if "run" not in step or step["run"].startswith("pip install") or (failed and not always):
            continue
        command = ["bash", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(
            command, cwd=made.root, env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=120
        )
        failed = failed or done.returncode != 0
        ended.append((step["name"], done.returncode, done.stdout + done.stderr))
    return ended


@pytest.mark.slow
def test_the_workflow_passes_good_labels_and_verifies_them(made: Made, tmp_path: Path) -> None:
    """Every step of the workflow exits with 0, and the summary page says so."""
    ended = run_steps(made, tmp_path)
    assert [code for _, code, _ in ended] == [0, 0, 0, 0], ended
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith("## ✅ Passed: training may run")
    assert (made.root / "report.html").is_file()


def test_the_workflow_stops_before_training(made: Made, tmp_path: Path) -> None:
    """Where an expectation fails, the validate step fails, the reports are there, and nothing is verified."""
    suite = made.root / "expectations" / "labels.json"
    suite.write_text(suite.read_text().replace('["ham", "spam"]', '["ham"]'))
    ended = run_steps(made, tmp_path)
    assert [(name, code) for name, code, _ in ended] == [
        ("Label", 0),
        ("Validate", 1),
        ("Say it on the summary page", 0),
    ]
    assert "::error file=expectations/labels.json," in ended[1][2]
    assert "Blocked" in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_the_examples_use_the_public_command_line_only() -> None:
    """Every labelkit command of the examples, and every option, exists."""
    steps = [step["run"] for step in WORKFLOW["jobs"]["labels"]["steps"] if "run" in step]
    hooks = [hook["entry"] for repo in HOOKS["repos"] for hook in repo["hooks"]]
    commands = [shlex.split(line) for text in [*steps, *hooks] for line in text.splitlines() if "labelkit " in line]
    assert len(commands) == 5
    for _, verb, *rest in commands:
        known = {option for parameter in group.commands[verb].params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("git") is None, reason="pre-commit works on a git repository")
def test_the_hooks_run_under_pre_commit(made: Made, tmp_path: Path) -> None:
    """Before a verdict the commit hook refuses; the push hook judges; then the commit hook lets pass."""
    shutil.copy(EXAMPLES / "pre-commit-config.yaml", made.root / ".pre-commit-config.yaml")
    own = environment(tmp_path)
    subprocess.run(["git", "init", "--quiet"], cwd=made.root, env=own, check=True)
    subprocess.run(["git", "add", ".pre-commit-config.yaml"], cwd=made.root, env=own, check=True)

    def hook(stage: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--hook-stage", stage]
        return subprocess.run(command, cwd=made.root, env=own, capture_output=True, text=True, check=False, timeout=120)

    refused = hook("pre-commit")
    assert refused.returncode == 1, refused.stdout
    assert "not verified: labels.parquet has not been validated" in refused.stdout
    judged = hook("pre-push")
    assert "labels pass every expectation" in judged.stdout
    assert "Passed" in judged.stdout
    assert hook("pre-commit").returncode == 0
