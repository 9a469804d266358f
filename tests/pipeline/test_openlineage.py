"""Runs as OpenLineage events: what is in them, who gets them, and that nothing else happens."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from openlineage.client import facet_v2
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState

import labelkit as lk
from labelkit.errors import AnswerIsNo, ConfigError, DataError
from labelkit.lineage.git import repository_of
from labelkit.lineage.openlineage import Dataset, Event, Outbox, new_execution
from labelkit.lineage.openlineage.events import document
from labelkit.lineage.openlineage.outbox import KEPT, Refused
from labelkit.lineage.openlineage.transports import to_file
from labelkit.pipeline.annotate import import_answers
from labelkit.pipeline.datasets import Places
from projects import Made
from receivers import Receiver, nobody, receiving, silent

WARNING = "labelkit: warning: OpenLineage: "


def told(made: Made, target: str) -> Made:
    """The project, its runs told to a file or a URL."""
    toml = made.root / "labelkit.toml"
    toml.write_text(f'{toml.read_text()}[lineage]\nopenlineage = "{target}"\n', encoding="utf-8")
    return made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A real HTTP receiver on this machine."""
    with receiving() as found:
        yield found


@pytest.fixture
def telling(made: Made, receiver: Receiver) -> Made:
    """A project whose runs are told to the receiver."""
    return told(made, receiver.url)


def waiting(made: Made) -> list[Path]:
    """Events that nobody took yet."""
    return Outbox(made.root / ".labelkit" / "openlineage").waiting()


def rebuilt(event: dict[str, Any]) -> RunEvent:
    """The event as the client's models make it anew: they refuse unknown fields and values that do not hold."""
    return RunEvent(
        eventType=RunState[event["eventType"]],
        eventTime=event["eventTime"],
        producer=event["producer"],
        run=Run(event["run"]["runId"], _facets(event["run"]["facets"])),
        job=Job(event["job"]["namespace"], event["job"]["name"], _facets(event["job"]["facets"])),
        inputs=[
            InputDataset(each["namespace"], each["name"], _facets(each["inputFacets"]), facets=_facets(each["facets"]))
            for each in event["inputs"]
        ],
        outputs=[
            OutputDataset(
                each["namespace"], each["name"], _facets(each["outputFacets"]), facets=_facets(each["facets"])
            )
            for each in event["outputs"]
        ],
    )


def _facets(facets: dict[str, Any]) -> dict[str, Any]:
    """Facets by the class that their schema names; one of labelkit's own is left as it is."""
    made = {}
    for name, content in facets.items():
        if content["_schemaURL"].startswith("urn:labelkit:"):
            made[name] = content
            continue
        *_, file, kind = content["_schemaURL"].replace("#/$defs/", "/").split("/")
        (home,) = {
            getattr(module, kind) for module in vars(facet_v2).values() if hasattr(module, kind)
        }  # the one module of the client that has it
        assert file == f"{kind}.json"
        fields = {key: value for key, value in content.items() if not key.startswith("_")}
        made[name] = home(**fields, producer=content["_producer"])
        assert made[name]._schemaURL == content["_schemaURL"]
    return made


def test_every_verb_is_told_with_its_start_and_its_end(telling: Made, receiver: Receiver) -> None:
    """START and COMPLETE of one execution have one UUID and the right order; a second execution has another."""
    telling.project.apply()
    telling.project.validate()
    telling.project.training_set()
    record = telling.project.queue(1)[0].record
    answers = telling.write("answers.jsonl", json.dumps({"id": record, "label": "spam"}) + "\n")
    import_answers(telling.project.folder, answers, annotator="ana")
    telling.project.apply()
    assert [(event["job"]["name"], event["eventType"]) for event in receiver.events] == [
        (f"comments.{verb}", kind)
        for verb in ("apply", "validate", "train", "annotate", "apply")
        for kind in ("START", "COMPLETE")
    ]
    executions = [event["run"]["runId"] for event in receiver.events]
    assert executions[::2] == executions[1::2]
    assert len({UUID(execution) for execution in executions}) == 5
    assert [event["eventTime"] for event in receiver.events] == sorted(e["eventTime"] for e in receiver.events)
    assert set(receiver.paths) == {"/api/v1/lineage"}
    assert waiting(telling) == []


def test_events_hold_the_models_of_the_client(telling: Made, receiver: Receiver) -> None:
    """Each event can be taken apart and made anew by the client's own classes, facet by facet."""
    telling.project.apply()
    telling.project.validate()
    telling.project.answer(telling.project.queue(1)[0].record, "ham", annotator="ana")
    telling.project.apply()
    assert len(receiver.events) == 6
    for event in receiver.events:
        rebuilt(event)


def test_apply_says_where_each_column_of_the_labels_is_from(telling: Made, receiver: Receiver) -> None:
    """Schema, source, version and column lineage: id is copied, a label comes from the fields and from answers."""
    telling.project.answer(telling.project.queue(1)[0].record, "ham", annotator="ana")
    report = telling.project.apply()
    (_, event) = receiver.of("apply")
    records, answers = event["inputs"]
    (labels,) = event["outputs"]
    root = telling.root.resolve()
    assert [(each["namespace"], each["name"]) for each in (records, answers, labels)] == [
        ("file", str(root / "data" / "comments.csv")),
        ("file", str(root / ".labelkit" / "annotations.db")),
        ("file", str(root / "labels.parquet")),
    ]
    assert [field["name"] for field in records["facets"]["schema"]["fields"]] == ["id", "text", "gold", "split"]
    assert records["inputFacets"]["inputStatistics"]["rowCount"] == 60
    schema = {field["name"]: field["type"] for field in labels["facets"]["schema"]["fields"]}
    assert schema["label"] == "string"
    assert schema["confidence"] == "double"
    made_from = {
        column: {(origin["name"], origin["field"]) for origin in entry["inputFields"]}
        for column, entry in labels["facets"]["columnLineage"]["fields"].items()
    }
    assert made_from["id"] == {(records["name"], "id")}
    assert made_from["label"] == made_from["p_ham"] == {(records["name"], "text"), (answers["name"], "label")}
    assert set(made_from) == set(schema) - {"run"}
    facet = event["run"]["facets"]["labelkit_run"]
    assert (facet["record"], facet["counts"]["records"]) == (report.run, 60)
    assert labels["facets"]["version"]["datasetVersion"] == _run(telling, report.run)["outputs"]["labels.parquet"]
    assert labels["facets"]["dataSource"]["uri"] == f"file://{labels['name']}"


def _run(made: Made, run: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((made.root / ".labelkit" / "runs" / run / "run.json").read_text())
    return content


def test_validate_says_which_expectations_held(telling: Made, receiver: Receiver) -> None:
    """Each expectation is an assertion on the dataset that its suite judges, with its severity."""
    verdict = telling.project.validate()
    (_, event) = receiver.of("validate")
    records, labels = event["inputs"]
    on_records = records["inputFacets"]["dataQualityAssertions"]["assertions"]
    on_labels = labels["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert [(a["name"], a["assertion"], a["success"], a["column"]) for a in on_records] == [
        ("records[0]", "expect_column_values_to_be_unique", True, "id")
    ]
    assert {a["name"]: (a["success"], a["severity"]) for a in on_labels} == {
        f"{o.suite}[{o.index}]": (o.status == "pass", {"critical": "error", "warning": "warn"}[o.severity])
        for o in verdict.outcomes
        if o.suite == "labels"
    }
    assert event["outputs"] == []


def test_the_code_is_named_by_repository_and_commit(made: Made, receiver: Receiver) -> None:
    """A project under git says which commit ran, of which repository; a login in its address stays at home."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(made.root)]
    told(made, receiver.url)
    for arguments in (
        ["init", "-q"], ["add", "labelkit.toml"], ["commit", "-qm", "start"],
        ["remote", "add", "origin", "https://ana:s3cret@example.org/team/comments.git"],
    ):  # fmt: skip
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    made.project.apply()
    facet = receiver.events[-1]["job"]["facets"]["sourceCodeLocation"]
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert (facet["type"], facet["url"], facet["version"], facet["path"]) == (
        "git", "https://example.org/team/comments.git", commit, "labeling_functions",
    )  # fmt: skip
    assert "s3cret" not in json.dumps(receiver.events)


def test_a_repository_from_nowhere_is_named_by_its_folder(tmp_path: Path) -> None:
    """Without an origin the folder stands for it; without git nothing does."""
    inner = tmp_path / "team" / "comments"
    inner.mkdir(parents=True)
    assert repository_of(inner) == ("", "")
    subprocess.run(["git", "init", "-q", str(tmp_path / "team")], check=True)
    assert repository_of(inner) == (f"file://{(tmp_path / 'team').resolve()}", "comments/")


@pytest.mark.parametrize(
    ("origin", "told_as"),
    [
        ("https://token:x-oauth@example.org/team/a.git", "https://example.org/team/a.git"),
        ("https://token@example.org/team/a.git", "https://example.org/team/a.git"),
        ("git@example.org:team/a b.git", "ssh://example.org/team/a%20b.git"),
        ("ssh://git@example.org:22/team/a.git", "ssh://example.org:22/team/a.git"),
        ("/srv/git/a.git", "file:///srv/git/a.git"),
    ],
)
def test_an_origin_is_told_as_a_uri_without_a_login(tmp_path: Path, origin: str, told_as: str) -> None:
    """Whatever form git takes, what is told is a URI, and nobody can get in with it."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "remote", "add", "origin", origin], check=True)
    assert repository_of(tmp_path) == (told_as, "")


def test_a_path_is_told_as_a_uri() -> None:
    """Blanks and signs of a path are escaped in the URI; the name stays as it is."""
    assert Dataset("file", "/my data/a#1.csv").uri == "file:///my%20data/a%231.csv"
    assert Dataset("postgres://db:5432", "reviews.public.annotation").uri == (
        "postgres://db:5432/reviews.public.annotation"
    )


def test_a_verb_that_fails_is_told_without_its_message(telling: Made, receiver: Receiver) -> None:
    """FAIL says the class of the error and nothing of the records; the error itself is the one it was."""
    data = telling.root / "data" / "comments.csv"
    data.write_text(data.read_text(encoding="utf-8") + "c0,SECRETWORD,ham,train\n", encoding="utf-8")
    with pytest.raises(DataError, match="c0"):
        telling.project.apply()
    start, end = receiver.events
    assert (start["eventType"], end["eventType"]) == ("START", "FAIL")
    assert start["run"]["runId"] == end["run"]["runId"]
    assert end["run"]["facets"]["errorMessage"]["message"] == "DataError"
    assert "SECRETWORD" not in json.dumps(receiver.events)
    with pytest.raises(AnswerIsNo):
        telling.project.training_set()
    assert receiver.events[-1]["run"]["facets"]["errorMessage"]["message"] == "AnswerIsNo"


def test_an_interrupted_verb_is_aborted(telling: Made, receiver: Receiver) -> None:
    """Ctrl-C is no failure of the verb, and is told as what it is."""

    def interrupt(_done: int, _total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        telling.project.apply(progress=interrupt)
    assert [event["eventType"] for event in receiver.events] == ["START", "ABORT"]


def test_events_hold_no_value_of_a_record(telling: Made, receiver: Receiver) -> None:
    """Of the records only names and types of columns, hashes and counts are told."""
    telling.project.apply()
    telling.project.validate()
    said = json.dumps(receiver.events)
    table = telling.project.records().to_table()
    for text in table["text"].to_pylist():
        assert text not in said
    assert not {f'"{record}"' for record in table["id"].to_pylist()} & set(json.dumps(said).split())


def test_a_key_is_sent_and_kept_nowhere(telling: Made, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of the environment goes into the header, not into an event or a file."""
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "s3cret-key")
    telling.project.apply()
    assert set(receiver.keys) == {"Bearer s3cret-key"}
    assert "s3cret-key" not in json.dumps(receiver.events)
    kept = [path for path in (telling.root / ".labelkit").rglob("*") if path.is_file()]
    assert not any(b"s3cret-key" in path.read_bytes() for path in kept)


def test_a_login_of_a_database_stays_at_home() -> None:
    """A URL with user, password and options is told as host, port and database."""
    from labelkit.pipeline.datasets import _database

    assert _database("postgresql+psycopg://ana:s3cret@db.example:5432/reviews?sslpassword=x") == (
        "postgres://db.example:5432", "reviews",
    )  # fmt: skip
    assert _database("sqlite:////srv/answers.db") == ("file", "/srv/answers.db")


@pytest.mark.parametrize(
    ("url", "namespace", "name"),
    [
        ("postgresql+psycopg://ana:s3cret@db:5432/shop", "postgres://db:5432", "shop.queries/all.sql"),
        ("sqlite:///shop.db", "file", "ROOT/shop.db"),
    ],
)
def test_records_of_a_query_are_named_by_their_database(tmp_path: Path, url: str, namespace: str, name: str) -> None:
    """A query's records are those of its database; a SQLite database is a file."""
    (tmp_path / "labelkit.toml").write_text(
        '[project]\nname = "shop"\nclasses = ["a", "b"]\n'
        f'[data]\npath = "queries/all.sql"\nurl = "{url}"\nfields = ["text"]\n'
    )
    found = Places(lk.Project(tmp_path).folder).records
    assert (found.namespace, found.name) == (namespace, name.replace("ROOT", str(tmp_path)))
    assert "s3cret" not in found.uri


def test_a_file_gets_a_line_per_event(made: Made) -> None:
    """The file transport appends JSON lines, and makes the folder."""
    told(made, "lineage/events.jsonl")
    made.project.apply()
    made.project.apply()
    lines = (made.root / "lineage" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"] * 2
    for event in events:
        rebuilt(event)


def test_a_receiver_that_is_down_gets_its_events_later(
    made: Made, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """The verb succeeds and a plain warning says so; the next run delivers what waited, oldest first."""
    toml = (made.root / "labelkit.toml").read_text(encoding="utf-8")
    with nobody() as url:
        told(made, url)
        made.project.apply()
        assert caplog.messages == [
            f"{WARNING}{url} did not take 2 events (ConnectionError); they go out with the next run"
        ]
    assert len(waiting(made)) == 2
    made.write("labelkit.toml", toml)
    told(made, receiver.url)
    caplog.clear()
    made.project.validate()
    assert [event["job"]["name"] for event in receiver.events] == ["comments.apply"] * 2 + ["comments.validate"] * 2
    assert waiting(made) == []
    assert caplog.messages == []


def test_a_receiver_that_says_nothing_holds_nobody_up(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever takes the call and is silent costs two seconds, once, when the work is done."""
    began = time.monotonic()
    made.project.apply()
    without = time.monotonic() - began
    with silent() as url:
        told(made, url)
        began = time.monotonic()
        report = made.project.apply()
        assert time.monotonic() - began < without + 8  # two seconds of waiting, and a busy machine
    assert report.records == 60
    assert len(waiting(made)) == 2
    assert "2 events (" in caplog.messages[0]


def test_a_receiver_that_refuses_an_event_does_not_get_it_again(
    telling: Made, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """An event that is wrong for a receiver is set aside, so that the others go on; other errors leave it waiting."""
    receiver.status = 500
    telling.project.apply()
    assert len(waiting(telling)) == 2
    receiver.status = 422
    telling.project.apply()
    assert waiting(telling) == []
    assert len(list((telling.root / ".labelkit" / "openlineage").glob("*.refused"))) == 4
    assert "refused 4 events" in caplog.messages[-1]
    receiver.status = 201
    telling.project.apply()
    assert len(receiver.events) == 2


def test_a_disk_that_takes_no_event_stops_no_verb(telling: Made, caplog: pytest.LogCaptureFixture) -> None:
    """Where the outbox cannot be, the verb says so and is done all the same."""
    telling.write(".labelkit/openlineage", "a file where a folder should be")
    assert telling.project.apply().records == 60
    assert set(caplog.messages) == {f"{WARNING}an event was not kept (MachineError)"} or all(
        message.startswith(f"{WARNING}an event was not kept") for message in caplog.messages
    )
    assert caplog.messages


def test_the_command_line_says_it_on_stderr(made: Made) -> None:
    """The warning is one line on stderr; stdout and the exit code are those of the verb."""
    with nobody() as url:
        told(made, url)
        done = made.run("apply", "--json")
    assert json.loads(done.stdout)["records"] == 60
    assert [line for line in done.stderr.splitlines() if "OpenLineage" in line] == [
        f"{WARNING}{url} did not take 2 events (ConnectionError); they go out with the next run"
    ]


def test_nothing_is_told_unless_asked(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the setting the client is not even loaded, whatever its variables say; OPENLINEAGE_DISABLED silences."""
    environment = {**os.environ, "OPENLINEAGE_URL": "http://127.0.0.1:9"}
    code = "import sys, labelkit as lk; lk.Project('.').apply(); print(sorted(m for m in sys.modules if 'openl' in m))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=made.root, env=environment, capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1]
    assert "'openlineage" not in loaded
    assert "openlineage.events" not in loaded
    assert not (made.root / ".labelkit" / "openlineage").exists()
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    told(made, "http://127.0.0.1:9").project.apply()
    assert not (made.root / ".labelkit" / "openlineage").exists()


def test_a_missing_library_is_said_before_the_work(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting without the extra is a mistake of the project, and names the way out."""
    told(made, "events.jsonl")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'labelkit\[openlineage\]'"):
        made.project.apply()


def test_a_run_outside_any_verb_is_told_too(telling: Made, receiver: Receiver) -> None:
    """A session that records its run by itself is told with its own times."""
    from labelkit.lineage import Run as RunRecord
    from labelkit.pipeline.recording import keep_run

    run = RunRecord(verb="annotate", inputs={}, parameters={"annotator": "ana"}, versions={}, id="0123456789abcdef")
    keep_run(telling.project.folder, run, started="2026-01-02T03:04:05.000Z", finished="2026-01-02T03:05:05.000Z")
    assert [(event["eventType"], event["eventTime"]) for event in receiver.events] == [
        ("START", "2026-01-02T03:04:05.000Z"), ("COMPLETE", "2026-01-02T03:05:05.000Z"),
    ]  # fmt: skip


def event(n: int) -> Event:
    """A small event."""
    at = f"2026-01-02T03:04:{n % 60:02d}.000Z"
    return Event("START", at, new_execution(), "labelkit", f"job {n}", "apply", (Dataset("file", "/data.csv"),))


def test_an_outbox_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the oldest events are given up: a receiver that never comes back fills no disk."""
    monkeypatch.setattr("labelkit.lineage.openlineage.outbox.KEPT", 3)
    outbox = Outbox(tmp_path / "out")
    for n in range(5):
        outbox.add(event(n))
    names = [json.loads(path.read_text())["job"]["name"] for path in outbox.waiting()]
    assert names == ["job 2", "job 3", "job 4"]
    assert KEPT == 1_000


def test_a_killed_verb_has_a_start_alone(telling: Made, receiver: Receiver) -> None:
    """What kill -9 cuts off was told as begun; the next run delivers that, too, and nothing is told twice."""
    code = "import os, labelkit as lk; lk.Project('.').apply(progress=lambda done, total: os._exit(9))"
    done = subprocess.run([sys.executable, "-c", code], cwd=telling.root, check=False, timeout=120)
    assert done.returncode == 9
    assert len(waiting(telling)) == 1
    telling.project.apply()
    kinds = [event["eventType"] for event in receiver.events]
    assert kinds == ["START", "START", "COMPLETE"]
    assert len({event["run"]["runId"] for event in receiver.events}) == 2


def test_two_senders_deliver_each_event_once(tmp_path: Path) -> None:
    """Verbs that end at the same time do not send each other's events again."""
    outbox = Outbox(tmp_path / "out")
    for n in range(6):
        outbox.add(event(n))
    sent: list[str] = []

    def send(content: dict[str, Any]) -> None:
        time.sleep(0.05)
        sent.append(content["job"]["name"])

    with ThreadPoolExecutor(2) as pool:
        left = list(pool.map(lambda _: outbox.deliver(lambda: send, seconds=20), range(2)))
    assert left == [None, None]
    assert sent == [f"job {n}" for n in range(6)]


def test_a_damaged_event_is_passed_over(tmp_path: Path) -> None:
    """Half an event, as a power cut may leave one, does not keep the others from their receiver."""
    outbox = Outbox(tmp_path / "out")
    outbox.add(event(1))
    (tmp_path / "out" / "00000000000000000000-1-1.json").write_text('{"eventType": "ST')
    sent: list[dict[str, Any]] = []
    assert outbox.deliver(lambda: sent.append) is None
    assert [each["job"]["name"] for each in sent] == ["job 1"]


def test_what_is_refused_does_not_hold_up_what_follows(tmp_path: Path) -> None:
    """The events before and after a refused one arrive."""
    outbox = Outbox(tmp_path / "out")
    for n in range(3):
        outbox.add(event(n))
    sent: list[str] = []

    def send(content: dict[str, Any]) -> None:
        if content["job"]["name"] == "job 1":
            raise Refused
        sent.append(content["job"]["name"])

    left = outbox.deliver(lambda: send)
    assert left is not None
    assert (left.waiting, left.refused, left.reason) == (0, 1, "")
    assert sent == ["job 0", "job 2"]


def test_hidden_characters_are_seen() -> None:
    """A name that would steer a terminal or hide itself is told with visible escapes."""
    told_of = document(Event("START", "2026-01-02T03:04:05Z", new_execution(), "labelkit", "a\x1b[2J\u202e", "apply"))
    assert told_of["job"]["name"] == "a\\x1b[2J\\u202e"


@pytest.mark.parametrize(
    ("time", "execution"),
    [("yesterday", "01948f3e-0000-7000-8000-000000000000"), ("2026-01-02T03:04:05Z", "run 1")],
)
def test_the_models_refuse_what_is_no_event(time: str, execution: str) -> None:
    """A time that is none, a run without a UUID: the client's models say so before anything is sent."""
    with pytest.raises(ValueError, match=r".+"):
        document(Event("START", time, execution, "labelkit", "job", "apply"))


def test_a_file_that_cannot_be_written_leaves_events_waiting(tmp_path: Path) -> None:
    """Events go out again once the file can be written to."""
    outbox = Outbox(tmp_path / "out")
    outbox.add(event(1))
    (tmp_path / "events.jsonl").mkdir()
    left = outbox.deliver(lambda: to_file(tmp_path / "events.jsonl"))
    assert left is not None
    assert left.waiting == 1
    (tmp_path / "events.jsonl").rmdir()
    assert outbox.deliver(lambda: to_file(tmp_path / "events.jsonl")) is None
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == 1


def test_the_logger_is_labelkits_own() -> None:
    """Whoever embeds labelkit can silence or collect the warnings by their logger."""
    assert logging.getLogger("labelkit.openlineage").propagate
    assert lk.__version__ in document(event(1))["producer"]
