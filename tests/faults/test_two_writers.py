"""Two that write at once: one wins, and the other says who is writing and since when."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fault_figures import Figure, sizes
from kills import alone
from projects import FUNCTIONS, Made
from report_samples import passing_project

BUSY = re.compile(
    r"labelkit: error: the project is busy: labelkit apply \(pid (\d+) on \S+\) has been writing since (\S+);"
    " try again when it is done"
)
WAITS = "\nimport time\ntime.sleep(0.3)  # both have begun when the first one is done\n"


@pytest.fixture
def made(memory: Path) -> Made:
    """A project whose functions take a moment to load."""
    made = passing_project(memory / "project")
    made.write("labeling_functions/first.py", FUNCTIONS.replace('"guitar"', '"melody"') + WAITS)
    return made


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("races", sizes(1, 4, 100))
def test_apply_against_apply(made: Made, races: int, figure: Figure) -> None:
    """Of two that start together one publishes and the other exits with 4, unless it came when the first was done."""
    beaten = 0
    expected: set[bytes] = set()
    for _ in range(races):
        began = datetime.now(UTC)
        command = [sys.executable, "-m", "labelkit", "apply", "--workers", "1"]
        racing = [
            subprocess.Popen(command, cwd=made.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                             env=alone())
            for _ in range(2)
        ]  # fmt: skip
        said = [process.communicate(timeout=120)[1] for process in racing]
        codes = [process.returncode for process in racing]
        assert 0 in codes, said
        assert set(codes) <= {0, 4}
        for loser, winner in ((0, 1), (1, 0)):
            if codes[loser] == 4:
                found = BUSY.search(said[loser])
                assert found, said[loser]
                assert int(found[1]) == racing[winner].pid
                since = datetime.fromisoformat(found[2])
                assert began - timedelta(seconds=1) <= since <= datetime.now(UTC)
                beaten += 1
        expected.add((made.root / "labels.parquet").read_bytes())
    figure("two writers", "apply against apply, started together", races, turned_away_with_4=beaten)
    assert len(expected) == 1
    assert beaten >= races * 0.5
