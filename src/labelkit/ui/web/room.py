"""Everybody at the page: one desk per person, and what they share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from labelkit.active.progress import Progress
from labelkit.annotations import AnnotationStore
from labelkit.annotations.annotation import Answer, check_answer
from labelkit.ui.web.access import Access
from labelkit.ui.web.desk import Desk
from labelkit.ui.web.guard import Addresses
from labelkit.ui.web.task import Source, Task


@dataclass(frozen=True)
class Site:
    """Where the page is: the origins it is reached by, and whether browsers come by https."""

    home: str  # origin by which people come
    addresses: Addresses
    cookie: str  # its name: browsers share cookies between the ports of a machine

    @property
    def secure(self) -> bool:
        """Whether the cookie is for https only."""
        return all(origin.startswith("https://") for origin in self.addresses.origins)


class Room:
    """Everything that requests use. `on_bug` is told of errors that nobody foresaw."""

    def __init__(
        self,
        task: Task,
        store: AnnotationStore,
        source: Source,
        access: Access,
        site: Site,
        on_bug: Callable[[Exception], object] = lambda _: None,
    ) -> None:
        for annotator in access.people:
            check_answer(Answer("-", None, annotator, "", "-", task.role))
        self.task, self.store, self.access, self.site = task, store, access, site
        self.source, self.on_bug = source, on_bug
        self._desks: dict[str, Desk] = {}
        self._lock = threading.Lock()

    def desk(self, annotator: str) -> Desk:
        """The desk of a person, set up when they first come."""
        with self._lock:
            if annotator not in self._desks:
                self._desks[annotator] = Desk(self.source, self.store, self.task, annotator)
            return self._desks[annotator]

    def close(self) -> dict[str, Progress]:
        """Give back everything in hand: what each person has done."""
        with self._lock:
            for desk in self._desks.values():
                desk.leave()
            return {name: desk.counts() for name, desk in self._desks.items()}
