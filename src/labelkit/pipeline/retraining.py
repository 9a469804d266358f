"""Retraining beside the people: a process of its own that learns from their answers and ranks the queue anew.

It looks at the store itself, so it learns from everybody's answers, whoever shows the questions. People never wait for
it: they get the records of the latest ranking, at first of the label model's, and those that it ranked come with their
fields. It ends when the process that started it ends, in whatever way.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

from labelkit.active import QueueItem
from labelkit.active.curve import LearningCurve
from labelkit.annotations import Annotation, AnnotationStore

RANKED_AHEAD = 100  # records of a ranking that are sent: more than anybody answers before the next
LOOK_SECONDS = 0.3  # between two looks at the store


@dataclass(frozen=True)
class Reranked:
    """A ranking by the learner as it was after some answers."""

    items: list[QueueItem]
    fields: Mapping[str, Mapping[str, object]]  # of these records
    answers: int  # that the learner has learned from
    failure: str = ""  # why there is no learner, and will be none


class Retraining:
    """The process and what it has said last. `tell` is called from a thread when it says something new."""

    def __init__(
        self,
        root: Path,
        strategy: str,
        tell: Callable[[Reranked | LearningCurve], None],
        drawn: Path | None = None,
    ) -> None:
        self.latest: Reranked | None = None
        self.curve: LearningCurve | None = None
        self._tell, self._stopped = tell, False
        self._pipe, other = Pipe()
        code = (
            f"from labelkit.parents import die_with; die_with({os.getpid()}); "
            f"from labelkit.pipeline.retraining import serve; serve({other.fileno()})"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-W", "ignore", "-c", code],
            pass_fds=[other.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C is not for it
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        other.close()
        self._pipe.send((str(root), strategy, drawn))
        self._listener = threading.Thread(target=self._listen, name="labelkit-retraining", daemon=True)
        self._listener.start()

    def stop(self) -> None:
        """End it."""
        self._stopped = True
        self._process.kill()
        self._process.wait()
        self._listener.join()
        self._pipe.close()

    def _listen(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                said = self._pipe.recv()
                if isinstance(said, LearningCurve):
                    self.curve = said
                else:
                    self.latest = said
                self._tell(said)
        if not self._stopped and not (self.latest and self.latest.failure):
            self.latest = Reranked([], {}, 0, failure="its process has ended; out of memory?")
            self._tell(self.latest)


def serve(descriptor: int) -> None:
    """Be the process: learn and rank until the other end of the pipe is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.nice(5)
    pipe = Connection(descriptor)
    root, strategy, drawn = pipe.recv()
    with contextlib.suppress(BrokenPipeError, EOFError):
        try:
            _learn_and_rank(pipe, Path(root), strategy, drawn)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001  the people go on without a learner, and are told why
            pipe.send(Reranked([], {}, 0, failure=str(error) or type(error).__name__))


def _learn_and_rank(pipe: Connection, root: Path, strategy: str, drawn: Path | None) -> None:
    from labelkit.pipeline.curve import Curves
    from labelkit.pipeline.drawn import project_of
    from labelkit.pipeline.learning import field_table, pool_learner
    from labelkit.pipeline.questions import Wanted, wanted_of
    from labelkit.pipeline.truth import store_of
    from labelkit.project import find_project

    project = find_project(root)
    project = project if drawn is None else project_of(project, drawn)
    store, wanted = store_of(project), wanted_of(project)
    if not isinstance(wanted, Wanted):
        learners = wanted.learners()
        for _ in _news(pipe, store):
            pipe.send(learners.reranked(wanted, strategy, RANKED_AHEAD))
        return
    table = field_table(project, wanted.posterior)
    learner = pool_learner(project, table, wanted.posterior)
    curves = Curves(learner, wanted.posterior.classes)
    for history in _news(pipe, store):
        given = learner.given(history)
        items = list(wanted.ranked(strategy, most=RANKED_AHEAD, learned=learner.learned(given)))
        shown = table.take([learner.rows[item.record] for item in items]).to_pylist()
        by_record = {item.record: fields for item, fields in zip(items, shown, strict=True)}
        pipe.send(Reranked(items, by_record, len(given)))
        if given:
            pipe.send(curves.of(history))


def _news(pipe: Connection, store: AnnotationStore) -> Iterator[list[Annotation]]:
    """The history of answers, at first and whenever something was said, until the other end of the pipe is gone."""
    known = -1
    while not pipe.poll(LOOK_SECONDS):  # the other end says nothing more: when it can be read, it is gone
        sequence = store.last_sequence
        if sequence != known:
            known = sequence
            yield store.history()
