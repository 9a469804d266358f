"""The requests of the page against their own description: Schemathesis makes them up, nothing breaks."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from labelkit.ui.web import Room
from labelkit.ui.web.app import ACTS, LOOKS
from labelkit.ui.web.openapi import REFUSALS, description
from web_rooms import Visitor, make_room, numbered, on_a_port

RECORDS = 400
CONFORM = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def informed() -> dict[str, Any]:
    """The description with the records and classes that there are, so that requests get further than the door."""
    known = copy.deepcopy(description())
    for path in known["paths"].values():
        body = path.get("post", {}).get("requestBody", {"content": {"application/json": {"schema": {}}}})
        properties = body["content"]["application/json"]["schema"].get("properties", {})
        if "record" in properties:
            properties["record"] = {"enum": [f"r{i}" for i in range(RECORDS)]}
        if "label" in properties:
            properties["label"] = {"enum": ["ham", "spam", None]}
    return known


def operations(known: dict[str, Any]) -> Iterator[Any]:
    """Everything that the description describes."""
    for result in schemathesis.openapi.from_dict(known).get_all_operations():
        assert isinstance(result, Ok)
        yield result.ok()


def bombard(room: Room, origin: str, known: dict[str, Any], mode: GenerationMode, each: int) -> Counter[int]:
    """Send requests to every operation; how many got which status. Raises for a reply that is not described."""
    session = requests.Session()
    statuses: Counter[int] = Counter()
    for operation in operations(known):

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=each,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def send(case: Any) -> None:
            cookie = f"{room.site.cookie}={session.cookies[room.site.cookie]}"
            response = case.call(base_url=origin, headers={"Origin": origin, "Cookie": cookie}, timeout=20)
            statuses[response.status_code] += 1
            case.validate_response(response, checks=CONFORM)

        token = room.access.link("ana")
        assert session.post(f"{origin}/api/enter", json={"token": token}, headers={"Origin": origin}).status_code == 200
        send()
    return statuses


@pytest.mark.slow
def test_two_thousand_made_up_requests_break_nothing(tmp_path: Path) -> None:
    """Valid and invalid ones, to a server on a port: no 5xx, no status or reply that is not described."""
    statuses: Counter[int] = Counter()
    with on_a_port(lambda port: make_room(tmp_path, numbered(RECORDS), ["ana"], port=port)) as (room, origin):
        for known in (description(), informed()):
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                statuses += bombard(room, origin, known, mode, each=70)
        stored = room.store.history()
    print(dict(statuses))
    assert statuses.total() >= 2_000
    assert set(statuses) <= {200, *REFUSALS} - {503}
    assert statuses[200] > 300
    assert statuses[422] > 300
    assert len(stored) > 20
    assert {entry.annotator for entry in stored} == {"ana"}


def test_description_is_of_what_there_is(tmp_path: Path) -> None:
    """Every request of the page and no other, each with all the ways in which it can be refused."""
    ana = Visitor(make_room(tmp_path, numbered(1)), "ana")
    known = ana.get("/api/openapi.json").json()
    assert known == description()
    assert set(known["paths"]) == {f"/api/{one.name}" for one in (*ACTS, *LOOKS)} | {"/api/enter", "/api/leave"}
    for path in known["paths"].values():
        for operation in path.values():
            assert set(operation["responses"]) == {"200", *map(str, REFUSALS)}
            assert operation["summary"]
            body = operation.get("requestBody")
            if body is not None:
                assert body["content"]["application/json"]["schema"]["additionalProperties"] is False
