"""Endpoints that answer, and those that do not: what becomes of each record."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import labelkit as lk
from chat_server import Chat, Cut, Raw, chatting, reply
from labelkit.errors import BudgetError, ConfigError, FunctionError, MachineError, UsageError
from labelkit.labeling.prompts.journal import Journal
from receivers import nobody

CLASSES = ["ham", "spam"]
ASKS = lk.prompt("asks", "Is it spam? {text}")
KEY = "sk-0123456789"


@pytest.fixture
def chat() -> Iterator[Chat]:
    """An endpoint on this machine."""
    with chatting() as found:
        yield found


def texts(*texts: str | None) -> pa.Table:
    """Records with these texts."""
    return pa.table({"id": [f"r{i}" for i in range(len(texts))], "text": pa.array(texts, pa.string())})


def endpoint(chat: Chat, **more: Any) -> lk.Endpoint:
    """The endpoint, asked again at once."""
    return lk.endpoint(chat.url, **{"model": "small", "backoff": 0.0, **more})


def asked(chat: Chat, *what: str | None, **more: Any) -> lk.LabelMatrix:
    """Votes of one prompt function on the texts."""
    return lk.apply_lfs([ASKS], texts(*what), classes=CLASSES, endpoint=endpoint(chat, **more))


def test_each_record_gets_the_vote_that_the_model_answers(chat: Chat) -> None:
    """Answers become votes, record by record."""
    assert asked(chat, "free cash", "a song").votes.tolist() == [[1], [0]]
    assert sorted(chat.questions) == ["Is it spam? a song", "Is it spam? free cash"]


def test_equal_texts_are_asked_about_once(chat: Chat) -> None:
    """What is the same request is one request."""
    assert asked(chat, "free", "free", "free").votes.tolist() == [[1], [1], [1]]
    assert len(chat.requests) == 1


def test_a_null_field_is_not_asked_about(chat: Chat) -> None:
    """Where there is nothing to ask about, the function abstains."""
    assert asked(chat, None).votes.tolist() == [[-1]]
    assert not chat.requests


def test_votes_are_cast_in_other_processes_and_nobody_is_asked_there(chat: Chat) -> None:
    """Workers, and limits of time far below what an answer takes, change nothing."""
    chat.delay = 0.3
    votes = lk.apply_lfs(
        [ASKS], texts("free", "song"), classes=CLASSES, endpoint=endpoint(chat), workers=2, timeout=0.1
    )
    assert votes.votes.tolist() == [[1], [0]]
    assert len(chat.requests) == 2


@pytest.mark.parametrize("said", ["It is spam.", "", None])
def test_a_wrong_answer_is_a_fault_and_is_not_asked_again(chat: Chat, tmp_path: Path, said: str | None) -> None:
    """What is no answer is a fault that names function and record; it is kept like any reply."""
    chat.answer = lambda _: said
    for _ in range(2):
        votes = asked(chat, "free", folder=tmp_path)
        assert votes.votes.tolist() == [[-2]]
        assert [(fault.function, fault.record, fault.exception) for fault in votes.faults] == [
            ("asks", "r0", "BadVote")
        ]
    assert len(chat.requests) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        Raw(429),
        Raw(500),
        Raw(503, b"<html>busy</html>"),
        Cut(),
        Raw(200, b"not JSON"),
        Raw(200, b'{"choices": []}'),
        Raw(200, b'{"error": {"message": "overloaded"}}'),
        Raw(200, b"[" * 100_000),
        Raw(200, reply(7, None)),
        Raw(200, b'{"choices": [{"message": {"content": "spam"}}], "usage": [1]}' + b" " * 2**20),
    ],
    ids=["429", "500", "503", "cut", "no-json", "no-choice", "error", "deep", "number", "huge"],
)
def test_trouble_that_passes_is_tried_again(chat: Chat, trouble: Any) -> None:
    """After a bad answer of any kind the next attempt counts."""
    chat.in_turn(trouble, trouble, "spam")
    assert asked(chat, "x", retries=2).votes.tolist() == [[1]]
    assert len(chat.requests) == 3


def test_trouble_that_stays_is_a_fault_of_the_record(chat: Chat) -> None:
    """A record that gets no reply is a fault that says why; the others have their votes."""
    chat.answer = lambda question: Raw(500, b'{"error": {"message": "no"}}') if "bad" in question else "ham"
    votes = asked(chat, "bad", "good", retries=1)
    assert votes.votes.tolist() == [[-2], [0]]
    assert [(f.record, f.exception, f.message) for f in votes.faults] == [
        ("r0", "NoReplyError", "HTTP 500: no (2 attempts)")
    ]


def test_a_request_that_is_refused_is_not_tried_again(chat: Chat) -> None:
    """A bad request stays one."""
    chat.answer = lambda _: Raw(400, b'{"error": {"message": "too long"}}')
    assert asked(chat, "x").faults[0].message == "HTTP 400: too long"
    assert len(chat.requests) == 1


def test_a_slow_answer_is_given_up(chat: Chat) -> None:
    """An attempt may take so long and no longer."""
    chat.in_turn(Raw(200, reply("spam", None), delay=1.0), "ham")
    began = time.monotonic()
    assert asked(chat, "x", timeout=0.2, retries=1).votes.tolist() == [[0]]
    assert time.monotonic() - began < 0.9


def test_an_answer_that_trickles_is_given_up(chat: Chat) -> None:
    """Bytes that come slowly do not hold the line for ever."""
    chat.in_turn(Raw(200, reply("spam", None), trickle=0.05), "ham")
    assert asked(chat, "x", timeout=0.3, retries=1).votes.tolist() == [[0]]


def test_a_wait_that_is_asked_for_is_kept_by_all(chat: Chat) -> None:
    """After Retry-After: 1 no thread asks for a second."""
    chat.in_turn(Raw(429, b"", {"Retry-After": "1"}), "spam")
    assert asked(chat, "x", concurrency=1).votes.tolist() == [[1]]
    assert chat.times[1] - chat.times[0] >= 1.0


def test_a_wait_of_hours_is_not_waited_for(chat: Chat) -> None:
    """The record is a fault that says how long the endpoint wants to be left alone."""
    chat.answer = lambda _: Raw(429, b"", {"Retry-After": "7200"})
    assert asked(chat, "x").faults[0].message == "HTTP 429; to be asked again in 7,200 s"


def test_no_more_requests_are_under_way_than_allowed(chat: Chat) -> None:
    """Concurrency is bounded, and used."""
    chat.delay = 0.05
    asked(chat, *(str(i) for i in range(12)), concurrency=3)
    assert chat.most_at_once == 3


def test_an_endpoint_that_never_replies_stops_the_work(chat: Chat) -> None:
    """Not every record of a large set is tried against a wall."""
    chat.answer = lambda _: Raw(500)
    with pytest.raises(MachineError, match="did not reply to 8 requests in a row: HTTP 500"):
        asked(chat, *(str(i) for i in range(100)), retries=0, concurrency=2)
    assert len(chat.requests) <= 8 + 4


def test_a_redirect_is_refused_and_takes_no_key_elsewhere(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key goes to the address in labelkit.toml and to no other."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with chatting() as other:
        chat.answer = lambda _: Raw(307, b"", {"Location": f"{other.url}/chat/completions"})
        with pytest.raises(ConfigError, match=r"redirects to http.*and redirects are not followed"):
            asked(chat, "x")
        assert not other.requests


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_stops_the_work_and_is_not_shown(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """What the endpoint says of a key may hold it, and is not repeated."""
    monkeypatch.setenv("MY_KEY", KEY)
    chat.answer = lambda _: Raw(status, f'{{"error": {{"message": "bad key {KEY}"}}}}'.encode())
    with pytest.raises(ConfigError) as caught:
        asked(chat, "a", "b", key="MY_KEY")
    assert str(caught.value) == f"the endpoint refuses the key (HTTP {status}); see the variable MY_KEY"
    assert chat.keys[0] == f"Bearer {KEY}"


def test_the_key_is_in_no_message_and_no_file(chat: Chat, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An endpoint that echoes the key gets it into nothing that is kept or shown."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    chat.answer = lambda q: KEY if "reply" in q else Raw(500, KEY.encode()) if "error" in q else Raw(400, KEY.encode())
    votes = asked(chat, "reply", "error", "refusal", folder=tmp_path, retries=0)
    said = [fault.message for fault in votes.faults]
    assert len(said) == 3
    assert all("[key]" in message and KEY not in message for message in said)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_a_key_does_not_travel_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain http is for this machine, or for endpoints that want no key."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    away = lk.endpoint("http://models.example/v1", model="m")
    with pytest.raises(ConfigError, match="plain http, and would show the key in OPENAI_API_KEY") as caught:
        lk.apply_lfs([ASKS], texts("x"), classes=CLASSES, endpoint=away)
    assert KEY not in str(caught.value)


def test_without_a_key_none_is_sent(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """Local endpoints want none."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    asked(chat, "x")
    assert chat.keys == [""]


def test_nobody_there_is_a_failure_of_the_machine() -> None:
    """An address at which nobody listens is named as such once it is clear."""
    with nobody() as url, pytest.raises(MachineError, match="no connection"):
        lk.apply_lfs(
            [ASKS],
            texts(*(str(i) for i in range(9))),
            classes=CLASSES,
            endpoint=lk.endpoint(url, model="m", retries=0, key=""),
        )


def test_a_wrong_address_is_told_apart_from_a_wrong_record(chat: Chat) -> None:
    """404 means that the model or the address is wrong, for every record."""
    chat.answer = lambda _: Raw(404, b'{"error": {"message": "no model small"}}')
    with pytest.raises(ConfigError, match="base_url or model: HTTP 404: no model small at /chat/completions"):
        asked(chat, "x", "y")


def test_a_function_may_name_its_own_model(chat: Chat) -> None:
    """Two functions may ask two models at one endpoint."""
    large = lk.prompt("large", "{text}", model="large")
    lk.apply_lfs([ASKS, large], texts("x"), classes=CLASSES, endpoint=endpoint(chat))
    assert sorted(request["model"] for request in chat.requests) == ["large", "small"]


def test_a_model_must_be_named_somewhere(chat: Chat) -> None:
    """Neither function nor settings name one: that is an error before anybody is asked."""
    with pytest.raises(FunctionError, match='prompt "asks" names no model, and neither does \\[prompt\\] model'):
        asked(chat, "x", model="")


def test_without_an_endpoint_there_is_nobody_to_ask() -> None:
    """The error says where one is named."""
    with pytest.raises(UsageError, match='prompt "asks" has nobody to ask'):
        lk.apply_lfs([ASKS], texts("x"), classes=CLASSES)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"modell": "m"}, 'endpoint: [prompt] modell: unknown key; did you mean "model"?'),
        ({"base_url": "ftp://x"}, "endpoint: [prompt] base_url: must begin with http:// or https:// and hold no query"),
        ({"concurrency": 0}, "endpoint: [prompt] concurrency: must be at least 1, not 0"),
        (
            {"budget_cost": 1.0},
            "endpoint: [prompt]: budget_cost needs price_in and price_out, the prices of a million tokens",
        ),
    ],
)
def test_settings_that_do_not_hold_are_named(wrong: dict[str, Any], said: str) -> None:
    """From Python they are checked as labelkit.toml is."""
    given = {"base_url": "http://127.0.0.1:1", **wrong}
    with pytest.raises(UsageError) as caught:
        lk.endpoint(given.pop("base_url"), **given)
    assert str(caught.value).partition(", not ")[0] == said.partition(", not ")[0]


def test_a_login_in_the_address_is_refused_and_not_shown() -> None:
    """A key belongs into the environment."""
    with pytest.raises(UsageError, match="must not hold a login") as caught:
        lk.endpoint("https://me:hunter2@models.example/v1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("limit", "requests"),
    [
        ({"budget_requests": 3}, 3),
        ({"budget_tokens": 21 * 3 + 199}, 3),
        ({"budget_cost": 0.0001, "price_in": 1.0, "price_out": 1.0}, 0),
    ],
)
def test_the_work_stops_before_a_limit_is_passed(
    chat: Chat, tmp_path: Path, limit: dict[str, Any], requests: int
) -> None:
    """What the next request could cost at most must still fit; replies so far are kept."""
    many = [f"text {i}" for i in range(10)]
    with pytest.raises(BudgetError, match=r"is used up.*replies so far are kept"):
        asked(chat, *many, folder=tmp_path, **limit)
    assert len(chat.requests) == requests
    votes = asked(chat, *many, folder=tmp_path)
    assert (votes.votes == 0).all()
    assert len(chat.requests) == 10


def test_a_limit_is_for_all_runs_together(chat: Chat, tmp_path: Path) -> None:
    """What earlier runs spent counts, failed attempts too."""
    chat.in_turn(Raw(500), "ham")
    asked(chat, "a", folder=tmp_path, budget_requests=3)
    asked(chat, "b", folder=tmp_path, budget_requests=3)
    with pytest.raises(BudgetError, match="3 requests spent"):
        asked(chat, "c", folder=tmp_path, budget_requests=3)
    assert len(chat.requests) == 3


def test_what_the_endpoint_does_not_count_is_counted_in_full(chat: Chat, tmp_path: Path) -> None:
    """Without usage in an answer, the most that it can have cost is what it did cost."""
    chat.usage = None
    with pytest.raises(BudgetError, match="budget_tokens"):
        asked(chat, *(str(i) for i in range(50)), folder=tmp_path, budget_tokens=1_000, concurrency=1)
    assert 0 < len(chat.requests) < 8


def test_offline_replays_what_is_kept_and_refuses_what_is_not(chat: Chat, tmp_path: Path) -> None:
    """Offline a missing reply is an error that names function and record; nobody is asked."""
    asked(chat, "free", folder=tmp_path)
    assert asked(chat, "free", folder=tmp_path, offline=True).votes.tolist() == [[1]]
    with pytest.raises(FunctionError) as caught:
        asked(chat, "free", "new", "newer", folder=tmp_path, offline=True)
    assert str(caught.value) == (
        'prompt "asks": no reply is kept for record "r1" and 1 more requests, and offline nobody is asked; '
        "run `labelkit apply` with offline = false under [prompt]"
    )
    assert len(chat.requests) == 1


@pytest.mark.parametrize("strange", [None, [], ["key"], [1, "spam"], ["key", 2], {"key": "spam"}])
def test_a_file_of_strange_replies_is_read_all_the_same(chat: Chat, tmp_path: Path, strange: object) -> None:
    """What is no reply is none."""
    asked(chat, "free", folder=tmp_path)
    (kept,) = (tmp_path / "cache" / "prompts").glob("*.jsonl")
    journal = Journal(kept)
    journal.append(strange)
    journal.close()
    assert asked(chat, "free", folder=tmp_path, offline=True).votes.tolist() == [[1]]


def test_a_damaged_reply_is_asked_for_again_and_no_other(chat: Chat, tmp_path: Path) -> None:
    """A line that was changed or cut short is as good as none."""
    asked(chat, "free", "song", folder=tmp_path)
    (kept,) = (tmp_path / "cache" / "prompts").glob("*.jsonl")
    first, second = kept.read_bytes().splitlines()
    assert b'"spam"' in first + second
    changed = first.replace(b'"spam"', b'"ham."').replace(b'"ham"', b'"spam"')
    kept.write_bytes(changed + b"\n" + second[:-5] + b"\xff")
    assert asked(chat, "free", "song", folder=tmp_path).votes.tolist() == [[1], [0]]
    assert len(chat.requests) == 4
    assert asked(chat, "free", "song", folder=tmp_path, offline=True).votes.tolist() == [[1], [0]]
