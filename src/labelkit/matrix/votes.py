"""The label matrix: who voted what on which record."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelkit.errors import UsageError, visible
from labelkit.lineage import CHUNK_ROWS
from labelkit.matrix.votes_file import VotesFile, VotesWriter

if TYPE_CHECKING:
    import pyarrow as pa

ABSTAIN = -1
"""A function has nothing to say about a record. Snorkel's value."""

FAULT = -2
"""A function failed on a record. Never stored as an abstain."""

MAX_CLASSES = 127
"""Class indices are 0 to 126: a vote is one int8."""


@dataclass(frozen=True)
class Fault:
    """One cell that a function could not fill."""

    function: str
    record: str  # id of the record
    exception: str  # type name
    message: str  # first line, at most 200 characters; stays in memory, never written to an artifact
    place: str = ""  # file:line of the innermost line of the function's own file, where known


@dataclass(frozen=True, eq=False)
class LabelMatrix:
    """Votes of m functions on n records.

    >>> votes = LabelMatrix.from_rows([[0, -1], [1, 1]], names=["short", "link"], classes=["ham", "spam"])
    >>> votes.votes.shape, votes.names, votes.ids.to_pylist()
    ((2, 2), ('short', 'link'), ['0', '1'])
    """

    votes: NDArray[np.int8]  # (n, m): class index 0..k-1, ABSTAIN or FAULT
    ids: pa.Array  # (n,) string: record ids in record order
    names: tuple[str, ...]  # (m,): function names
    classes: tuple[str, ...]  # (k,): class names; a vote v >= 0 means classes[v]
    faults: tuple[Fault, ...] = ()  # details of cells that are FAULT; empty after reading from disk

    def __post_init__(self) -> None:
        shape, wanted = self.votes.shape, (len(self.ids), len(self.names))
        if self.votes.dtype != np.int8 or shape != wanted:
            raise ValueError(f"votes must be int8 of shape {wanted}, not {self.votes.dtype} of shape {shape}")
        if len({"id", *self.names}) != len(self.names) + 1:
            raise ValueError('function names must differ from one another and from "id"')
        if len(self.classes) > MAX_CLASSES or len(set(self.classes)) != len(self.classes):
            raise ValueError(f"classes must be at most {MAX_CLASSES} different names")
        if self.votes.size and not (self.votes.min() >= FAULT and self.votes.max() < len(self.classes)):
            raise ValueError(f"votes must lie between {FAULT} and {len(self.classes) - 1}")

    @classmethod
    def from_rows(
        cls,
        rows: Any,
        *,
        names: Sequence[str] | None = None,
        classes: Sequence[str] | None = None,
        ids: Sequence[str] | None = None,
    ) -> LabelMatrix:
        """Build a matrix from any (n, m) array-like of class indices, as Snorkel's appliers return them.

        Raises ValueError for values that are no class index, ABSTAIN or FAULT.
        """
        import pyarrow as pa

        raw = np.asarray(rows)
        if raw.ndim != 2:
            raise ValueError(f"votes must have two dimensions (records, functions), not shape {raw.shape}")
        if raw.dtype.kind not in "biuf" or not (raw == np.floor(raw)).all():  # NaN compares unequal
            raise ValueError("votes must be whole numbers")
        if raw.size and not (raw.min() >= FAULT and raw.max() < MAX_CLASSES):
            raise ValueError(f"votes must lie between {FAULT} and {MAX_CLASSES - 1}, not {raw.min()} to {raw.max()}")
        n, m = raw.shape
        top = int(raw.max(initial=1)) + 1
        return cls(
            votes=raw.astype(np.int8),
            ids=pa.array([str(i) for i in range(n)] if ids is None else list(ids), pa.string()),
            names=default_names(m) if names is None else tuple(names),
            classes=default_classes(max(top, 2)) if classes is None else tuple(classes),
        )

    @property
    def covered(self) -> NDArray[np.bool_]:
        """(n,) bool: at least one function voted."""
        return np.asarray((self.votes >= 0).any(axis=1))

    @property
    def fault_counts(self) -> NDArray[np.int64]:
        """(m,) int64: failed cells per function."""
        return np.asarray((self.votes == FAULT).sum(axis=0), dtype=np.int64)

    def write(self, file: io.IOBase | Any) -> None:
        """Write as an Arrow IPC file: column `id`, then one int8 column per function."""
        writer = VotesWriter(file, self.names, self.classes)
        for start in range(0, len(self.ids), CHUNK_ROWS):
            writer.add(self.ids.slice(start, CHUNK_ROWS), self.votes[start : start + CHUNK_ROWS])
        writer.close()


def default_names(m: int) -> tuple[str, ...]:
    """Names of functions that have none: "lf_0", "lf_1", ..."""
    return tuple(f"lf_{j}" for j in range(m))


def default_classes(k: int) -> tuple[str, ...]:
    """Names of classes that have none: "0", "1", ..."""
    return tuple(str(c) for c in range(k))


def checked_classes(classes: Sequence[str]) -> tuple[str, ...]:
    """Class names as a caller gave them. Raises UsageError unless they are 2 to 127 different texts.

    >>> checked_classes(["ham", "spam"])
    ('ham', 'spam')
    """
    names = () if isinstance(classes, str) else tuple(classes)
    texts = all(isinstance(name, str) and name for name in names)
    if not texts or not 2 <= len(set(names)) == len(names) <= MAX_CLASSES:
        shown = visible(repr(classes)[:80])
        raise UsageError(f'classes must be a list of 2 to {MAX_CLASSES} different names such as "spam", not {shown}')
    return names


def read_votes(path: Path) -> LabelMatrix:
    """Read a matrix that `LabelMatrix.write` wrote. Raises ArtifactError when it is not one, or was changed."""
    import pyarrow as pa

    file = VotesFile(path)
    ids, votes = [pa.array([], pa.string())], [np.empty((0, len(file.names)), np.int8)]
    for chunk_ids, chunk_votes in file:
        ids.append(chunk_ids)
        votes.append(chunk_votes)
    return LabelMatrix(np.concatenate(votes), pa.concat_arrays(ids), file.names, file.classes)


def checked_gold(gold: ArrayLike | None, n: int, k: int) -> NDArray[np.int64] | None:
    """(n,) int64 class index, or -1 where nothing is known; None for no gold. Raises ValueError for anything else."""
    if gold is None:
        return None
    truth = np.asarray(gold)
    if truth.shape != (n,) or (n and (truth.dtype.kind not in "iu" or truth.min() < -1 or truth.max() >= k)):
        raise ValueError(f"gold must be ({n},) whole numbers from -1 to {k - 1}")
    return truth.astype(np.int64)
