"""One expectation of a suite file: what is written, checked against what GX would make of it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from labelkit.errors import named, visible
from labelkit.validation import gx
from labelkit.validation.lint import UNSUPPORTED, faults_of

_KEYS = ("type", "kwargs", "meta", "severity", "notes", "description", "id")
_SEVERITIES = ("critical", "warning", "info")
_NOT_KEYWORDS = frozenset(
    {"id", "meta", "notes", "result_format", "description", "catch_exceptions", "rendered_content", "severity",
     "windows", "batch_id", "condition_parser", "library_metadata"}
)  # fmt: skip
_CONDITION_KEYS: Mapping[str, frozenset[str]] = {
    "comparison": frozenset({"type", "column", "operator", "parameter"}),
    "nullity": frozenset({"type", "column", "is_null"}),
    "and": frozenset({"type", "conditions"}),
    "or": frozenset({"type", "conditions"}),
}
_OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "IN", "NOT_IN")
_CONDITION_EXAMPLE = '{"type": "comparison", "column": {"name": "source"}, "operator": "==", "parameter": "model"}'


def read_expectation(raw: Any) -> tuple[Any, list[str]]:
    """The GX object for one entry of a suite file, or None and what is wrong with the entry."""
    if not isinstance(raw, dict):
        return None, [f"an expectation is a JSON object, not {shown(raw)}"]
    type_name, kwargs = raw.get("type"), raw.get("kwargs")
    problems = [*unknown(raw, _KEYS, "key"), *_type_problems(type_name), *_about_problems(raw)]
    if not isinstance(kwargs, dict):
        problems.append(f"kwargs: {shown(kwargs)} is no object")
    if problems:
        return None, problems
    about = {key: raw[key] for key in ("notes", "description", "meta") if raw.get(key) is not None}
    expectation, problems = _built(raw["type"], raw["kwargs"], {**about, "severity": raw.get("severity", "critical")})
    return expectation, [f"{type_name}: {problem}" for problem in problems]


def _type_problems(type_name: Any) -> Iterator[str]:
    types = gx.expectation_types()
    if not isinstance(type_name, str) or type_name not in types:
        yield f"no expectation type {shown(type_name)}; {nearest(type_name, types)}"
    elif type_name in UNSUPPORTED:
        yield f"labelkit does not judge by {type_name}: {UNSUPPORTED[type_name]}"


def _about_problems(raw: Mapping[str, Any]) -> Iterator[str]:
    severity, notes = raw.get("severity", "critical"), raw.get("notes")
    if severity not in _SEVERITIES:
        yield f"severity: {shown(severity)} is none of {named(_SEVERITIES)}"
    if not all(isinstance(line, str) for line in (notes if isinstance(notes, list) else [notes or ""])):
        yield f"notes: {shown(notes)} is no text"
    if not isinstance(raw.get("description") or "", str):
        yield f"description: {shown(raw['description'])} is no text"
    if not isinstance(raw.get("meta") or {}, dict):
        yield f"meta: {shown(raw['meta'])} is no object"


def _built(type_name: str, kwargs: Mapping[str, Any], about: Mapping[str, Any]) -> tuple[Any, list[str]]:
    fields: Mapping[str, Any] = getattr(gx.expectation_types()[type_name], "__fields__")  # noqa: B009 - untyped
    problems = [
        *unknown(kwargs, sorted(set(fields) - _NOT_KEYWORDS), "keyword"),
        *_condition_problems(kwargs.get("row_condition")),
        *(f"{key}: labelkit has no parameters; write the value itself" for key in kwargs if _is_parameter(kwargs[key])),
    ]
    if problems:
        return None, problems
    try:
        expectation = gx.build(type_name, kwargs, **about)
    except Exception as error:  # noqa: BLE001 - GX raises several kinds; each is something wrong in the file
        return None, _gx_problems(error, kwargs)
    problems += [
        f"{key}: write {shown(read)}; that is how GX reads {shown(kwargs[key])}"
        for key, read in _as_read(expectation, kwargs)
        if not _same(read, kwargs[key])
    ]
    return expectation, [*problems, *faults_of(type_name, expectation)]


def _is_parameter(value: Any) -> bool:
    return isinstance(value, dict) and "$PARAMETER" in value


def _gx_problems(error: Exception, kwargs: Mapping[str, Any]) -> list[str]:
    """GX's own complaint, one line per keyword."""
    found: dict[str, str] = {}
    for problem in gx.validation_errors(error):
        key = str(problem["loc"][0])
        if key == "row_condition":  # GX answers with one complaint per kind of condition it tried
            found[key] = f"{key}: {shown(kwargs[key])} is no condition; write it as {_CONDITION_EXAMPLE}"
            continue
        said = f" (it says {shown(kwargs[key])})" if key in kwargs else ""
        found.setdefault(key, f"{'' if key == '__root__' else key + ': '}{visible(problem['msg'])}{said}")
    return list(found.values()) or [visible(str(error))[:300]]


def _as_read(expectation: Any, kwargs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The keywords as GX read them, as JSON values."""
    for key in kwargs:
        value = getattr(expectation, key)
        value = value.dict() if hasattr(value, "dict") else value
        yield key, json.loads(json.dumps(value, default=list))


def _same(read: Any, written: Any) -> bool:
    """Whether two JSON values are equal; true is not 1, and text is never a number."""
    if isinstance(read, dict) and isinstance(written, dict):
        return read.keys() == written.keys() and all(_same(read[key], written[key]) for key in read)
    if isinstance(read, list) and isinstance(written, list):
        return len(read) == len(written) and all(_same(a, b) for a, b in zip(read, written, strict=True))
    return bool(read == written) and isinstance(read, bool) == isinstance(written, bool)


def _condition_problems(condition: Any) -> Iterator[str]:
    """A row condition must be an object that GX evaluates itself: a string would be run as a pandas query."""
    if condition is None:
        return
    kind = condition.get("type") if isinstance(condition, dict) else None
    if not isinstance(kind, str) or kind not in _CONDITION_KEYS:
        yield f"row_condition: {shown(condition)} is no condition; write it as {_CONDITION_EXAMPLE}"
    elif set(condition) != _CONDITION_KEYS[kind]:
        yield f'row_condition: "{kind}" takes {named(sorted(_CONDITION_KEYS[kind]))}, not {named(sorted(condition))}'
    elif kind == "comparison" and condition["operator"] not in _OPERATORS:
        yield f"row_condition: operator {shown(condition['operator'])} is none of {named(_OPERATORS)}"
    elif kind in ("and", "or"):
        parts = condition["conditions"]
        if not isinstance(parts, list) or not parts:
            yield f'row_condition: "{kind}" has no conditions'
            return
        for part in parts:
            yield from _condition_problems({} if part is None else part)


def unknown(given: Mapping[str, Any], known: Sequence[str], what: str) -> Iterator[str]:
    """Name every key that is not known, with what somebody may have meant."""
    for key in given:
        if key not in known:
            yield f"unknown {what} {shown(key)}; {nearest(key, known)}"


def nearest(word: Any, known: Iterable[str]) -> str:
    """What somebody may have meant, CamelCase included; where nothing is near, what is known.

    >>> nearest("ExpectColumnToExit", ["expect_column_to_exist", "expect_table_row_count_to_equal"])
    'did you mean "expect_column_to_exist"?'
    """
    spelt = "".join(f"_{char.lower()}" if char.isupper() else char for char in str(word)).lstrip("_")
    known = sorted(known)
    near = difflib.get_close_matches(spelt, known, n=1)
    return f'did you mean "{near[0]}"?' if near else f"known are {named(known, 12)}"


def shown(value: Any, limit: int = 80) -> str:
    """A JSON value for a message: short, and safe to print."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return visible(text if len(text) <= limit else text[: limit - 1] + "…")
