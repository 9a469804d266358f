"""The commands of a README, run as a shell would."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path


def commands_of(page: Path) -> list[str]:
    """The lines of a page that begin with a prompt."""
    return re.findall(r"^\$ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)


def run(command: str, folder: Path) -> str:
    """What one of them prints, with proxies that lead nowhere; it must succeed."""
    tools = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    environment |= dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    words = shlex.split(command)
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
