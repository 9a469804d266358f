"""Run records that somebody else wrote, whole by their checksum: nothing of them reaches a terminal or a path raw."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from applied_projects import EDITED, FAST, applied
from labelkit.errors import LabelkitError
from labelkit.lineage import hash_json
from projects import FUNCTIONS, Made, MakeProject, printed

EVIL = "\x1b]0;owned\x07\u202e"


@pytest.fixture
def strange(make_project: MakeProject) -> Made:
    """A project in which every text of every run is hostile, where the schema lets it be."""
    made = applied(make_project, FUNCTIONS, EDITED)
    for path in (made.root / ".labelkit" / "runs").glob("*/run.json"):
        content = json.loads(path.read_bytes())
        for section in ("parameters", "versions", "about", "counts"):
            content[section] = poisoned(content[section])
        content["inputs"]["functions"] |= {EVIL: "0" * 64}
        content["git"] = {"commit": "c0" * 20, "dirty": True, "changed": [EVIL]}
        forge(path, content)
    return made


def poisoned(value: Any) -> Any:
    """Every text replaced, every mapping from names with one name more."""
    if isinstance(value, dict):
        more = {EVIL: EVIL} if value and all(isinstance(each, str) for each in value.values()) else {}
        named = {name: poisoned(each) for name, each in value.items()}
        return named if set(value) & {"classes", "records", "data"} else {**named, **more}
    if isinstance(value, list):
        return [poisoned(each) for each in value]
    return EVIL if isinstance(value, str) and value not in {"ham", "spam", "id", "text"} else value


def forge(path: Path, content: dict[str, Any]) -> None:
    content = {name: value for name, value in content.items() if name != "checksum"}
    path.write_text(json.dumps({**content, "checksum": hash_json(content)}))


@pytest.mark.parametrize(
    "command",
    [
        ["runs", "list"],
        ["runs", "show"],
        ["runs", "show", "previous"],
        ["runs", "diff"],
        ["explain", "c3"],
        ["replay", "current"],
    ],
    ids=" ".join,
)
def test_hostile_text_in_a_record_is_shown_and_not_sent(
    strange: Made, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever a run says of itself is made visible, in results and in errors."""
    text = ""
    for code in (0, 1):
        with contextlib.suppress(LabelkitError, AssertionError):
            text += printed(strange, *command, code=code)
    text += "".join(capsys.readouterr())
    assert "\x1b" not in text
    assert "\u202e" not in text
    if command[1] in {"show", "diff", "c3"}:
        assert "\\x1b]0;owned" in text


def test_a_bug_in_the_other_process_is_a_bug_here(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails unexpectedly while votes are cast elsewhere comes back with its traceback, for the crash report."""
    made = make_project(toml=FAST)
    broken = made.root / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import labelkit.pipeline.compute as c\ndef fail(*a, **k):\n    raise KeyError('oops')\nc.compute = fail\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(broken))
    with pytest.raises(RuntimeError, match=r"(?s)the working tree: Traceback.*KeyError: 'oops'"):
        made.project.diff("worktree", "worktree")
