"""Cut the power while labelkit writes, and look at what the disk has kept; run as root, as a program of its own.

    unshare -m python tests/power_cuts.py FOLDER ext4|xfs answers|forgetful|apply CUTS SEED

A file in FOLDER holds a file system, mounted through a loop device. A child writes to it and says what is done. At some
moment it is stopped, the file system is shut down without writing anything more (FS_IOC_SHUTDOWN), and mounted anew.
`forgetful` writes answers as SQLite does with synchronous = NORMAL: it must lose some, or this program proves nothing.
Prints one JSON object.
"""

from __future__ import annotations

import fcntl
import functools
import json
import mmap
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import labelkit as lk
from labelkit.annotations import AnnotationStore
from labelkit.label_models import labels_content
from labelkit.lineage import RunStore, hash_file
from waiting import until

SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2
SIZES = {"ext4": 128, "xfs": 320}  # megabytes; no xfs is smaller


class Disk:
    """A file system of its own, whose power can be cut."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.image, self.root, self.kind = folder / f"{kind}.img", folder / "disk", kind
        self.root.mkdir()
        with self.image.open("wb") as file:
            file.truncate(SIZES[kind] * 2**20)
        force = ["-F", "-q"] if kind == "ext4" else ["-f", "-q"]
        subprocess.run([f"mkfs.{kind}", *force, str(self.image)], check=True, capture_output=True)
        self.mount()

    def mount(self) -> None:
        """As after a start: the log is replayed."""
        subprocess.run(["mount", "-o", "loop", "-t", self.kind, str(self.image), str(self.root)], check=True)

    def cut(self) -> None:
        """What is not on the disk now will never be."""
        descriptor = os.open(self.root, os.O_RDONLY)
        fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        os.close(descriptor)

    def start_again(self) -> None:
        """Mount it anew, as soon as workers of the writer that died have noticed."""
        self.unmount()
        self.mount()

    def unmount(self) -> None:
        """Leave it."""
        until(lambda: subprocess.run(["umount", str(self.root)], check=False, capture_output=True).returncode == 0)


class Said:
    """Numbers in memory that outlives a child: how far it is, and what it has finished."""

    def __init__(self) -> None:
        self._shared = memoryview(mmap.mmap(-1, 8)).cast("q")

    def set(self, number: int) -> None:
        """This is done."""
        self._shared[0] = number

    def get(self) -> int:
        """What was done last."""
        return self._shared[0]


def writer(work: Callable[[], None]) -> int:
    """A child that writes until it is stopped."""
    pid = os.fork()
    if not pid:
        quiet = os.open(os.devnull, os.O_RDWR)
        os.dup2(quiet, 1)
        try:
            work()
        finally:
            os._exit(1)
    return pid


def cut_short(disk: Disk, work: Callable[[], None], seconds: float) -> None:
    """Let the child write for a while; stop it, cut the power, and start again."""
    pid = writer(work)
    time.sleep(seconds)
    os.kill(pid, signal.SIGSTOP)
    until(lambda: "T (" in (Path(f"/proc/{pid}/status").read_text()))
    # Without the stop, a sync that is under way could end, and be acknowledged, while the power goes.
    disk.cut()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    disk.start_again()


def answers(disk: Disk, cuts: int, chance: random.Random, *, forgetful: bool) -> tuple[int, int, int, list[str]]:
    """Answers acknowledged, lost, and cuts that lost some."""
    path, said, wrong = disk.root / "annotations.db", Said(), list[str]()
    acknowledged = lost = losing = 0
    for cut in range(cuts):
        said.set(0)
        write = _forget if forgetful else _answer
        cut_short(disk, functools.partial(write, path, f"{cut}-", said), 0.1 + chance.random() * 0.4)
        done = said.get()
        acknowledged += done
        kept = set[str]()
        if path.exists():
            connection = sqlite3.connect(path)
            if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                wrong.append(f"cut {cut}: damaged")
            if connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'said'").fetchone()[0]:
                kept = {name for (name,) in connection.execute("SELECT name FROM said")}
            connection.close()
            if not forgetful:
                kept = {entry.operation for entry in AnnotationStore.open(f"sqlite:///{path}").history()}
        missing = sum(f"{cut}-{number}" not in kept for number in range(1, done + 1))
        lost += missing
        losing += bool(missing)
    return acknowledged, lost, losing, wrong


def _answer(path: Path, name: str, said: Said) -> None:
    store = AnnotationStore.open(f"sqlite:///{path}")
    for number in range(1, 100_000):
        store.add(f"c{name}{number}", "spam", "ana", "margin", f"{name}{number}")
        said.set(number)


def _forget(path: Path, name: str, said: Said) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE IF NOT EXISTS said (name TEXT)")
    for number in range(1, 100_000):
        connection.execute("INSERT INTO said VALUES (?)", (f"{name}{number}",))
        said.set(number)


def publishing(disk: Disk, before: Path, cuts: int, chance: random.Random) -> tuple[int, int, int, list[str]]:
    """Labels published, lost, and cuts that lost some: the file is the last one that was published, or the next."""
    root, said, wrong = disk.root / "project", Said(), list[str]()
    shutil.copytree(before, root)
    os.sync()
    functions = [root.joinpath("labeling_functions/first.py").read_text()]
    functions.append(functions[0].replace('"lyrics"', '"chorus"'))
    hashes = list[str]()
    for text in functions:
        root.joinpath("labeling_functions/first.py").write_text(text)
        lk.Project(root).apply(workers=1)
        hashes.append(hash_file(root / "labels.parquet"))
    published = lost = losing = 0
    for cut in range(cuts):
        said.set(0)

        def work() -> None:
            for number in range(1, 1_000):
                root.joinpath("labeling_functions/first.py").write_text(functions[number % 2])
                lk.Project(root).apply(workers=1)
                said.set(number)

        root.joinpath("labeling_functions/first.py").write_text(functions[0])
        lk.Project(root).apply(workers=1)
        cut_short(disk, work, 0.2 + chance.random() * 1.2)
        done = said.get()
        published += done
        found = labels_content(root / "labels.parquet").sha256
        if found not in (hashes[done % 2], hashes[(done + 1) % 2]):
            wrong.append(f"cut {cut}: labels.parquet is torn")
        missing = found not in hashes
        lost += missing
        losing += missing
        for run in RunStore(root / ".labelkit" / "runs"):
            folder = root / ".labelkit" / "runs" / run.id
            for name, digest in run.outputs.items():
                if name != "labels.parquet" and hash_file(folder / name) != digest:
                    wrong.append(f"cut {cut}: {name} of run {run.id} is torn")
    return published, lost, losing, wrong


def main() -> None:
    """See above."""
    folder, kind, what, cuts = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    chance, disk = random.Random(int(sys.argv[5])), Disk(folder, kind)
    if what == "apply":
        done, lost, losing, wrong = publishing(disk, folder / "before", cuts, chance)
    else:
        done, lost, losing, wrong = answers(disk, cuts, chance, forgetful=what == "forgetful")
    disk.unmount()
    print(json.dumps({"cuts": cuts, "done": done, "lost": lost, "losing": losing, "wrong": wrong}))


if __name__ == "__main__":
    main()
