"""The power goes while labelkit writes: on a real ext4 and xfs, shut down in the middle and mounted again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fault_figures import Figure, many
from kills import outcome_of
from report_samples import passing_project

PROMISE = "power loss"
CUTS = many(6, 34)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.usefixtures("root")]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory for the disk's image: the power that is cut is that of the loop device."""
    made = Path(tempfile.mkdtemp(prefix="labelkit-power-", dir="/dev/shm"))
    yield made
    shutil.rmtree(made)


def cut(folder: Path, kind: str, what: str, cuts: int) -> dict[str, Any]:
    """What became of it."""
    return outcome_of("power_cuts.py", folder, kind, what, cuts, 1, mounting=True)


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_answers_survive(kind: str, folder: Path, figure: Figure) -> None:
    """What was acknowledged before the cut is there after it, and the database is whole."""
    done = cut(folder, kind, "answers", CUTS)
    figure(PROMISE, f"power cut while answering, {kind}", CUTS, answers_acknowledged=done["done"], lost=done["lost"])
    assert (done["lost"], done["wrong"]) == (0, [])
    assert done["done"] > CUTS


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_published_labels_survive(kind: str, folder: Path, figure: Figure) -> None:
    """labels.parquet is the last one that was published, or the next; every run that is recorded is whole."""
    passing_project(folder / "before")
    cuts = max(4, CUTS // 2)
    done = cut(folder, kind, "apply", cuts)
    figure(PROMISE, f"power cut in apply, {kind}", cuts, published=done["done"], torn=len(done["wrong"]))
    assert (done["lost"], done["wrong"]) == (0, [])


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_a_forgetful_writer_is_caught(kind: str, folder: Path, figure: Figure) -> None:
    """SQLite with synchronous = NORMAL loses answers in the same cuts, or these tests would prove nothing."""
    done = cut(folder, kind, "forgetful", max(8, CUTS // 2))
    figure(PROMISE, f"control: the same with synchronous = NORMAL, {kind}", done["cuts"],
           answers_acknowledged=done["done"], lost_as_they_must_be=done["lost"])  # fmt: skip
    assert done["lost"] > 0
