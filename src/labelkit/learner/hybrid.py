"""The hybrid: a learner trained on weak labels, corrected by people's answers, that loses to neither alone.

    P(y | x) = softmax(a * s(x) + x W + b)    s: log-probabilities of the weak learner, which stay
    a        = trust / (1 + n / FADING)       after n answers

Training on weak labels and answers side by side lets thousands of weak labels outvote the people. Here W and b are
fitted to the answers, beside what the weak learner says: a regression with an offset. They are held by a ridge that
loosens with n to what a regression on answers alone has, and by an anchor: records of the pool that keep the weak
learner's opinion with a weight that does not grow. So few answers change little, and many change what they are about.
a is not fitted: records that were asked because a model doubted them say nothing about how sure the weak learner may be
of the others. Expected class shares move from the weak learner's to the hybrid's own. Where the answers say that the
functions are junk (`trust`), the regression on the answers alone is all that is left. Without answers the hybrid is the
weak learner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.learner.estimators import LINEAR, PENALTY, regression
from labelkit.learner.features import check_fields, mean_square
from labelkit.learner.model import Learner, fitted_features, label_probabilities, trained
from labelkit.learner.softmax import (
    Scores,
    blended,
    fit_scores,
    log_probabilities,
    probabilities,
    shift_to_shares,
    used_columns,
)
from labelkit.learner.trust import explained, trust_in

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

ANCHORS, ANCHOR_WEIGHT = 800, 15.0  # records, and their weight together per class
LOOSE_AFTER = 40  # answers after which the ridge on W loosens
HALF_SHARES = 80  # answers after which the weak learner's class shares count half, and soon little
FADING = 400.0  # answers after which the weak learner's log-probabilities count half
TRAINED_ON, SAMPLE = 20_000, 5_000  # records that the weak learner sees, and that class shares are counted on, at most
WORDS_FROM = 50_000  # records, labelled or not, whose words and values become features, at most
LEAST = -20.0  # log-probability of what the weak learner holds impossible
UNSEEN = -9.0  # score of a class without answers in the regression alone


@dataclass(frozen=True, eq=False)
class Hybrid:
    """A weak learner with what some answers changed about it. Nothing in it changes any more."""

    weak: Learner
    scores: Scores
    alone: Scores  # of a regression on the answers and nothing else; class shares where all are of one class
    trust: float  # from 0 (the functions are junk) to 1
    answers: int

    def predict_proba(self, table: pa.Table) -> Floats:
        """(n, k) float64: probability of each class for each row; rows sum to 1. Raises UsageError for missing fields.

        A class that nobody has answered with can have any probability.
        """
        if not len(table):
            return self.weak.predict_proba(table)
        x = self.weak.features(table)
        return self.from_features(x, weak_logs(self.weak.from_features(x)))

    def from_features(self, x: Any, logs: Floats) -> Floats:
        """(n, k): the same of rows that `weak.features` made, (n, d), with the weak log-probabilities, (n, k)."""
        return probabilities(self.scores.of(x, logs))

    def predict(self, table: pa.Table) -> NDArray[np.str_]:
        """(n,) str: name of the most probable class of each row."""
        names: NDArray[np.str_] = np.asarray(self.weak.classes, dtype=np.str_)
        best: NDArray[np.int64] = self.predict_proba(table).argmax(axis=1)
        return np.take(names, best)


@dataclass(frozen=True, eq=False)
class WeakLearner:
    """A learner trained on the weak labels of a pool of records, and what it makes of them: where hybrids start from.

    `learn` changes nothing, so that any thread may call it while others predict.
    """

    learner: Learner
    features: Any  # (n, d) CSR matrix or dense array
    logs: Floats  # (n, k): log-probabilities that the learner gives the pool's records
    sample: Rows  # (s,) rows of the pool, drawn by the seed

    def learn(self, rows: Rows, labels: Rows, at_random: NDArray[np.bool_] | None = None) -> Hybrid:
        """Correct the learner by answers: `labels`, (a,) class indices, of the pool's `rows`, (a,).

        `at_random`, (a,), tells which records were drawn at random, rather than for what the learner made of them; none
        if it is left out. At least ten of them show early whether the labeling functions are junk.
        """
        rows, labels = np.asarray(rows, dtype=np.int64), np.asarray(labels, dtype=np.int64)
        k, n = self.logs.shape[1], len(rows)
        if not n:
            nothing = Scores(1.0, np.empty(0, dtype=np.int64), np.empty((0, k)), np.zeros(k))
            return Hybrid(self.learner, nothing, nothing, 1.0, 0)
        drawn = np.zeros(n, dtype=bool) if at_random is None else np.asarray(at_random, dtype=bool)
        trust = self.trust(rows, labels, drawn)
        anchor = ANCHOR_WEIGHT * trust * explained(self.logs[rows], labels, drawn)
        alone = self._alone(rows, labels)
        corrected = self._corrected(rows, labels, trust / (1 + n / FADING), anchor)
        return Hybrid(self.learner, blended(corrected, alone, 1 - trust), alone, trust, n)

    def pool_probabilities(self, hybrid: Hybrid) -> Floats:
        """(n, k): what a hybrid makes of the pool's records."""
        return hybrid.from_features(self.features, self.logs)

    def trust(self, rows: Rows, labels: Rows, at_random: NDArray[np.bool_]) -> float:
        """From 0 (the functions are junk) to 1, as `learn` would have it; without answers 1."""
        return trust_in(self.logs[rows], labels, at_random) if len(rows) else 1.0

    def without_functions(self, hybrid: Hybrid) -> Floats:
        """(n, k): what the answers by themselves make of the pool's records; the weak learner's where there are none.

        As long as all answers are of one class, they say nothing of any record, and it is what the hybrid makes of it.
        """
        scores = hybrid.alone if len(hybrid.alone.columns) else hybrid.scores
        return probabilities(scores.of(self.features, self.logs))

    def _corrected(self, rows: Rows, labels: Rows, scale: float, anchor: float) -> Scores:
        k, n, anchors = self.logs.shape[1], len(rows), self.sample[:ANCHORS]
        both = np.concatenate([rows, anchors])
        target = np.vstack([np.eye(k)[labels], np.exp(self.logs[anchors])])
        weight = np.concatenate([np.ones(n), np.full(len(anchors), anchor * k / max(len(anchors), 1))])
        ridge = self._square() * max(1 / PENALTY, 1 / max(1.0, n / LOOSE_AFTER))
        found = replace(fit_scores(self.features[both], scale * self.logs[both], target, weight, ridge), scale=scale)
        seen = found.of(self.features[self.sample], self.logs[self.sample])
        before = np.exp(self.logs[self.sample]).mean(axis=0)
        own = n**2 / (n**2 + HALF_SHARES**2)
        shares = (1 - own) * before + own * probabilities(seen).mean(axis=0)
        return replace(found, shift=found.shift + shift_to_shares(seen, shares))

    def _alone(self, rows: Rows, labels: Rows) -> Scores:
        """What the answers say by themselves; class shares where all are of one class."""
        k, x = self.logs.shape[1], self.features[rows]
        seen = np.unique(labels)
        if len(seen) < 2:
            shares = (np.bincount(labels, minlength=k) + 0.5) / (len(rows) + k / 2)
            return Scores(0.0, np.empty(0, dtype=np.int64), np.empty((0, k)), np.log(shares))
        columns = used_columns(x)
        weights, shift = np.zeros((len(columns), k)), np.full(k, UNSEEN)
        model = regression(self._square()).fit(x[:, columns], labels)
        if len(seen) == 2:
            weights[:, seen] = np.array([-0.5, 0.5]) * model.coef_.T
            shift[seen] = np.array([-0.5, 0.5]) * model.intercept_
        else:
            weights[:, seen], shift[seen] = model.coef_.T, model.intercept_
        return Scores(0.0, columns, weights, shift)

    def _square(self) -> float:
        return mean_square(self.features[self.sample])


def weak_learner(
    table: pa.Table,
    fields: Sequence[str],
    classes: Sequence[str],
    seed: int = 0,
    *,
    estimator: str = LINEAR,
    kinds: Mapping[str, str] | None = None,
) -> WeakLearner:
    """Train on the weak labels of a pool of records: where the hybrid starts from.

    `table` has one row per record of the pool and labels as for `train`; rows without a label lend their words and
    values. Of more than TRAINED_ON rows with a label as many are drawn by the seed. Raises as `train` does.

    >>> import pyarrow as pa
    >>> texts = ["so good", "good thing", "so bad", "bad thing"] * 5
    >>> pool = pa.table({"text": texts, "p_ham": [0.8, 0.8, 0.3, 0.3] * 5, "p_spam": [0.2, 0.2, 0.7, 0.7] * 5})
    >>> weak = weak_learner(pool, ["text"], ["ham", "spam"])
    >>> hybrid = weak.learn(np.array([1, 3]), np.array([0, 1]))
    >>> hybrid.predict(pa.table({"text": ["really good", "really bad"]})).tolist()
    ['ham', 'spam']
    """
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    labelled = np.flatnonzero(np.logical_not(np.isnan(label_probabilities(table, classes)).any(axis=1)))
    part = table if len(labelled) <= TRAINED_ON else table.take(pa.array(rng.permutation(labelled)[:TRAINED_ON]))
    check_fields(table, fields)
    seen = table if len(table) <= WORDS_FROM else table.take(pa.array(rng.permutation(len(table))[:WORDS_FROM]))
    learner = trained(part, fields, classes, fitted_features(seen, fields, kinds), seed, estimator)
    x = learner.features(table)
    return WeakLearner(learner, x, weak_logs(learner.from_features(x)), rng.permutation(len(table))[:SAMPLE])


def weak_logs(probs: Floats) -> Floats:
    """(n, k) log-probabilities, none below LEAST, of (n, k) probabilities.

    >>> weak_logs(np.array([[0.5, 0.5], [1.0, 0.0]])).round(1).tolist()
    [[-0.7, -0.7], [-0.0, -20.0]]
    """
    return log_probabilities(np.log(np.maximum(probs, np.exp(LEAST))))
