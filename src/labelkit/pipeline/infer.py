"""Guess from data: suites and a reference profile for a project, or a whole project around a file.

What is written is a proposal in the open: a person reads it, drops what may change and tightens what may not. Nothing
that exists is overwritten.
"""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, UsageError, named, visible
from labelkit.files import machine_errors, project_lock, timestamp, write_bytes
from labelkit.label_models import read_labels
from labelkit.lineage import Run, hash_file, versions_of
from labelkit.pipeline.events import announced
from labelkit.pipeline.init import TEMPLATE
from labelkit.pipeline.recording import file_hashes, keep_run
from labelkit.project import ProjectFolder, read_project
from labelkit.records import open_records, read
from labelkit.validation import Evidence, fact_tables
from labelkit.validation.facts.drift import reference_profile
from labelkit.validation.inference import Roles, fields_suite, guess_roles, records_suite
from labelkit.validation.profile import MOST_VALUES, as_text

if TYPE_CHECKING:
    import pyarrow as pa

REFERENCE_FILE = "reference.json"
PLACEHOLDERS = ("ham", "spam")  # the template's classes, where the data names none
_WHOLE, _NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})"), re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")


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


def init_from(folder: Path, data: Path) -> list[str]:
    """Write a project around a file of records: its id, fields, types and classes are guessed, and so are its suites.

    Returns the paths written, relative to the folder. Raises UsageError when one of them is there already, DataError
    for a file that cannot be read or in which nothing could be the id.
    """
    started, types = timestamp(), _csv_types(data)
    table = read(data, id=_any_id(data), types=types).to_table()
    roles = guess_roles(table, visible(data.name))
    types = {name: kind for name, kind in types.items() if name != roles.id}
    table = read(data, id=roles.id, types=types).to_table()
    classes = _classes(table, roles)
    where = os.path.relpath(data.resolve(), folder.resolve())
    guesses = _guesses(table, roles, None)
    files = {"labelkit.toml": _toml(folder.resolve().name, where, roles, classes, types).encode()}
    files[".gitignore"] = _template("dot-gitignore")
    files["labeling_functions/first.py"] = _first_function(roles.fields[0], table).encode()
    files["expectations/labels.json"] = _as_json(
        _with_classes(json.loads(_template("expectations/labels.json")), classes)
    )
    files["expectations/lineage.json"] = _template("expectations/lineage.json")
    files["expectations/records.json"] = _as_json(guesses["records.json"])
    files["expectations/fields.json"] = _as_json(guesses["fields.json"])
    files[REFERENCE_FILE] = _as_json(guesses[REFERENCE_FILE])
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


def _any_id(data: Path) -> str:
    """A column whose values are unique ids, found by trying: the strict reader decides."""
    refused: DataError | None = None
    for name in _columns(data):
        try:
            for _ in read(data, id=name, columns=()).batches():
                pass
        except DataError as error:
            refused = refused or error
        else:
            return name
    raise DataError(
        f"{visible(data.name)}: no column could be the id, for none is different in every row; add one "
        f"(columns are {named(_columns(data))})"
    ) from refused


def _columns(data: Path) -> list[str]:
    """Column names, those that sound like an id first."""
    from labelkit.records.opening import source_columns

    names = source_columns(data)
    return sorted(names, key=lambda name: re.search(r"(^|_)(id|key|uuid|guid)$", name, re.IGNORECASE) is None)


def _csv_types(data: Path) -> dict[str, str]:
    """Columns of a CSV file that hold numbers in every row; all other columns are text, and other formats say so."""
    if data.suffix.lower() != ".csv":
        return {}
    table = read(data, id=_any_id(data)).to_table()
    types = {}
    for name in table.schema.names[1:]:
        values = {value for value in table.column(name).unique().to_pylist() if value not in (None, "")}
        if values and all(_WHOLE.fullmatch(value) for value in values):
            types[name] = "int64"
        elif values and all(_WHOLE.fullmatch(value) or _NUMBER.fullmatch(value) for value in values):
            types[name] = "float64"
    return types


def _classes(table: pa.Table, roles: Roles) -> tuple[str, ...]:
    """The classes that gold names, else the template's."""
    if roles.gold is None:
        return PLACEHOLDERS
    found = sorted(value for value in as_text(table.column(roles.gold)).unique().to_pylist() if value)
    return tuple(found) if 2 <= len(found) <= MOST_VALUES else PLACEHOLDERS


def _toml(name: str, path: str, roles: Roles, classes: tuple[str, ...], types: Mapping[str, str]) -> str:
    def text(value: object) -> str:
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

    lines = [
        "# A labelkit project, guessed from its data. Read every line; `labelkit apply` reads this file.",
        "",
        "[project]",
        f"name = {text(name or 'project')}",
        f"classes = {text(list(classes))}" + ("  # made up: write your own" if classes == PLACEHOLDERS else ""),
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
