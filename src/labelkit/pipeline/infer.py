"""Guess from data: suites and a reference profile for a project, or a whole project around a file.

What is written is a proposal in the open: a person reads it, drops what may change and tightens what may not. Nothing
that exists is overwritten.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, UsageError, named, visible
from labelkit.files import machine_errors, timestamp, write_bytes
from labelkit.label_models import read_labels
from labelkit.lineage import Run, hash_file, versions_of
from labelkit.locks import project_lock
from labelkit.pipeline.events import announced
from labelkit.pipeline.first_files import (
    OF_CLASSES,
    OF_ONE,
    REFERENCE_FILE,
    classes_of,
    first_function,
    several_classes_of,
    toml_of,
    with_classes,
)
from labelkit.pipeline.guessing import COPY, as_parquet, guessed_from
from labelkit.pipeline.init import TEMPLATE
from labelkit.pipeline.recording import file_hashes, keep_run
from labelkit.project import ProjectFolder, read_project
from labelkit.records import open_records
from labelkit.settings import NO, YES
from labelkit.validation import Evidence, fact_tables
from labelkit.validation.facts.drift import reference_profile
from labelkit.validation.inference import Roles, fields_suite, records_suite
from labelkit.validation.profile import as_text

if TYPE_CHECKING:
    import pyarrow as pa


@announced("infer")
def infer(project: ProjectFolder) -> list[str]:
    """Write suites and a reference profile guessed from the project's records and, where there are some, its labels.

    For a multi-label project the suites fit each of its classes: nothing in them is about gold or labels.

    Returns the paths written, relative to the project. Raises UsageError when one of them is there already and for one
    class alone, DataError for records that cannot be read or are none.
    """
    if project.of_class is not None:
        raise UsageError("suites are guessed from the records, which all classes share; leave --class out")
    with project_lock(project.state / "lock", "infer"):
        started, data, records = timestamp(), project.settings.data, open_records(project)
        table = records.to_table()
        several = project.multilabel
        roles = Roles(data.id, tuple(data.fields), None if several else data.gold, data.split)
        labels = read_labels(project.labels_path) if project.labels_path.exists() and not several else None
        files = {
            f"expectations/inferred_{name}": content if name == REFERENCE_FILE else _renamed(content)
            for name, content in _guesses(table, roles, labels, exact=not several).items()
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


def init_from(
    folder: Path, data: Path, *, gold: str | None = None, number: bool = False, multilabel: bool = False
) -> list[str]:
    """Write a project around a file of records: its id, fields, types and classes are guessed, and so are its suites.

    `gold` is the column that holds the true classes; functions do not see it. `number` writes a copy of the records in
    which they have numbers as ids, for a file without ids. With `multilabel` a record may have several classes.

    Returns the paths written, relative to the folder. Raises UsageError when one of them is there already, DataError
    for a file that cannot be read or in which nothing could be the id.
    """
    started, found = timestamp(), guessed_from(data, gold, number=number)
    table, roles = found.table, found.roles
    names = several_classes_of(found) if multilabel else classes_of(found, gold)
    where = COPY if number else os.path.relpath(data.resolve(), folder.resolve())
    guesses = _guesses(table, replace(roles, gold=None) if multilabel else roles, None, exact=not multilabel)
    files = {"labelkit.toml": toml_of(folder.resolve().name, where, found, names, multilabel=multilabel).encode()}
    files[".gitignore"] = _template("dot-gitignore")
    first = first_function(roles.fields[0], table, OF_ONE if multilabel else OF_CLASSES).encode()
    files |= {
        f"labeling_functions/{name}first.py": first for name in ([f"{n}/" for n in names] if multilabel else [""])
    }
    suite = json.loads(_template("expectations/labels.json"))
    files["expectations/labels.json"] = _as_json(with_classes(suite, (NO, YES) if multilabel else names))
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


def _guesses(table: pa.Table, roles: Roles, labels: pa.Table | None, *, exact: bool) -> dict[str, Any]:
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
        "records.json": records_suite(table, roles, float(pc.mean(duplicate).as_py() or 0.0), exact=exact),
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
