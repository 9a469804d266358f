"""Fixtures that every test may use."""

from __future__ import annotations

import contextlib
import shutil
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from browsing import serving
from projects import FUNCTIONS, Made, MakeProject, comments, write_csv

pytest_plugins = ["store_fixtures", "web_fixtures", "fault_figures", "spark_fixtures", "terminal_fixtures"]


# Whoever runs the tests in the background may have had these ignored, and processes that tests start would inherit it.
with contextlib.suppress(ValueError):  # not in the main thread
    for ignored in {signal.SIGINT, signal.SIGHUP}:
        if signal.getsignal(ignored) is signal.SIG_IGN:
            signal.signal(ignored, signal.default_int_handler if ignored is signal.SIGINT else signal.SIG_DFL)


def _maker(place: Path) -> MakeProject:
    """A function that makes small spam projects in a folder; keyword arguments say what is different."""

    def make(
        *,
        rows: Sequence[dict[str, str]] | None = None,
        functions: str = FUNCTIONS,
        toml: str = "",
        gold: bool = True,
        folder: str = "project",
    ) -> Made:
        made = Made(place / folder)
        write_csv(made.root / "data" / "comments.csv", rows if rows is not None else comments(200, seed=3))
        more = 'gold = "gold"\nsplit = "split"\n' if gold else ""
        made.write(
            "labelkit.toml",
            '[project]\nname = "comments"\nclasses = ["ham", "spam"]\n'
            f'[data]\npath = "data/comments.csv"\nfields = ["text"]\n{more}{toml}',
        )
        made.write("labeling_functions/first.py", functions)
        return made

    return make


@pytest.fixture
def make_project(tmp_path: Path) -> MakeProject:
    """A function that makes a small spam project of the test's own."""
    return _maker(tmp_path)


@pytest.fixture(scope="module")
def make_projects(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> MakeProject:
    """The same for projects that the tests of a module share, and do not change."""
    return _maker(tmp_path_factory.mktemp(request.module.__name__))


@pytest.fixture
def applied(make_project: MakeProject) -> Made:
    """A small project with labels, by majority vote."""
    made = make_project(toml="[model]\nname = 'majority'\n")
    made.project.apply()
    return made


@pytest.fixture
def visits() -> Iterator[tuple[int, list[str]]]:
    """A server on this machine: its port, and the paths asked for."""
    with serving() as found:
        yield found


@pytest.fixture(scope="session")
def passing(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A small project whose labels pass its suites; do not change it."""
    from report_samples import passing_project

    return passing_project(tmp_path_factory.mktemp("passing") / "project")


@pytest.fixture
def made(passing: Made, tmp_path: Path) -> Made:
    """A copy of the small project whose labels pass, to be changed."""
    shutil.copytree(passing.root, tmp_path / "project")
    return Made(tmp_path / "project")
