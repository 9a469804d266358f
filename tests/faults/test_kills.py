"""SIGKILL at point after point: artifacts are the old ones or the new ones, and the next command works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fault_figures import Figure, many
from judged_sets import judged_project
from kills import before, outcome_of

PROMISE = "old or new, never half"


def hurt(verb: str, folder: Path, what: str, points: int) -> dict[str, Any]:
    """What became of it."""
    return outcome_of("kill_points.py", verb, before(folder, finished=verb == "replay"), what, points, 1)


@pytest.mark.timeout(3000)
@pytest.mark.parametrize(
    ("verb", "points"),
    [
        pytest.param("apply", 8, id="apply-few"),
        pytest.param("apply", many(40, 540), id="apply", marks=pytest.mark.slow),
        pytest.param("validate", many(12, 60), id="validate", marks=pytest.mark.slow),
        pytest.param("queue", many(20, 100), id="queue", marks=pytest.mark.slow),
        pytest.param("answers", many(20, 100), id="answers", marks=pytest.mark.slow),
        pytest.param("report", many(8, 60), id="report", marks=pytest.mark.slow),
        pytest.param("replay", many(8, 60), id="replay", marks=pytest.mark.slow),
        pytest.param("export", many(8, 80), id="export", marks=pytest.mark.slow),
        pytest.param("import", many(8, 80), id="import", marks=pytest.mark.slow),
    ],
)
def test_a_killed_verb_leaves_the_old_or_the_new(verb: str, points: int, memory: Path, figure: Figure) -> None:
    """Killed at lines of labelkit's own code all over the verb; what is left is whole, and the verb can run again."""
    done = hurt(verb, memory, "lines", points)
    figure(PROMISE, f"SIGKILL at a line of {verb}, then once more", done["hits"])
    assert done["wrong"] == []
    assert done["hits"] >= points * 0.95


SLOW = [
    pytest.param("apply", many(4, 30), marks=pytest.mark.slow),
    pytest.param("validate", many(1, 3), marks=pytest.mark.slow),
    pytest.param("answers", many(1, 20), marks=pytest.mark.slow),
]


@pytest.mark.timeout(3000)
@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(("verb", "points"), SLOW)
def test_a_verb_killed_in_a_system_call(verb: str, points: int, memory: Path, figure: Figure) -> None:
    """The same at the n-th of each kind of system call, in labelkit's process and in its workers."""
    done = hurt(verb, memory, "KILL", points)
    figure(PROMISE, f"SIGKILL in a system call of {verb}, then once more", done["hits"])
    assert done["wrong"] == []


@pytest.mark.timeout(3000)
@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@pytest.mark.parametrize(("verb", "points"), SLOW)
def test_a_system_call_that_fails(verb: str, points: int, error: str, memory: Path, figure: Figure) -> None:
    """A full or failing disk at the n-th call, or from then on: exit code 3 with the path, or done as if nothing had
    happened; the old artifact or the new one; and once there is room again, the verb runs."""
    done = hurt(verb, memory, error, points)
    figure("disk full, I/O error", f"{error} in a system call of {verb}, then once more", done["hits"])
    assert done["wrong"] == []
    assert done["hits"] > 10


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("what", ["bytes", "inodes"])
@pytest.mark.parametrize("verb", ["apply", "answers"])
def test_a_disk_that_runs_full(verb: str, what: str, memory: Path, figure: Figure) -> None:
    """On a small file system with 0, 1, 2, ... pages or inodes left, until there are enough: exit code 3 with the path,
    and what was there stays; with room again, the verb runs."""
    outcome = outcome_of("small_disks.py", before(memory), verb, what, 60, mounting=True)
    did = f"{verb} on a small tmpfs, with more and more {what} left"
    figure("disk full, I/O error", did, outcome["points"], refused=outcome["refused"])
    assert outcome["wrong"] == []
    assert (outcome["refused"] > 0, outcome["enough"]) == (True, 2)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize(("verb", "points"), [("apply", many(40, 300)), ("validate", many(12, 60))])
def test_a_killed_verb_of_several_classes(verb: str, points: int, memory: Path, figure: Figure) -> None:
    """Killed between classes or within one: what was joined is the old or the new, and the verb can run again."""
    made = judged_project(memory / "before")
    functions = made.root / "labeling_functions" / "pandas" / "words.py"
    if verb == "apply":  # the gate would say no to functions that were changed
        functions.write_text(functions.read_text().replace("WORDS[1:3]", "WORDS[1:4]"))
    done = outcome_of("kill_points.py", verb, memory, "lines", points, 1)
    figure(PROMISE, f"SIGKILL at a line of {verb} of several classes, then once more", done["hits"])
    assert done["wrong"] == []
    assert done["hits"] >= points * 0.95
