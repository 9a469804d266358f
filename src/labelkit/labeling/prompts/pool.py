"""Threads that ask, wait and ask again, within the budget and at the pace that the endpoint wants."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

from labelkit.errors import BudgetError, LabelkitError, MachineError
from labelkit.labeling.prompts.budget import Budget, Spending, priced
from labelkit.labeling.prompts.client import Client, NoReplyError, Reply, TryAgainError
from labelkit.labeling.prompts.endpoint import Endpoint
from labelkit.labeling.prompts.journal import Journal

HOPELESS = 8  # requests in a row without a reply, none having got one since: the endpoint is not there
LONGEST_WAIT = 300.0  # seconds that an endpoint may ask for

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Job:
    """A request, and where its reply goes."""

    request: Mapping[str, Any]
    key: str
    most: Spending  # that one attempt can cost
    replies: dict[str, str]  # key -> reply
    failures: dict[str, str]  # key -> why there is none
    journal: Journal

    def keep(self, reply: Reply) -> None:
        """Keep a reply for this run and all later ones."""
        self.journal.append([self.key, reply.text, reply.tokens_in, reply.tokens_out])
        self.replies[self.key] = reply.text


class Answerer:
    """Asks an endpoint for the block. When the block ends, no thread is left."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._settings = endpoint.settings
        self._client = Client(endpoint)
        self._budget = Budget(endpoint.settings, endpoint.ledger)
        self._stop = threading.Event()
        self._not_before = 0.0  # on the monotonic clock: the endpoint wants to be left alone until then
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[Job, BaseException | None]] = SimpleQueue()
        self._running = self._came = 0  # jobs
        self._failures = 0  # since the last reply
        self._trouble: LabelkitError | None = None
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self._settings.concurrency)]

    @property
    def spent(self) -> Spending:
        """What was spent so far."""
        return self._budget.spent

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._budget.stop()
        for _ in self._threads:
            self._jobs.put(None)
        if error is None or isinstance(error, LabelkitError):  # a person who interrupts does not wait for answers
            for thread in self._threads:
                thread.join()
        self._client.close()
        self._budget.close()

    def answer(self, jobs: Iterator[Job], progress: Progress | None) -> None:
        """Bring every job's reply to its place.

        Raises the first error that concerns more than one job; replies that are under way then still come in.
        """
        for job in jobs:
            while self._running >= 2 * len(self._threads):
                self._take(progress)
            if self._trouble is not None:
                break
            self._jobs.put(job)
            self._running += 1
        while self._running:
            self._take(progress)
        if self._trouble is not None:
            raise self._trouble

    def _take(self, progress: Progress | None) -> None:
        """What the next job that is over came to."""
        job, error = self._done.get()
        self._running -= 1
        if error is None:
            self._failures, self._came = 0, self._came + 1
        elif isinstance(error, NoReplyError):
            job.failures[job.key] = str(error)
            self._failures += 1
            if self._failures >= HOPELESS:
                self._give_up(_absent(error, self._failures))
        else:
            self._give_up(_as_trouble(error))
        if progress is not None:
            progress(self._came, None)

    def _give_up(self, trouble: LabelkitError) -> None:
        """Nothing more is begun."""
        self._trouble = self._trouble or trouble
        self._stop.set()
        self._budget.stop()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job.keep(self._reply(job))
                self._done.put((job, None))
            except BaseException as error:  # noqa: BLE001  it is raised where the jobs come from
                self._done.put((job, error))

    def _reply(self, job: Job) -> Reply:
        """The reply to a request, however many attempts it takes of those allowed."""
        attempts, reason = self._settings.retries + 1, ""
        for attempt in range(attempts):
            self._wait_for_turn()
            try:
                return self._attempt(job)
            except TryAgainError as error:
                reason = str(error)
                if error.after is not None and error.after > LONGEST_WAIT:
                    raise NoReplyError(f"{reason}; to be asked again in {error.after:,.0f} s") from None
                if attempt + 1 < attempts:
                    self._back_off(attempt, error.after)
        raise NoReplyError(f"{reason} ({attempts} attempts)" if attempts > 1 else reason)

    def _attempt(self, job: Job) -> Reply:
        """One request within the budget."""
        number, once = self._budget.reserve(job.most), Spending(requests=1)
        cost = once
        try:
            reply = self._client.ask(job.request)
            cost = priced(
                self._settings,
                1,
                job.most.tokens_in if reply.tokens_in is None else reply.tokens_in,
                job.most.tokens_out if reply.tokens_out is None else reply.tokens_out,
            )
            return reply
        except TryAgainError as error:
            cost = job.most if error.charged else once
            raise
        finally:
            self._budget.settle(number, job.most, cost)

    def _back_off(self, attempt: int, after: float | None) -> None:
        """Wait before the next attempt: as long as the endpoint asks, else twice as long as before, more or less."""
        if after is not None:  # it is meant for everybody
            self._not_before = max(self._not_before, time.monotonic() + after)
            return
        seconds = min(LONGEST_WAIT, self._settings.backoff * 2**attempt)
        self._stop.wait(seconds * (0.5 + secrets.randbelow(500) / 1000))

    def _wait_for_turn(self) -> None:
        while (seconds := self._not_before - time.monotonic()) > 0 and not self._stop.is_set():
            self._stop.wait(seconds)
        if self._stop.is_set():
            raise BudgetError("stopped")


def _absent(error: NoReplyError, failures: int) -> LabelkitError:
    return MachineError(f"the endpoint of [prompt] did not reply to {failures} requests in a row: {error}")


def _as_trouble(error: BaseException) -> LabelkitError:
    if isinstance(error, BudgetError):
        return BudgetError(f"{error}; replies so far are kept: raise it and run the command again")
    if isinstance(error, LabelkitError):
        return error
    raise error
