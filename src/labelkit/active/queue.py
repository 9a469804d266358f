"""The queue: the next records for a person, each with the reason it is asked."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from labelkit.active.mix import Part, parse_mix, phases
from labelkit.active.pool import DIGITS, Learned, Mask, Pool, Rows, Scores, Strategy, drawn_order
from labelkit.active.reasons import reason_for
from labelkit.errors import UsageError
from labelkit.label_models import Posterior
from labelkit.matrix import LabelMatrix
from labelkit.tables import html_table

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class QueueItem:
    """One record to ask a person about."""

    record: str  # id of the record
    strategy: str  # that asks
    score: float  # what the strategy ranks by; 0 where it does not rank
    reason: str  # why it is asked, in words
    suggestion: str | None  # the most probable class; None where there is no single one
    votes: Mapping[str, str]  # function name -> class name, of functions that voted


class Queue(list[QueueItem]):
    """Questions in the order in which they are asked: a list that shows as a table in a notebook."""

    def _repr_html_(self) -> str:
        rows = [
            (item.record, item.strategy, item.reason, item.suggestion or "", _votes_said(item.votes)) for item in self
        ]
        return html_table(("record", "strategy", "why", "suggested", "votes"), rows, left=5)


def _votes_said(votes: Mapping[str, str]) -> str:
    """Each class that was voted for, and by which functions.

    >>> _votes_said({"links": "spam", "short": "ham", "begs": "spam"})
    'spam by links, begs; ham by short'
    """
    sides: dict[str, list[str]] = {}
    for function, label in votes.items():
        sides.setdefault(label, []).append(function)
    return "; ".join(f"{label} by {', '.join(functions)}" for label, functions in sides.items())


def select(
    posterior: Posterior,
    votes: LabelMatrix,
    *,
    n: int = 20,
    strategy: str = "margin",
    exclude: Collection[str] = frozenset(),
    seed: int = 0,
    learned: Learned | None = None,
) -> Queue:
    """Choose the next n records for a person, most wanted first; fewer when the strategy has no more to ask.

    `strategy` is one, or a mix such as "margin:0.7,random:0.3", or a function by its dotted path; see `active.mix`.
    `exclude` holds ids of records not to ask, such as those answered already. `learned` is what a learner makes of the
    same records: strategies then ask where the learner is unsure, and some ask nothing without it. The same arguments
    give the same queue. Raises UsageError for a strategy that does not exist or lacks a learner, or a posterior, votes
    and learner that do not belong together.

    >>> from labelkit.label_models import MajorityLabelModel
    >>> votes = LabelMatrix.from_rows([[1, 1], [0, 1], [-1, -1]], names=["link", "caps"], classes=["ham", "spam"])
    >>> posterior = MajorityLabelModel(["ham", "spam"]).fit(votes).predict_proba(votes)
    >>> for item in select(posterior, votes, n=1):
    ...     print(item.record, item.reason)
    1 undecided between ham and spam (0.50 / 0.50)
    >>> [item.record for item in select(posterior, votes, strategy="uncovered")]
    ['2']
    """
    if n < 0:
        raise UsageError(f"n is how many records to ask, not {n}")
    return Queue(in_order(posterior, votes, strategy=strategy, exclude=exclude, seed=seed, most=n, learned=learned))


def in_order(
    posterior: Posterior,
    votes: LabelMatrix,
    *,
    strategy: str = "margin",
    exclude: Collection[str] = frozenset(),
    seed: int = 0,
    most: int | None = None,
    learned: Learned | None = None,
) -> Iterator[QueueItem]:
    """Give all records that `select` could choose, or the first `most` of them, most wanted first, each when needed.

    Ranking happens at once and takes about a second for a million records; from then on a record takes microseconds.
    Batches are picked one by one up to MOST_PICKED; after that, records come in the order of their margin.
    """
    parts = parse_mix(strategy)
    _check(posterior, votes, learned)
    _check_needs(parts, learned)
    asked = excluded(posterior.ids, exclude)
    pool = Pool(posterior.probs, posterior.covered, votes.votes, learned, np.flatnonzero(asked))
    order = np.argsort(drawn_order(posterior.ids, seed), kind="stable")
    rankings = [ranking(part.strategy, pool, ~asked, order, most) for part in parts]
    picks = itertools.islice(_mixed(rankings, phases(strategy, len(pool.asked))), most)
    return (_item(posterior, votes, pool, row, parts[source], score) for row, source, score in picks)


def ranking(strategy: Strategy, pool: Pool, free: Mask, order: Rows, most: int | None) -> tuple[Rows, Scores]:
    """The best `most` of the records that a strategy has anything to say about, best first, and their scores.

    `order` holds all rows, in the order of which ties are broken.
    """
    rows = order[(strategy.candidates(pool) & free)[order]]
    n = len(rows) if most is None else min(most, len(rows))
    if n == 0:
        return np.empty(0, dtype=np.int64), np.empty(0)
    return strategy.rank(pool, rows, n)


def _mixed(
    rankings: Sequence[tuple[Rows, Scores]], phases: Sequence[tuple[int | None, Sequence[float]]]
) -> Iterator[tuple[int, int, float]]:
    """Merge rankings into (row, number of the ranking, score), no row twice, phase by phase.

    Each time the ranking is next that is furthest behind its weight; one that has run dry leaves its share to the rest,
    and one without weight has its turn when all others have.
    """
    places, seen = [0] * len(rankings), set[int]()
    left = [source for source in range(len(rankings)) if len(rankings[source][0])]
    for most, weights in phases:
        given = [0] * len(rankings)
        while left and (most is None or sum(given) < most):
            source = min(left, key=lambda s: (given[s] + 0.5) / weights[s] if weights[s] else np.inf)
            rows, scores = rankings[source]
            row, score = int(rows[places[source]]), float(scores[places[source]])
            places[source] += 1
            if places[source] == len(rows):
                left.remove(source)
            if row in seen:
                continue
            if len(rankings) > 1:
                seen.add(row)
            given[source] += 1
            yield row, source, score


def _check(posterior: Posterior, votes: LabelMatrix, learned: Learned | None) -> None:
    if not _same_classes(posterior, votes) or not posterior.ids.equals(votes.ids):
        raise UsageError("the posterior is not of these votes: their records or classes differ")
    if not np.isfinite(posterior.probs).all():
        raise UsageError("the posterior holds values that are no probabilities")
    if learned is not None and (learned.probs.shape != posterior.probs.shape or not np.isfinite(learned.probs).all()):
        raise UsageError("the learner's probabilities are not of these records and classes")


def _check_needs(parts: Sequence[Part], learned: Learned | None) -> None:
    for part in parts:
        if part.strategy.needs and learned is None:
            raise UsageError(f'strategy "{part.name}" asks a learner, and there is none')
        if part.strategy.needs == "features" and learned is not None and learned.features is None:
            raise UsageError(f'strategy "{part.name}" needs the features that the learner sees')


def _same_classes(posterior: Posterior, votes: LabelMatrix) -> bool:
    """Tell whether a vote's number means the same class to both. Votes whose classes are mere numbers fit any names."""
    k = len(posterior.classes)
    return votes.classes == posterior.classes or votes.classes in {tuple(map(str, range(c))) for c in range(k + 1)}


def excluded(ids: pa.Array, exclude: Collection[str]) -> Mask:
    """(n,) bool: records not to ask."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not exclude:
        return np.zeros(len(ids), dtype=bool)
    unwanted = pa.array(list(exclude), ids.type)
    return np.asarray(pc.is_in(ids, value_set=unwanted).to_numpy(zero_copy_only=False))


def _item(posterior: Posterior, votes: LabelMatrix, pool: Pool, row: int, part: Part, score: float) -> QueueItem:
    probs, classes, why = posterior.probs[row], posterior.classes, part.strategy.why
    cast = {name: classes[vote] for name, vote in zip(votes.names, votes.votes[row].tolist(), strict=True) if vote >= 0}
    believed = None if pool.learned is None else pool.learned.probs[row]
    rarest = classes[pool.rarest] if part.name == "rare" else ""
    return QueueItem(
        record=posterior.ids[row].as_py(),
        strategy=part.name,
        score=score,
        reason=(
            reason_for(part.name, probs, cast, classes, score, believed, rarest)
            if why is None
            else why(pool, row, votes)
        ),
        suggestion=_suggestion(pool.believed[row], classes) if pool.covered[row] or pool.learned else None,
        votes=cast,
    )


def _suggestion(probs: NDArray[np.float64], classes: tuple[str, ...]) -> str | None:
    """Name the most probable class, unless another one is exactly as probable."""
    rounded = np.round(probs, DIGITS)
    best = np.flatnonzero(rounded == rounded.max())
    return classes[best[0]] if len(best) == 1 else None
