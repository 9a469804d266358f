r"""Pooled votes: how much each vote tells is learned with caution, and votes that repeat one another are averaged.

    precision[j, v, y] = P(class y | function j votes v), drawn towards RIGHT + (1 - RIGHT) * balance for its own class
    P(y | votes) ~ balance[y] * product over votes of (precision[j, v, y] / balance[y]) ** (1 / voters ** sharing)

Precision and class balance come from expectation-maximisation that starts from the shares of votes: a vote's lift over
one class balance is what it tells, and as many votes as PRIOR_VOTES are believed beforehand, so that a few records
cannot tip the model over into one class. Votes told apart by nothing but their number are then too sure: functions of
one project often look at the same thing. Where the votes of a record agree nearly always, that is what they do, and
their evidence is averaged (sharing 1), a logarithmic opinion pool (Genest and Zidek, "Combining probability
distributions: a critique and an annotated bibliography", Statistical Science 1, 1986); where they often differ, each
knows something of its own, and sharing falls to LEAST_SHARING. Near-copies among functions count as one (`copies`), and
a unanimous vote is never turned round unless people's answers say so (`steadfast`).

The constants were chosen once, for all sets of docs/label-models.md together; the page says what they do on a set that
had no part in the choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import ModelError
from labelkit.label_models.additive import Evidence
from labelkit.label_models.answers import with_answers
from labelkit.label_models.base import BaseLabelModel, GoldVotes, Learned
from labelkit.label_models.copies import NearCopies, near_copies, without_copies
from labelkit.label_models.steadfast import Steadfast, read_steadfast
from labelkit.matrix import ABSTAIN, LabelMatrix
from labelkit.matrix.counts import MAX_DISTINCT, Rows, VoteCounts, distinct_rows

PRIOR_VOTES, RIGHT = 250.0, 0.8  # what is believed of each vote beforehand: as many records, and the share it is right
PRIOR_RECORDS = 10.0  # of the class balance, which starts even
LEARNED = 0.8  # share of the class balance that is learned; the rest stays even
FLOOR = 3e-3  # of precision and balance within a logarithm
ROUNDS = 15
LEAST_SHARING, MOST_SHARING = 0.5, 1.0
OFTEN, STEEP = 0.65, 20.0  # share of pairs of votes on a record that agree, halfway to most sharing; how fast it rises
PAIRS = 10.0  # of votes on the same record believed beforehand, half of which agree
RECORDS = 50_000  # of more records a seeded sample is read
VOTES = 10_000_000  # in distinct rows, times classes: of more a seeded sample of the rows is read


class PooledLabelModel(BaseLabelModel):
    """Cautious lift of each vote over the class balance, averaged as far as votes repeat one another.

    Fits on votes, or on counts that still hold the distinct vote rows; answers then correct it (`answers`). The seed
    draws the sample where there are more records than are read.

    >>> votes = LabelMatrix.from_rows([[0, 0, -1], [1, 1, 1], [0, 0, 0], [1, -1, 1], [0, 0, 1]] * 20)
    >>> model = PooledLabelModel(classes=["ham", "spam"]).fit(votes)
    >>> model.predict_proba(votes).probs[[0, 1, 4]].round(2)
    array([[0.92, 0.08],
           [0.11, 0.89],
           [0.74, 0.26]])
    """

    name: ClassVar[str] = "pooled"

    def _learn(self, votes: LabelMatrix | VoteCounts, names: tuple[str, ...]) -> Learned:
        counts, sampled = _counted(votes, len(self.classes), self.seed)
        model, copies, notes = pooled_evidence(counts, self.seed)
        notes = (*sampled, *notes)

        def learned(gold: GoldVotes | None) -> tuple[Steadfast, tuple[str, ...]]:
            single = gold and GoldVotes(without_copies(gold.cells, copies, len(self.classes)), gold.truth)
            return Steadfast(self.classes, names, copies, with_answers(model, single), model), notes

        return learned

    @classmethod
    def from_state(cls, about: dict[str, Any], arrays: dict[str, NDArray[np.float64]]) -> Self:
        """The model that `state` described. Raises ValueError when its parts do not fit together."""
        model = cls(about["classes"], about["seed"])
        model.notes = tuple(about["notes"])
        if about["functions"] is not None:
            model.fitted = read_steadfast(model.classes, tuple(about["functions"]), arrays)
        return model


def _counted(votes: LabelMatrix | VoteCounts, k: int, seed: int) -> tuple[VoteCounts, tuple[str, ...]]:
    """Counts of the votes, of a sample where there are too many records, and what should be known about it."""
    if isinstance(votes, VoteCounts):
        return votes, ()
    cells, n = votes.votes, len(votes.ids)
    if n > RECORDS:
        cells = cells[np.sort(np.random.default_rng(seed).choice(n, RECORDS, replace=False))]
    rows = distinct_rows(np.maximum(cells, np.int8(ABSTAIN)), None, k)
    notes = (f"pooled votes were learned from {RECORDS:,} of {n:,} records, drawn at random",) if n > RECORDS else ()
    return VoteCounts(len(cells), cells.shape[1], k, rows, None), notes


def pooled_evidence(counts: VoteCounts, seed: int) -> tuple[Evidence, NearCopies, tuple[str, ...]]:
    """What each vote tells, copies aside; those; and notes. Raises ModelError for counts that hold no distinct rows."""
    if counts.distinct is None:
        raise ModelError(
            f"pooled votes need the votes themselves: counts keep at most {MAX_DISTINCT:,} distinct rows, and here "
            "there are more"
        )
    (cells, times), k = counts.distinct, counts.k
    copies = near_copies(counts)
    single = without_copies(cells, copies, k)
    seen = (single >= 0).any(axis=1)
    rows, notes = _few_enough(distinct_rows(single[seen], times[seen], k), VOTES // k, seed)
    lift, balance = cautious_lift(rows, k)
    tables = np.concatenate([lift, np.zeros((len(lift), 1, k))], axis=1)
    return Evidence(tables, np.log(balance), None, sharing(agreement(rows, k))), copies, notes


def _few_enough(rows: Rows, bound: int, seed: int) -> tuple[Rows, tuple[str, ...]]:
    """Distinct rows with about `bound` votes at most, drawn by how often they occur; and what should be known of it."""
    cells, times = rows
    votes = int(np.count_nonzero(cells >= 0))
    if votes <= bound:
        return rows, ()
    most = max(1, len(cells) * bound // votes)
    drawn = np.random.default_rng(seed).choice(len(cells), most, p=times / times.sum())
    kept, often = np.unique(drawn, return_counts=True)
    said = f"pooled votes were learned from {most:,} vote rows, drawn at random from {len(cells):,} distinct ones"
    return (cells[kept], often.astype(np.int64)), (said,)


def cautious_lift(rows: Rows, k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(m, k, k) log(precision[j, v, y] / balance[y]), votes that do not occur included, and (k,) the class balance."""
    graph = _VoteRows.of(rows, k)
    belief, right = graph.shares, np.eye(k)[graph.seen % k]
    for _ in range(ROUNDS):
        balance = _class_balance(graph, belief)
        lift = _lift(balance, graph.over_records(belief), graph.cast, right)
        logits = np.log(_tempered(balance)) + graph.over_votes(lift)
        belief = np.exp(logits - logits.max(axis=1, keepdims=True))
        belief /= belief.sum(axis=1, keepdims=True)
    unseen = _lift(balance, np.zeros((k, k)), np.zeros(k), np.eye(k))
    found = np.tile(unseen, (rows[0].shape[1], 1))
    found[graph.seen] = lift
    found -= found.mean(axis=1, keepdims=True)
    return found.reshape(-1, k, k), _tempered(balance)


def _lift(
    balance: NDArray[np.float64], weights: NDArray[np.float64], cast: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(x, k) of votes cast on `cast` records that weigh (x, k) in each class; `right` is 1 at the class voted for."""
    believed = PRIOR_VOTES * ((1 - RIGHT) * balance + RIGHT * right)
    precision = (weights + believed) / (cast[:, None] + PRIOR_VOTES)
    return np.asarray(np.log(precision + FLOOR) - np.log(balance + FLOOR))


@dataclass(frozen=True, eq=False)
class _VoteRows:
    """R distinct rows, each with a vote: E votes, S of them different; vote v of function j is number j * k + v."""

    times: NDArray[np.float64]  # (R,): records with the row
    shares: NDArray[np.float64]  # (R, k): of each class in the row's votes
    seen: NDArray[np.int64]  # (S,): numbers of the votes that occur
    row: NDArray[np.int64]  # (E,): of each vote, ascending
    code: NDArray[np.int64]  # (E,): place in `seen`
    first: NDArray[np.int64]  # (R,): where the votes of each row begin
    cast: NDArray[np.float64]  # (S,): records with the vote

    @classmethod
    def of(cls, rows: Rows, k: int) -> _VoteRows:
        cells, times = rows[0], rows[1].astype(np.float64)
        row, column = np.nonzero(cells >= 0)
        seen, code = np.unique(column * k + cells[row, column], return_inverse=True)
        first = np.searchsorted(row, np.arange(len(cells)))
        cast = np.bincount(code, times[row], minlength=len(seen)).astype(np.float64)
        shares = vote_counts(cells, k) + FLOOR
        return cls(times, shares / shares.sum(axis=1, keepdims=True), seen, row, code, first, cast)

    def over_votes(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """(S, k) -> (R, k): the sum over the row's votes."""
        return np.add.reduceat(x[self.code], self.first, axis=0) if len(self.first) else np.empty((0, x.shape[1]))

    def over_records(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """(R, k) -> (S, k): the sum over the records with each vote."""
        weights = (self.times[:, None] * x)[self.row].T
        return np.stack([np.bincount(self.code, one, minlength=len(self.cast)) for one in weights], axis=1)


def _class_balance(graph: _VoteRows, belief: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k,): mean belief over records, drawn a little towards evenness."""
    k = belief.shape[1]
    total = (graph.times[:, None] * belief).sum(axis=0)
    return np.asarray((total + PRIOR_RECORDS / k) / (graph.times.sum() + PRIOR_RECORDS))


def _tempered(balance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The class balance that beliefs start from."""
    return np.asarray(LEARNED * balance + (1 - LEARNED) / len(balance))


def agreement(rows: Rows, k: int) -> float:
    """The share of pairs of votes on the same record that are for the same class.

    >>> round(agreement((np.array([[0, 0, 1]], np.int8), np.array([1000])), 2), 2)
    0.33
    """
    counts, times = vote_counts(rows[0], k), rows[1].astype(np.float64)
    voters = counts.sum(axis=1)
    agreed, pairs = ((counts * (counts - 1)).sum(axis=1) @ times, (voters * (voters - 1)) @ times)
    return float((agreed + PAIRS / 2) / (pairs + PAIRS))


def sharing(agreed: float) -> float:
    """How far votes share what they say, from the agreement of those on the same record.

    >>> [round(sharing(agreed), 2) for agreed in (0.3, 0.65, 0.9)]
    [0.5, 0.75, 1.0]
    """
    rise = 1 / (1 + np.exp(-STEEP * (agreed - OFTEN)))
    return float(LEAST_SHARING + (MOST_SHARING - LEAST_SHARING) * rise)


def vote_counts(cells: NDArray[np.int8], k: int) -> NDArray[np.float64]:
    """(n, k): votes of each row for each class."""
    return np.stack([(cells == c).sum(axis=1) for c in range(k)], axis=1).astype(np.float64)
