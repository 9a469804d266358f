"""The door to training: rows come out only of the very file that passed the gate."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from labelkit.errors import AnswerIsNo, DataError, MachineError, named, visible
from labelkit.files import timestamp
from labelkit.label_models import labels_content
from labelkit.label_models.labels import NONE, LabelsContent
from labelkit.lineage import Run, versions_of
from labelkit.pipeline.augmented import PARENT, checked_augmented
from labelkit.pipeline.events import announced
from labelkit.pipeline.recording import keep_run, run_store
from labelkit.pipeline.validate import VERDICT_FILE, suite_hashes
from labelkit.pipeline.verify import kept_verdict, last_check
from labelkit.project import TRAIN, ProjectFolder
from labelkit.records import open_records
from labelkit.settings import DataSection

if TYPE_CHECKING:
    import pyarrow as pa


@announced("train")
def training_set(project: ProjectFolder, split: str | None = None, *, augmented: str | Path | None = None) -> pa.Table:
    """The labelled records as one table: id, fields, label, confidence, p_<class>, source, run.

    `split` is the value of `[data] split` to keep ("train" where the project has a split, by default). Records
    without a label are left out. The file is read once: what was judged is what comes out. A run of verb train says
    who got what; a project that cannot be written to gives its rows all the same. With `augmented`, the records in
    that file come behind them, each labelled as its parent, which the column augmented_from names (null for others).
    A field that is called like a column of labels is `record_<its name>` here.

    Raises AnswerIsNo unless the last verdict is a pass of exactly this labels.parquet, with these suites and records,
    ArtifactError for a verdict that is not what was written.
    """
    started, content = timestamp(), labels_content(project.labels_path)
    return rows_of(project, content, _passed(project, content.sha256), started, split, augmented)


def rows_of(
    project: ProjectFolder,
    content: LabelsContent,
    passed: Mapping[str, str],
    started: str,
    split: str | None = None,
    augmented: str | Path | None = None,
) -> pa.Table:
    """The rows of labels that passed; `passed` holds the hashes of labels and data, and the run that let them through.

    Raises AnswerIsNo for records that are not those of then, DataError for a split that is not there.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    data = project.settings.data
    records = open_records(project)
    if records.fingerprint() != passed["data"]:
        raise AnswerIsNo(f"{visible(data.path)} has changed since the gate passed; {_AGAIN}")
    split = TRAIN if split is None and data.split else split
    table = _of_split(records.to_table(), data.split, split)
    labels = content.table()
    said = [name for name in labels.column_names if name != "id"]
    called = _beside(data, said)
    places = pc.index_in(table.column(data.id), value_set=labels.column("id").combine_chunks())
    rows = labels.take(places)
    columns = {called[name]: table.column(name) for name in called}
    columns |= {name: rows.column(name) for name in said}
    joined = pa.table(columns).replace_schema_metadata(labels.schema.metadata)
    chosen = joined.filter(pc.not_equal(joined.column("source"), NONE))
    if augmented is not None:
        if split not in {None, TRAIN}:
            raise DataError(f'augmented records are for split "{TRAIN}", not for "{visible(str(split))}"')
        more = checked_augmented(project, project.root / augmented, passed["data"])
        chosen = _widened(chosen, more, called, data.id)
    with contextlib.suppress(MachineError):
        _record(project, passed, chosen, split, started)
    return chosen


def _of_split(table: pa.Table, column: str | None, split: str | None) -> pa.Table:
    """The records of a split. Raises DataError where there are none, or the project has no split."""
    import pyarrow.compute as pc

    if column is None or split is None:
        if split is not None:
            raise DataError("the project has no split; name a column as split under [data] in labelkit.toml")
        return table
    present = table.column(column).unique().to_pylist()
    if split not in present:
        known = named(sorted(str(value) for value in present))
        raise DataError(f'no record has "{visible(split)}" in column "{visible(column)}"; values are {known}')
    return table.filter(pc.equal(table.column(column), split))


def _beside(data: DataSection, labels: Collection[str]) -> dict[str, str]:
    """Column of the records -> what it is called beside these columns of labels, as in a file for another tool."""
    return {name: f"record_{name}" if name in labels else name for name in (data.id, *data.fields)}


def _widened(rows: pa.Table, more: pa.Table, called: Mapping[str, str], key: str) -> pa.Table:
    """The rows, and behind them the augmented records whose parent is among them, with its label."""
    import pyarrow as pa
    import pyarrow.compute as pc

    places = pc.index_in(more.column(PARENT), value_set=rows.column(called[key]).combine_chunks())
    more, places = more.filter(pc.is_valid(places)), places.drop_null()
    labels = rows.drop_columns(list(called.values())).take(places)
    columns = {new: more.column(name).cast(rows.schema.field(new).type) for name, new in called.items()}
    columns |= {name: labels.column(name) for name in labels.column_names}
    plain = rows.append_column(PARENT, pa.nulls(rows.num_rows, pa.string()))
    return pa.concat_tables([plain, pa.table({**columns, PARENT: more.column(PARENT)}, schema=plain.schema)])


def _record(project: ProjectFolder, passed: Mapping[str, str], rows: pa.Table, split: str | None, started: str) -> None:
    """Which rows went to training: of these labels, passed by this run."""
    import pyarrow.compute as pc

    several = "labels" in rows.column_names
    labels = pc.list_flatten(rows.column("labels")) if several else rows.column("label").drop_null()
    values = labels.value_counts().to_pylist()
    counts = {pair["values"]: pair["counts"] for pair in values}
    run = Run(
        verb="train",
        inputs={"labels": passed["labels"], "data": passed["data"]},
        parameters={} if split is None else {"split": split},
        versions=versions_of(("pyarrow",)),
        counts={"records": rows.num_rows, "labels": {name: counts[name] for name in sorted(counts)}},
        parents=tuple(each for each in [passed["run"]] if run_store(project).exists(each)),
    )
    keep_run(project, run, started=started)


_AGAIN = "run `labelkit apply` and `labelkit validate` again"


def _passed(project: ProjectFolder, labels_hash: str) -> dict[str, str]:
    """The last verdict's hashes, if it was a pass of this file. Raises AnswerIsNo otherwise."""
    if not (project.state / VERDICT_FILE).is_file():
        raise AnswerIsNo("labels.parquet has not been validated; run `labelkit validate`")
    run = last_check(project)
    if run.inputs.get("labels") != labels_hash:
        raise AnswerIsNo("labels.parquet is not the file that was validated; run `labelkit validate` again")
    if run.inputs.get("suites") != suite_hashes(project):
        raise AnswerIsNo("the suites in expectations/ have changed since the verdict; run `labelkit validate` again")
    status = kept_verdict(project, run).status
    if status != "pass":
        raise AnswerIsNo(f"labels.parquet did not pass the gate (verdict: {status}); see `labelkit validate`")
    return {"data": str(run.inputs.get("data")), "run": run.id, "labels": labels_hash}
