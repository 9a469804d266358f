"""Stores of every kind: the same contract holds for each of them."""

from __future__ import annotations

import itertools
import multiprocessing
import os
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from labelkit.annotations import AnnotationStore
from labelkit.annotations.durability import JOURNAL, WAL
from postgres_cluster import Cluster, cluster, programs
from stores import Place, Start, Started


@pytest.fixture(scope="session")
def server() -> Iterator[Cluster]:
    """One PostgreSQL server for all tests of this process. Where there is none, CI fails and a laptop skips."""
    if programs() is None and not os.environ.get("CI"):
        pytest.skip("PostgreSQL is not installed; on Debian: apt-get install -y postgresql")
    with cluster() as running:
        yield running


_numbers = itertools.count()


@pytest.fixture
def postgres_url(server: Cluster) -> str:
    """An empty PostgreSQL database."""
    return server.create(f"labels_{next(_numbers)}")


KINDS = ["delete", "wal", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=KINDS)
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Place]:
    """A function that finds empty places of each kind: SQLite in both journal modes, and PostgreSQL."""
    return lambda: _place_of(request.param, request, tmp_path)


def _place_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> Place:
    if kind == "postgres":
        running: Cluster = request.getfixturevalue("server")
        return Place(running.create(f"labels_{next(_numbers)}"))
    return Place(f"sqlite:///{folder / str(next(_numbers))}.db", JOURNAL if kind == "delete" else WAL)


WAYS = [
    ("delete", "wal"),
    *(
        pytest.param(way, marks=pytest.mark.postgres)
        for way in (("delete", "postgres"), ("postgres", "wal"), ("postgres", "postgres"))
    ),
]


@pytest.fixture(params=WAYS, ids=" to ".join)
def way(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Place, Place]:
    """Two empty places, to copy from one into the other."""
    source, target = request.param
    return _place_of(source, request, tmp_path), _place_of(target, request, tmp_path)


@pytest.fixture
def place(new_place: Callable[[], Place]) -> Place:
    """An empty place of each kind."""
    return new_place()


@pytest.fixture
def store(place: Place) -> AnnotationStore:
    """An empty store of each kind."""
    return place.open()


@pytest.fixture
def start() -> Iterator[Start]:
    """Start real processes, forked from a clean server that has imported the store already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["labelkit.annotations.store"])
    processes: list[ForkServerProcess] = []

    def starts(work: Callable[..., None], *arguments: object) -> Started:
        ear, mouth = context.Pipe(duplex=False)
        processes.append(context.Process(target=work, args=(mouth, *arguments)))
        processes[-1].start()
        mouth.close()
        return Started(processes[-1], ear)

    yield starts
    for process in processes:
        process.kill()
        process.join()
