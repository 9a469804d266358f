"""`lf show` and `lf errors`: one function of the current run, its mistakes, its conflicts, and labels without it.

Where nobody answered, a vote is probably wrong that the label model of all other functions does not believe: it is
fitted without the function, whose own vote is no witness for itself. Records are shown of splits train and dev only:
whoever looks at those that measure has nothing to measure with. Nothing of the project is imported.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models import LabelModel, Posterior, make_model
from labelkit.matrix import ABSTAIN, LabelMatrix
from labelkit.pipeline.current import rows_by_id
from labelkit.pipeline.flips import NOBODY
from labelkit.pipeline.function_list import Bench, FunctionRow, bench_of, rows_of
from labelkit.pipeline.highlights import RULES_FILE
from labelkit.pipeline.recording import run_store
from labelkit.project import ProjectFolder
from labelkit.records import open_records

Rows = NDArray[np.int64]
PEOPLE, MODEL = "people", "label model without it"


@dataclass(frozen=True)
class Doubtful:
    """A record on which a function is wrong, or probably is."""

    record: str
    vote: str  # class name
    instead: str  # what people, or the label model without the function, say
    by: str  # who says so
    probability: float  # of the function's vote: 0 where people said otherwise
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Conflict:
    """Another function that votes on the same records, and what comes of it."""

    function: str
    together: int  # records on which both vote
    differ: int  # records on which they differ
    right: int  # of these, where the truth is known: this function is right
    other_right: int  # the other one is


@dataclass(frozen=True)
class Without:
    """What the labels would be without the function, the label model fitted anew."""

    flips: int  # records whose label is another one
    lost: int  # of these, those without a label then
    moves: tuple[tuple[str, str, int], ...]  # label before and after ("" for none), records, most first
    judged: int  # records whose truth is known and that have a label with the function
    right_with: int
    right_without: int  # a record without a label counts as not right
    basis: str  # what these compare with


@dataclass(frozen=True)
class FunctionView:
    """Everything there is to know of one function."""

    row: FunctionRow
    run: str
    definition: Any  # of a rule, plain values; None for a function written in Python
    conflicts: tuple[Conflict, ...]  # most first
    alone: int  # records that only it votes on
    alone_first: tuple[str, ...]  # ids of the first of them
    wrong: int  # votes that people contradict
    doubtful: int  # votes that the label model without it does not believe
    worst: tuple[Doubtful, ...]
    without: Without
    basis: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        content = asdict(self)
        content["row"] = {**content["row"].pop("figures"), **content["row"]}
        return {**content, "worst": [plain(one) for one in self.worst]}

    def __str__(self) -> str:
        from labelkit.pipeline.texts.function_view import function_text

        return function_text(self)


@dataclass(frozen=True)
class FunctionErrors:
    """The records that a function probably got wrong: those that people contradict, then the least believed."""

    function: str
    run: str
    wrong: int  # votes that people contradict
    doubtful: int  # votes that the label model without it does not believe
    listed: tuple[Doubtful, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "listed": [plain(one) for one in self.listed]}

    def __str__(self) -> str:
        from labelkit.pipeline.texts.function_view import doubtful_text

        return doubtful_text(self.listed)


def plain(one: Doubtful) -> dict[str, Any]:
    """As JSON has it; values that it has not, as text."""
    known = (str, int, float, bool, type(None))
    fields = {name: value if isinstance(value, known) else str(value) for name, value in one.fields.items()}
    return {**asdict(one), "fields": fields}


def show_function(project: ProjectFolder, name: str, limit: int = 5) -> FunctionView:
    """One function of the current run. Raises UsageError for a name that the run does not have."""
    bench = bench_of(project)
    j = bench.place(name)
    belief = believed_without(bench, j)
    wrong, doubtful = mistakes(bench, j, belief)
    cells = bench.cells
    alone = (cells[:, j] >= 0) & ((cells >= 0).sum(axis=1) == 1)
    first = np.flatnonzero(alone & bench.shown)[:limit]
    return FunctionView(
        row=rows_of(bench)[j],
        run=bench.run.id,
        definition=_definition(project, bench.run.id, name),
        conflicts=tuple(_conflicts(bench, j)),
        alone=int(alone.sum()),
        alone_first=tuple(bench.votes.ids.take(first).to_pylist()),
        wrong=len(wrong),
        doubtful=len(doubtful),
        worst=listed(bench, j, belief, np.concatenate([wrong, doubtful])[:limit]),
        without=_without(bench, belief),
        basis=bench.basis,
    )


def errors_of(project: ProjectFolder, name: str, limit: int = 20) -> FunctionErrors:
    """The records that a function probably got wrong, at most `limit`."""
    bench = bench_of(project)
    j = bench.place(name)
    belief = believed_without(bench, j)
    wrong, doubtful = mistakes(bench, j, belief)
    found = listed(bench, j, belief, np.concatenate([wrong, doubtful])[:limit])
    return FunctionErrors(name, bench.run.id, len(wrong), len(doubtful), found)


def believed_without(bench: Bench, j: int) -> Posterior:
    """What the label model believes when it never saw function j; answers correct it as in `apply`."""
    others = [other for other in range(len(bench.votes.names)) if other != j]
    votes, settings = bench.votes, bench.run.parameters
    part = LabelMatrix(
        np.ascontiguousarray(votes.votes[:, others]), votes.ids, tuple(votes.names[i] for i in others), votes.classes
    )
    if not others:
        k = len(votes.classes)
        return Posterior(np.full((len(votes.ids), k), 1 / k), part.covered, votes.ids, votes.classes)
    model: LabelModel = make_model(str(settings["model"]), votes.classes, int(settings["seed"]))
    return model.fit(part, gold=bench.answered).predict_proba(part)


def mistakes(bench: Bench, j: int, belief: Posterior) -> tuple[Rows, Rows]:
    """Rows on which people contradict function j; and others on which the model without it does, surest first."""
    votes = np.where(bench.shown, bench.cells[:, j], ABSTAIN)
    asked = bench.answered >= 0
    wrong = np.flatnonzero((votes >= 0) & asked & (bench.answered != votes))
    open_ = np.flatnonzero((votes >= 0) & ~asked & belief.covered)
    probs = belief.probs[open_]
    own = probs[np.arange(len(open_)), votes[open_]]
    unbelieved = own < probs.max(axis=1, initial=0) - 1e-9
    order = np.argsort(own[unbelieved], kind="stable")
    return wrong, open_[unbelieved][order]


def listed(bench: Bench, j: int, belief: Posterior, rows: Rows) -> tuple[Doubtful, ...]:
    """These records with their fields."""
    fields, classes = bench.project.settings.data.fields, bench.votes.classes
    ids = bench.votes.ids.take(rows).to_pylist()
    known = rows_by_id(open_records(bench.project), ids, fields) if ids else {}
    out = []
    for record, row in zip(ids, rows.tolist(), strict=True):
        vote, answer = int(bench.cells[row, j]), int(bench.answered[row])
        instead = answer if answer >= 0 else int(belief.probs[row].argmax())
        sure = 0.0 if answer >= 0 else float(belief.probs[row, vote])
        who = PEOPLE if answer >= 0 else MODEL
        out.append(Doubtful(record, classes[vote], classes[instead], who, sure, known.get(record, {})))
    return tuple(out)


def _conflicts(bench: Bench, j: int) -> list[Conflict]:
    """Functions that vote otherwise on some record, those with the most of these first."""
    cells, known = bench.cells, _known(bench)
    own, found = cells[:, j], []
    for other, name in enumerate(bench.votes.names):
        theirs = cells[:, other]
        both = (own >= 0) & (theirs >= 0)
        differ = both & (own != theirs)
        if other != j and differ.any():
            right, other_right = (int((differ & (known == votes)).sum()) for votes in (own, theirs))
            found.append(Conflict(name, int(both.sum()), int(differ.sum()), right, other_right))
    return sorted(found, key=lambda one: -one.differ)


def _known(bench: Bench) -> Rows:
    """(n,): what people said, else what figures compare with, else -1."""
    return np.where(bench.answered >= 0, bench.answered, bench.truth)


def _without(bench: Bench, belief: Posterior) -> Without:
    with_ = bench.model.predict_proba(bench.votes)
    before, after = (np.where(one.covered, one.probs.argmax(axis=1), NOBODY) for one in (with_, belief))
    names = [*bench.votes.classes, ""]  # NOBODY is -1: the last
    flipped = np.flatnonzero((before != after) & (bench.answered < 0))
    moves = Counter(zip(before[flipped].tolist(), after[flipped].tolist(), strict=True))
    judged = np.flatnonzero((bench.truth >= 0) & (before != NOBODY))
    return Without(
        flips=len(flipped),
        lost=int((after[flipped] == NOBODY).sum()),
        moves=tuple((names[old], names[new], count) for (old, new), count in moves.most_common()),
        judged=len(judged),
        right_with=int((before[judged] == bench.truth[judged]).sum()),
        right_without=int((after[judged] == bench.truth[judged]).sum()),
        basis=bench.basis,
    )


def _definition(project: ProjectFolder, run: str, name: str) -> Any:
    """What a rule asks; None where the run kept nothing of it."""
    try:
        rules = json.loads((run_store(project).path(run) / RULES_FILE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return rules.get(name) if isinstance(rules, dict) else None
