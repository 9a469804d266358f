"""The annotate screen in a real terminal (a pty), with a real store and a real SIGKILL."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from terminal_fixtures import CHILD, OURS, PATIENCE, Person, Sit


def test_one_key_labels_and_moves_on(sit: Sit) -> None:
    """A whole session: label, accept, skip, undo, label again, quit; the store holds exactly that."""
    person = sit()
    person.sees("the text of r0")
    person.types("2")
    person.sees("the text of r1")
    person.types("a")
    person.sees("the text of r2")
    person.types(" ")
    person.sees("the text of r3")
    person.types("\x7f")
    person.sees("the text of r2")
    person.types("1")
    person.sees("the text of r3")
    person.types("q")
    assert person.session() == {"answered": 3, "skipped": 0, "undone": 1}
    said = [(e.kind, e.record, e.label, e.annotator, e.strategy) for e in person.store.history()]
    assert said == [
        ("label", "r0", "spam", "ana", "margin"),
        ("label", "r1", "ham", "ana", "margin"),
        ("skip", "r2", None, "ana", "margin"),
        ("undo", "r2", None, "ana", "margin"),
        ("label", "r2", "ham", "ana", "margin"),
    ]


def test_answer_is_stored_before_the_next_record_is_shown(sit: Sit) -> None:
    """SIGKILL as soon as the screen moves after a key: the answer of that key is in the store."""
    chance = random.Random(11)  # when to kill
    answered: list[str] = []
    for sitting in range(12):
        person = sit(records=100, prepare=f"fields_of = lambda record: {{'text': 'sitting {sitting} ' + record}}")
        for number in range(chance.randrange(1, 5)):
            person.sees(f"sitting {sitting} r{number}")
            while person.looks(0.01):
                pass
            person.types("1")
            answered.append(f"r{number}")
            deadline = time.monotonic() + PATIENCE
            while not person.looks():
                assert time.monotonic() < deadline
        person.process.kill()
        person.process.wait()
        labels = [e.record for e in person.store.history() if e.kind == "label"]
        assert labels == answered


@pytest.mark.parametrize("key", ["q", "\x03", "\x04"])
def test_quitting_leaves_the_terminal_as_it_was(sit: Sit, key: str) -> None:
    """q, Ctrl-C and Ctrl-D end the session cleanly."""
    person = sit()
    person.sees("the text of r0")
    assert termios.tcgetattr(person.tty) != person.before
    person.types(key)
    assert person.session() == {"answered": 0, "skipped": 0, "undone": 0}
    assert person.process.returncode == 0
    assert_restored(person)


def assert_restored(person: Person) -> None:
    assert termios.tcgetattr(person.tty) == person.before
    assert person.output.count("\x1b[?1049h") == person.output.count("\x1b[?1049l") == 1
    assert person.output.rindex("\x1b[?25h") > person.output.rindex("\x1b[?25l")
    assert person.output.rindex("\x1b[?2004l") > person.output.rindex("\x1b[?2004h")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_told_to_end_leaves_the_terminal_as_it_was(sit: Sit, number: signal.Signals) -> None:
    """The process ends by the signal, as its parent expects, but tidily."""
    person = sit()
    person.sees("the text of r0")
    person.process.send_signal(number)
    person.leaves()
    assert person.process.returncode == -number
    assert_restored(person)


def test_handler_of_the_program_still_runs_when_told_to_end(sit: Sit) -> None:
    """The terminal is restored once, before the program's own handler is asked."""
    person = sit(prepare="import signal; signal.signal(signal.SIGTERM, lambda *_: sys.exit('told to end'))")
    person.sees("the text of r0")
    person.process.send_signal(signal.SIGTERM)
    assert person.leaves() == "told to end"
    assert person.process.returncode == 1
    assert_restored(person)


def test_interrupt_from_outside_quits(sit: Sit) -> None:
    """SIGINT sent by another process is a Ctrl-C."""
    person = sit()
    person.sees("the text of r0")
    person.process.send_signal(signal.SIGINT)
    assert person.session() == {"answered": 0, "skipped": 0, "undone": 0}
    assert_restored(person)


def test_crash_leaves_the_terminal_as_it_was(sit: Sit) -> None:
    """Also an error that nobody foresaw is readable afterwards."""
    person = sit(prepare="def fields_of(record): raise LookupError('no such record')")
    assert person.leaves() == "LookupError: no such record"
    assert_restored(person)


def test_terminal_that_goes_away_ends_the_session(sit: Sit) -> None:
    """A closed window neither hangs the process nor loses what was said."""
    person = sit()
    person.sees("the text of r0")
    person.types("1")
    person.sees("the text of r1")
    os.close(person.tty)
    person.tty = -1
    person.hangs_up()
    assert person.process.wait(PATIENCE) is not None
    assert set(person.store.answers()) == {"r0"}


SLOW = """
def fields_of(record):
    time.sleep(0.6 if record == "r1" else 0)
    return {"text": f"the text of {record}"}
"""


def test_key_typed_before_a_record_is_shown_is_no_answer_to_it(sit: Sit) -> None:
    """A bouncing key does not label a record that nobody has seen."""
    person = sit(prepare=SLOW)
    person.sees("the text of r0")
    person.types("1")
    time.sleep(0.2)
    person.types("2")
    person.sees("the text of r1")
    person.types("1")
    person.sees("the text of r2")
    person.types("q")
    assert person.session() == {"answered": 2, "skipped": 0, "undone": 0}
    assert [e.label for e in person.store.history()] == ["ham", "ham"]


def test_pasted_text_and_special_keys_answer_nothing(sit: Sit) -> None:
    """Only a single key on the keyboard is an answer."""
    person = sit()
    person.sees("the text of r0")
    person.types("\x1b[200~1 2 a q 1\x1b[201~")
    person.sees("this key means nothing here")
    for piece in ("\x1b", "[5", "~"):  # page up, in pieces
        person.types(piece)
        time.sleep(0.01)
    person.types("\x1b[1;5C\x1b[15~\x1b2\x1a")  # ctrl-right, F5, alt-2, ctrl-z
    person.types("?")
    person.sees("any key goes back")
    person.types("1q")
    assert person.session() == {"answered": 0, "skipped": 0, "undone": 0}
    assert person.store.history() == []


def test_session_ends_with_the_records_but_waits_for_an_undo(sit: Sit) -> None:
    """After the last record the last answer can still be taken back."""
    person = sit(records=1)
    person.sees("the text of r0")
    person.types("1")
    person.sees("That was the last record.")
    person.types("u")
    person.sees("took back: ham")
    person.types("2")
    person.sees("That was the last record.")
    person.types("\r")
    assert person.session() == {"answered": 1, "skipped": 0, "undone": 1}
    assert person.store.answers()["r0"].label == "spam"


def test_budget_ends_the_session(sit: Sit) -> None:
    """When the budget is spent no more records are shown."""
    person = sit(budget=2)
    for number in range(2):
        person.sees(f"the text of r{number}")
        person.types("1")
    person.sees("The budget of 2 answers is spent.")
    person.types("1q")
    assert person.session() == {"answered": 2, "skipped": 0, "undone": 0}


def test_window_is_drawn_anew_when_it_changes_its_size(sit: Sit) -> None:
    """No key is needed to see a record after the window was resized."""
    person = sit()
    person.sees("─" * 80)
    termios.tcsetwinsize(person.tty, (20, 61))
    deadline = time.monotonic() + PATIENCE
    while max(map(len, person.screen.split("\n"))) != 61:
        person.looks()
        assert time.monotonic() < deadline
    assert len(person.screen.split("\n")) == 20
    person.types("q")
    person.leaves()


def test_terminal_that_does_not_know_its_size_gets_80_by_24(sit: Sit) -> None:
    """Some terminals say 0 x 0."""
    person = sit(size=(0, 0))
    person.sees("─" * 80)
    assert len(person.screen.split("\n")) == 24
    person.types("q")
    person.leaves()


LOCKED = "import labelkit.annotations.sqlite as s; s.WAIT_SECONDS = 0.1"


def test_answer_that_cannot_be_stored_is_said_and_can_be_tried_again(sit: Sit) -> None:
    """A locked database does not end the session; the key pressed again stores the answer, once."""
    person = sit(prepare=LOCKED)
    person.sees("the text of r0")
    other = sqlite3.connect(person.database, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    person.types("2")
    person.sees("NOT STORED, press the key again:")
    assert "the text of r0" in person.screen
    other.execute("ROLLBACK")
    other.close()
    person.types("2")
    person.sees("stored: spam")
    person.types("q")
    assert person.session() == {"answered": 1, "skipped": 0, "undone": 0}
    assert [(e.record, e.label) for e in person.store.history()] == [("r0", "spam")]


LOST_REPLY = """
from labelkit.errors import MachineError

add, tries = AnnotationStore.add, []

def add_and_lose_the_reply(store, *answer, **role):
    said = add(store, *answer, **role)
    tries.append(said)
    if len(tries) == 1:
        raise MachineError("the line went dead")
    return said

AnnotationStore.add = add_and_lose_the_reply
"""


def test_answer_whose_acknowledgement_was_lost_is_not_stored_twice(sit: Sit) -> None:
    """Trying again is the same operation again."""
    person = sit(prepare=LOST_REPLY)
    person.sees("the text of r0")
    person.types("2")
    person.sees("NOT STORED, press the key again: the line went dead")
    person.types("2")
    person.sees("the text of r1")
    person.types("2")
    person.sees("the text of r2")
    person.types("q")
    assert person.session() == {"answered": 2, "skipped": 0, "undone": 0}
    assert [e.record for e in person.store.history()] == ["r0", "r1"]


def test_quitting_over_an_answer_that_was_not_stored_is_an_error(sit: Sit) -> None:
    """Nobody leaves believing that a lost answer was kept."""
    person = sit(prepare=LOCKED)
    person.sees("the text of r0")
    other = sqlite3.connect(person.database, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    person.types("2")
    person.sees("NOT STORED, press the key again:")
    person.types("q")
    assert person.leaves() == (
        f"ERROR MachineError {person.database}: another process kept it locked for 0.1 seconds; try again"
    )
    other.close()
    assert_restored(person)


def test_hostile_text_never_steers_the_terminal(sit: Sit) -> None:
    """Nothing but the screen's own few sequences reaches the terminal."""
    evil = r"'\x1b[2J\x1b]0;title\x07\x9b31m\u202e\x00\x08\r\x1bP1$r\x1b\\'"
    person = sit(prepare=f"evil = {evil}\nfields_of = lambda record: {{evil: evil, 'end': 'the end'}}")
    person.sees("the end")
    person.types("q")
    person.leaves()
    rest = OURS.sub("", person.output)
    assert {char for char in rest if not char.isprintable()} <= {"\r", "\n"}
    assert r"\x1b]0;title\x07" in rest


def test_no_color_is_respected(sit: Sit) -> None:
    """With NO_COLOR set no colour is sent."""
    for setting, coloured in [({}, True), ({"NO_COLOR": "1"}, False)]:
        person = sit(**setting)
        person.sees("the text of r0")
        person.types("1")
        person.sees("stored: ham")
        person.types("q")
        person.leaves()
        assert bool(re.search(r"\x1b\[[0-9;]*3[0-7]m", person.output)) is coloured


def test_terminal_without_unicode_gets_ascii(sit: Sit) -> None:
    """What the encoding lacks is shown as an escape instead of failing."""
    person = sit(PYTHONIOENCODING="ascii", prepare="fields_of = lambda record: {'text': 'caf\\u00e9 \\u65e5'}")
    person.sees(r"caf\xe9 \u65e5")
    assert "-" * 80 in person.screen
    person.types("q")
    person.leaves()
    assert person.output.isascii()


def test_dumb_terminal_is_refused(sit: Sit) -> None:
    """A terminal that cannot place text gets the way out instead of a mess."""
    assert sit(TERM="dumb").leaves() == (
        "ERROR UsageError there is no terminal to ask at; write questions with --queue N --out FILE "
        "and read answers with --answers FILE"
    )


@pytest.mark.parametrize("closed", ["", "sys.stdin.close()", "sys.stdin = None"])
def test_pipe_is_refused(tmp_path: Path, closed: str) -> None:
    """Without a terminal nobody is asked, and nothing waits for ever."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD.replace("PREPARE", closed), f"sqlite:///{tmp_path}/a.db", "3", "ham,spam", "5"],
        input="1",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout == (
        "ERROR UsageError there is no terminal to ask at; write questions with --queue N --out FILE "
        "and read answers with --answers FILE\n"
    )
    assert done.stderr == ""


def test_more_classes_than_keys_are_refused_before_the_screen_opens(sit: Sit) -> None:
    """The terminal is not touched."""
    person = sit(classes=",".join(f"c{i}" for i in range(53)))
    assert person.leaves().startswith("ERROR UsageError 53 classes are more than the 52 keys of the screen")
    assert "\x1b" not in person.output


def test_nameless_annotator_is_refused_before_the_screen_opens(sit: Sit) -> None:
    """A name that no store keeps is said before the first record, not after the first key."""
    person = sit(prepare="ask = annotate_in_terminal; annotate_in_terminal = lambda *a: ask(*a[:4], '', a[5])")
    assert person.leaves() == "ERROR AnswerError the annotator is empty"
    assert "\x1b" not in person.output


def test_flag_and_note_are_stored_beside_the_answers(sit: Sit) -> None:
    """A note takes every key until enter, letters that are commands too; a flag can be taken off again."""
    person = sit()
    person.sees("the text of r0")
    person.types("f")
    person.sees("FLAGGED")
    person.types("nquite a fun one, ça va\x7f\x7f日本\r")
    person.sees("note stored")
    person.types("nnever mind")
    person.sees("never mind")
    person.types("\x1b")
    person.sees("note dropped")
    person.types("1")
    person.sees("the text of r1")
    assert "FLAGGED" not in person.screen
    person.types("f")
    person.sees("FLAGGED")
    person.types("f")
    person.sees("flag taken off")
    person.types("q")
    assert person.session() == {"answered": 1, "skipped": 0, "undone": 0}
    said = [(r.record, r.kind, r.text, r.annotator) for r in person.store.remarks.history()]
    assert said == [
        ("r0", "flag", "", "ana"),
        ("r0", "note", "quite a fun one, ça 日本", "ana"),
        ("r1", "flag", "", "ana"),
        ("r1", "unflag", "", "ana"),
    ]
    assert person.store.remarks.flagged() == {"r0": ["ana"]}
    assert [e.label for e in person.store.history()] == ["ham"]


CHOSEN = """
ask = annotate_in_terminal
annotate_in_terminal = lambda *a: ask(*a, keys={"spam": "s"}, role="adjudicator")
"""


def test_keys_and_role_are_those_asked_for(sit: Sit) -> None:
    """A class has the key that the project gave it, and an adjudicator's answers say so."""
    person = sit(prepare=CHOSEN)
    person.sees(" s  spam")
    person.types("2")
    person.sees("this key means nothing here")
    person.types("s")
    person.sees("the text of r1")
    person.types("q")
    person.leaves()
    assert [(e.label, e.role) for e in person.store.history()] == [("spam", "adjudicator")]


SHARED = """
from labelkit.active.handout import HandOut

store, ask = AnnotationStore.open(url), annotate_in_terminal
def annotate_in_terminal(items, fields_of, _, classes, who, budget):
    who, hand = "NAME", HandOut(iter(items), store.leases, "NAME")
    session = ask(hand, fields_of, store, classes, who, budget, hold_seconds=60)
    hand.release()
    return session
"""


def test_two_people_at_two_terminals_never_see_the_same_record(sit: Sit) -> None:
    """Two real terminals on one store: every record is shown to one of them, and what was left is given back."""
    people = {who: sit(records=8, prepare=SHARED.replace("NAME", who)) for who in ("ana", "ben")}
    seen: list[str] = []
    for _ in range(3):
        for person in people.values():
            person.sees("the text of r")
            seen += re.findall("the text of (r[0-9])", person.screen)
            person.types("1")
            while "the text of " + seen[-1] in person.screen:
                person.looks()
    for person in people.values():
        person.types("q")
        person.leaves()
    assert len(set(seen)) == len(seen) == 6
    assert sorted((e.annotator, e.record) for e in person.store.history()) == sorted(
        zip(["ana", "ben"] * 3, seen, strict=True)
    )
    assert person.store.leases.held() == {}


DEAD_LINE = """
from labelkit.errors import MachineError

class Items:
    def __init__(self, items):
        self.items, self.tries = iter(items), 0
    def __iter__(self):
        return self
    def __next__(self):
        self.tries += 1
        if self.tries in (2, 3):  # ahead of time, and when it is wanted
            raise MachineError("the line went dead")
        return next(self.items)

ask = annotate_in_terminal
annotate_in_terminal = lambda items, *a: ask(Items(items), *a)
"""


def test_next_record_that_the_store_does_not_give_is_tried_again(sit: Sit) -> None:
    """A store that fails between two records does not end the session."""
    person = sit(prepare=DEAD_LINE)
    person.sees("the text of r0")
    person.types("1")
    person.sees("NO NEXT RECORD, press any key to try again: the line went dead")
    person.types("1")
    person.sees("the text of r1")
    person.types("q")
    assert person.session() == {"answered": 1, "skipped": 0, "undone": 0}


SHORT_LEASE = SHARED.replace('store.leases, "NAME"', 'store.leases, "NAME", seconds=0.4, at_once=1')


def test_late_answer_is_said_to_be_one_opinion_more(sit: Sit) -> None:
    """Who comes back after the lease has run out hears what somebody else said meanwhile."""
    ana = sit(records=1, prepare=SHORT_LEASE.replace("NAME", "ana"))
    ana.sees("the text of r0")
    time.sleep(0.5)
    ben = sit(records=1, prepare=SHORT_LEASE.replace("NAME", "ben"))
    ben.sees("the text of r0")
    ben.types("2")
    ben.sees("stored: spam")
    ana.types("1")
    ana.sees("stored: ham; kept as one opinion more: meanwhile ben said spam")
    for person in (ana, ben):
        person.types("q")
        assert person.session()["answered"] == 1


ADVISED = """
import threading
from labelkit.active.curve import Advice

class Advised(AnnotationSession):
    def next(self):
        threading.Timer(0.3, lambda: setattr(self, "advice", Advice(stop=True, why="enough: nothing changes"))).start()
        return super().next()

AnnotationSession = Advised
"""


def test_advice_to_stop_appears_in_the_header_without_a_key(sit: Sit) -> None:
    """What something beside finds out is shown as soon as it is known."""
    person = sit(prepare=ADVISED)
    person.sees("the text of r0")
    person.sees(" enough: nothing changes")
    person.types("q")
    person.leaves()
