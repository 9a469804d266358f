"""The first files of a project that is made around a file of records: settings, a function, a suite on the labels."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, named, visible
from labelkit.pipeline.guessing import COPY, Guessed
from labelkit.records.gold_sets import likely_separator, names_in
from labelkit.settings import FOLDER_RULE, MAX_CLASSES, unfit_for_folders
from labelkit.validation.profile import MOST_VALUES, as_text

if TYPE_CHECKING:
    import pyarrow as pa

REFERENCE_FILE = "reference.json"
PLACEHOLDERS = ("ham", "spam")  # the template's classes, where the data names none
OF_CLASSES, OF_ONE = "0 is the first class of labelkit.toml, 1 the second", "0 is no, 1 yes"  # what votes mean


def classes_of(found: Guessed, gold: str | None) -> tuple[str, ...]:
    """The classes that gold names, else the template's. Raises DataError where `gold` was said and names none."""
    import pyarrow as pa

    if found.roles.gold is None:
        return PLACEHOLDERS
    if gold is not None and pa.types.is_nested(found.table.schema.field(gold).type):
        raise DataError(f'column "{visible(gold)}" holds lists, so a record may have several classes: add --multilabel')
    names = sorted(value for value in as_text(found.table.column(found.roles.gold)).unique().to_pylist() if value)
    if gold is not None and not 2 <= len(names) <= MAX_CLASSES:
        raise DataError(f'column "{visible(gold)}" has {len(names):,} different values; 2 to {MAX_CLASSES} are classes')
    return tuple(names) if gold is not None or 2 <= len(names) <= MOST_VALUES else PLACEHOLDERS


def several_classes_of(found: Guessed) -> tuple[str, ...]:
    """The classes that gold names, several to a record, else the template's.

    Raises DataError where gold names none, or one that no folder can be called.
    """
    column = found.roles.gold
    if column is None:
        return PLACEHOLDERS
    values = [value for value in found.table.column(column).to_pylist() if value not in (None, "")]
    separator = likely_separator(values)
    try:
        names = sorted({name for value in values for name in names_in(value, separator)})
    except ValueError as error:
        raise DataError(f'column "{visible(column)}": {error}') from error
    if not 1 <= len(names) <= MAX_CLASSES:
        raise DataError(f'column "{visible(column)}" names {len(names):,} classes; a project has 1 to {MAX_CLASSES}')
    bad = unfit_for_folders(names)
    if bad:
        raise DataError(f'column "{visible(column)}": {named(bad)}: {FOLDER_RULE}')
    return tuple(names)


def toml_of(name: str, path: str, found: Guessed, classes: tuple[str, ...], *, multilabel: bool) -> str:
    """What labelkit.toml says, with a word on what a person should look at."""

    def text(value: object) -> str:
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

    roles, types = found.roles, found.types
    lines = [
        "# A labelkit project, guessed from its data. Read every line; `labelkit apply` reads this file.",
        "",
        "[project]",
        f"name = {text(name or 'project')}",
        f"classes = {text(list(classes))}" + _doubt(classes),
        "",
        "[data]",
        f"path = {text(path)}",
        f"id = {text(roles.id)}",
        f"fields = {text(list(roles.fields))}  # what labeling functions see; drop what they must not",
    ]
    lines += [f"{key} = {text(value)}" for key, value in (("gold", roles.gold), ("split", roles.split)) if value]
    if multilabel:
        lines.insert(4, 'kind = "multilabel"  # a record may have any of the classes; each is a question of yes or no')
        lines += _separator(found)
    lines += [f'reference = "{REFERENCE_FILE}"  # what later data is compared with']
    if types:
        pairs = ", ".join(f"{text(column)} = {text(kind)}" for column, kind in types.items())
        lines += [f"types = {{ {pairs} }}"]
    mend = "empty these cells in the file and begin anew" if path == COPY else "empty these cells to declare it"
    for column, others in found.nearly.items():
        lines += [f"# {text(column)} holds numbers but for {text(others)}, so it is text; {mend}"]
    return "\n".join([*lines, ""])


def _doubt(classes: tuple[str, ...]) -> str:
    """What a person should be told of the classes.

    >>> _doubt(("sql", "pandas, sql", "pandas")), _doubt(("food, drinks", "other"))
    ('  # some name several of them: begin anew with --multilabel', '')
    """
    if classes == PLACEHOLDERS:
        return "  # made up: write your own, or begin anew with --gold COLUMN"
    separator = likely_separator(classes)
    parts = [{part.strip() for part in name.split(separator)} for name in classes]
    several = any(len(names) > 1 and names <= set(classes) for names in parts)
    return "  # some name several of them: begin anew with --multilabel" if several else ""


def _separator(found: Guessed) -> list[str]:
    """The line that says what is between the names of gold, where that is no comma."""
    gold = found.roles.gold
    separator = "," if gold is None else likely_separator(found.table.column(gold).to_pylist())
    return [] if separator == "," else [f'separator = "{separator}"  # between the classes of a record']


def first_function(field: str, table: pa.Table, numbers: str) -> str:
    """A labeling function that runs on this data, to be replaced; `numbers` says what its votes mean."""
    import pyarrow as pa

    is_text = pa.types.is_large_string(table.schema.field(field).type)
    test = f"str(x[{field!r}]).isupper()" if is_text else f"x[{field!r}] is not None and x[{field!r}] > 0"
    return (
        '"""Your first labeling function: an example that runs. Each looks at one record and votes for a class.\n\n'
        f"{numbers}; lk.ABSTAIN says nothing.\n"
        '"""\n\nimport labelkit as lk\n\n\n@lk.labeling_function()\ndef example(x):\n'
        f"    return 1 if {test} else lk.ABSTAIN\n"
    )


def with_classes(suite: dict[str, Any], classes: tuple[str, ...]) -> dict[str, Any]:
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
