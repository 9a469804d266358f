"""Kill a verb of labelkit at point after point, and look at what is left; run as a program of its own.

    python tests/kill_points.py VERB FOLDER POINTS SEED

FOLDER holds `before`, a project on which the verb has something to do. Labelkit is loaded once; for each point a child
is forked that runs the verb on a copy and is sent SIGKILL there: at a line of labelkit's own code, or after it, in the
system call that follows. Then the verb is run again on what is left. Prints one JSON object: the points, and all that
was wrong.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Self

import labelkit as lk
from labelkit.errors import LabelkitError
from labelkit.files import TEMPORARY
from labelkit.label_models import labels_bytes
from labelkit.lineage import RunStore, hash_file

PACKAGE = str(Path(lk.__file__).parent)

Verb = Callable[[Path], object]


def apply(root: Path) -> None:
    """Publish labels."""
    lk.Project(root).apply(workers=1)


def validate(root: Path) -> None:
    """Judge them."""
    lk.Project(root).validate()


def queue(root: Path) -> None:
    """Write questions to a file."""
    _cli("annotate", "--queue", "20", "--out", str(root / "questions.jsonl"), "--annotator", "ana", "-C", str(root))


def answers(root: Path) -> None:
    """Read answers from a file."""
    _cli("annotate", "--answers", str(root / "answers.jsonl"), "--annotator", "ana", "-C", str(root))


def report(root: Path) -> None:
    """Write the page about the project."""
    _cli("report", "-C", str(root))


def _cli(*arguments: str) -> None:
    from labelkit.cli.main import labelkit

    code = labelkit.main(list(arguments), standalone_mode=False)
    if code:
        raise RuntimeError(f"exit code {code}")


VERBS: dict[str, Verb] = {"apply": apply, "validate": validate, "queue": queue, "answers": answers, "report": report}

ARTIFACTS = {
    "apply": ["labels.parquet"],
    "validate": [".labelkit/verdict.json"],
    "queue": ["questions.jsonl"],
    "answers": [],
    "report": ["report.html"],
}


OUTSIDE = {"labels.parquet", "questions.jsonl", "report.html"}
"""What a run writes outside its own folder, where the next run replaces it."""


class Killer:
    """Sends SIGKILL to this process at the n-th line of labelkit that it runs; counts them without one."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.lines = 0
        self._pid, self._thread = os.getpid(), threading.get_ident()

    def __enter__(self) -> Self:
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


def in_child(work: Callable[[], object]) -> tuple[int, str]:
    """Run `work` in a fork: exit status, and what it has to say (an error)."""
    ear, mouth = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(ear)
        os.setsid()
        quiet = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(quiet, descriptor)
        try:
            said = work()
            os.write(mouth, str(said or "").encode()[:60_000])
            os._exit(0)
        except LabelkitError as error:
            os.write(mouth, f"{type(error).__name__}: {error}".encode()[:60_000])
            os._exit(error.exit_code)
        except BaseException as error:  # noqa: BLE001  what it is, the parent says
            os.write(mouth, f"BUG {type(error).__name__}: {error}".encode()[:60_000])
            os._exit(70)
    os.close(mouth)
    with os.fdopen(ear, "rb") as said_by_child:
        said = said_by_child.read().decode()
    return os.waitpid(pid, 0)[1], said


def counted(verb: Verb, root: Path) -> int:
    """Lines of labelkit's own that a verb runs."""

    def work() -> int:
        with Killer(None) as killer:
            verb(root)
        return killer.lines

    status, said = in_child(work)
    assert status == 0, said
    return int(said)


def content(path: Path) -> bytes | None:
    """What is in a file; None when there is none."""
    return path.read_bytes() if path.exists() else None


def broken(root: Path) -> Iterator[str]:
    """What is torn in a project, whatever happened to it."""
    runs = RunStore(root / ".labelkit" / "runs")
    for folder in runs.folder.glob("*"):
        if (folder / "run.json").exists():
            run = runs.read(folder.name)
            for name, digest in run.outputs.items():
                if name in OUTSIDE:
                    continue
                if not (folder / name).is_file() or hash_file(folder / name) != digest:
                    yield f"run {run.id} ({run.verb}): {name} is not what the run wrote"
    with contextlib.suppress(FileNotFoundError):
        if (root / "labels.parquet").exists():
            labels_bytes(root / "labels.parquet")
            lk.Project(root).labels()


def leftovers(root: Path) -> list[str]:
    """Files that a finished verb should not leave behind."""
    found = [*root.rglob(f".*{TEMPORARY}"), *root.glob(".labelkit/.staging*")]
    return [str(path.relative_to(root)) for path in found]


def judged(name: str, verb: Verb, root: Path, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """Everything that is wrong after a kill."""
    for path in ARTIFACTS[name]:
        now = content(root / path)
        whole = now in (old[path], new[path])
        if name in ("validate", "report"):  # these say the time, so that no two of them are the same bytes
            whole = now in (old[path], None) or _whole(root / path)
        if not whole:
            yield f"{path} is neither the old nor the new one"
    yield from broken(root) if name != "validate" else ()
    status, said = in_child(lambda: verb(root))
    if status:
        yield f"the next command failed ({status}): {said}"
        return
    if name in ("apply", "queue"):
        yield from (f"{path} is another one" for path in ARTIFACTS[name] if content(root / path) != new[path])
    if name == "answers":
        expected = {json.loads(line)["id"] for line in (root / "answers.jsonl").read_text().splitlines()}
        if set(lk.Project(root).answers()) != expected:
            yield "answers were lost or doubled"
    yield from broken(root)
    if name != "apply" and leftovers(root):
        in_child(lambda: apply(root))  # which sweeps after all others
    yield from (f"left behind: {path}" for path in leftovers(root))


def _whole(path: Path) -> bool:
    """Whether a file that says the time is one that was finished."""
    text = path.read_text()
    if path.suffix == ".html":
        return text.rstrip().endswith("</html>")
    return bool(json.loads(text)["run"])


def main() -> None:
    """See above."""
    name, folder, points, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    verb, before = VERBS[name], folder / "before"
    scratch = folder / "scratch"
    shutil.copytree(before, scratch)
    verb(scratch)  # everything is imported now
    new = {path: content(scratch / path) for path in ARTIFACTS[name]}
    old = {path: content(before / path) for path in ARTIFACTS[name]}
    shutil.rmtree(scratch)
    shutil.copytree(before, scratch)
    lines = counted(verb, scratch)
    wrong: list[str] = []
    chosen = sorted(random.Random(seed).sample(range(1, lines + 1), min(points, lines)))
    killed = 0
    for at in chosen:
        shutil.rmtree(scratch)
        shutil.copytree(before, scratch)

        def work(at: int = at) -> None:
            with Killer(at):
                verb(scratch)

        status, said = in_child(work)
        killed += os.WIFSIGNALED(status)
        if not os.WIFSIGNALED(status) and status:
            wrong.append(f"line {at} of {lines}: {said}")
        wrong += [f"line {at} of {lines}: {what}" for what in judged(name, verb, scratch, old, new)]
    print(json.dumps({"lines": lines, "points": len(chosen), "killed": killed, "wrong": wrong}))


if __name__ == "__main__":
    main()
