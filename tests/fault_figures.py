"""What the tests of faults tried, how often, and the table at the end of a run that says it.

`LABELKIT_FAULTS=full` runs as many of each as docs/reliability.md promises; without it there are fewer, so that the
whole of tests/faults fits into minutes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Figure = Callable[..., None]
"""figure(promise, what, tried, **counts): what a test tried to break, how often, and what else it counted."""

FULL = os.environ.get("LABELKIT_FAULTS") == "full"


def many(some: int, full: int) -> int:
    """How often to try: some times in every run of the slow tests, `full` for the record."""
    return full if FULL else some


def sizes(fast: int, some: int, full: int) -> list[Any]:
    """Parameters of a test that runs small by default and large among the slow ones."""
    return [pytest.param(fast, id="few"), pytest.param(many(some, full), id="many", marks=pytest.mark.slow)]


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Note what was tried; a test that fails afterwards says BROKEN in the table."""

    def note(promise: str, what: str, tried: int, **counts: object) -> None:
        said = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
        record_property("figure", [promise, what, tried, said])

    return note


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is such a place: of what outlives a killed process, no disk is needed to tell."""
    place = Path("/dev/shm")
    if not os.access(place, os.W_OK):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="labelkit-faults-", dir=place))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def root() -> None:
    """For tests that mount, drop capabilities or trace: only root may. In CI that is a failure, on a laptop a skip."""
    if os.geteuid() != 0:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("only root can do this")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table when tests of faults ran."""
    rows = _summed(_rows(terminalreporter.stats))
    if not rows:
        return
    terminalreporter.section("what was tried to break the promises")
    header = ("promise", "what was done", "times", "and", "result")
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(5)]
    for row in [header, *rows]:
        terminalreporter.write_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


def _summed(found: Iterator[tuple[str, str, int, str, str]]) -> list[tuple[str, str, str, str, str]]:
    """One row for each thing that was done, however many tests did it; of what they said beside it, the last."""
    times, saying = Counter[tuple[str, str, str]](), dict[tuple[str, str, str], str]()
    for promise, what, tried, said, result in found:
        times[promise, what, result] += tried
        saying[promise, what, result] = said
    return [(key[0], key[1], f"{times[key]:,}", saying[key], key[2]) for key in sorted(times)]


def _rows(stats: dict[str, list[Any]]) -> Iterator[tuple[str, str, int, str, str]]:
    for outcome, result in (("passed", "kept"), ("failed", "BROKEN")):
        for report in stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", []):
                if name == "figure" and report.when == "call":
                    promise, what, tried, said = value
                    yield promise, what, tried, said, result
