"""Git repositories for the tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

WHO = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t"}


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, whatever the user's own configuration says."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    alone = {**outside, **WHO, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    command = ["git", "-C", str(folder), "-c", "init.defaultBranch=main", *arguments]
    return subprocess.run(command, env=alone, capture_output=True, text=True, check=True).stdout.strip()


def commit_all(folder: Path, message: str = "change") -> str:
    """Commit everything below a folder, making it a repository first. Returns the commit."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")
