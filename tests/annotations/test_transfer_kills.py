"""A copy of a store that is killed at any line is gone on with, and nothing is lost or doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from fault_figures import Figure, sizes
from kills import outcome_of
from labelkit.annotations import AnnotationStore, Answer
from postgres_cluster import Cluster

WAYS = [
    "sqlite to sqlite",
    *(pytest.param(way, marks=pytest.mark.postgres) for way in ("sqlite to postgres", "postgres to sqlite")),
]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("copies", sizes(3, 15, 150))
@pytest.mark.parametrize("way", WAYS)
def test_killed_copies_are_gone_on_with(
    way: str, copies: int, memory: Path, request: pytest.FixtureRequest, figure: Figure
) -> None:
    """Killed three times each at lines of labelkit: a part is never opened, and in the end every row is there once."""
    urls = {"sqlite": f"sqlite:///{memory}/{{}}.db"}
    if "postgres" in way:
        server: Cluster = request.getfixturevalue("server")
        prefix = f"killed_{way.index('postgres')}_{copies}"
        for number in range(copies + 1):
            server.create(f"{prefix}_{number}")
        server.create(f"{prefix}_source")
        urls["postgres"] = server.url(f"{prefix}_{{}}")
    source, target = (urls[kind] for kind in way.split(" to "))
    store = AnnotationStore.open(source.format("source"))
    store.add_all([Answer(f"c{i}", "spam" if i % 3 else None, f"p{i % 4}", "margin", f"op-{i}") for i in range(40)])
    store.undo("p1", "undone")
    for number in range(20):
        store.remarks.add(f"c{number}", "note", "ana", f"note-{number}", "hm")
    done = outcome_of("kill_transfer.py", source.format("source"), target, copies, 3)
    figure("an acknowledged answer survives", f"SIGKILL to `store migrate`, {way}", done["kills"], copies=copies)
    assert done["wrong"] == []
    assert done["kills"] > copies
    assert done["seen"]["a part"] > 0
