"""Kill a verb of labelkit at point after point, and look at what is left; run as a program of its own.

    python tests/kill_points.py VERB FOLDER lines POINTS SEED
    python tests/kill_points.py VERB FOLDER KILL|ENOSPC|EIO|EROFS POINTS SEED

FOLDER holds `before`, a project on which the verb has something to do. Labelkit is loaded once; for each point a child
is forked that runs the verb on a copy. There it is sent SIGKILL, at a line of labelkit's own code or in a system call,
or the system call fails, once or from then on. Then the verb is run again on what is left. Prints one JSON object: the
points, and all that was wrong.
"""

from __future__ import annotations

import contextlib
import io
import json
import mmap
import os
import random
import re
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Self

import labelkit as lk
from forked import Ended, ExitCode, Injection, in_child
from labelkit.files import TEMPORARY
from labelkit.label_models import labels_content
from labelkit.lineage import RunStore, hash_file

PACKAGE = str(Path(lk.__file__).parent)

COMMANDS = {
    "apply": ["apply", "--workers", "1"],
    "validate": ["validate"],
    "queue": ["annotate", "--queue", "20", "--annotator", "ana", "--out", "questions.jsonl"],
    "answers": ["annotate", "--annotator", "ana", "--answers", "answers.jsonl"],
    "report": ["report"],
    "replay": ["replay", "--workers", "1"],
    "export": ["export", "out.json", "--to", "label-studio"],
    "import": ["import", "tasks.jsonl", "--from", "doccano", "--by", "text", "--annotator", "ana"],
}
"""A verb joins by a line here, by what it writes in ARTIFACTS, and by a row in tests/faults/test_kills.py."""


def run(name: str, root: Path) -> None:
    """Run the command line of a verb in a project. Raises ExitCode with what it said on stderr."""
    from labelkit.cli.main import _exit_code

    os.chdir(root)
    talk = io.StringIO()
    with contextlib.redirect_stderr(talk), contextlib.redirect_stdout(io.StringIO()):
        code = _exit_code(COMMANDS[name])
    raise ExitCode(code, talk.getvalue())


ARTIFACTS = {
    "apply": ["labels.parquet"],
    "validate": [".labelkit/verdict.json"],
    "queue": ["questions.jsonl"],
    "answers": [],
    "report": ["report.html"],
    "replay": [],
    "export": ["out.json"],
    "import": [],
}
"""What a verb publishes: the old one or the new one must be there, whatever happens to it."""


Contents = Mapping[str, bytes | None]

KILLED = ("openat", "write", "pwrite64", "fsync", "rename", "ftruncate", "unlink", "mkdir", "fcntl", "close")
FAILING = ("openat", "write", "pwrite64", "fsync", "rename", "ftruncate", "unlink", "mkdir")
NAMED = r"labelkit: error: (/\S|labels\.parquet|questions\.jsonl|labelkit\.toml|answers\.jsonl|data|labeling|standard)"
"""How a message begins that says which file it is about."""

OUTSIDE = {"labels.parquet", "questions.jsonl", "report.html", "out.json"}
"""What a run writes outside its own folder, where the next run replaces it."""


class Killer:
    """Sends SIGKILL to this process at the n-th line of labelkit that it runs; counts them without one."""

    def __init__(self, at: int | None, *, threads: bool = False) -> None:
        self.at, self.threads = at, threads  # with `threads`, lines that threads run count as well
        self.lines = 0
        self._pid, self._thread = os.getpid(), threading.get_ident()

    def __enter__(self) -> Self:
        if self.threads:
            threading.settrace(self._call)
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _call(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(PACKAGE) and os.getpid() == self._pid else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line" and os.getpid() == self._pid:
            self.lines += 1
            if self.lines == self.at:
                os.kill(self._pid, signal.SIGKILL)
        return self._line


def counted(name: str, root: Path) -> int:
    """Lines of labelkit's own that a verb runs."""
    count = memoryview(mmap.mmap(-1, 8)).cast("q")

    def work() -> None:
        with Killer(None) as killer:
            try:
                run(name, root)
            finally:
                count[0] = killer.lines

    ended = in_child(work)
    assert ended.status == 0, ended.said
    return count[0]


def content(path: Path) -> bytes | None:
    """What is in a file; None when there is none."""
    return path.read_bytes() if path.exists() else None


def contents(root: Path) -> Contents:
    """Every file of a project, but for what Python keeps of modules."""
    files = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(root)): content(path) for path in files}


def broken(root: Path) -> Iterator[str]:
    """What is torn in a project, whatever happened to it."""
    for state in (root / ".labelkit", *root.glob(".labelkit/classes/*")):
        yield from torn_runs(RunStore(state / "runs"))
    if (root / "labels.parquet").exists():
        labels_content(root / "labels.parquet").table()


def torn_runs(runs: RunStore) -> Iterator[str]:
    """Files of runs that are not what was recorded."""
    for folder in runs.folder.glob("*"):
        if (folder / "run.json").exists():
            run = runs.read(folder.name)
            for name, digest in run.outputs.items():
                if name in OUTSIDE:
                    continue
                if not (folder / name).is_file() or hash_file(folder / name) != digest:
                    yield f"run {run.id} ({run.verb}): {name} is not what the run wrote"


def leftovers(root: Path) -> list[str]:
    """Files that a finished verb should not leave behind."""
    found = [*root.rglob(f".*{TEMPORARY}"), *root.glob(".labelkit/**/.staging*")]
    return [str(path.relative_to(root)) for path in found]


def judged(name: str, root: Path, old: Contents, new: Contents) -> Iterator[str]:
    """Everything that is wrong after a verb was killed or failed, and that the next one does not put right."""
    for path in ARTIFACTS[name]:
        now = content(root / path)
        whole = now in (old[path], new[path])
        if name in ("validate", "report"):  # these say the time, so that no two of them are the same bytes
            whole = now in (old[path], None) or _whole(root / path)
        if not whole:
            yield f"{path} is neither the old nor the new one"
    yield from broken(root) if name != "validate" else ()
    if name == "replay" and contents(root) != contents(root.parent / "before"):
        yield "the project is not as it was"
    again = in_child(lambda: run(name, root))
    if again.status:
        yield f"the next command failed ({again.code}): {again.said}"
        return
    if name in ("apply", "queue", "export"):
        yield from (f"{path} is another one" for path in ARTIFACTS[name] if content(root / path) != new[path])
    if name in ("answers", "import"):
        expected = {json.loads(line)["id"] for line in (root / "answers.jsonl").read_text().splitlines()}
        if set(lk.Project(root).answers()) != expected:
            yield "answers were lost or doubled"
    yield from broken(root)
    if name != "apply" and leftovers(root):
        in_child(lambda: run("apply", root))  # which sweeps after all others
    yield from (f"left behind: {path}" for path in leftovers(root))


def _whole(path: Path) -> bool:
    """Whether a file that says the time is one that was finished."""
    text = path.read_text()
    if path.suffix == ".html":
        return text.rstrip().endswith("</html>")
    return bool(json.loads(text)["run"])


class Points:
    """The points at which a verb is to be hurt, and what came of it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.before, self.scratch = name, folder / "before", folder / "scratch"
        self.points = self.hits = 0
        self.wrong: list[str] = []
        self.fresh()
        with contextlib.suppress(ExitCode):
            run(name, self.scratch)  # everything is imported now
        self.new = {path: content(self.scratch / path) for path in ARTIFACTS[name]}
        self.old = {path: content(self.before / path) for path in ARTIFACTS[name]}

    def fresh(self) -> None:
        """The project as it was."""
        os.chdir("/")
        shutil.rmtree(self.scratch, ignore_errors=True)
        shutil.copytree(self.before, self.scratch)

    def lines(self, points: int, seed: int) -> None:
        """SIGKILL at lines of labelkit's code, spread over all that the verb runs."""
        self.fresh()
        lines = counted(self.name, self.scratch)
        for at in sorted(random.Random(seed).sample(range(1, lines + 1), min(points, lines))):
            self.hurt(f"line {at} of {lines}", self._killed_at(at), None, {0})

    def syscalls(self, what: str, points: int) -> None:
        """What is done to every system call of some kinds in turn, until the verb makes no more of them."""
        deed, failing = ("signal=KILL", {0, 3}) if what == "KILL" else (f"error={what}", {0, 3})
        for syscall in KILLED if what == "KILL" else FAILING:
            for n in range(1, points + 1):
                hits = [
                    self.hurt(f"{syscall} {when} {what}", lambda: run(self.name, self.scratch),
                              Injection(syscall, deed, when), failing)
                    for when in ([str(n)] if what == "KILL" else [str(n), f"{n}+"])
                ]  # fmt: skip
                if not any(hits):
                    break

    def _killed_at(self, at: int) -> Callable[[], None]:
        def work() -> None:
            with Killer(at):
                run(self.name, self.scratch)

        return work

    def hurt(self, where: str, work: Callable[[], None], injection: Injection | None, codes: set[int]) -> bool:
        """Do it once on a fresh copy, and look at what is left. Whether it came about."""
        self.fresh()
        ended = in_child(work, injection)
        self.points += 1
        hit = ended.killed or ended.hit
        self.hits += hit
        found = [] if ended.killed else list(self._badly_said(ended, codes))
        found += judged(self.name, self.scratch, self.old, self.new)
        self.wrong += [f"{where}: {what}" for what in found]
        return hit

    def _badly_said(self, ended: Ended, codes: set[int]) -> Iterator[str]:
        """Whether a verb that was not killed says the truth: done, or what failed."""
        if ended.code not in codes:
            yield f"exit {ended.code}: {ended.said[:500]}"
        if "a worker process ended with SIGKILL 3 times" in ended.said:
            return  # strace kills each new worker at its own n-th call
        if ended.code == 3 and ended.said and not re.search(NAMED, ended.said):
            yield f"no path: {ended.said[:300]}"
        if ended.code == 0 and self.name in ("apply", "queue"):
            for path in ARTIFACTS[self.name]:
                if content(self.scratch / path) != self.new[path]:
                    yield f"exit 0, and {path} is not what it should be"


def main() -> None:
    """See above."""
    name, folder, what, points, seed = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    os.environ["TMPDIR"] = str(folder)  # where what is killed leaves its temporary files
    tried = Points(name, folder)
    if what == "lines":
        tried.lines(points, seed)
    else:
        tried.syscalls(what, points)
    print(json.dumps({"points": tried.points, "hits": tried.hits, "wrong": tried.wrong}), flush=True)
    os._exit(0)  # threads of libraries that did not live through the forks may not be waited for


if __name__ == "__main__":
    main()
