"""The README is executed: its session in the demo project, its Python on a small frame."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelkit as lk
from demo_copies import ROOT, copied_demo

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh copy of the demo project."""
    return copied_demo(tmp_path_factory.mktemp("demo"), "examples")


def session() -> list[tuple[str, str]]:
    """(command, output) pairs of the README's console block."""
    block = re.search(r"<!-- session -->\n```console\n(.*?)```", README, re.DOTALL)
    assert block is not None
    steps = re.split(r"^\$ ", block[1], flags=re.MULTILINE)[1:]
    return [(step.partition("\n")[0], step.partition("\n")[2]) for step in steps]


def test_the_session_prints_what_the_readme_shows(demo: Path) -> None:
    """Every command of the session gives the output that stands below it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command, shown in session():
        done = subprocess.run(
            command.split(), cwd=demo, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True
        )
        told = doctest.OutputChecker()
        assert told.check_output(shown, done.stdout, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE), (
            f"$ {command}\n{done.stdout}"
        )


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The Python of the README runs as it stands."""
    texts = [
        "LOOK AT THIS",
        "see https://a.example",
        "thank you",
        "I love this song",
        "SO GOOD",
        "BUY https://b.example",
    ]
    comments = pa.table(
        {"comment_id": [f"c{i}" for i in range(60)], "text": [f"{texts[i % 6]}{' ' * (i // 6)}" for i in range(60)]}
    )
    subprocess.run([sys.executable, "-m", "labelkit", "init", "."], cwd=tmp_path, check=True, capture_output=True)
    pq.write_table(comments, tmp_path / "comments.parquet")
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(compile(block, "README.md", "exec"), scope)  # noqa: S102  the README is ours
    assert "shouts" in capsys.readouterr().out
    assert isinstance(scope["rows"], pa.Table)
    assert isinstance(scope["questions"], list)
    assert {name for name in scope if name in lk.__all__} == set()
