"""Buggy labeling functions: whatever one does to a record costs that cell, named, and no other."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

import labelkit as lk
from bad_functions import DYING, HANGING, HARMLESS, RAISING, WRONG, Deed, wrong_value
from fault_figures import Figure, sizes
from kills import alone
from labelkit.matrix import FAULT
from projects import MakeProject, comments

PROMISE = "buggy functions"
CLASSES = ["ham", "spam"]
TIMEOUT = 0.4


def records(n: int) -> pa.Table:
    """n records; every hundredth is poison."""
    return pa.table({"id": [f"r{i}" for i in range(n)], "n": list(range(n))})


def deed_at(n: int, deeds: Sequence[Deed]) -> Deed | None:
    """What a function is to do wrong on record n, if anything."""
    return deeds[n // 100 % len(deeds)] if n % 100 == 50 else None


def misbehaving(deeds: Sequence[Deed], name: str = "bad") -> Any:
    """A row function that votes n % 2, but on poison records does something else, and returns what comes of it."""

    @lk.labeling_function(name)
    def bad(x: Any) -> Any:
        deed = deed_at(x.n, deeds)
        return x.n % 2 if deed is None else deed()

    return bad


def misbehaving_batch(deeds: Sequence[Deed]) -> Any:
    """A batch function that does the same to a whole batch."""

    @lk.batch_labeling_function("bad_batch")
    def bad(x: Any) -> Any:
        for n in x["n"].tolist():
            deed = deed_at(n, deeds)
            if deed is not None:
                deed()
        return x["n"] % 2

    return bad


@lk.labeling_function()
def innocent(x: Any) -> int:
    return int(x.n % 3 == 0)


def exact(votes: NDArray[np.int8], expected: NDArray[Any], poison: NDArray[np.bool_]) -> None:
    """Poison cells are faults, and all others are what the function votes."""
    assert (votes[poison] == FAULT).all()
    assert np.array_equal(votes[~poison], expected[~poison])


def check(votes: lk.LabelMatrix, name: str, bad: NDArray[np.bool_]) -> None:
    """One function spoilt exactly the cells it is bad on, each named; nothing else is touched."""
    n = np.arange(len(bad))
    exact(votes.votes[:, votes.names.index(name)], n % 2, bad)
    exact(votes.votes[:, votes.names.index("innocent")], (n % 3 == 0).astype(int), np.zeros(len(bad), bool))
    named = [fault.record for fault in votes.faults if fault.function == name]
    assert named == [f"r{i}" for i in np.flatnonzero(bad)]
    assert len(votes.faults) == len(named)


@pytest.mark.parametrize("n", sizes(10_000, 100_000, 100_000))
def test_every_kind_of_exception_and_of_wrong_vote(n: int, figure: Figure) -> None:
    """Raising and returning nonsense, from processes and back."""
    wrong: list[Deed] = [functools.partial(wrong_value, i) for i in range(len(WRONG))]
    deeds = [*RAISING, *wrong]
    votes = lk.apply_lfs([misbehaving(deeds), innocent], records(n), classes=CLASSES, workers=2)
    poison = np.arange(n) % 100 == 50
    figure(PROMISE, "raise and return no vote", poison.sum().item(), kinds=len(RAISING), values=len(WRONG))
    check(votes, "bad", poison)
    assert len({(fault.exception, fault.message) for fault in votes.faults}) > min(40, poison.sum() // 2)


@pytest.mark.parametrize("n", sizes(3_000, 100_000, 100_000))
def test_functions_that_end_their_process(n: int, figure: Figure) -> None:
    """os._exit, a crash in C, abort and signals: every other cell is exact, and labelkit goes on."""
    votes = lk.apply_lfs([misbehaving(DYING), innocent], records(n), classes=CLASSES, workers=2)
    poison = np.arange(n) % 100 == 50
    figure(PROMISE, "end the process", poison.sum().item(), ways=len(DYING))
    check(votes, "bad", poison)
    assert {fault.exception for fault in votes.faults} == {"ProcessDied"}
    assert {fault.message.removeprefix("it ended its process with ") for fault in votes.faults} == {
        "exit code 0", "exit code 3", "SIGSEGV", "SIGABRT", "SIGKILL", "SIGTERM"
    }  # fmt: skip


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("n", sizes(500, 10_000, 100_000))
def test_functions_that_never_end(n: int, figure: Figure) -> None:
    """Loops in Python and in C, sleep, and a process that stops itself end at the limit."""
    votes = lk.apply_lfs([misbehaving(HANGING), innocent], records(n), classes=CLASSES, workers=2, timeout=TIMEOUT)
    poison = np.arange(n) % 100 == 50
    figure(PROMISE, "never end", poison.sum().item(), ways=len(HANGING))
    check(votes, "bad", poison)
    assert {(fault.exception, fault.message) for fault in votes.faults} == {
        ("Timeout", f"it took longer than {TIMEOUT:g} s and was stopped")
    }


@pytest.mark.parametrize("hang", HANGING)
def test_the_limit_of_time_is_kept_within_a_second(hang: Deed, figure: Figure) -> None:
    """In Python loops and in C, also when the record comes first and nothing is known of the function yet.

    The record is met twice: at full speed, and again where only this function runs."""

    @lk.labeling_function()
    def hangs(x: Any) -> Any:
        return hang() if x.n == 0 else 1

    began = time.monotonic()
    votes = lk.apply_lfs([hangs], records(10), classes=CLASSES, timeout=1.0)
    took = time.monotonic() - began
    assert [fault.exception for fault in votes.faults] == ["Timeout"]
    figure(PROMISE, "limit of 1 s on a call that never ends", 1, seconds_over_both_calls=f"{took - 2:.2f}")
    assert 2.0 <= took < 4.0


@pytest.mark.parametrize("n", sizes(3_000, 100_000, 100_000))
def test_batch_functions_are_cut_down_to_the_bad_records(n: int, figure: Figure) -> None:
    """A batch function that raises or dies on some records fails on those and on no others."""
    deeds = [*RAISING, *DYING]
    votes = lk.apply_lfs([misbehaving_batch(deeds), innocent], records(n), classes=CLASSES, workers=2)
    poison = np.arange(n) % 100 == 50
    figure(PROMISE, "batch function raises or ends the process", poison.sum().item(), ways=len(deeds))
    check(votes, "bad_batch", poison)


@pytest.mark.slow
def test_batch_functions_that_never_end(figure: Figure) -> None:
    """The one record on which a batch function hangs is found."""
    votes = lk.apply_lfs(
        [misbehaving_batch([*HANGING]), innocent], records(400), classes=CLASSES, timeout=TIMEOUT, workers=2
    )
    figure(PROMISE, "batch function never ends", 4, records=400)
    check(votes, "bad_batch", np.arange(400) % 100 == 50)


def test_odd_behaviour_changes_no_vote(figure: Figure, capfd: pytest.CaptureFixture[str]) -> None:
    """A function that forks, prints, changes folder, or environment votes all the same; nobody else notices."""
    n = 3_000
    voting: list[Deed] = [lambda deed=deed: [deed(), 0][1] for deed in HARMLESS]  # type: ignore[misc]
    votes = lk.apply_lfs([misbehaving(voting), innocent], records(n), classes=CLASSES, workers=2)
    figure(PROMISE, "odd but voting: fork, print, chdir", n // 100, ways=len(HARMLESS))
    check(votes, "bad", np.zeros(n, bool))
    printed = capfd.readouterr()
    assert printed.out == ""
    assert len(printed.err) < 70_000
    assert "bytes more than is shown here" in printed.err


def test_a_gigabyte_of_prints(figure: Figure, capfd: pytest.CaptureFixture[str]) -> None:
    """It goes nowhere but for its beginning."""

    @lk.labeling_function()
    def prints(x: Any) -> int:
        os.write(1, b"x" * 2**20)
        return int(x.n % 2)

    votes = lk.apply_lfs([prints, innocent], records(1024), classes=CLASSES, timeout=60)
    check(votes, "prints", np.zeros(1024, bool))
    printed = capfd.readouterr()
    figure(PROMISE, "print a gigabyte", 1, characters_shown=len(printed.err))
    assert (printed.out, len(printed.err) < 66_000) == ("", True)


@pytest.mark.parametrize("n", sizes(2_000, 100_000, 100_000))
def test_a_leak_is_survived(n: int, figure: Figure) -> None:
    """A function that leaks up to the limit loses nothing; one call that wants more than the limit is a fault."""
    held: list[bytearray] = []
    leak = 200_000_000 // n  # ten times the limit in all

    @lk.labeling_function()
    def leaks(x: Any) -> int:
        held.append(bytearray(leak * 10))
        if x.n % 500 == 250:
            bytearray(2**30)
        return int(x.n % 2)

    votes = lk.apply_lfs([leaks, innocent], records(n), classes=CLASSES, memory=200, workers=2)
    figure(PROMISE, "leak ten times the limit of memory", n, wanting_a_gigabyte_at_once=n // 500)
    check(votes, "leaks", np.arange(n) % 500 == 250)
    assert {fault.exception for fault in votes.faults} == {"MemoryError"}


def test_mutation_reaches_nobody(figure: Figure) -> None:
    """What a function does to its row, in every way there is, no other function sees."""
    ways: list[Any] = [
        lambda x: setattr(x, "n", 0), lambda x: delattr(x, "n"), lambda x: x.__setitem__("n", 0),
        lambda x: x.tags.append("spoilt"), lambda x: x.tags.clear(), lambda x: vars(x).clear(),  # type: ignore[attr-defined]
        lambda x: x.__dict__.update(n=0), lambda x: object.__setattr__(x, "n", 0),
    ]  # fmt: skip

    def spoiling(i: int, way: Any) -> Any:
        @lk.labeling_function(f"spoils{i}")
        def spoils(x: Any) -> int:
            with contextlib.suppress(AttributeError):
                way(x)
            return 0

        return spoils

    @lk.labeling_function()
    def looks(x: Any) -> int:
        return int(x.tags == ["t"] and x.n < 1_000)

    table = pa.table({"id": [f"r{i}" for i in range(1_000)], "n": range(1_000), "tags": [["t"]] * 1_000})
    functions = [item for i, way in enumerate(ways) for item in (spoiling(i, way),)] + [looks]
    votes = lk.apply_lfs(functions, table, classes=CLASSES, workers=2)
    figure(PROMISE, "change the row in place", 1_000, ways=len(ways))
    assert (votes.votes[:, -1] == 1).all()
    assert votes.faults == ()


ENDINGS = """
import labelkit as lk, os, sys, ctypes

@lk.labeling_function()
def ends(x):
    if "subscribe" in x.text:
        {deed}
    return 0 if "song" in x.text else lk.ABSTAIN

@lk.labeling_function()
def money(x):
    return 1 if "win" in x.text or "free" in x.text else lk.ABSTAIN

@lk.labeling_function()
def clicks(x):
    return 1 if "click" in x.text or "cash" in x.text else lk.ABSTAIN
"""


@pytest.mark.parametrize(
    "deed",
    [
        "os._exit(0)",
        *(
            pytest.param(deed, marks=pytest.mark.slow)
            for deed in ("sys.exit(0)", "ctypes.string_at(0)", "while True: pass", "os.kill(os.getpid(), 9)")
        ),
    ],
)
def test_the_command_line_says_faults_and_exit_code_1(make_project: MakeProject, deed: str, figure: Figure) -> None:
    """A function cannot end `labelkit apply` with success; each fault is named with function and record."""
    rows = comments(60, seed=5)
    made = make_project(rows=rows, functions=ENDINGS.format(deed=deed))
    done = made.run("apply", "--timeout", "0.3", code=1)
    bad = [row["id"] for row in rows if "subscribe" in row["text"]]
    figure(PROMISE, "end `labelkit apply` from a function", 1, faults_named=len(bad))
    assert f"{len(bad)} faults are more than the 0 allowed" in done.stderr
    assert all(f'fault: ends, record "{record}"' in done.stderr for record in bad[:20])
    assert (made.root / "labels.parquet").is_file()


HANGS = """
import labelkit as lk, os, time

@lk.labeling_function()
def hangs(x):
    if os.path.exists("hang"):
        time.sleep(600)
    return 0
"""


@pytest.mark.slow
@pytest.mark.parametrize("command", ["apply --timeout 0", "apply --timeout 0.3", "replay", "annotate --web --port 0"])
def test_whoever_works_for_labelkit_dies_with_it(command: str, make_project: MakeProject, figure: Figure) -> None:
    """SIGKILL to labelkit while a function hangs in a process below it, or a learner works: after two seconds at most
    nobody is left, and nothing is locked."""
    made = make_project(functions=HANGS, toml="[model]\nname = 'majority'\n")
    made.run("apply")
    made.write("hang", "")
    shutil.rmtree(made.root / ".labelkit" / "cache")
    for again in range(2):
        verb = subprocess.Popen(
            [sys.executable, "-m", "labelkit", *command.split()],
            cwd=made.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            env=alone(),
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while not (found := descendants(verb.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1 + again)  # by now functions are called in children of children, or a learner learns
        found |= descendants(verb.pid)
        verb.send_signal(signal.SIGKILL)
        verb.wait()
        killed = time.monotonic()
        while any(alive(pid) for pid in found) and time.monotonic() < killed + 2:
            time.sleep(0.02)
        assert found
        assert not [pid for pid in found if alive(pid)]
        figure("orphans", f"SIGKILL to labelkit {command.partition(' --')[0]} while others work for it", 1,
               processes=len(found), seconds_until_all_died=f"{time.monotonic() - killed:.2f}")  # fmt: skip
    (made.root / "hang").unlink()
    made.run("apply")  # the lock is free


def descendants(pid: int) -> set[int]:
    """Processes below a process."""
    found: set[int] = set()
    for child in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            mine = {int(word) for word in child.read_text().split()}
        except OSError:
            continue
        found |= mine.union(*(descendants(one) for one in mine)) if mine else set()
    return found


def alive(pid: int) -> bool:
    """Whether a process is there, and not just its remains."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
