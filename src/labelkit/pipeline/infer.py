"""Guess from data: suites and a reference profile for a project, or a whole project around a file.

What is written is a proposal in the open: a person reads it, drops what may change and tightens what may not. Nothing
that exists is overwritten.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, UsageError, named, visible
from labelkit.files import machine_errors, timestamp, write_bytes
from labelkit.label_models import read_labels
from labelkit.lineage import Run, hash_file, versions_of
from labelkit.locks import project_lock
from labelkit.pipeline.events import announced
from labelkit.pipeline.guessing import COPY, Guessed, as_parquet, guessed_from
from labelkit.pipeline.init import TEMPLATE
from labelkit.pipeline.recording import file_hashes, keep_run
from labelkit.project import ProjectFolder, read_project
from labelkit.records import open_records
from labelkit.settings import MAX_CLASSES
from labelkit.validation import Evidence, fact_tables
from labelkit.validation.facts.drift import reference_profile
from labelkit.validation.inference import Roles, fields_suite, records_suite
from labelkit.validation.profile import MOST_VALUES, as_text

if TYPE_CHECKING:
    import pyarrow as pa

REFERENCE_FILE = "reference.json"
PLACEHOLDERS = ("ham", "spam")  # the template's classes, where the data names none


@announced("infer")
def infer(project: ProjectFolder) -> list[str]:
    """Write suites and a reference profile guessed from the project's records and, where there are some, its labels.

    Returns the paths written, relative to the project. Raises UsageError when one of them is there already, DataError
    for records that cannot be read or are none.
    """
    with project_lock(project.state / "lock", "infer"):
        started, data, records = timestamp(), project.settings.data, open_records(project)
        table = records.to_table()
        roles = Roles(data.id, tuple(data.fields), data.gold, data.split)
        labels = read_labels(project.labels_path) if project.labels_path.exists() else None
        files = {
            f"expectations/inferred_{name}": content if name == REFERENCE_FILE else _renamed(content)
            for name, content in _guesses(table, roles, labels).items()
        }
        files[REFERENCE_FILE] = files.pop(f"expectations/inferred_{REFERENCE_FILE}")
        inputs = {"data": records.fingerprint()}
        if labels is not None:
            inputs["labels"] = hash_file(project.labels_path)
        written = _written(project.root, {name: _as_json(content) for name, content in files.items()})
        _record(project, "infer", written, inputs, started)
        return written


def _renamed(suite: Mapping[str, Any]) -> dict[str, Any]:
    """A suite beside those that are there already needs a name of its own."""
    return {**suite, "name": f"inferred {suite['name']}"}


def init_from(folder: Path, data: Path, *, gold: str | None = None, number: bool = False) -> list[str]:
    """Write a project around a file of records: its id, fields, types and classes are guessed, and so are its suites.

    `gold` is the column that holds the true classes; functions do not see it. `number` writes a copy of the records in
    which they have numbers as ids, for a file without ids.

    Returns the paths written, relative to the folder. Raises UsageError when one of them is there already, DataError
    for a file that cannot be read or in which nothing could be the id.
    """
    started, found = timestamp(), guessed_from(data, gold, number=number)
    table, roles, classes = found.table, found.roles, _classes(found, gold)
    where = COPY if number else os.path.relpath(data.resolve(), folder.resolve())
    guesses = _guesses(table, roles, None)
    files = {"labelkit.toml": _toml(folder.resolve().name, where, found, classes).encode()}
    files[".gitignore"] = _template("dot-gitignore")
    files["labeling_functions/first.py"] = _first_function(roles.fields[0], table).encode()
    files["expectations/labels.json"] = _as_json(
        _with_classes(json.loads(_template("expectations/labels.json")), classes)
    )
    files["expectations/lineage.json"] = _template("expectations/lineage.json")
    files["expectations/records.json"] = _as_json(guesses["records.json"])
    files["expectations/fields.json"] = _as_json(guesses["fields.json"])
    files[REFERENCE_FILE] = _as_json(guesses[REFERENCE_FILE])
    if number:
        files[COPY] = as_parquet(table)
    written, project = _written(folder, files), read_project(folder.resolve())
    _record(project, "init", written, {"data": open_records(project).fingerprint()}, started)
    return written


def _record(project: ProjectFolder, verb: str, written: list[str], inputs: Mapping[str, str], started: str) -> None:
    data = project.settings.data
    run = Run(
        verb=verb,
        inputs=inputs,
        parameters={"id": data.id, "fields": list(data.fields)},
        versions=versions_of(("great_expectations", "pyarrow")),
        outputs=file_hashes(project.root, written),
        about={"data": data.path},
    )
    keep_run(project, run, started=started)


def _guesses(table: pa.Table, roles: Roles, labels: pa.Table | None) -> dict[str, Any]:
    """Contents by file name: the suites on records and fields, and the reference profile."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not table.num_rows:
        raise DataError("there are no records to guess from")
    known = labels if labels is not None else pa.table({"id": table.column(roles.id)})
    if labels is None and roles.gold is not None:
        known = known.append_column("label", as_text(table.column(roles.gold)).cast(pa.string()))
    evidence = Evidence(table, known, (), roles.id, roles.fields, gold=roles.gold, split=roles.split)
    duplicate = fact_tables(evidence, {"records": ["duplicate"]})["records"].column("duplicate")
    profile = reference_profile(evidence)
    return {
        "records.json": records_suite(table, roles, float(pc.mean(duplicate).as_py() or 0.0)),
        "fields.json": fields_suite(profile),
        REFERENCE_FILE: profile.to_json(),
    }


def _written(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    present = [name for name in files if (folder / name).exists()]
    if present:
        raise UsageError(f"{visible(str(folder))}: {named(present)} is there already; move it away to guess again")
    with machine_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_bytes(folder / name, content)
    return list(files)


def _as_json(content: object) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()


def _template(name: str) -> bytes:
    return (resources.files("labelkit.pipeline") / TEMPLATE / name).read_bytes()


def _classes(found: Guessed, gold: str | None) -> tuple[str, ...]:
    """The classes that gold names, else the template's. Raises DataError where `gold` was said and names none."""
    if found.roles.gold is None:
        return PLACEHOLDERS
    names = sorted(value for value in as_text(found.table.column(found.roles.gold)).unique().to_pylist() if value)
    if gold is not None and not 2 <= len(names) <= MAX_CLASSES:
        raise DataError(f'column "{visible(gold)}" has {len(names):,} different values; 2 to {MAX_CLASSES} are classes')
    return tuple(names) if gold is not None or 2 <= len(names) <= MOST_VALUES else PLACEHOLDERS


def _toml(name: str, path: str, found: Guessed, classes: tuple[str, ...]) -> str:
    def text(value: object) -> str:
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

    roles, types = found.roles, found.types
    lines = [
        "# A labelkit project, guessed from its data. Read every line; `labelkit apply` reads this file.",
        "",
        "[project]",
        f"name = {text(name or 'project')}",
        f"classes = {text(list(classes))}"
        + ("  # made up: write your own, or begin anew with --gold COLUMN" if classes == PLACEHOLDERS else ""),
        "",
        "[data]",
        f"path = {text(path)}",
        f"id = {text(roles.id)}",
        f"fields = {text(list(roles.fields))}  # what labeling functions see; drop what they must not",
    ]
    lines += [f"{key} = {text(value)}" for key, value in (("gold", roles.gold), ("split", roles.split)) if value]
    lines += [f'reference = "{REFERENCE_FILE}"  # what later data is compared with']
    if types:
        pairs = ", ".join(f"{text(column)} = {text(kind)}" for column, kind in types.items())
        lines += [f"types = {{ {pairs} }}"]
    mend = "empty these cells in the file and begin anew" if path == COPY else "empty these cells to declare it"
    for column, others in found.nearly.items():
        lines += [f"# {text(column)} holds numbers but for {text(others)}, so it is text; {mend}"]
    return "\n".join([*lines, ""])


def _first_function(field: str, table: pa.Table) -> str:
    """A labeling function that runs on this data, to be replaced."""
    import pyarrow as pa

    is_text = pa.types.is_large_string(table.schema.field(field).type)
    test = f"str(x[{field!r}]).isupper()" if is_text else f"x[{field!r}] is not None and x[{field!r}] > 0"
    return (
        '"""Your first labeling function: an example that runs. Each looks at one record and votes for a class.\n\n'
        "0 is the first class of labelkit.toml, 1 the second; lk.ABSTAIN says nothing.\n"
        f'"""\n\nimport labelkit as lk\n\n\n@lk.labeling_function()\ndef example(x):\n'
        f"    return 1 if {test} else lk.ABSTAIN\n"
    )


def _with_classes(suite: dict[str, Any], classes: tuple[str, ...]) -> dict[str, Any]:
    """The template's suite on labels for other classes than its own."""
    columns = [f"p_{name}" for name in PLACEHOLDERS]
    return {**suite, "expectations": list(_for_classes(suite["expectations"], columns, classes))}


def _for_classes(
    entries: list[dict[str, Any]], columns: list[str], classes: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    for raw in entries:
        entry = copy.deepcopy(raw)
        kwargs = entry["kwargs"]
        if kwargs.get("value_set") == list(PLACEHOLDERS):
            kwargs["value_set"] = list(classes)
        if set(columns) <= set(kwargs.get("column_set", ())):
            rest = [name for name in kwargs["column_set"] if name not in columns]
            kwargs["column_set"] = [*rest, *(f"p_{name}" for name in classes)]
        if kwargs.get("column_B") == "missing_p":
            kwargs["value_pairs_set"] = [
                [who, len(classes) if who == "none" else 0] for who, _ in kwargs["value_pairs_set"]
            ]
        if kwargs.get("column") not in columns:
            yield entry
        elif kwargs["column"] == columns[0]:
            for name in classes:
                description = f"the probability of {visible(name)} lies between 0 and 1"
                yield {**entry, "kwargs": {**kwargs, "column": f"p_{name}"}, "description": description}
