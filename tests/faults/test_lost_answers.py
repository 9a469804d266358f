"""An acknowledged answer survives: SIGKILL, full and failing disks, power cuts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fault_figures import Figure, many
from kills import asking, outcome_of

PROMISE = "an acknowledged answer survives"
KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=KINDS)
def kind_and_url(request: pytest.FixtureRequest, memory: Path) -> Iterator[tuple[str, str]]:
    """An empty store of each kind."""
    if request.param == "sqlite":
        yield "SQLite", f"sqlite:///{memory / 'annotations.db'}"
    else:
        yield "PostgreSQL", request.getfixturevalue("postgres_url")


def hurt(url: str, what: str, count: int) -> dict[str, Any]:
    """What became of the answers."""
    return outcome_of("kill_store.py", url, what, count, 1)


@pytest.mark.timeout(3000)
@pytest.mark.parametrize(
    "kills", [pytest.param(12, id="few"), pytest.param(many(100, 1_000), id="many", marks=pytest.mark.slow)]
)
def test_writers_killed_at_any_time(kind_and_url: tuple[str, str], kills: int, figure: Figure) -> None:
    """Killed at a line of code or at any moment, again and again: nothing acknowledged is lost, nothing is doubled."""
    kind, url = kind_and_url
    done = hurt(url, str(kills), 34)
    figure(PROMISE, f"SIGKILL to writers, {kind}", done["hits"], answers_acknowledged=done["acknowledged"])
    assert done["wrong"] == []
    assert done["hits"] == kills


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.usefixtures("root")
def test_writers_killed_in_system_calls(kind_and_url: tuple[str, str], figure: Figure) -> None:
    """Killed in the n-th of each kind of system call that storing two answers takes."""
    kind, url = kind_and_url
    done = hurt(url, "KILL", many(20, 40))
    figure(PROMISE, f"SIGKILL in system calls, {kind}", done["hits"], answers_acknowledged=done["acknowledged"])
    assert done["wrong"] == []
    assert done["hits"] > 20


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_no_answer_is_acknowledged_that_the_disk_did_not_take(error: str, memory: Path, figure: Figure) -> None:
    """Each system call of two answers fails in turn, once and from then on: exit code 3, or stored for good."""
    done = hurt(f"sqlite:///{memory / 'annotations.db'}", error, many(15, 25))
    figure("disk full, I/O error", f"{error} in system calls of the store", done["hits"],
           answers_acknowledged=done["acknowledged"])  # fmt: skip
    assert done["wrong"] == []
    assert done["hits"] > 20


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("asking_by", ["terminal", "web"])
def test_what_asks_is_killed_at_any_moment(
    asking_by: str, kind_and_url: tuple[str, str], memory: Path, figure: Figure
) -> None:
    """`annotate` at a terminal and on its page: what was acknowledged to a person who works at full speed is stored,
    and stored once, though the page sends again what nobody acknowledged."""
    (kind, url), points = kind_and_url, many(12, 100)
    done = outcome_of("kill_people.py", asking_by, asking(memory, url), "moments", points, 1)
    figure(
        PROMISE, f"SIGKILL to annotate, {asking_by}, {kind}", done["hits"], answers_acknowledged=done["acknowledged"]
    )
    assert done["wrong"] == []
    assert done["hits"] == points


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("asking_by", ["terminal", "web"])
@pytest.mark.parametrize(("how", "points"), [("lines", many(8, 60)), ("KILL", many(1, 6))])
def test_what_asks_is_killed_at_a_line_or_in_a_system_call(
    asking_by: str, how: str, points: int, memory: Path, figure: Figure
) -> None:
    """The same at lines of labelkit's code, those of the page's threads too, and in each kind of system call."""
    done = outcome_of("kill_people.py", asking_by, asking(memory), how, points, 2)
    where = "at a line" if how == "lines" else "in a system call"
    figure(PROMISE, f"SIGKILL to annotate {where}, {asking_by}", done["hits"],
           answers_acknowledged=done["acknowledged"])  # fmt: skip
    assert done["wrong"] == []
    assert done["hits"] >= min(points, 4)


def test_a_clock_that_jumps_reorders_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure) -> None:
    """Back to 1970, an hour back as clocks are put back, ahead to 2100: what was said last stands."""
    from labelkit.annotations import AnnotationStore, store as module
    from labelkit.files import timestamp

    store = AnnotationStore.open(f"sqlite:///{tmp_path / 'annotations.db'}")
    times = [1.7e9, 0.0, 1.7e9 - 3600, 4.1e9, 1.7e9 + 1]
    for number in range(50):
        monkeypatch.setattr(module, "timestamp", lambda number=number: timestamp(times[number % len(times)]))
        store.add("c1", "spam" if number % 2 else "ham", "ana", "margin", f"op-{number}")
        assert store.answers()["c1"].label == ("spam" if number % 2 else "ham")
    assert [entry.operation for entry in store.history()] == [f"op-{number}" for number in range(50)]
    figure("clock", "answers while the clock jumps", 50, reordered=0)
