"""Every command on every kind of broken project: its exit code, and whether it says what is wrong.

    python tests/exit_codes.py FOLDER

FOLDER holds `before`, a finished project. Prints one JSON object: fault -> command -> [exit code, first line].
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import sys
import threading
import typing
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from forked import Ended, ExitCode, in_child, respect_permissions
from labelkit.locks import project_lock
from waiting import until

COMMANDS = {
    "apply": ["apply", "--workers", "1"],
    "validate": ["validate"],
    "verify": ["validate", "--verify-only"],
    "queue": ["annotate", "--queue", "5", "--annotator", "ana", "--out", "questions.jsonl"],
    "answers": ["annotate", "--annotator", "ana", "--answers", "answers.jsonl"],
    "agreement": ["annotate", "--agreement"],
    "page": ["annotate", "--web", "--annotator", "ana", "--port", "0"],
    "explain": ["explain", "c3"],
    "runs": ["runs", "list"],
    "show": ["runs", "show"],
    "diff": ["runs", "diff"],
    "replay": ["replay", "--workers", "1"],
    "lf test": ["lf", "test"],
    "report": ["report"],
    "export": ["export", "out.json", "--to", "label-studio"],
    "import": ["import", "tasks.jsonl", "--from", "doccano", "--by", "text", "--annotator", "ana"],
    "check": ["store", "check"],
    "migrate": ["store", "migrate", "--to", "sqlite:///copy.db"],
}
"""What is run, each with a name. The page is interrupted as soon as it can be opened."""

Damage = Callable[[Path], object]


def _write(name: str, content: str | bytes) -> Damage:
    def damage(root: Path) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return damage


def _append(name: str, content: str) -> Damage:
    return lambda root: (root / name).write_text((root / name).read_text() + content)


def _replace(name: str, old: str, new: str) -> Damage:
    def damage(root: Path) -> None:
        text = (root / name).read_text()
        assert old in text
        (root / name).write_text(text.replace(old, new, 1))

    return damage


def _remove(name: str) -> Damage:
    def damage(root: Path) -> None:
        for path in root.glob(name):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return damage


def _flip(name: str, where: float) -> Damage:
    def damage(root: Path) -> None:
        for path in root.glob(name):
            content = bytearray(path.read_bytes())
            content[int((len(content) - 1) * where)] ^= 1
            path.write_bytes(content)

    return damage


def _cut(name: str) -> Damage:
    return lambda root: [path.write_bytes(path.read_bytes()[:-100]) for path in root.glob(name)]


def _mode(name: str, mode: int) -> Damage:
    def damage(root: Path) -> None:
        for path in root.glob(name):
            path.chmod(mode)

    return damage


def _plain_labels(root: Path) -> None:
    pq.write_table(pa.table({"id": ["c1"], "label": ["ham"]}), root / "labels.parquet")


def _other_database(root: Path) -> None:
    (root / ".labelkit" / "annotations.db").unlink(missing_ok=True)
    connection = sqlite3.connect(root / ".labelkit" / "annotations.db")
    connection.execute("CREATE TABLE entries (x)")
    connection.close()


def _a_folder(root: Path) -> None:
    (root / DATA).unlink()
    (root / DATA).mkdir()


def _read_only(root: Path) -> None:
    for path in [root, *root.rglob("*")]:
        path.chmod(0o555)


TOML, DATA, LF = "labelkit.toml", "data/comments.csv", "labeling_functions/first.py"
STORE, RUNS = ".labelkit/annotations.db", ".labelkit/runs/*"

FAULTS: dict[str, Damage] = {
    "nothing": lambda root: None,
    "no project": _remove(TOML),
    "settings: not TOML": _append(TOML, "\n[data\n"),
    "settings: unknown key": _append(TOML, "\n[apply]\nworkerz = 1\n"),
    "settings: not UTF-8": _write(TOML, b"\xff\xfe"),
    "settings: unknown store": _append(TOML, '\n[store]\nurl = "mysql://x/y"\n'),
    "settings: no such server": _append(TOML, '\n[store]\nurl = "postgresql://x@127.0.0.1:1/y"\n'),
    "records: none there": _remove(DATA),
    "records: a folder": _a_folder,
    "records: empty file": _write(DATA, ""),
    "records: header only": _write(DATA, "id,text,gold,split\n"),
    "records: no such column": _replace(DATA, "id,text", "id,txet"),
    "records: short row": _append(DATA, "zz\n"),
    "records: long row": _append(DATA, "zz,a,ham,train,more\n"),
    "records: id twice": _append(DATA, "c1,a,ham,train\n"),
    "records: not UTF-8": lambda root: _write(DATA, (root / DATA).read_bytes() + b"zz,\xe9,ham,train\n")(root),
    "records: NUL": _append(DATA, "zz,\0,ham,train\n"),
    "records: open quote": _append(DATA, 'zz,"a,ham,train\n'),
    "functions: no folder": _remove("labeling_functions"),
    "functions: syntax error": _append(LF, "\ndef f(:\n"),
    "functions: raises at import": _append(LF, "\n1 / 0\n"),
    "functions: leaves at import": _append(LF, "\nraise SystemExit(0)\n"),
    "functions: twice the same name": _append(
        LF, '\ntwice = lk.rules.keywords("money", ["x"], field="text", label=1)\n'
    ),
    "functions: unknown field": _append(LF, '\nnew = lk.rules.keywords("new", ["x"], field="nothing", label=1)\n'),
    "functions: raises": _append(LF, "\n@lk.labeling_function()\ndef f(x):\n    return 1 / 0\n"),
    "functions: ends the process": _append(
        LF, "\nimport os\n@lk.labeling_function()\ndef f(x):\n    os._exit(0) if 'win' in x.text else 1\n"
    ),
    "labels: none": _remove("labels.parquet"),
    "labels: cut short": _cut("labels.parquet"),
    "labels: a bit flipped": _flip("labels.parquet", 0.3),
    "labels: somebody else's": _plain_labels,
    "suites: no folder": _remove("expectations"),
    "suites: not JSON": _write("expectations/labels.json", "{"),
    "suites: unknown expectation": _replace("expectations/labels.json", "_in_set", "_in_sett"),
    "suites: fails": _replace("expectations/labels.json", '"spam"', '"eggs"'),
    "runs: none": _remove(RUNS),
    "runs: record damaged": _flip(RUNS + "/run.json", 0.5),
    "runs: votes damaged": _flip(RUNS + "/votes.arrow", 0.5),
    "runs: model damaged": _flip(RUNS + "/model.json", 0.5),
    "answers: not JSON": _append("answers.jsonl", "{\n"),
    "answers: unknown record": _append("answers.jsonl", '{"id": "zz", "label": "ham"}\n'),
    "answers: unknown class": _append("answers.jsonl", '{"id": "c9", "label": "eggs"}\n'),
    "answers: none there": _remove("answers.jsonl"),
    "store: not a database": _write(STORE, "nothing of the kind" * 300),
    "store: somebody else's": _other_database,
    "store: cut short": _cut(STORE),
    "project: read-only": _read_only,
    "records: unreadable": _mode(DATA, 0o000),
    "state: unwritable": _mode(".labelkit", 0o555),
    "disk: full": lambda root: None,
    "output: full": lambda root: None,
    "project: busy": lambda root: None,
}


def run(fault: str, command: str, root: Path) -> None:
    """Run a command. Raises ExitCode with what it said on stderr."""
    from labelkit.cli.main import _exit_code

    os.chdir(root)
    respect_permissions()
    talk, data = io.StringIO(), typing.cast("typing.TextIO", io.StringIO())
    if fault == "output: full":
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
        data = open(1, "w", closefd=False)  # noqa: SIM115
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stderr(talk))
        stack.enter_context(contextlib.redirect_stdout(data))
        if fault == "disk: full":
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        if command == "page":
            signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started us may have had it ignored
            threading.Thread(target=_interrupt_once_open, args=(data,), daemon=True).start()
        code = _exit_code(COMMANDS[command])
    raise ExitCode(code, talk.getvalue())


def _interrupt_once_open(said: typing.TextIO) -> None:
    """Ctrl-C as soon as the page whose link was printed can be opened."""

    def is_open() -> bool:
        link = re.search(r"http://127\.0\.0\.1:(\d+)/#", said.getvalue() if isinstance(said, io.StringIO) else "")
        connection = http.client.HTTPConnection("127.0.0.1", int(link[1]) if link else 9, timeout=10)
        try:
            connection.request("GET", "/")
            return bool(connection.getresponse().status)
        except OSError:
            return False

    with contextlib.suppress(TimeoutError):
        until(is_open, seconds=100)
    os.kill(os.getpid(), signal.SIGINT)


def tried(fault: str, command: str, before: Path, scratch: Path) -> Ended:
    """One cell of the table."""
    if scratch.exists():
        for path in [scratch, *scratch.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
        shutil.rmtree(scratch)
    shutil.copytree(before, scratch)
    os.chdir(scratch)
    FAULTS[fault](scratch)
    with contextlib.ExitStack() as stack:
        if fault == "project: busy":
            stack.enter_context(project_lock(scratch / ".labelkit" / "lock", "apply"))
        return in_child(lambda: run(fault, command, scratch))


def load_everything(before: Path, scratch: Path) -> None:
    """Run each command once in this process, so that its children import nothing."""
    import uvicorn  # noqa: F401  the page itself is not opened here: it would leave threads behind

    import labelkit.pipeline.annotate_web
    import labelkit.ui.web  # noqa: F401
    from labelkit.cli.main import _exit_code

    for command, arguments in COMMANDS.items():
        if command == "page":
            continue
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(before, scratch)
        os.chdir(scratch)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            _exit_code(arguments)
        os.chdir("/")
    shutil.rmtree(scratch, ignore_errors=True)


def main() -> None:
    """See above."""
    before, scratch = Path(sys.argv[1]) / "before", Path(sys.argv[1]) / "scratch"
    load_everything(before, scratch)
    table: dict[str, dict[str, list[object]]] = {}
    for fault in FAULTS:
        for command in COMMANDS:
            ended = tried(fault, command, before, scratch)
            said = ended.said.replace(str(scratch), "PROJECT")
            table.setdefault(fault, {})[command] = [ended.code, said]
    print(json.dumps(table), flush=True)
    os._exit(0)  # as in kill_points


if __name__ == "__main__":
    main()
