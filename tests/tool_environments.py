"""Environments of their own for tools whose libraries do not go together with labelkit's.

They are made once, in .cache/tools, by pip; what is installed is named here.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).parent.parent
PLACE = ROOT / ".cache" / "tools"
REQUIREMENTS = {
    "airflow": "apache-airflow==3.3.2",
    "dagster": "dagster==1.13.28",
    "label-studio": "label-studio-sdk==2.1.2",
    "mlflow": "mlflow-skinny==3.17.2",
    "prefect": "prefect==3.8.8 fastapi<0.150",
}


@dataclass(frozen=True)
class Tool:
    """A tool in its environment."""

    python: Path

    def run(
        self, *arguments: str | Path, cwd: Path, code: int = 0, more: Mapping[str, str] = MappingProxyType({})
    ) -> subprocess.CompletedProcess[str]:
        """Run a program with the tool's Python in `cwd` and with labelkit's command at hand."""
        own = {"LABELKIT": str(Path(sys.executable).parent / "labelkit"), "HOME": str(cwd), "TMPDIR": str(cwd)}
        command = [str(self.python), *map(str, arguments)]
        environment = {**os.environ, **own, **more}
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
        return done


def tool(name: str) -> Tool:
    """The environment of a tool, made when it is asked for the first time."""
    PLACE.mkdir(parents=True, exist_ok=True)
    folder, requirement = PLACE / name, REQUIREMENTS[name]
    made, python = folder / "installed.txt", folder / "bin" / "python"
    with (PLACE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side
        if not made.exists() or made.read_text() != requirement:
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", *requirement.split()], check=True)
            made.write_text(requirement)
    return Tool(python)
