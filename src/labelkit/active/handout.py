"""Handing out: several people at one queue, each record to as many of them as wanted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from labelkit.active.queue import QueueItem
from labelkit.annotations.annotation import PERSON, Role
from labelkit.annotations.leases import LEASE_SECONDS, Leases

FIRST_LOOK, LONG_LOOK = 16, 512  # candidates of one claim: most claims end at the first
AT_ONCE = 3  # records leased at a time: each claim waits for the disk, and people should not


def hand_out(
    queue: Iterator[QueueItem],
    leases: Leases,
    annotator: str,
    *,
    overlap: int = 1,
    seconds: float = LEASE_SECONDS,
    role: Role = PERSON,
) -> Iterator[QueueItem]:
    """Give one person the records of a queue that still want an answer, in order, each leased when it is given.

    Records are leased a few at a time; those that were not answered are to be released in the end. A record that
    somebody else had when its turn came is looked at once more when the queue is over, as their lease may have run out.
    The iterator ends when nothing is left for this person; a later call may find more.
    """
    passed: list[QueueItem] = []  # somebody else had them
    for candidates in (queue, _again(passed)):
        ahead: list[QueueItem] = []
        look = FIRST_LOOK
        while True:
            ahead += itertools.islice(candidates, max(look - len(ahead), 0))
            if not ahead:
                break
            records = [item.record for item in ahead]
            got = leases.claim_some(annotator, records, AT_ONCE, overlap=overlap, seconds=seconds, role=role)
            end = records.index(got[-1]) + 1 if len(got) == AT_ONCE else len(ahead)
            mine = frozenset(got)
            passed += [item for item in ahead[:end] if item.record not in mine]
            yield from [item for item in ahead[:end] if item.record in mine]
            ahead, look = ahead[end:], FIRST_LOOK if got else LONG_LOOK


def _again(passed: list[QueueItem]) -> Iterator[QueueItem]:
    """What was passed by until now; what is passed by once more is over."""
    yield from passed.copy()
