"""`augment`: more records to train on, made of those on split train by the project's transformation functions.

A new record keeps the split of its parent, and says which record that is, which functions made it of it, and from which
seed. That seed follows from the one that is given, the parent's id and the number of the new record, so that nothing
depends on how many records there are or in which order they come. Functions draw from `random` and `numpy.random`,
which are seeded for each new record and put back afterwards.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit.errors import DataError, named, visible
from labelkit.files import atomic_write, project_lock, timestamp
from labelkit.labeling.faults import first_line
from labelkit.labeling.rows import Row
from labelkit.labeling.transformations import (
    Policy,
    TransformationFunction,
    checked_policy,
    functions_of,
    load_transformations,
)
from labelkit.lineage import Run, hash_file, hash_tree, versions_of
from labelkit.matrix import Fault
from labelkit.pipeline.augmented import FUNCTIONS, PARENT, RUN, SEED
from labelkit.pipeline.casting import Progress
from labelkit.pipeline.events import announced
from labelkit.pipeline.recording import keep_run
from labelkit.project import TRAIN, ProjectFolder
from labelkit.records import Records, open_records

if TYPE_CHECKING:
    import pyarrow as pa

DEFAULT = "augmented.parquet"
KEPT_FAULTS = 1_000  # of which the details are kept; all are counted
LIBRARIES = ("numpy", "pyarrow", "snorkel")


@dataclass(frozen=True)
class AugmentReport:
    """What `augment` did."""

    run: str
    file: str
    parents: int  # records that were looked at
    records: int  # new ones
    unchanged: int  # attempts that gave the parent, or a record that there was already
    by_function: Mapping[str, int]  # function -> new records that it had a part in
    faults: tuple[Fault, ...]
    fault_count: int
    max_faults: int
    named: bool  # whether labelkit.toml names the file

    @property
    def exit_code(self) -> int:
        """1 when there are more faults than allowed, else 0."""
        return int(self.fault_count > self.max_faults)

    def to_json(self) -> dict[str, Any]:
        """Plain values; of the faults only who, where and what kind."""
        plain = {name: value for name, value in vars(self).items() if name != "faults"}
        faults = [{"function": one.function, "record": one.record, "exception": one.exception} for one in self.faults]
        return {**plain, "by_function": dict(self.by_function), "faults": faults}


@announced("augment")
def augment(
    project: ProjectFolder,
    *,
    out: str | Path | None = None,
    seed: int | None = None,
    policy: str | None = None,
    per_record: int = 1,
    length: int = 1,
    progress: Progress | None = None,
) -> AugmentReport:
    """Write new records, made of those on split train (of all, where the project has no split).

    `policy` is "random" (as by default), "each" or "all"; without one, a policy object in transformations/ counts. The
    seed is that of `[model]` unless another is given. Raises FunctionError for functions that cannot be loaded,
    DataError for records that cannot be read.
    """
    settings = project.settings
    data, records = settings.data, open_records(project)
    seed = settings.model.seed if seed is None else seed
    taken = [name for name in (PARENT, FUNCTIONS, SEED) if name in records.columns]
    if taken:
        raise DataError(
            f"{records.source.name}: has a column {named(taken)} of its own; augmented records need that name"
        )
    with project_lock(project.state / "lock", "augment"), contextlib.redirect_stdout(sys.stderr):
        started = timestamp()
        functions, own = load_transformations(project.transformations_folder)
        chosen = own if own and policy is None else checked_policy(policy or "random", per_record, length)
        path = project.root / (out or data.augmented or DEFAULT)
        run = _identified(project, records, functions, chosen, seed)
        work = _Work(project, records, functions, chosen, seed, progress)
        work.write(path, run.id)
        name = project.relative(path)
        counts = {
            "records": work.parents,
            "written": work.made,
            "faults": work.fault_count,
            "faults_by_function": dict(work.failed),
        }
        keep_run(
            project,
            run.with_(started=started),
            outputs={name: hash_file(path)},
            counts=counts,
            about={"data": data.path},
        )
    return AugmentReport(
        run=run.id,
        file=name,
        parents=work.parents,
        records=work.made,
        unchanged=work.unchanged,
        by_function={each.name: work.used[each.name] for each in functions},
        faults=tuple(work.faults),
        fault_count=work.fault_count,
        max_faults=settings.apply.max_faults,
        named=data.augmented == name,
    )


def _identified(
    project: ProjectFolder, records: Records, functions: Sequence[TransformationFunction], policy: Policy, seed: int
) -> Run:
    return Run(
        verb="augment",
        inputs={
            "data": records.fingerprint(),
            "functions": {each.name: each.fingerprint for each in functions},
            "files": hash_tree(project.transformations_folder, ["*"]),
        },
        parameters={
            "id": project.settings.data.id,
            "fields": list(project.settings.data.fields),
            "seed": seed,
            "policy": policy.order,
            "per_record": policy.per_record,
            "length": policy.length,
            **({"split": TRAIN} if project.settings.data.split else {}),
        },
        versions=versions_of(LIBRARIES),
    ).identified()


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
class _Work:
    """One pass over the records."""

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
        if not self.parents:
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
