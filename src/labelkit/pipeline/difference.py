"""The difference between two sets of labels, as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import DataError
from labelkit.pipeline.flips import Kind

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN_FLIPS = 1_000
"""Records that a JSON document lists one by one."""


@dataclass(frozen=True)
class SideName:
    """What is compared."""

    shown: str  # "run 0123456789abcdef", "revision main", "the working tree"
    run: str  # id of the run; "" for labels that no run recorded
    commit: str  # of the functions, where known


@dataclass(frozen=True)
class Group:
    """Flips with one cause."""

    kind: Kind
    functions: tuple[str, ...]  # each alone flips these labels (function), or all of them do (together)
    places: tuple[str, ...]  # file:line of each
    flips: int
    moves: Mapping[tuple[str, str], int]  # label before and after ("" for none) -> records, most first
    examples: tuple[str, ...]  # ids of the first records


@dataclass(frozen=True)
class Conflicts:
    """Records on which functions contradict one another."""

    before: int
    after: int
    new: int
    gone: int
    pairs: tuple[tuple[str, str, int], ...]  # functions that contradict each other on the new ones, and on how many


@dataclass(frozen=True)
class Compared:
    """How often both label models are right on the same records."""

    basis: str  # what is taken for the truth
    records: int
    right_before: int
    right_after: int
    lost: int  # right before, wrong after
    won: int  # wrong before, right after

    @property
    def change(self) -> float:
        """By how much the accuracy rose; below 0 when it fell."""
        return (self.right_after - self.right_before) / self.records


@dataclass(frozen=True, eq=False)
class Difference:
    """What became of the labels from one side to the other."""

    before: SideName
    after: SideName
    changed: tuple[str, ...]  # inputs that differ, in words
    faults: tuple[int, int]  # calls of functions that failed, before and after
    records: int  # in both
    removed: int  # only before
    added: int  # only after
    flips: int  # records in both whose label is not what it was, none included
    groups: tuple[Group, ...]  # by cause, the largest first
    totals: Mapping[str, tuple[int, int]]  # class name ("" for none) -> records before and after, of those in both
    conflicts: Conflicts
    accuracies: tuple[Compared, ...]  # against answers of people first, then against gold
    ids: pa.Array = field(repr=False)  # (f,) string: the records that flipped, in record order
    labels_before: Sequence[str | None] = field(repr=False)  # (f,)
    labels_after: Sequence[str | None] = field(repr=False)  # (f,)
    causes: NDArray[np.int64] = field(repr=False)  # (f,): index into `groups`

    def __str__(self) -> str:
        from labelkit.pipeline.texts.difference import difference_text

        return difference_text(self)

    @property
    def share(self) -> float:
        """Flips as a share of the records in both."""
        return self.flips / max(self.records, 1)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Each flip: id, label before and after, and what caused it."""
        for record, old, new, cause in zip(
            self.ids.to_pylist(), self.labels_before, self.labels_after, self.causes.tolist(), strict=True
        ):
            group = self.groups[cause]
            yield {"id": record, "before": old, "after": new, "cause": group.kind, "functions": list(group.functions)}

    def beyond(self, max_flips: float | None = None, max_accuracy_drop: float | None = None) -> tuple[str, ...]:
        """Why this is more than was allowed, in words; nothing when it is not.

        `max_flips` is a share of the records in both, `max_accuracy_drop` of those that people answered and of those
        with gold: neither may fall further. Raises DataError where there are none of either.
        """
        said = []
        if max_flips is not None and self.share > max_flips:
            said.append(f"{self.share:.2%} of the labels flipped, more than {max_flips:.2%} (--max-flips)")
        if max_accuracy_drop is not None:
            if not self.accuracies:
                raise DataError(
                    "--max-accuracy-drop: there is nothing to measure accuracy with: no answers of people and no gold "
                    "on records that both sides vote on"
                )
            said += [
                f"accuracy against {item.basis} fell by {-item.change:.2%}, more than {max_accuracy_drop:.2%} "
                "(--max-accuracy-drop)"
                for item in self.accuracies
                if -item.change > max_accuracy_drop
            ]
        return tuple(said)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; of the flips, the first thousand one by one."""
        rows = self.rows()
        return {
            "before": asdict(self.before),
            "after": asdict(self.after),
            "changed": list(self.changed),
            "faults": list(self.faults),
            "records": self.records,
            "removed": self.removed,
            "added": self.added,
            "flips": self.flips,
            "share": self.share,
            "causes": [
                {**asdict(group), "moves": [[*labels, count] for labels, count in group.moves.items()]}
                for group in self.groups
            ],
            "totals": [[name or None, *counts] for name, counts in self.totals.items()],
            "conflicts": asdict(self.conflicts),
            "accuracy": [{**asdict(item), "change": item.change} for item in self.accuracies],
            "flipped": [row for row, _ in zip(rows, range(SHOWN_FLIPS), strict=False)],
        }
