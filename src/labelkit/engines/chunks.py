"""The work on one chunk of records: hash it, look for votes cast before, cast the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from labelkit.engines.base import ChunkVotes
from labelkit.engines.cache import Column, VoteCache, column_key
from labelkit.labeling import LabelingFunction, VoteCaster
from labelkit.labeling.kernel import Call, call_here
from labelkit.lineage import chunk_fingerprint, column_digests
from labelkit.matrix import FAULT, Fault
from labelkit.matrix.counts import VoteCounts
from labelkit.records.ids import sorted_hashes

if TYPE_CHECKING:
    import pyarrow as pa


class ChunkCaster:
    """Casts the votes of some functions, chunk by chunk."""

    def __init__(
        self,
        functions: Sequence[LabelingFunction],
        fields: Sequence[str],
        classes: Sequence[str],
        cache: VoteCache | None = None,
    ) -> None:
        self.functions = tuple(functions)
        self.fields = list(fields)
        self.classes = tuple(classes)
        self.cache = cache
        self.call: Call = call_here
        self.slow: frozenset[int] = frozenset()  # functions that go last: a worker that dies of another loses less
        self._ready: dict[tuple[int, ...], VoteCaster] = {}
        self._keys = [column_key(function, classes) for function in self.functions]

    def cast(self, index: int, chunk: pa.RecordBatch) -> ChunkVotes:
        """Votes of all functions on a chunk whose first column is the id."""
        names = chunk.schema.names
        digests = dict(zip(names, column_digests(chunk), strict=True))
        fields = chunk.select(self.fields)
        key = chunk_fingerprint([digests[name] for name in self.fields], chunk.num_rows).hex()
        ids = chunk.column(0)
        known = {} if self.cache is None else self.cache.read(key)
        votes = np.empty((chunk.num_rows, len(self.functions)), dtype=np.int8, order="F")
        missing = [j for j, column in enumerate(self._keys) if column not in known]
        for j, column in enumerate(self._keys):
            if column in known:
                votes[:, j] = known[column].votes
        faults = self._cast_missing(missing, ids, fields, votes, key, known)
        return ChunkVotes(
            index=index,
            ids=ids,
            id_hashes=sorted_hashes(ids),
            votes=votes,
            counts=VoteCounts.of(votes, len(self.classes)),
            faults=faults,
            fingerprint=chunk_fingerprint(digests.values(), chunk.num_rows),
            others=chunk.select([name for name in names[1:] if name not in self.fields]),
            reused=len(self.functions) - len(missing),
            saved=sum(known[column].seconds for column in self._keys if column in known),
        )

    def _caster(self, which: tuple[int, ...]) -> VoteCaster:
        """These functions made ready, once for all chunks that need them."""
        if which not in self._ready:
            self._ready[which] = VoteCaster([self.functions[j] for j in which], self.classes, self.call)
        return self._ready[which]

    def _merged(self, one: list[Fault], two: list[Fault], ids: pa.Array) -> list[Fault]:
        """Faults of two casts in order of record and function."""
        if not one or not two:
            return one or two
        rows = {record: row for row, record in enumerate(ids.to_pylist())}
        columns = {function.name: j for j, function in enumerate(self.functions)}
        return sorted([*one, *two], key=lambda fault: (rows[fault.record], columns[fault.function]))

    def _cast_missing(
        self,
        missing: Sequence[int],
        ids: pa.Array,
        fields: pa.RecordBatch,
        votes: NDArray[np.int8],
        key: str,
        known: dict[str, Column],
    ) -> tuple[Fault, ...]:
        """Fill the columns that the cache does not know, and keep them."""
        if not missing:
            return ()
        seconds, faults = dict[int, float](), list[Fault]()
        for which in ([j for j in missing if j not in self.slow], [j for j in missing if j in self.slow]):
            if which:
                caster = self._caster(tuple(which))
                found, failed = caster.cast(ids, fields)
                seconds |= dict(zip(which, caster.seconds.tolist(), strict=True))
                faults = self._merged(faults, failed, ids)
                for place, j in enumerate(which):
                    votes[:, j] = found[:, place]
        if self.cache is not None:
            whole = [j for j in missing if not (votes[:, j] == FAULT).any()]
            new = {self._keys[j]: Column(votes[:, j], seconds[j]) for j in whole}
            if new:
                self.cache.write(key, new, known)
        return tuple(faults)
