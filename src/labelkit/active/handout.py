"""Handing out: several people at one queue, each record to as many of them as wanted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from labelkit.active.queue import QueueItem
from labelkit.annotations.annotation import PERSON, Role
from labelkit.annotations.leases import LEASE_SECONDS, Leases

FIRST_LOOK, LONG_LOOK = 16, 512  # candidates of one claim: most claims end at the first
AT_ONCE = 3  # records leased at a time: each claim waits for the disk, and people should not


class HandOut:
    """An iterator that gives one person the records of a queue that still want an answer, in order.

    Each is leased before it is given, `at_once` of them at a time. A record that somebody else had when its turn came
    is looked at once more when the queue is over, as their lease may have run out. When the store fails, the error is
    raised and nothing is lost: `next` tries again. `release` gives back what was not answered. `resumed` are items
    whose records the person holds already; they come first. `classes` are those of which an answer has to speak, where
    answers are sets of them.
    """

    def __init__(
        self,
        queue: Iterator[QueueItem],
        leases: Leases,
        annotator: str,
        *,
        overlap: int = 1,
        seconds: float = LEASE_SECONDS,
        role: Role = PERSON,
        at_once: int = AT_ONCE,
        session: str = "",
        resumed: Sequence[QueueItem] = (),
        classes: Sequence[str] = (),
    ) -> None:
        self._at_once, self._session = at_once, session
        self._queue, self._leases, self._annotator, self._role = queue, leases, annotator, role
        self._overlap, self._seconds, self._classes = overlap, seconds, classes
        self._fresh: list[QueueItem] = []  # a newer ranking, which goes before the queue, the next one last
        self._ahead: list[QueueItem] = []  # next candidates
        self._passed: list[QueueItem] = []  # candidates that somebody else had
        self._mine = list(reversed(resumed))  # leased and not yet given, the next one last
        self._leased = [item.record for item in resumed]  # ids of all records leased so far
        self._look, self._last_round = FIRST_LOOK, False

    def __iter__(self) -> Iterator[QueueItem]:
        return self

    def __next__(self) -> QueueItem:
        if self.is_over():
            raise StopIteration
        return self._mine.pop()

    def is_over(self) -> bool:
        """Whether nothing is left for this person. What is left is leased to them, and `next` gives it."""
        while not self._mine:
            self._ahead += itertools.islice(self._candidates(), max(self._look - len(self._ahead), 0))
            if self._ahead:
                self._claim()
            elif self._passed and not self._last_round:
                self._queue, self._passed, self._last_round = iter(self._passed), [], True
            else:
                return True
        return False

    def renew(self, items: Sequence[QueueItem]) -> None:
        """Give these records next, those leased already aside: somebody has ranked anew."""
        self._fresh = list(reversed(items))
        self._passed += self._ahead
        self._ahead = []

    def release(self) -> None:
        """Give back the records that were leased and not answered."""
        self._leases.release(self._annotator, self._leased, self._role)
        self._leased = []

    def _candidates(self) -> Iterator[QueueItem]:
        """What is fresh, then the queue, without the records that this person has had."""
        had = frozenset(self._leased)
        while self._fresh:
            item = self._fresh.pop()
            if item.record not in had:
                yield item
        for item in self._queue:
            if item.record not in had:
                yield item

    def _claim(self) -> None:
        records = [item.record for item in self._ahead]
        got = self._leases.claim_some(
            self._annotator,
            records,
            self._at_once,
            overlap=self._overlap,
            seconds=self._seconds,
            role=self._role,
            session=self._session,
            classes=self._classes,
        )
        self._leased += got
        end = records.index(got[-1]) + 1 if len(got) == self._at_once else len(records)
        seen, mine = self._ahead[:end], frozenset(got)
        self._mine = [item for item in reversed(seen) if item.record in mine]
        self._passed += [item for item in seen if item.record not in mine]
        self._ahead, self._look = self._ahead[end:], FIRST_LOOK if got else LONG_LOOK
