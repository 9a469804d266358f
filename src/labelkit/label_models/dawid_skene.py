r"""Dawid and Skene's model with prior beliefs: every function, or annotator, has a confusion matrix of its own.

    theta[j, y, v] = P(function j votes v | class y, it votes at all)
    P(y | votes) ~ product over votes of theta[j, y, v]

Source: Dawid and Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm", Applied
Statistics 28, 1979; here the maximum a posteriori estimate. Plain maximum likelihood collapses to one class where
functions abstain much and vote for one class only. Three things prevent that: classes are equally probable beforehand
and that is not learned, a weak Dirichlet prior favours votes that are right, and EM starts from majority vote. Where
all votes on a record are for one class, none of them counts against it, unless people's answers say so.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import ModelError
from labelkit.label_models.additive import Evidence
from labelkit.label_models.answers import with_answers
from labelkit.label_models.base import BaseLabelModel, Learned, votes_without_faults
from labelkit.label_models.fitted import Fitted
from labelkit.label_models.lookup import table_posterior
from labelkit.label_models.products import steady_product
from labelkit.label_models.shares import majority_probs
from labelkit.matrix import LabelMatrix
from labelkit.matrix.counts import MAX_DISTINCT, Rows, VoteCounts, distinct_rows

RIGHT, WRONG = 2.0, 0.5  # votes that every function is thought to have cast before, for each class and each vote
SKILL, MEETINGS = 0.4, 10.0  # (k * accuracy - 1) / (k - 1) believed beforehand, and as many pairs of votes
SHARE = 0.5  # natural logarithm: what a vote adds beside its confusions once there are answers
ROUNDS = 200
SETTLED = 1e-4  # mean over records of the largest change of a probability in a round
ROWS_AT_ONCE = 8_192


class DawidSkeneLabelModel(BaseLabelModel):
    """Maximum a posteriori Dawid and Skene, on votes or on counts that still hold the distinct vote rows.

    Answers then correct the parameters (`answers`). They are kept out of EM: a few records of known class are enough to
    tip it over into one class. The seed is not used: EM starts from majority vote.

    >>> votes = LabelMatrix.from_rows([[0, 0, 1], [1, 1, 1], [0, 0, 1], [1, -1, 0], [0, 0, 0], [1, 1, 0]] * 5)
    >>> model = DawidSkeneLabelModel(classes=["ham", "spam"]).fit(votes)
    >>> model.predict_votes(np.array([[0, -1, 1], [-1, -1, -1]], dtype=np.int8)).round(2)
    array([[0.98, 0.02],
           [0.5 , 0.5 ]])
    """

    name: ClassVar[str] = "dawid_skene"

    def _learn(self, votes: LabelMatrix | VoteCounts, names: tuple[str, ...]) -> Learned:
        k = len(self.classes)
        rows = rows_of(votes, k)
        tables, rounds = fit_confusions(rows, k)
        evidence = Evidence(stretched(tables, rows), np.full(k, -np.log(k))).never_against_all()
        notes: tuple[str, ...] = ()
        if rounds > ROUNDS:
            notes = (f"Dawid and Skene's EM was stopped after {ROUNDS} rounds before it settled",)
        return lambda gold: (Fitted(self.classes, names, with_answers(evidence, gold, SHARE)), notes)


def rows_of(votes: LabelMatrix | VoteCounts, k: int) -> Rows:
    """The distinct vote rows and how often each occurs. Raises ModelError for counts that hold none."""
    if isinstance(votes, LabelMatrix):
        return distinct_rows(votes_without_faults(votes), None, k)
    if votes.distinct is None:
        raise ModelError(
            f"Dawid and Skene's model needs the votes themselves: counts keep at most {MAX_DISTINCT:,} distinct rows, "
            "and here there are more"
        )
    return votes.distinct


def fit_confusions(rows: Rows, k: int) -> tuple[NDArray[np.float64], int]:
    """(m, k + 1, k) log theta[j, y, v] at [j, v, y], and the rounds of EM it took (ROUNDS + 1: not settled)."""
    cells, times = rows[0], rows[1].astype(np.float64)
    m = cells.shape[1]
    prior = np.where(np.eye(k, dtype=bool), RIGHT, WRONG)
    belief, uniform = majority_probs(cells, k), np.full(k, -np.log(k))
    total = max(1.0, float(times.sum()))
    for done in range(1, ROUNDS + 1):
        counts = _weighted_votes(cells, belief * times[:, None]) + prior  # M step: (m, v, y)
        tables = np.concatenate([np.log(counts / counts.sum(axis=1, keepdims=True)), np.zeros((m, 1, k))], axis=1)
        before, belief = belief, table_posterior(cells, tables, uniform)  # E step
        if float((np.abs(belief - before).max(axis=1, initial=0) * times).sum()) / total < SETTLED:
            return tables, done
    return tables, ROUNDS + 1


def _weighted_votes(cells: NDArray[np.int8], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m, k, k): how often function j voted v, in weights of class y."""
    (n, m), k = cells.shape, weights.shape[1]
    sums = np.zeros((k * m, k))
    for start in range(0, n, ROWS_AT_ONCE):
        chunk = cells[start : start + ROWS_AT_ONCE]
        one_hot = np.empty((len(chunk), k, m))
        for c in range(k):
            one_hot[:, c] = chunk == c
        sums += steady_product(one_hot.reshape(len(chunk), k * m).T, weights[start : start + ROWS_AT_ONCE])
    return sums.reshape(k, m, k).transpose(1, 0, 2)


def stretched(tables: NDArray[np.float64], rows: Rows) -> NDArray[np.float64]:
    """The tables times a number, at least 1, so that a vote counts on average as much as the functions' agreement says.

    Votes conditional on not abstaining say next to nothing where each function votes for one class: the beliefs are
    in the right order and far too flat. A common factor changes the label of no record.
    """
    cells, times = rows
    m, k = len(tables), tables.shape[2]
    cast = np.stack([((cells == c) * times[:, None]).sum(axis=0) for c in range(k)], axis=1)  # (m, k)
    own = np.arange(k)
    others = (tables[:, :k].sum(axis=2) - tables[:, own, own]) / (k - 1)
    strength = float(((tables[:, own, own] - others) * cast).sum()) / max(1, int(cast.sum()))
    share = np.stack([(cells == c).sum(axis=1) for c in range(k)], axis=1)
    voters = share.sum(axis=1)
    agreed, met = float((share * (share - 1)).sum(axis=1) @ times), float((voters * (voters - 1)) @ times)
    skill = np.sqrt(max(0.0, (k * agreed - met) / (k - 1) + MEETINGS * SKILL**2) / (met + MEETINGS))
    accuracy = min(0.98, (1 + (k - 1) * skill) / k)
    wanted = float(np.log((k - 1) * accuracy / (1 - accuracy)))
    return tables * max(1.0, wanted / strength) if strength > 0 and m else tables
