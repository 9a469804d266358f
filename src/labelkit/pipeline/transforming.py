"""The pass of `augment`: which functions are applied to which record, from which seed, and what comes of it."""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit.errors import DataError, visible
from labelkit.files import atomic_write
from labelkit.labeling.faults import first_line
from labelkit.labeling.rows import Row
from labelkit.labeling.transformations import Policy, TransformationFunction, functions_of
from labelkit.matrix import Fault
from labelkit.pipeline.augmented import FUNCTIONS, PARENT, RUN, SEED
from labelkit.pipeline.casting import Progress
from labelkit.project import TRAIN, ProjectFolder
from labelkit.records import Records

if TYPE_CHECKING:
    import pyarrow as pa

KEPT_FAULTS = 1_000  # of which the details are kept; all are counted


def seed_of(seed: int, parent: str, number: int) -> int:
    """The seed of a record's new record of some number, 0 to 2**63 - 1. Number 0 is for the policy.

    >>> seed_of(7, "c1", 1) == seed_of(7, "c1", 1) != seed_of(7, "c1", 2)
    True
    """
    digest = hashlib.sha256(f"{seed}\x00{parent}\x00{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let `random` and `numpy.random` begin at a seed for the block, and go on afterwards as if nothing had been."""
    before, numpy_before = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(numpy_before)


@dataclass
class Transforming:
    """One pass over the records that applies the functions and writes what comes out."""

    project: ProjectFolder
    records: Records
    functions: Sequence[TransformationFunction]
    policy: Policy
    seed: int
    progress: Progress | None
    parents: int = 0
    made: int = 0
    unchanged: int = 0
    fault_count: int = 0
    faults: list[Fault] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def write(self, path: Path, run: str) -> None:
        """Write the file, whole or not at all."""
        import pyarrow.parquet as pq

        with atomic_write(path) as file:
            writer: Any = None
            for chunk in self.records.batches():
                schema = self._schema(chunk.schema)
                if writer is None:
                    writer = pq.ParquetWriter(file, schema.with_metadata({RUN: run}))
                rows = [row for parent in self._parents(chunk) for row in self._made_of(parent, schema)]
                self._write(writer, rows, schema)
                if self.progress is not None:
                    self.progress(self.parents, None)
            if writer is None:
                raise DataError(f"{self.records.source.name}: no records in it; there is nothing to augment")
            writer.close()
            if not self.parents:  # said before the block ends: the old file stays
                raise DataError(f'{self.records.source.name}: no record is on split "{TRAIN}"; no other is augmented')

    def _schema(self, chunk: pa.Schema) -> pa.Schema:
        import pyarrow as pa

        data = self.project.settings.data
        kept = [chunk.field(name) for name in (data.id, *data.fields, *([data.split] if data.split else []))]
        return pa.schema(
            [
                *kept,
                pa.field(PARENT, pa.string()),
                pa.field(FUNCTIONS, pa.list_(pa.string())),
                pa.field(SEED, pa.int64()),
            ]
        )

    def _write(self, writer: Any, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
        import pyarrow as pa

        if rows:
            writer.write_table(pa.Table.from_pylist(rows, schema))

    def _parents(self, chunk: pa.RecordBatch) -> Iterator[dict[str, Any]]:
        """The records that may be augmented: those on split train."""
        split = self.project.settings.data.split
        for parent in chunk.to_pylist():
            if split is None or parent[split] == TRAIN:
                self.parents += 1
                yield parent

    def _made_of(self, parent: Mapping[str, Any], schema: pa.Schema) -> Iterator[dict[str, Any]]:
        """The new records of one record, none of them twice."""
        data = self.project.settings.data
        record = str(parent[data.id])
        fields = {name: parent[name] for name in data.fields}
        with seeded(seed_of(self.seed, record, 0)):
            rng = np.random.default_rng(seed_of(self.seed, record, 0))
            sequences = self.policy.sequences(len(self.functions), rng)
        known = {repr(fields)}  # in which NaN is itself
        for number, sequence in enumerate(sequences, start=1):
            seed = seed_of(self.seed, record, number)
            changed, names = self._transformed(record, fields, sequence, seed, schema)
            if changed is None:
                continue
            if repr(changed) in known:
                self.unchanged += 1
                continue
            known.add(repr(changed))
            self.made += 1
            self.used.update(set(names))
            if data.embedding_field is not None and changed[data.embedding_field] == fields[data.embedding_field]:
                changed = {**changed, data.embedding_field: None}  # that of another text
            kept = {} if data.split is None else {data.split: parent[data.split]}
            own = {PARENT: record, FUNCTIONS: names, SEED: seed}
            yield {data.id: f"{record}~{number}", **changed, **kept, **own}

    def _transformed(
        self, record: str, fields: Mapping[str, Any], sequence: Sequence[int], seed: int, schema: pa.Schema
    ) -> tuple[dict[str, Any] | None, list[str]]:
        """The fields of a record after some functions, and the names of those that changed it; None after a fault."""
        row: Any = Row(**fields)
        names: list[str] = []
        with seeded(seed):
            for function in functions_of(sequence, self.functions):
                try:
                    made = function(row)
                    if made is not None:
                        row, names = _checked(made, fields, schema), [*names, function.name]
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # noqa: BLE001  a function may fail in any way
                    self._fail(function, record, error)
                    return None, names
        return ({name: getattr(row, name) for name in fields} if names else dict(fields)), names

    def _fail(self, function: TransformationFunction, record: str, error: BaseException) -> None:
        self.fault_count += 1
        self.failed[function.name] += 1
        if len(self.faults) < KEPT_FAULTS:
            kind = type(error).__name__
            self.faults.append(Fault(function.name, record, kind, first_line(error), function.place))


def _checked(made: Any, fields: Mapping[str, Any], schema: pa.Schema) -> Row:
    """The fields that a function gave. Raises ValueError for what is no record of the same columns and types."""
    import pyarrow as pa

    values = {}
    for name in fields:
        if not hasattr(made, name):
            raise ValueError(f'the field "{visible(name)}" is gone; return the row')
        value, kind = getattr(made, name), schema.field(name).type
        try:
            values[name] = pa.scalar(value, kind).as_py()
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            shown = visible(repr(value)[:60])
            raise ValueError(f'the field "{visible(name)}" is {kind}, and became {shown}') from None
    return Row(**values)
