"""Kill writers of the annotation store, and look whether an acknowledged answer is lost; run as a program of its own.

    python tests/kill_store.py URL KILLS ANSWERS SEED       at lines of code and at any time, ANSWERS each
    python tests/kill_store.py URL KILL LIMIT SEED          by strace, at the n-th call of each system call
    python tests/kill_store.py URL ENOSPC LIMIT SEED        not killed: that call fails; or EIO; once, and from then on

Each writer is forked, answers one record after the other, and says each answer when it is acknowledged. The next one
begins with the answer that the last one could not see acknowledged, under the same operation id. Prints one JSON
object with what was lost, doubled or wrong.
"""

from __future__ import annotations

import functools
import json
import mmap
import os
import random
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable

from forked import Ended, Injection, in_child
from kill_points import Killer
from labelkit.annotations import AnnotationStore

LINES = 900  # of labelkit's own that opening a store and two answers run, about
FAILING = ("openat", "pwrite64", "fdatasync", "fsync", "unlink", "ftruncate")
SYSCALLS = ("openat", "pwrite64", "write", "fdatasync", "fsync", "unlink", "ftruncate", "fcntl", "sendto", "close")


class Acknowledged:
    """The number of the last answer that was acknowledged, in memory that outlives whoever says it.

    No system call is needed to say it, so that none that is broken on purpose can get in the way.
    """

    def __init__(self) -> None:
        self._shared = memoryview(mmap.mmap(-1, 8)).cast("q")
        self._shared[0] = -1

    def say(self, number: int) -> None:
        """The answer was acknowledged, as all before it were."""
        self._shared[0] = number

    @property
    def last(self) -> int:
        """-1 when there is none."""
        return self._shared[0]


def answer(url: str, first: int, count: int, said: Acknowledged) -> None:
    """Answer some records, each with an operation id of its own."""
    store = AnnotationStore.open(url)
    for number in range(first, first + count):
        store.add(f"c{number}", "spam" if number % 2 else "ham", "ana", "margin", f"op-{number}")
        said.say(number)


def kill_at_lines(url: str, kills: int, count: int, chance: random.Random, said: Acknowledged) -> int:
    """Writers killed at a line of code, or at any time."""
    killed, first = 0, 0
    for number in range(kills):
        if number % 4:  # at full speed, until a moment comes
            wanted, moment = chance.randrange(1, 2 * count), chance.random() * 0.004

            def die(first: int = first, wanted: int = wanted, moment: float = moment) -> None:
                threading.Thread(target=_die_after, args=(said, first + wanted, moment), daemon=True).start()
                answer(url, first, 10_000, said)

            work: Callable[[], None] = die
        else:

            def stop(first: int = first, at: int = chance.randrange(1, LINES)) -> None:
                with Killer(at):
                    answer(url, first, 10_000, said)

            work = stop

        killed += in_child(work).killed
        first = said.last + 1
    return killed


def _die_after(said: Acknowledged, number: int, moment: float) -> None:
    """Kill this process some milliseconds after an answer was acknowledged."""
    while said.last < number - 1:
        time.sleep(0.001)
    time.sleep(moment)
    os.kill(os.getpid(), signal.SIGKILL)


def break_syscalls(url: str, what: str, limit: int, said: Acknowledged) -> tuple[int, int, list[str]]:
    """Writers killed in, or failed by, the n-th call of each system call: points, hits, and what was wrong."""
    points, hits, first, wrong = 0, 0, 0, list[str]()
    deed = "signal=KILL" if what == "KILL" else f"error={what}"
    for syscall in SYSCALLS if what == "KILL" else FAILING:
        for when in [str(n) for n in range(1, limit + 1)] + (
            [] if what == "KILL" else [f"{n}+" for n in range(1, limit + 1)]
        ):
            ended = in_child(functools.partial(answer, url, first, 2, said), Injection(syscall, deed, when))
            points += 1
            hits += ended.hit
            acknowledged, first = said.last + 1 - first, said.last + 1
            if what != "KILL" and not said_well(ended, acknowledged, url):
                wrong.append(f"{syscall} {when}: exit {ended.code}, {acknowledged} acknowledged: {ended.said}")
    return points, hits, wrong


def said_well(ended: Ended, acknowledged: int, url: str) -> bool:
    """Whether a writer that failed said so, naming the database, and one that did not acknowledged everything."""
    if ended.code == 0:
        return acknowledged == 2
    return ended.code == 3 and url.removeprefix("sqlite:///") in ended.said


def main() -> None:
    """See above."""
    url, seed = sys.argv[1], int(sys.argv[4])
    said = Acknowledged()
    AnnotationStore.open(url)
    broken: list[str] = []
    if sys.argv[2].isalpha():
        points, hits, broken = break_syscalls(url, sys.argv[2], int(sys.argv[3]), said)
    else:
        points = int(sys.argv[2])
        hits = kill_at_lines(url, points, int(sys.argv[3]), random.Random(seed), said)
    history = AnnotationStore.open(url).history()
    stored = [entry.operation for entry in history]
    acknowledged = said.last + 1
    kept = set(stored)
    wrong = [*broken, *(f"lost: {number}" for number in range(acknowledged) if f"op-{number}" not in kept)]
    if len(kept) != len(stored) or len({entry.record for entry in history}) != len(stored):
        wrong.append("doubled")
    if len(stored) > acknowledged + 1:
        wrong.append(f"{len(stored)} stored, {acknowledged} acknowledged")
    wrong += [f"damaged: {what}" for what in damage_of(url)]
    wrong += [f"reordered at {i}" for i, entry in enumerate(history) if entry.record != f"c{i}"]
    result = {"points": points, "hits": hits, "acknowledged": acknowledged, "wrong": wrong[:20]}
    print(json.dumps(result))


def damage_of(url: str) -> list[str]:
    """What SQLite finds wrong with its file."""
    if not url.startswith("sqlite:///"):
        return []
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    found = connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()
    return [] if found == "ok" else [str(found)]


if __name__ == "__main__":
    main()
