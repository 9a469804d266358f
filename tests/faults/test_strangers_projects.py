"""Somebody else's project: looking at it runs no code of it, touches nothing outside it, and calls nobody."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fault_figures import Figure
from kills import alone, before
from labelkit.errors import visible
from projects import Made, write_csv

PROGRAM = Path(sys.executable).with_name("labelkit")
LOOKING = [
    ["validate"], ["validate", "--verify-only"], ["annotate", "--queue", "5", "--annotator", "ana", "--out", "q.jsonl"],
    ["annotate", "--agreement"], ["report"], ["explain", "c3"], ["runs", "list"], ["runs", "show"], ["runs", "diff"],
    ["export", "out.json", "--to", "label-studio"],
]  # fmt: skip
FEW = [["validate"], LOOKING[2], ["report"]]
MARK = "import pathlib; pathlib.Path({mark!r}).write_text('ran')\n"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished project."""
    return before(tmp_path_factory.mktemp("finished"), finished=True) / "before"


def run(root: Path, *arguments: str, trace: Path | None = None, env: dict[str, str] | None = None) -> tuple[int, str]:
    """Exit code and everything that was said."""
    traced = ["strace", "-f", "-q", "-e", "trace=execve,connect,sendto,openat", "-o", str(trace)] if trace else []
    done = subprocess.run(
        [*traced, str(PROGRAM), *arguments], cwd=root, capture_output=True, text=True, check=False, timeout=300,
        env={**alone(), **(env or {})},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


class Evil:
    """Runs a program when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.mark}",)


def run_folder(root: Path) -> Path:
    """The run behind the labels."""
    folders = [path.parent for path in root.glob(".labelkit/runs/*/votes.arrow")]
    return max(folders, key=lambda path: (path / "run.json").stat().st_mtime)


def evil_model(root: Path, mark: Path) -> None:
    file = io.BytesIO()
    np.save(file, np.array([Evil(mark)], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(run_folder(root) / "model.npz", "w") as archive:
        for name in ("votes.npy", "weights.npy", "accuracies.npy"):
            archive.writestr(name, file.getvalue())


def evil_pickles(root: Path, mark: Path) -> None:
    for name in ("model.json", "run.json", "votes.arrow"):
        (run_folder(root) / name).write_bytes(pickle.dumps(Evil(mark)))


def evil_labels(root: Path, mark: Path) -> None:
    field = pa.field("id", pa.binary(), metadata={
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Evil(mark)),
    })  # fmt: skip
    pq.write_table(pa.table([pa.array([b"c1"])], schema=pa.schema([field])), root / "labels.parquet")


def evil_imports(root: Path, mark: Path) -> None:
    for name in ("json", "numpy", "sitecustomize", "usercustomize", "conftest", "labelkit", "__init__"):
        (root / f"{name}.py").write_text(MARK.format(mark=str(mark)))
    (root / "labeling_functions" / "evil.py").write_text(MARK.format(mark=str(mark)))


def evil_git(root: Path, mark: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    hook = root / ".git" / "hooks" / "post-index-change"
    hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
    hook.chmod(0o755)
    subprocess.run(["git", "add", "labelkit.toml"], cwd=root, check=True)
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"], cwd=root, check=True)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "filter.x.clean",
        "core.sshCommand",
        "alias.rev-parse",
    ):
        subprocess.run(["git", "config", key, f"!touch {mark}; touch {mark}"], cwd=root, check=True)
    (root / ".gitattributes").write_text("* filter=x diff=x\n")
    mark.unlink(missing_ok=True)


def evil_run_id(root: Path, mark: Path) -> None:
    table = pq.read_table(root / "labels.parquet")
    metadata = {key: b"../../../outside" if b"run" in key else value for key, value in table.schema.metadata.items()}
    pq.write_table(table.replace_schema_metadata(metadata), root / "labels.parquet")


EVILS: dict[str, Callable[[Path, Path], None]] = {
    "modules that shadow others": evil_imports,
    "pickles as model, run and votes": evil_pickles,
    "a pickle in a model's arrays": evil_model,
    "a pickle in a Parquet type": evil_labels,
    "programs in git's configuration": evil_git,
    "a run id that climbs out": evil_run_id,
}


@pytest.mark.parametrize("evil", EVILS)
def test_looking_runs_no_code_of_it(evil: str, finished: Path, tmp_path: Path, figure: Figure) -> None:
    """validate, annotate, report, explain and runs on a project that would like to run something."""
    root, mark = tmp_path / "project", tmp_path / "mark"
    shutil.copytree(finished, root)
    EVILS[evil](root, mark)
    looks = LOOKING if evil == "modules that shadow others" else FEW
    for arguments in looks:
        code, said = run(root, *arguments)
        assert not mark.exists(), f"{arguments} ran code"
        assert code in (0, 1, 2), said
        assert "Traceback" not in said
    figure("hostile project", evil, len(looks), code_run=0)


LINKS = ["labels.parquet", ".labelkit/lock", ".labelkit/verdict.json", ".labelkit/annotations.db", ".labelkit/runs",
         ".labelkit/cache", ".labelkit/.staging", "q.jsonl", "report.html"]  # fmt: skip


def test_links_lead_nowhere(finished: Path, tmp_path: Path, figure: Figure) -> None:
    """A symbolic link in the place of a file that labelkit writes: what it points to stays as it is."""
    for name in LINKS:
        root, outside = tmp_path / "project", tmp_path / "outside"
        shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(outside, ignore_errors=True)
        shutil.copytree(finished, root)
        outside.mkdir()
        (outside / "precious").write_text("precious")
        path = root / name
        folder = path.is_dir() or name.endswith(".staging")
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.symlink_to(outside if folder else outside / "precious")
        for arguments in (["apply"], *FEW):
            code, said = run(root, *arguments)
            assert code in (0, 1, 2, 3), said
            assert "Traceback" not in said
            assert (outside / "precious").read_text() == "precious", f"{name}: {arguments}"
            if name not in (".labelkit/runs", ".labelkit/cache"):  # a whole folder may be kept elsewhere, and is used
                assert [path.name for path in outside.iterdir()] == ["precious"], f"{name}: {arguments}"
    figure("hostile project", "links in the place of what labelkit writes", len(LINKS) * (1 + len(FEW)), followed=0)


@pytest.mark.usefixtures("root")
def test_nobody_is_called(finished: Path, tmp_path: Path, figure: Figure) -> None:
    """Every verb, Snorkel's model among them, without a network: all work, and no connection is even tried."""
    root, log = tmp_path / "project", tmp_path / "trace"
    shutil.copytree(finished, root)
    text = (root / "labelkit.toml").read_text()
    (root / "labelkit.toml").write_text(text.replace('name = "majority"', 'name = "snorkel"'))
    verbs = [["apply"], *LOOKING, ["annotate", "--answers", "answers.jsonl", "--annotator", "eve"], ["init", "new"]]
    tried = 0
    for arguments in verbs:
        code, said = run(root, *arguments, trace=log)
        assert code in (0, 1), said
        calls = re.findall(r"^.*(?:connect|sendto)\(.*AF_INET.*$", log.read_text(errors="replace"), flags=re.MULTILINE)
        tried += len(calls)
        assert calls == []
        offline = subprocess.run(
            ["unshare", "-n", str(PROGRAM), *arguments[:1], "--help"], cwd=root, capture_output=True, check=False
        )
        assert offline.returncode == 0
    figure("network", "verbs under strace: connections tried", len(verbs), connections=tried)


def test_secrets_stay_where_they_are(finished: Path, tmp_path: Path, figure: Figure) -> None:
    """Forty canaries in the environment, in URLs and in exceptions: none in an artifact, and none is said.

    What a function's exception says is shown to whoever runs it, on stderr, and kept nowhere."""
    root = tmp_path / "project"
    shutil.copytree(finished, root)
    secrets = [f"canary{i:02d}x7Qk" for i in range(40)]
    names = ["AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "GITHUB_TOKEN", "DATABASE_URL", "OPENAI_API_KEY", "HF_TOKEN"]
    env = {f"{names[i % len(names)]}_{i}" if i >= len(names) else names[i]: secrets[i] for i in range(20)}
    del env["DATABASE_URL"]
    functions = root / "labeling_functions" / "leaky.py"
    functions.write_text(
        "import labelkit as lk, os\n\n"
        f"TOKEN = 'x'\n\n@lk.labeling_function()\ndef leaks(x):\n"
        f"    raise ValueError('https://u:{secrets[20]}@host/?token={secrets[21]} ' + os.environ['PGPASSWORD'])\n"
    )
    said = ""
    for arguments in (["apply", "--max-faults", "1000"], *LOOKING):
        said += run(root, *arguments, env=env)[1]
    shown = {secret for secret in secrets if secret in said}
    assert shown <= {secrets[20], secrets[21], env["PGPASSWORD"]}  # the exception, to whoever ran it
    functions.unlink()
    text = (root / "labelkit.toml").read_text()
    urls = [f"postgresql://u:{secrets[22]}@127.0.0.1:1/db", f"postgresql://u:{secrets[23]}@[::1]:1/db?password={secrets[24]}",
            f"postgresql://{secrets[25]}:p%40{secrets[26]}@127.0.0.1:1/db", f"mysql://u:{secrets[27]}@h/d",
            f"postgresql://u:p@{secrets[28]}@127.0.0.1:1/db", f"postgresql://u:{secrets[29]}"]  # fmt: skip
    said = ""
    for url in urls:
        (root / "labelkit.toml").write_text(f"{text}\n[store]\nurl = {json.dumps(url)}\n")
        for arguments in (["apply"], ["annotate", "--agreement"]):
            code, more = run(root, *arguments, env=env)
            assert code in (2, 3)
            said += more
    records = [f"postgresql+psycopg://u:{secrets[30]}@127.0.0.1:1/db", f"sqlite:///{root}/no.db?token={secrets[31]}"]
    (root / "data.sql").write_text("SELECT * FROM comments ORDER BY id")
    for url in records:
        settings = text.replace('path = "data/comments.csv"', f'path = "data.sql"\nurl = {json.dumps(url)}')
        (root / "labelkit.toml").write_text(settings)
        for arguments in (["apply"], ["validate"]):
            code, more = run(root, *arguments, env=env)
            said += more
    user = secrets[25]  # a user name is no secret, and says which of several it was
    assert [secret for secret in secrets if secret in said and secret != user] == []
    (root / "labelkit.toml").write_text(text)
    (root / "data.sql").unlink()
    kept = [
        path for path in root.rglob("*") if path.is_file() and any(s.encode() in path.read_bytes() for s in secrets)
    ]
    assert kept == []
    figure("secrets", "canaries in environment, URLs and exceptions", len(secrets), found_in_artifacts=len(kept))


def test_text_steers_no_terminal(tmp_path: Path, figure: Figure) -> None:
    """Escape sequences, bidi controls and the like in ids, texts, names of classes, functions and files, exceptions."""
    hostile = ["\x1b[2J\x1b[31m", "\u202egnp.exe", "\x9b1;31m", "\x07", "\u2066x\u2069", "\u200b", "\x1b]0;owned\x07"]
    hostile.append("\u2028")
    made = Made(tmp_path / "pro\u202eject")
    words = iter(range(10_000))
    rows = [
        {"id": f"r{i}{hostile[i % 8]}", "text": f"{hostile[(i + 3) % 8]} song {next(words)}", "gold": "ham"}
        for i in range(60)
    ]
    write_csv(made.root / "data" / "comments.csv", rows)
    name = json.dumps(f"spam{hostile[1]}")
    made.write(
        "labelkit.toml",
        f'[project]\nname = "x"\nclasses = ["ham", {name}]\n[model]\nname = "majority"\n'
        '[data]\npath = "data/comments.csv"\nfields = ["text"]\ngold = "gold"\n',
    )
    made.write("labeling_functions/fi\u202erst.py", HOSTILE_FUNCTIONS)
    said = ""
    commands = [["apply"], ["apply", "--json"], *LOOKING[2:4], ["validate"], ["validate", "--strict"], ["runs", "list"]]
    commands += [["explain", rows[0]["id"]], ["explain", hostile[0]], ["-C", hostile[0]], ["apply", "-C", hostile[0]]]
    for arguments in commands:
        code, more = run(made.root, *arguments)
        assert code in (0, 1, 2), more
        raw = {char for char in more if char not in "\n\t" and visible(char) != char}
        assert raw == set(), arguments
        said += more
    figure("hostile text", "commands on it, through their output", len(commands), raw_controls=0)
    assert "\\x1b" in said


HOSTILE_FUNCTIONS = r"""
import labelkit as lk

@lk.labeling_function("na\x1b[2Jme\u202e")
def f(x):
    print("pr\x1b[2Jint\u202e")
    if "7" in x.text:
        raise type("Er\x1b[2Jror", (Exception,), {})(x.text)
    return 0

other = lk.rules.keywords("ot\u2066her", ["song"], field="text", label=0)
third = lk.rules.keywords("third", ["x"], field="text", label=0)
"""
