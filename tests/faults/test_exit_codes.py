"""The golden table of exit codes: every command on every kind of broken project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fault_figures import Figure
from kills import before, outcome_of

GOLDEN = Path(__file__).parent / "golden" / "exit_codes.txt"


def as_text(table: dict[str, dict[str, tuple[int, str]]]) -> str:
    """Faults down, commands across."""
    width = max(map(len, table))
    header = " " * width + "".join(f"{command:>11}" for command in table["nothing"])
    rows = [f"{fault:{width}}" + "".join(f"{code:>11}" for code, _ in row.values()) for fault, row in table.items()]
    return "\n".join([header, *rows]) + "\n"


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("root")
def test_exit_codes_tell_the_truth(memory: Path, figure: Figure) -> None:
    """Each cell is as it was agreed; what is refused says so in labelkit's words, and nothing is a traceback."""
    table = outcome_of("exit_codes.py", before(memory, finished=True))
    cells = [(fault, command, code, said) for fault, row in table.items() for command, (code, said) in row.items()]
    refused = [(fault, command, said) for fault, command, code, said in cells if code in (2, 3, 4)]
    figure("exit codes", "commands on broken projects", len(cells), faults=len(table), refused=len(refused))
    if os.environ.get("LABELKIT_GOLDEN"):
        GOLDEN.write_text(as_text(table))
    assert as_text(table) == GOLDEN.read_text()
    assert len(cells) >= 120
    assert not [cell for cell in cells if "Traceback" in cell[3] or "this is a bug" in cell[3]]
    said = ("labelkit: error: ", "labelkit: the report is ")  # the latter with a verdict: what could not be judged
    assert not [cell for cell in refused if not any(words in cell[2] for words in said)]
