"""`augment`: more records to train on, made of those on split train by the project's transformation functions.

A new record keeps the split of its parent, and says which record that is, which functions made it of it, and from which
seed. That seed follows from the one that is given, the parent's id and the number of the new record, so that nothing
depends on how many records there are or in which order they come. Functions draw from `random` and `numpy.random`,
which are seeded for each new record and put back afterwards.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelkit.errors import DataError, named
from labelkit.files import timestamp
from labelkit.labeling.transformations import (
    Policy,
    TransformationFunction,
    checked_policy,
    load_transformations,
)
from labelkit.lineage import Run, hash_file, hash_tree, versions_of
from labelkit.locks import project_lock
from labelkit.matrix import Fault
from labelkit.pipeline.augmented import FUNCTIONS, PARENT, SEED
from labelkit.pipeline.casting import Progress
from labelkit.pipeline.events import announced
from labelkit.pipeline.recording import keep_run
from labelkit.pipeline.transforming import Transforming
from labelkit.project import TRAIN, ProjectFolder
from labelkit.records import Records, open_records
from labelkit.tables import table

DEFAULT = "augmented.parquet"
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

    def __str__(self) -> str:
        made = table(["function", "new records"], [[name, f"{count:,}"] for name, count in self.by_function.items()])
        return (
            f"{made}\n\n{self.records:,} new records of {self.parents:,}; {self.unchanged:,} attempts changed nothing, "
            "or gave what was there already"
        )


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
        path = project.output_path(out or data.augmented or DEFAULT)
        run = _identified(project, records, functions, chosen, seed)
        work = Transforming(project, records, functions, chosen, seed, progress)
        work.write(path, run.id)
        _record(project, run.with_(started=started), work, path)
    return _report(project, run.id, work, path)


def _record(project: ProjectFolder, run: Run, work: Transforming, path: Path) -> None:
    keep_run(
        project,
        run,
        outputs={project.relative(path): hash_file(path)},
        counts={
            "records": work.parents,
            "written": work.made,
            "faults": work.fault_count,
            "faults_by_function": dict(work.failed),
        },
        about={"data": project.settings.data.path},
    )


def _report(project: ProjectFolder, run: str, work: Transforming, path: Path) -> AugmentReport:
    name = project.relative(path)
    return AugmentReport(
        run=run,
        file=name,
        parents=work.parents,
        records=work.made,
        unchanged=work.unchanged,
        by_function={each.name: work.used[each.name] for each in work.functions},
        faults=tuple(work.faults),
        fault_count=work.fault_count,
        max_faults=project.settings.apply.max_faults,
        named=project.settings.data.augmented == name,
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
