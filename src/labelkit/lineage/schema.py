"""The published schema of run records, and the check that nothing else is recorded or believed.

`run.schema.json` is a JSON Schema (draft 2020-12) and the allow-list at the same time: a run with a value that it does
not describe is not written, and one that was written by somebody else is not read.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}


@functools.cache
def run_schema() -> dict[str, Any]:
    """The JSON Schema of `run.json`."""
    text = importlib.resources.files("labelkit.lineage").joinpath("run.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def problems_of(content: object) -> list[str]:
    """Where a run record is not what the schema describes, in words.

    >>> problems_of({**EXAMPLE, "environment": {"HOME": "/root"}, "parents": ["?"]})
    ['parents[0] does not fit ^[0-9a-f]{16}$', 'environment is not recorded']
    """
    schema = run_schema()
    return list(_problems(content, schema, schema["$defs"], ""))


def _problems(value: Any, schema: Mapping[str, Any], shared: Mapping[str, Any], where: str) -> Iterator[str]:
    """The keywords that `run.schema.json` uses, and no others."""
    if "$ref" in schema:
        schema = {**shared[schema["$ref"].removeprefix("#/$defs/")], **schema}
    if "const" in schema and value != schema["const"]:
        yield f"{where} is not {schema['const']}"
    kind = schema.get("type")
    if kind is not None and (not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield f"{where or 'the record'} is no {kind}"
    elif isinstance(value, dict):
        yield from _problems_of_object(value, schema, shared, where)
    elif isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            yield from _problems(item, schema["items"], shared, f"{where}[{i}]")
    elif isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{where} does not fit {schema['pattern']}"
    elif isinstance(value, int) and value < schema.get("minimum", value):
        yield f"{where} is below {schema['minimum']}"


def _problems_of_object(
    value: dict[str, Any], schema: Mapping[str, Any], shared: Mapping[str, Any], where: str
) -> Iterator[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name, item in value.items():
        place = f"{where}.{name}" if where else name
        if name in known:
            yield from _problems(item, known[name], shared, place)
        elif others is False:
            yield f"{place} is not recorded"
        elif others is not True:
            yield from _problems(item, others, shared, place)
    yield from (f"{where}{name} is missing" for name in schema.get("required", ()) if name not in value)


EXAMPLE: Mapping[str, Any] = {
    "schema": 1,
    "id": "0123456789abcdef",
    "verb": "apply",
    "inputs": {},
    "parameters": {"seed": 7},
    "versions": {"labelkit": "0.1.0"},
    "outputs": {},
    "counts": {"records": 3},
    "about": {},
    "parents": [],
    "started": "2020-01-02T03:04:05.678Z",
    "finished": "2020-01-02T03:04:06.000Z",
    "checksum": "",
}
"""The least that a run record holds."""
