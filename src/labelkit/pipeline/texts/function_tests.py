"""What functions' examples say of them, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelkit.errors import shortened
from labelkit.tables import table

if TYPE_CHECKING:
    from labelkit.pipeline.function_tests import CheckedExample, FunctionTests

LONGEST_RECORD = 60  # characters of an example that are shown


def tests_text(done: FunctionTests) -> str:
    """What `labelkit lf test` prints: the examples that do not hold, and how many hold."""
    count, failed = f"{len(done.examples):,} examples", done.failed
    if not failed:
        return f"{count} hold" if done.examples else "no function carries an example: nothing was checked"
    header = ["function", "example", "record", "expected", "got", "place"]
    return f"{table(header, map(_row, failed), left=6)}\n\n{len(failed):,} of {count} do not hold"


def _row(example: CheckedExample) -> list[str]:
    got = shortened(example.fault, LONGEST_RECORD) if example.fault else example.got or "(silent)"
    record = shortened(example.record, LONGEST_RECORD)
    return [example.function, str(example.number), record, example.expected or "(silent)", got, example.place]
