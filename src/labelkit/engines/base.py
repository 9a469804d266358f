"""What an engine does: one method, which gives the votes chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from labelkit.labeling import LabelingFunction
from labelkit.matrix import Fault
from labelkit.matrix.counts import VoteCounts
from labelkit.records import Records

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class ChunkVotes:
    """The votes on 65,536 consecutive records (fewer in the last chunk), and what else one look at them gave."""

    index: int  # of the chunk
    ids: pa.Array  # (n,) string
    id_hashes: NDArray[np.uint64] | None  # (n,) sorted, to prove ids unique; None when an id is bad
    votes: NDArray[np.int8]  # (n, m): class index, ABSTAIN or FAULT
    counts: VoteCounts  # of these votes
    faults: tuple[Fault, ...]  # in order of record and function
    fingerprint: bytes  # of all columns of the records
    others: pa.RecordBatch  # the columns that functions do not see: gold, split
    reused: int  # functions whose votes came from the cache
    saved: float  # seconds that casting these votes took when they were cast


class Engine(Protocol):
    """Casts the votes of functions on records: the same votes, faults and ids on every engine."""

    def cast(
        self,
        functions: Sequence[LabelingFunction],
        records: Records,
        fields: Sequence[str],
        classes: Sequence[str],
    ) -> Iterator[ChunkVotes]:
        """Run every function on every record, in record order; functions see `fields` only.

        Raises DataError for records that cannot be read, FunctionError for a rule that does not fit a column.
        Whoever reads the chunks compares the ids.
        """
        ...
