"""`annotate --web`: one page on this machine, for one person or a team."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from labelkit.active import QueueItem
from labelkit.active.session import Question
from labelkit.annotations.annotation import ADJUDICATOR, Role
from labelkit.errors import AnswerError, visible
from labelkit.files import timestamp
from labelkit.pipeline.annotate import AnnotateReport, recorded_session
from labelkit.pipeline.current import rows_by_id
from labelkit.pipeline.drawn import asking
from labelkit.pipeline.figures import Figures
from labelkit.pipeline.questions import Wanted, strategy_of, wanted_of
from labelkit.pipeline.sessions import Sessions
from labelkit.pipeline.truth import store_of
from labelkit.project import ProjectFolder
from labelkit.records import open_records
from labelkit.settings import EngineSection

if TYPE_CHECKING:
    import socket

    from labelkit.pipeline.multilabel.questions import WantedOfClasses
    from labelkit.ui.web import Room, Source, Task

SESSIONS_FILE = "web-sessions.json"


def annotate_in_browser(
    project: ProjectFolder,
    people: Sequence[str],
    announce: Callable[[Mapping[str, str]], None],
    on_bug: Callable[[Exception], object],
    *,
    strategy: str | None = None,
    budget: int | None = None,
    adjudicate: bool = False,
    host: str = "127.0.0.1",
    port: int = 8477,
    url: str | None = None,
    engine: EngineSection | None = None,
) -> list[AnnotateReport]:
    """Serve the page until this process is interrupted; `announce` gets the link of each person once it can be opened,
    `on_bug` an error that nobody foresaw, after which the server goes on.

    Raises UsageError for an address that people cannot come by, MachineError when nobody can listen there.
    """
    from labelkit.ui.web import Access, Room, listening, site_at

    started = timestamp()
    with (
        asking(project, engine, strategy_of(project, strategy)) as asked,
        Sessions(asked, strategy=strategy, adjudicate=adjudicate) as sessions,
        listening(host, port) as sock,
    ):
        source = _source(asked, sessions)
        access = Access(people, project.state / SESSIONS_FILE)
        site = site_at(host, sock.getsockname()[1], url)
        room = Room(_task(project, sessions.role, budget), store_of(project), source, access, site, on_bug)
        announce({person: f"{site.home}/#token={access.link(person)}" for person in access.people})
        try:
            _serve_until_interrupted(room, sock)
        finally:
            done = {person: progress for person, progress in room.close().items() if progress.answered}
    return [
        recorded_session(project, started, person, sessions.strategy, sessions.role, progress)
        for person, progress in done.items()
    ]


def _source(project: ProjectFolder, sessions: Sessions) -> Source:
    """Where the page has its records and figures from."""
    from labelkit.ui.web import Source

    return Source(
        open=lambda annotator, left: sessions.open(annotator, budget=left),
        recall=_AskedBefore(project, sessions).recall,
        dashboard=Figures(project, sessions).now,
    )


def _serve_until_interrupted(room: Room, sock: socket.socket) -> None:
    from labelkit.ui.web import serve

    try:
        serve(room, sock)
    except KeyboardInterrupt as end:
        if type(end) is not KeyboardInterrupt:  # told to end by more than Ctrl-C
            raise


def _task(project: ProjectFolder, role: Role, budget: int | None) -> Task:
    from labelkit.ui.terminal.keys import class_keys
    from labelkit.ui.web import Task

    settings = project.settings
    identity = hashlib.sha256(f"{settings.project.name}\0{project.root}".encode("utf-8", "backslashreplace"))
    return Task(
        project=settings.project.name,
        id=identity.hexdigest()[:16],
        classes=tuple(settings.project.classes),
        several=project.multilabel,
        keys=class_keys(settings.project.classes, settings.annotate.keys),
        guidelines=settings.annotate.guidelines,
        goal=settings.annotate.budget,
        budget=budget,
        role=role,
    )


class _AskedBefore:
    """Records that people were asked about before this server started: their answers may come late, or be undone."""

    def __init__(self, project: ProjectFolder, sessions: Sessions) -> None:
        self._project, self._sessions = project, sessions
        self._lock = threading.Lock()
        self._wanted: Wanted | WantedOfClasses | None = None

    def recall(self, record: str, strategy: str) -> Question:
        """The question about a record. Raises AnswerError for one that people are not asked about."""
        with self._lock:
            self._wanted = self._wanted or wanted_of(self._project)
        cast = self._wanted.votes_on(record)
        fields = rows_by_id(open_records(self._project), [record], self._project.settings.data.shown).get(record)
        if cast is None or fields is None:
            raise AnswerError(f'record "{visible(record)}" is not one that people are asked about')
        reason = "people disagree" if self._sessions.role == ADJUDICATOR else "you have answered this record before"
        item = QueueItem(record, strategy, 0.0, reason, None, cast)
        return Question(item, fields, self._sessions.highlights(item, fields))
