"""Retraining beside the people: real processes that learn from the answers in the store."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labelkit.errors import UsageError
from labelkit.learner.estimators import Weighted
from labelkit.pipeline.questions import Wanted
from labelkit.pipeline.sessions import Sessions
from projects import FUNCTIONS, Made, MakeProject
from waiting import until

SITTING = """
import sys, time
from pathlib import Path
from labelkit.errors import UsageError
from labelkit.pipeline.sessions import Sessions
from labelkit.project import find_project

print(Sessions(find_project(Path(sys.argv[1])))._retraining._process.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def sessions(applied: Made) -> Iterator[Sessions]:
    with Sessions(applied.project.folder, strategy="margin") as opened:
        yield opened


def learned_from(sessions: Sessions, answers: int) -> Callable[[], bool]:
    return lambda: sessions.learned is not None and sessions.learned.answers == answers


def test_learner_takes_over_the_queue_and_learns_from_answers(sessions: Sessions, applied: Made) -> None:
    """At first the label model ranks, then the learner, anew after answers, whoever gave them."""
    with sessions.open("ana") as session:
        first = session.next()
        assert first is not None
        until(learned_from(sessions, 0))
        session.answer(first.record, "ham", "op-1")
        until(learned_from(sessions, 1))
        applied.project.answer(applied.project.queue(9)[-1].record, "spam", annotator="ben")
        until(learned_from(sessions, 2))
        assert sessions.learned is not None
        ranked = [item.record for item in sessions.learned.items]
        assert first.record not in ranked
        reasons = []
        for number in range(6):
            question = session.next()
            assert question is not None
            reasons.append(question.item.reason)
            assert list(question.fields) == ["text"]
            session.answer(question.record, "ham", f"more-{number}")
    assert reasons[-1].startswith("the learner ")


def test_person_never_waits_for_the_learner(sessions: Sessions) -> None:
    """Questions come while the process has not even loaded its libraries."""
    with sessions.open("ana") as session:
        began = time.monotonic()
        for number in range(5):
            question = session.next()
            assert question is not None
            session.answer(question.record, "ham", f"op-{number}")
        assert sessions.learned is None or time.monotonic() - began < 5


def test_strategy_that_needs_a_learner_gets_one(applied: Made) -> None:
    """At once from Python, and beside the people as soon as it is there."""
    items = applied.project.queue(5, strategy="committee:0.5,diverse:0.5")
    assert {item.strategy for item in items} == {"committee", "diverse"}
    with Sessions(applied.project.folder, strategy="ranked") as sessions, sessions.open("ana") as session:
        assert session.next() is not None
        until(learned_from(sessions, 0))
        assert sessions.learned is not None
        assert {item.strategy for item in sessions.learned.items} == {"ranked"}


def test_learner_that_cannot_be_is_told_and_stops_nobody(make_project: MakeProject) -> None:
    """Functions that only ever vote for one class train nothing; the queue goes on without."""
    one_sided = FUNCTIONS.replace("return HAM", "return SPAM").replace('label="ham"', 'label="spam"')
    made = make_project(functions=one_sided, toml="[model]\nname = 'majority'\n")
    made.project.apply()
    with Sessions(made.project.folder) as sessions, sessions.open("ana") as session:
        until(lambda: sessions.learned is not None)
        assert sessions.learned is not None
        assert "at least two of the classes" in sessions.learned.failure
        until(lambda: session.advice is not None)
        assert session.advice is not None
        assert session.advice.why == f"no learner: {sessions.learned.failure}"
        assert session.next() is not None


def test_learner_that_is_killed_is_told_and_stops_nobody(sessions: Sessions) -> None:
    """Out of memory, say: the ranking stays as it was last."""
    with sessions.open("ana") as session:
        assert sessions._retraining is not None
        sessions._retraining._process.kill()
        until(lambda: session.advice is not None)
        assert session.advice is not None
        assert session.advice.why == "no learner: its process has ended; out of memory?"
        assert session.next() is not None


def test_process_ends_with_the_one_that_started_it(applied: Made) -> None:
    """Closed or killed, nothing is left running."""
    sessions = Sessions(applied.project.folder)
    assert sessions._retraining is not None
    process = sessions._retraining._process
    sessions.close()
    assert process.returncode == -signal.SIGKILL
    with subprocess.Popen([sys.executable, "-c", SITTING, str(applied.root)], stdout=subprocess.PIPE) as sitting:
        assert sitting.stdout is not None
        pid = int(sitting.stdout.readline())
        assert is_running(pid)
        sitting.kill()
    until(lambda: not is_running(pid))


def is_running(pid: int) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_project_can_do_without(applied: Made) -> None:
    """`retrain = false` starts nothing."""
    toml = (applied.root / "labelkit.toml").read_text()
    applied.write("labelkit.toml", toml + "[annotate]\nretrain = false\n")
    with Sessions(applied.project.folder) as sessions:
        assert sessions._retraining is None


def test_labelkit_toml_says_what_is_trained(make_project: MakeProject) -> None:
    """Trees in place of the regression, and a text taken for a category."""
    made = make_project(toml='[learner]\nmodel = "boosted"\n[learner.kinds]\ntext = "category"\n')
    made.project.apply()
    learner = Wanted(made.project.folder).learner()
    assert isinstance(learner._weak.learner.pipeline[-1], Weighted)
    assert all(name.startswith("text") for name in learner._columns)
    assert learner.learned([]).probs.shape == (len(learner.rows), 2)


# Do I need more labels?


def test_learning_curve_of_a_project(applied: Made) -> None:
    """From Python: the same curve, advice and reason that the header of a session shows."""
    project = applied.project
    with pytest.raises(UsageError, match="nobody has answered yet; `labelkit annotate` asks"):
        project.learning_curve()
    project.simulate("gold", strategy="margin:0.5,random:0.5", budget=40)
    curve = project.learning_curve()
    assert (curve.answers, [point.answers for point in curve.points]) == (40, [0, 10, 20, 30, 40])
    assert sum(point.random_asked for point in curve.points) == 20
    assert curve.advice.why.startswith("go on: the next 50 answers bring ")
    assert project.should_stop() == curve.advice
    assert curve.trust is not None
    assert 0 <= curve.trust <= 1
    with Sessions(project.folder) as sessions, sessions.open("ana") as session:
        until(lambda: session.advice is not None)
        assert (sessions.curve, session.advice) == (curve, curve.advice)
