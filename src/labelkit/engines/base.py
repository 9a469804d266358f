"""What an engine does: one method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from labelkit.labeling import LabelingFunction
from labelkit.matrix import LabelMatrix
from labelkit.records import Records

Progress = Callable[[int], None]
"""Called with the number of records done so far."""


@dataclass(frozen=True)
class Cast:
    """What one pass over the records gives."""

    votes: LabelMatrix
    fingerprint: str  # of all columns of the records


class Engine(Protocol):
    """Casts the votes of functions on records: the same votes, faults and ids on every engine."""

    def cast(
        self,
        functions: Sequence[LabelingFunction],
        records: Records,
        fields: Sequence[str],
        classes: Sequence[str],
        progress: Progress | None = None,
    ) -> Cast:
        """Run every function on every record; functions see `fields` only."""
        ...
