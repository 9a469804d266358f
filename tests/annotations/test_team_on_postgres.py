"""Thirty-two people annotate on PostgreSQL while they, and the server, are killed again and again."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter

import pexpect
import pytest

import team_writers
from fault_figures import Figure, many
from labelkit.active.handout import AT_ONCE
from labelkit.annotations import AnnotationStore
from postgres_cluster import cluster
from projects import Made
from stores import Place, Start, Started

PEOPLE = 32
RECORDS = many(500, 5_000)
KILLS_OF_CLIENTS, KILLS_OF_THE_SERVER = many(24, 400), many(3, 20)

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(1200)]


def listen(started: Started, heard: list[tuple[str, str]]) -> bool:
    """Hear what somebody has said; whether they are at work no more."""
    ear = started._ear
    try:
        while ear.poll(0):
            heard.append(ear.recv())
    except EOFError:
        return True
    return bool(heard) and heard[-1][0] == "done"


def test_thirty_two_people_killed_clients_and_a_killed_server(start: Start, figure: Figure) -> None:
    """0 of the acknowledged answers are lost, 0 records are answered twice, and everybody finds back by themselves."""
    chance, heard, killed = random.Random(11), list[tuple[str, str]](), 0
    records = [f"c{number}" for number in range(RECORDS)]
    with cluster() as server:
        place = Place(server.create("team"))
        place.open()
        people = {f"person-{number}": list[tuple[str, str]]() for number in range(PEOPLE)}

        def sit_down(who: str) -> Started:
            return start(team_writers.annotate_in_a_team, place, who, records)

        working, done, server_kills = {who: sit_down(who) for who in people}, set[str](), 0
        deadline, next_kill = time.monotonic() + 900, 0.2
        while len(done) < PEOPLE:
            assert time.monotonic() < deadline
            time.sleep(0.1)
            for who, started in working.items():
                if who not in done and listen(started, people[who]) and people[who][-1][0] == "done":
                    done.add(who)
            stored = sum(kind == "stored" for said in people.values() for kind, _ in said)
            if server_kills < KILLS_OF_THE_SERVER and stored > RECORDS * next_kill:
                server.kill()
                time.sleep(0.3)
                server.start()
                server_kills, next_kill = server_kills + 1, next_kill + 0.6 / KILLS_OF_THE_SERVER
            elif killed < min(KILLS_OF_CLIENTS, stored * KILLS_OF_CLIENTS / (RECORDS * 0.8)) and len(done) < PEOPLE:
                who = chance.choice(sorted(people.keys() - done))
                working[who].process.kill()
                working[who].process.join()
                listen(working[who], people[who])
                working[who], killed = sit_down(who), killed + 1
        heard = [message for said in people.values() for message in said]
        history = place.open().history()
    acknowledged = [what for kind, what in heard if kind == "stored"]
    kept = Counter(entry.operation for entry in history)
    figure(
        "an acknowledged answer survives",
        f"{PEOPLE} people on PostgreSQL, SIGKILL to clients and server",
        killed + server_kills,
        answers_acknowledged=len(acknowledged),
        kills_of_the_server=server_kills,
    )
    assert [operation for operation in acknowledged if kept[operation] != 1] == []
    assert [record for record, times in Counter(entry.record for entry in history).items() if times > 1] == []
    assert {entry.record for entry in history} == set(records)
    assert len(kept) - len(acknowledged) <= killed  # stored, and killed before it could be said
    assert server_kills == KILLS_OF_THE_SERVER
    assert killed >= KILLS_OF_CLIENTS / 2
    trouble = {what for kind, what in heard if kind == "trouble"}
    assert trouble
    assert all(what.startswith("postgresql://postgres@/postgres: ") and "try again" in what for what in trouble), (
        trouble
    )
    assert AT_ONCE * PEOPLE < RECORDS


def test_person_at_a_terminal_is_told_and_goes_on(applied: Made) -> None:
    """The server is killed under `labelkit annotate`: NOT STORED and why; the same key stores it when the server is
    back, once; whoever quits instead gets exit code 3."""
    with cluster() as server:
        url = server.create("team")
        applied.write("labelkit.toml", (applied.root / "labelkit.toml").read_text() + f'[store]\nurl = "{url}"\n')
        command = ["-m", "labelkit", "annotate", "--annotator", "ana", "--strategy", "random"]
        person = pexpect.spawn(sys.executable, command, cwd=str(applied.root), timeout=60, dimensions=(40, 200))
        person.expect("0 answered|0/")
        server.kill()
        person.send("1")
        person.expect("NOT STORED")
        server.start()
        person.send("1")
        person.expect("1 answered|1/")
        server.kill()
        person.send("1")
        person.expect("NOT STORED")
        person.send("q")
        person.expect("labelkit: error: postgresql://postgres@/postgres: .*try again")
        person.expect(pexpect.EOF)
        person.close()
        assert person.exitstatus == 3
        server.start()
        assert len(AnnotationStore.open(url).history()) == 1
