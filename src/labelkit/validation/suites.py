"""Suite files, read so strictly that what is written is what is checked.

GX drops an expectation whose type is misspelt, reads "0.9" as 0.9 and passes an empty suite. Here each of these is a
`SuiteError` that names the file, the place, the value and the way out. The file format is GX's own JSON;
`meta.labelkit.table` names the table that the suite judges.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelkit import strict_json
from labelkit.errors import SuiteError, listed, named, visible
from labelkit.files import machine_errors
from labelkit.validation.expectations import nearest, read_expectation, shown, unknown
from labelkit.validation.reading import columns_read

TABLES = ("records", "labels", "functions", "classes", "annotators", "slices", "augmented", "fields", "runs")
"""The tables that a suite can judge."""

_KEYS = ("name", "id", "expectations", "meta", "notes", "suite_parameters")


@dataclass(frozen=True)
class Suite:
    """The expectations of one file on one table."""

    name: str
    path: str  # as shown to the user
    table: str  # one of TABLES
    expectations: tuple[Any, ...]  # GX expectation objects, in the order of the file; at least one

    def __post_init__(self) -> None:
        if self.table not in TABLES or not self.expectations:
            raise SuiteError(f"{self.path}: a suite judges one of {named(TABLES)} by at least one expectation")

    @property
    def reads(self) -> frozenset[str]:
        """The columns whose values its expectations need."""
        return columns_read(self.expectations)


def read_by(suites: Iterable[Suite]) -> dict[str, frozenset[str]]:
    """The columns that all these suites read, by table."""
    read: dict[str, frozenset[str]] = {}
    for suite in suites:
        read[suite.table] = read.get(suite.table, frozenset()) | suite.reads
    return read


def load_suites(folder: Path, within: str = "") -> tuple[Suite, ...]:
    """Read all suites of a folder, *.json in name order, then those of the folder called `within` in it.

    Raises SuiteError naming the problems of every file.
    """
    paths = sorted(folder.glob("*.json")) + (sorted((folder / within).glob("*.json")) if within else [])
    where = visible(folder.name)
    if not paths:
        raise SuiteError(f"{where}: no suite (*.json) in this folder, so nothing could be checked; "
                         "`labelkit init` writes suites to start from")  # fmt: skip
    suites: list[Suite] = []
    problems: list[str] = []
    for path in paths:
        try:
            suites.append(_load(path, f"{where}/{visible(path.relative_to(folder).as_posix())}"))
        except SuiteError as error:
            problems += str(error).split("\n")
    names = [suite.name for suite in suites]
    problems += [
        f'{suite.path}: name: another suite is called "{suite.name}" too; give each its own'
        for suite in suites
        if names.count(suite.name) > 1
    ]
    if problems:
        raise SuiteError(listed(problems))
    return tuple(suites)


def load_suite(path: str | Path) -> Suite:
    """Read one suite. Raises SuiteError naming the problems of the file."""
    return _load(Path(path), visible(str(path)))


def _load(path: Path, where: str) -> Suite:
    if not path.is_file():
        raise SuiteError(f"{where}: no such file")
    with machine_errors(path):
        content = path.read_bytes()
    try:
        suite, problems = _read(_parsed(content), where)
    except UnicodeDecodeError as error:
        raise SuiteError(f"{where}: not UTF-8: byte 0x{error.object[error.start]:02X} at {error.start:,}") from error
    except RecursionError as error:
        raise SuiteError(f"{where}: not a suite: nested too deeply") from error
    except strict_json.Refused as error:
        raise SuiteError(f"{where}: not JSON: {error.what}") from error
    except ValueError as error:
        raise SuiteError(f"{where}: not JSON: {visible(str(error))[:200]}") from error
    if suite is None:
        raise SuiteError(listed([f"{where}: {problem}" for problem in problems]))
    return suite


def _parsed(content: bytes) -> Any:
    raw = strict_json.loads(content.decode("utf-8"))
    try:
        json.dumps(raw, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError("a text in it holds half of a surrogate pair") from error
    return raw


def _read(raw: Any, where: str) -> tuple[Suite | None, list[str]]:
    """The suite, or None and what is wrong with it."""
    if not isinstance(raw, dict):
        return None, [f"a suite is a JSON object, not {shown(raw)}"]
    problems = [*unknown(raw, _KEYS, "key"), *_table_problems(raw.get("meta"))]
    name, entries = raw.get("name"), raw.get("expectations")
    if not isinstance(name, str) or not name.strip():
        problems.append(f"name: {shown(name)} is no name; give the suite one")
    if raw.get("suite_parameters"):
        problems.append("suite_parameters: labelkit has no parameters; write the values into the expectations")
    if not isinstance(entries, list) or not entries:
        return None, [*problems, "expectations: the suite checks nothing; give it at least one expectation"]
    read = [read_expectation(entry) for entry in entries]
    problems += [f"expectations[{i}]: {problem}" for i, (_, wrong) in enumerate(read) for problem in wrong]
    problems += _repeated(entries)
    if problems:
        return None, problems
    table = raw["meta"]["labelkit"]["table"]
    return Suite(visible(raw["name"]), where, table, tuple(expectation for expectation, _ in read)), []


def _table_problems(meta: Any) -> Iterator[str]:
    about = meta.get("labelkit") if isinstance(meta, dict) else None
    if not isinstance(about, dict) or "table" not in about:
        example = '"meta": {"labelkit": {"table": "labels"}}'
        yield f"meta: name the table to judge, as in {example}; tables are {named(TABLES)}"
        return
    for problem in unknown(about, ("table",), "key"):
        yield f"meta.labelkit: {problem}"
    if about["table"] not in TABLES:
        yield f"meta.labelkit.table: no table {shown(about['table'])}; {nearest(about['table'], TABLES)}"


def _repeated(entries: Sequence[Any]) -> Iterator[str]:
    """The same check twice is a check that somebody meant to write otherwise."""
    first: dict[str, int] = {}
    for i, entry in enumerate(entries):
        if not isinstance(entry, dict):
            continue
        check = json.dumps([entry.get("type"), entry.get("kwargs")], sort_keys=True)
        if check in first:
            yield f"expectations[{i}]: {entry.get('type')}: the same as expectations[{first[check]}]; remove one"
        first.setdefault(check, i)
