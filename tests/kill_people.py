"""Kill what asks people, and look whether an acknowledged answer is lost; run as a program of its own.

    python tests/kill_people.py terminal|web FOLDER lines|moments|KILL POINTS SEED

FOLDER holds `before`, a project with records to ask about. For each point `labelkit annotate` is forked, at a terminal
of its own (a pty) or serving its page, while another process is the person: it answers what it is asked, and notes an
answer as acknowledged when the next record is shown, or when the page's request has come back. A page's request that
nobody answered is sent again to the next server, under the same operation id, as the page in a browser does. Prints
one JSON object with what was lost, doubled or wrong.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import http.client
import importlib
import json
import mmap
import os
import pty
import random
import re
import select
import signal
import sys
import termios
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forked import Ended, ExitCode, Injection, in_child
from kill_points import Killer
from kill_store import SYSCALLS, damage_of
from labelkit.annotations import AnnotationStore
from labelkit.project import read_project

SITTING = 12  # answers after which a person that nobody disturbs goes home
PATIENCE = 20.0
CLASSES = ("ham", "spam")
COMMAND = {"terminal": ["annotate"], "web": ["annotate", "--web", "--port", "0"]}


def label_of(record: int) -> int:
    """What the person says of a record: an index of CLASSES."""
    return record % 2


class Mind:
    """What the person knows, in memory that outlives whoever is killed."""

    def __init__(self, records: int) -> None:
        self._shared = memoryview(mmap.mmap(-1, 32 + records))
        self._numbers = self._shared[:32].cast("q")
        self.answered = self._shared[32:]  # 1 for a record whose answer was acknowledged

    def said(self, record: int) -> None:
        """An answer was acknowledged."""
        self.answered[record] = 1
        self._numbers[0] += 1

    @property
    def acknowledged(self) -> int:
        """How many answers were."""
        return self._numbers[0]

    @property
    def waiting(self) -> int | None:
        """The record of a request that no reply came to."""
        return self._numbers[1] - 1 if self._numbers[1] else None

    @waiting.setter
    def waiting(self, record: int | None) -> None:
        self._numbers[1] = 0 if record is None else record + 1

    @property
    def asking(self) -> int:
        """The process that asks."""
        return self._numbers[2]

    @asking.setter
    def asking(self, pid: int) -> None:
        self._numbers[2] = pid

    @property
    def stuck(self) -> int:
        """How often the person had to give up."""
        return self._numbers[3]

    def give_up(self) -> None:
        """Nothing happened for too long."""
        self._numbers[3] += 1
        os.kill(self.asking, signal.SIGKILL)


# The person


def at_terminal(mind: Mind, hand: int) -> None:
    """Answer each record on the screen with one key; the next one on it acknowledges the answer."""
    output, before, given = "", None, 0
    while True:
        if not select.select([hand], [], [], PATIENCE)[0]:
            mind.give_up()
        try:
            output = output[-20_000:] + os.read(hand, 65_536).decode("utf-8", "replace")
        except OSError:  # the terminal has gone, and the process with it
            return
        screen = output.rpartition("\x1b[J")[0].rpartition("\x1b[H")[2]
        found = re.search(r"number (\d+) of all", screen)
        if found is None or int(found[1]) == before:
            continue
        if before is not None:
            mind.said(before)
            given += 1
        before = int(found[1])
        time.sleep(0.005)  # whoever types has seen the whole screen
        with contextlib.suppress(OSError):
            os.write(hand, b"q" if given == SITTING else b"12"[label_of(before) :][:1])


def at_page(mind: Mind, ear: int) -> None:
    """Answer with the requests that the page makes."""
    if not select.select([ear], [], [], PATIENCE)[0]:
        mind.give_up()
    link = re.search(r"http://127\.0\.0\.1:(\d+)/#token=(\S+)", os.read(ear, 65_536).decode())
    if link is None:
        return
    page = _Page(int(link[1]))
    with contextlib.suppress(OSError, http.client.HTTPException):
        page.ask("enter", token=link[2])
        for _ in range(SITTING):
            if mind.waiting is None:
                mind.waiting = int(page.ask("next", have=[])["records"][0]["record"][1:])
            record = mind.waiting
            page.ask("answer", record=f"c{record}", label=CLASSES[label_of(record)], operation=f"operation-{record}")
            mind.said(record)
            mind.waiting = None
        os.kill(mind.asking, signal.SIGINT)


class _Page:
    """A page that is open in a browser."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._headers = {"Origin": f"http://127.0.0.1:{port}", "Content-Type": "application/json"}

    def ask(self, what: str, **body: object) -> dict[str, Any]:
        """One request. Raises OSError or HTTPException when nobody answers, AssertionError for a refusal."""
        self._connection.request("POST", f"/api/{what}", json.dumps(body), self._headers)
        reply = self._connection.getresponse()
        content = reply.read()
        assert reply.status == 200, f"{what}: {reply.status} {content!r}"
        if what == "enter":
            self._headers["Cookie"] = str(reply.headers["Set-Cookie"]).partition(";")[0]
        return dict(json.loads(content))


# What asks


def ask(root: Path, command: list[str], mind: Mind, mouth: int) -> None:
    """Run `labelkit annotate` with `mouth` as its terminal, or as where it prints its links."""
    from labelkit.cli.main import _exit_code

    mind.asking = os.getpid()
    os.chdir(root)
    tty = os.isatty(mouth)
    if tty:
        fcntl.ioctl(mouth, termios.TIOCSCTTY, 0)
    for descriptor in (0, 1, 2) if tty else (1,):
        os.dup2(mouth, descriptor)
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    raise ExitCode(_exit_code([*command, "--annotator", "ana"]), "")


class People:
    """The sittings of a person, each with what asks being hurt in some way."""

    def __init__(self, kind: str, folder: Path, seed: int) -> None:
        self.kind, self.root, self.chance = kind, folder / "before", random.Random(seed)
        self.project = read_project(self.root)
        self.mind = Mind(sum(1 for _ in (self.root / "data" / "comments.csv").open()))
        self.points = self.hits = 0
        self.wrong: list[str] = []
        self._load_everything()  # which is a sitting that nobody breaks off

    def _load_everything(self) -> None:
        """Import what a sitting imports, so that no child has to."""

        def sit(mouth: int) -> None:
            with contextlib.suppress(ExitCode):
                ask(self.root, COMMAND[self.kind], self.mind, mouth)
            raise ExitCode(0, " ".join(name for name in sys.modules if name not in here))

        here = set(sys.modules)
        for name in self.sitting(sit).said.split():
            with contextlib.suppress(ImportError):
                importlib.import_module(name)

    def sitting(self, work: Callable[[int], None], injection: Injection | None = None) -> Ended:
        """One sitting: `work` gets the terminal, or the pipe, through which it talks to the person."""
        theirs, ours = pty.openpty() if self.kind == "terminal" else os.pipe()
        person = os.fork()
        if not person:
            os.close(ours)
            try:
                (at_terminal if self.kind == "terminal" else at_page)(self.mind, theirs)
            except AssertionError as error:
                os.write(2, f"{error}\n".encode())
                self.mind.give_up()
            finally:
                os._exit(0)
        ended = in_child(functools.partial(work, ours), injection)
        os.close(ours)
        os.waitpid(person, 0)
        os.close(theirs)
        return ended

    def hurt(self, where: str, work: Callable[[int], None], injection: Injection | None = None) -> bool:
        """One sitting that is broken off. Whether it was."""
        ended = self.sitting(work, injection)
        self.points += 1
        self.hits += ended.killed
        if not ended.killed and ended.code:
            self.wrong.append(f"{where}: exit {ended.code}: {ended.said[:300]}")
        return ended.killed

    def moments(self, points: int) -> None:
        """SIGKILL some milliseconds after some answer."""
        for _ in range(points):
            last = self.mind.acknowledged + self.chance.randrange(SITTING)
            moment = self.chance.random() * 0.01

            def work(mouth: int, last: int = last, moment: float = moment) -> None:
                threading.Thread(target=self._die_after, args=(last, moment), daemon=True).start()
                ask(self.root, COMMAND[self.kind], self.mind, mouth)

            self.hurt(f"{moment:.4f} s after answer {last}", work)

    def _die_after(self, answers: int, moment: float) -> None:
        while self.mind.acknowledged < answers:
            time.sleep(0.0005)
        time.sleep(moment)
        os.kill(os.getpid(), signal.SIGKILL)

    def lines(self, points: int) -> None:
        """SIGKILL at lines of labelkit's own code, from the opening of the project to the end of the sitting."""
        count = memoryview(mmap.mmap(-1, 8)).cast("q")

        def counting(mouth: int, at: int | None = None) -> None:
            with Killer(at, threads=True) as killer:
                try:
                    ask(self.root, COMMAND[self.kind], self.mind, mouth)
                finally:
                    count[0] = killer.lines

        self.hurt("counting", counting)
        lines = count[0]
        for at in sorted(self.chance.sample(range(1, lines + 1), points)):
            self.hurt(f"line {at} of {lines}", functools.partial(counting, at=at))

    def syscalls(self, points: int) -> None:
        """SIGKILL in the n-th of each kind of system call, in whatever thread comes to it."""

        def work(mouth: int) -> None:
            ask(self.root, COMMAND[self.kind], self.mind, mouth)

        for syscall in SYSCALLS:
            for n in range(1, points + 1):
                if not self.hurt(f"{syscall} {n}", work, Injection(syscall, "signal=KILL", str(n))):
                    break

    def judged(self) -> list[str]:
        """What is wrong with what was stored."""
        history = AnnotationStore.open(self.project.store_url).history()
        times = Counter(entry.record for entry in history)
        said = {entry.record: entry.label for entry in history}
        wrong = [f"doubled: {record}" for record, count in times.items() if count > 1]
        for record in range(len(self.mind.answered)):
            label = said.get(f"c{record}")
            if label is None and self.mind.answered[record]:
                wrong.append(f"lost: c{record}")
            if label not in (None, CLASSES[label_of(record)]):
                wrong.append(f"c{record} is {label}")
        if len(history) > self.mind.acknowledged + self.points + 1:
            wrong.append(f"{len(history)} stored, {self.mind.acknowledged} acknowledged")
        if self.mind.stuck:
            wrong.append(f"{self.mind.stuck} times nothing happened for {PATIENCE:g} s")
        return [*self.wrong, *wrong, *(f"damaged: {what}" for what in damage_of(self.project.store_url))]


def main() -> None:
    """See above."""
    kind, folder, what, points, seed = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    people = People(kind, folder, seed)
    {"lines": people.lines, "moments": people.moments, "KILL": people.syscalls}[what](points)
    wrong = people.judged()
    result = {"points": people.points, "hits": people.hits, "acknowledged": people.mind.acknowledged, "wrong": wrong}
    print(json.dumps(result), flush=True)
    os._exit(0)  # as in kill_points


if __name__ == "__main__":
    main()
