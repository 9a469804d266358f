"""The one place where prompt functions ask: before votes are cast, in threads of this process, each request once.

What casts votes afterwards, in whatever process, only looks replies up. That keeps the network out of the processes
that may be killed, and a slow endpoint from counting as a slow function.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from labelkit.errors import FunctionError, UsageError, shortened, visible
from labelkit.labeling.fingerprints import fingerprint_of
from labelkit.labeling.functions import LabelingFunction
from labelkit.labeling.prompts.budget import Budget, Spending, about, at_most
from labelkit.labeling.prompts.client import NoReplyError
from labelkit.labeling.prompts.endpoint import Endpoint
from labelkit.labeling.prompts.journal import Journal
from labelkit.labeling.prompts.pool import Answerer, Job
from labelkit.labeling.prompts.prompt import key_of, vote_of
from labelkit.locks import project_lock
from labelkit.matrix import ABSTAIN

if TYPE_CHECKING:
    import pyarrow as pa

Batches = Callable[[Sequence[str]], Iterable["pa.RecordBatch"]]
"""Gives the records' ids and the named columns, batch by batch, the id first: `Records.batches`."""

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Asked:
    """The functions with their replies, and what those took."""

    functions: tuple[LabelingFunction, ...]  # all, in their order; prompt functions can vote now
    models: Mapping[str, str] = field(default_factory=dict)  # prompt function -> the model it asks
    asked: int = 0  # requests that were replied to now
    kept: int = 0  # requests whose replies were there
    failed: int = 0  # requests that got no reply
    spent: Spending = field(default_factory=Spending)


@dataclass(frozen=True)
class Estimate:
    """What a prompt function would ask, and what that would cost, more or less."""

    name: str
    model: str
    records: int  # that it would look at
    kept: int  # requests whose replies are there
    asks: int  # requests to be made
    cost: Spending


def answered(
    functions: Sequence[LabelingFunction],
    batches: Batches,
    classes: Sequence[str],
    endpoint: Endpoint | None,
    *,
    offline: bool = False,
    progress: Progress | None = None,
) -> Asked:
    """Ask what prompt functions have to ask about the records, and make them ready to vote.

    Requests whose replies are kept are not made again. A request that gets no reply is a fault of its cells. Whatever
    ends this, replies that came are kept. Raises UsageError without an endpoint, BudgetError when the next request
    could pass a limit, ConfigError for an endpoint that refuses us, MachineError for one that is not there, and
    FunctionError for a reply that is not kept when nobody may be asked.
    """
    if not any(function.kind == "prompt" for function in functions):
        return Asked(tuple(functions))
    if endpoint is None:
        raise UsageError(_no_endpoint(functions))
    asking = [_Asking(each, endpoint, classes) for each in functions if each.prompt is not None]
    try:
        done = _asked(asking, batches, endpoint, offline or endpoint.settings.offline, progress)
    finally:
        for each in asking:
            each.journal.close()
    ready = {each.function.name: each.ready() for each in asking}
    return replace(
        done,
        functions=tuple(ready.get(function.name, function) for function in functions),
        models={each.function.name: each.model for each in asking},
    )


def estimated(
    functions: Sequence[LabelingFunction], batches: Batches, classes: Sequence[str], endpoint: Endpoint | None
) -> tuple[list[Estimate], str]:
    """What `answered` would ask, and which limit of the budget that would pass ("" for none). Asks nobody."""
    if not any(function.kind == "prompt" for function in functions):
        return [], ""
    if endpoint is None:
        raise UsageError(_no_endpoint(functions))
    asking = [_Asking(each, endpoint, classes) for each in functions if each.prompt is not None]
    costs = dict.fromkeys((each.function.name for each in asking), Spending())
    for each, _, request, key in _missing(asking, batches):
        each.pending.add(key)
        costs[each.function.name] += about(endpoint.settings, request, each.longest_answer)
    made = [
        Estimate(each.function.name, each.model, each.records, len(each.kept), len(each.pending), cost)
        for each, cost in zip(asking, costs.values(), strict=True)
    ]
    return made, Budget(endpoint.settings, endpoint.ledger).fits(sum(costs.values(), Spending()))


class _Asking:
    """One prompt function on its way through the records."""

    def __init__(self, function: LabelingFunction, endpoint: Endpoint, classes: Sequence[str]) -> None:
        assert function.prompt is not None  # noqa: S101  the caller chose those that have one
        self.function, self.prompt = function, function.prompt
        self.model = endpoint.model_of(function)
        self.answers = self.prompt.answers(classes)
        self.longest_answer = self.prompt.longest_answer
        blank = self.prompt.request(dict.fromkeys(self.prompt.fields, ""), self.model, list(self.answers))
        self.journal = Journal(endpoint.replies(key_of({**blank, "template": self.prompt.template})[:32]))
        self.replies: dict[str, str] = dict(_kept(self.journal))
        self.failures: dict[str, str] = {}  # key -> why there is no reply
        self.kept: set[str] = set()
        self.pending: set[str] = set()
        self.records = 0

    def request(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The request on a record; None where a field is null."""
        if any(values[name] is None for name in self.prompt.fields):
            return None
        return self.prompt.request(values, self.model, list(self.answers))

    def vote(self, x: Any) -> int:
        """The vote on a row, by the reply that was given."""
        request = self.request({name: x[name] for name in self.prompt.fields})
        if request is None:
            return ABSTAIN
        key = key_of(request)
        if key not in self.replies:
            raise NoReplyError(self.failures.get(key, "nobody was asked"))
        return vote_of(self.replies[key], self.answers)

    def ready(self) -> LabelingFunction:
        """The function, able to vote; the model and the answers are now a part of what it is."""
        whole = fingerprint_of(self.function.fingerprint, self.model, self.answers)
        return replace(self.function, vote=self.vote, fingerprint=whole)


def _kept(journal: Journal) -> Iterator[tuple[str, str]]:
    """Keys and replies, where a journal holds some."""
    for value in journal.values():
        match value:
            case [str(key), str(text), *_]:
                yield key, text


_Missing = tuple[_Asking, str, dict[str, Any], str]  # whose, about which record, the request, its key


def _missing(asking: Sequence[_Asking], batches: Batches) -> Iterator[_Missing]:
    """Requests that nobody has replied to, each once."""
    needed = list(dict.fromkeys(name for each in asking for name in each.prompt.fields))
    for batch in batches(needed):
        ids = batch.column(0)
        columns = {name: batch.column(name).to_pylist() for name in needed}
        for row in range(batch.num_rows):
            for each in asking:
                each.records += 1
                request = each.request({name: columns[name][row] for name in each.prompt.fields})
                key = "" if request is None else key_of(request)
                if request is None or key in each.pending:
                    continue
                if key in each.replies:
                    each.kept.add(key)
                else:
                    yield each, str(ids[row]), request, key


def _asked(
    asking: Sequence[_Asking],
    batches: Batches,
    endpoint: Endpoint,
    offline: bool,  # noqa: FBT001
    progress: Progress | None,
) -> Asked:
    missing = _missing(asking, batches)
    first = next(missing, None)
    if first is None:
        return Asked((), kept=sum(len(each.kept) for each in asking))
    if offline:
        _refuse(first, missing)
    folder = endpoint.folder
    lock = contextlib.nullcontext() if folder is None else project_lock(folder / "asking.lock", "asking")
    with lock, Answerer(endpoint) as answerer:
        answerer.answer(_jobs(first, missing, endpoint), progress)
    failed = sum(len(each.failures) for each in asking)
    return Asked(
        (),
        asked=sum(len(each.pending) for each in asking) - failed,
        kept=sum(len(each.kept) for each in asking),
        failed=failed,
        spent=answerer.spent,
    )


def _jobs(first: _Missing, missing: Iterator[_Missing], endpoint: Endpoint) -> Iterator[Job]:
    """The requests as work for others, who bring replies and failures back to where they are looked up."""

    def jobs() -> Iterator[_Missing]:
        yield first
        yield from missing

    for each, _, request, key in jobs():
        each.pending.add(key)
        yield Job(
            request,
            key,
            at_most(endpoint.settings, request, each.longest_answer),
            each.replies,
            each.failures,
            each.journal,
        )


def _refuse(first: _Missing, others: Iterator[_Missing]) -> None:
    """Say what is not there, since nobody may be asked."""
    each, record, _, key = first
    each.pending.add(key)
    count = 1
    for other, _, _, its in others:
        other.pending.add(its)
        count += 1
    more = f" and {count - 1:,} more requests" if count > 1 else ""
    raise FunctionError(
        f'prompt "{visible(each.function.name)}": no reply is kept for record "{shortened(record)}"{more}, and offline '
        "nobody is asked; run `labelkit apply` with offline = false under [prompt]"
    )


def _no_endpoint(functions: Sequence[LabelingFunction]) -> str:
    name = next(function.name for function in functions if function.kind == "prompt")
    return (
        f'prompt "{visible(name)}" has nobody to ask: name base_url and model under [prompt] in labelkit.toml, or give '
        "apply_lfs(..., endpoint=labelkit.endpoint(...))"
    )
