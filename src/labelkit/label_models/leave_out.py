"""What a label model is worth with one function left out: how often it foretells answers that it has not seen.

Each time the model learns from the votes of the others, and is corrected by the answers of the other folds only. Two
models that are wrong about the same answers are alike, so what counts are the answers on which one is right and the
other is not (McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
Psychometrika 12, 1947). The interval is Wilson's, of the share of these that speak for leaving the function out, at a
level that holds for all functions together (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models.auto import AutoLabelModel
from labelkit.label_models.base import BaseLabelModel, GoldVotes
from labelkit.label_models.cross_validation import asked, held_out
from labelkit.matrix import LabelMatrix, wilson_interval
from labelkit.matrix.counts import MAX_DISTINCT, VoteCounts, distinct_rows

SURE = 0.95
TIE = 1e-9


@dataclass(frozen=True)
class LeftOut:
    """One function, and what held-out answers say of the label model without it."""

    function: str
    votes: int  # of the function on answered records
    answers: int  # about records that any function votes on
    accuracy: float  # without the function; a record that nobody votes on then counts one part in k
    won: int  # answers that only the model without it foretells
    lost: int  # answers that only the model with it foretells
    change: float  # accuracy without it, less that with it
    interval: tuple[float, float]  # of the change, 95 % for all functions together

    @property
    def costs(self) -> bool:
        """Whether labels are better without it, beyond doubt."""
        return self.interval[0] > 0

    @property
    def earns(self) -> bool:
        """Whether labels are worse without it, beyond doubt."""
        return self.interval[1] < 0


def left_out(model: BaseLabelModel, votes: LabelMatrix, gold: GoldVotes) -> tuple[float, tuple[LeftOut, ...]]:
    """Accuracy with all functions, and what it is without each in turn, in their order.

    None of these with fewer than 20 answers. `model` says how to learn and stays as it is; `gold` are votes on answered
    records.

    A function that is always wrong is worth much once answers have said so:

    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 2, 300)
    >>> noisy = np.where(rng.random((300, 3)) < 0.7, truth[:, None], 1 - truth[:, None])
    >>> cells = np.column_stack([noisy, 1 - truth]).astype(np.int8)
    >>> from labelkit.label_models import WeightedLabelModel
    >>> votes = LabelMatrix.from_rows(cells, names=["a", "b", "c", "turned"])
    >>> _, found = left_out(WeightedLabelModel(["0", "1"]), votes, GoldVotes(cells[:100], truth[:100]))
    >>> [one.function for one in found if one.earns]
    ['turned']
    """
    usable, k = asked(gold), len(votes.classes)
    if usable is None:
        return 0.0, ()
    source = _like(model)
    counts, m = _counts(votes, source.seed), len(votes.names)
    before = _credit(source, counts, usable, votes.names)
    z = NormalDist().inv_cdf(1 - (1 - SURE) / (2 * m))
    found = []
    for j, name in enumerate(votes.names):
        others = [other for other in range(m) if other != j]
        part = GoldVotes(usable.cells[:, others], usable.truth)
        names = tuple(votes.names[other] for other in others)
        after = _credit(source, _some(counts, others), part, names) if others else np.full(len(before), 1 / k)
        found.append(_compared(name, int((usable.cells[:, j] >= 0).sum()), before, after, z))
    return float(before.mean()), tuple(found)


def _like(model: BaseLabelModel) -> BaseLabelModel:
    """A model to learn with: of those that choose among others, the one that was chosen."""
    chosen = model.chosen if isinstance(model, AutoLabelModel) and model.chosen is not None else model
    return type(chosen)(chosen.classes, chosen.seed)


def _counts(votes: LabelMatrix, seed: int) -> VoteCounts:
    """Counts of the votes; of a sample where there are so many distinct rows that counts do not keep them."""
    counts = VoteCounts.of(votes.votes, len(votes.classes))
    if counts.distinct is not None:
        return counts
    rows = np.sort(np.random.default_rng(seed).choice(len(votes.votes), MAX_DISTINCT, replace=False))
    return VoteCounts.of(votes.votes[rows], len(votes.classes))


def _some(counts: VoteCounts, functions: Sequence[int]) -> VoteCounts:
    """Counts of some of the functions."""
    if counts.distinct is None:
        raise ValueError("these counts have no rows")
    rows, times = counts.distinct
    kept = distinct_rows(np.ascontiguousarray(rows[:, functions]), times, counts.k)
    return VoteCounts(counts.n, len(functions), counts.k, kept, None)


def _credit(model: BaseLabelModel, counts: VoteCounts, gold: GoldVotes, names: tuple[str, ...]) -> NDArray[np.float64]:
    """(g,): 1 where the held-out belief is right, 0 where it is wrong, a part of 1 where it is undecided."""
    probs = held_out(model._learn(counts, names), gold, counts.k).probs
    best = probs >= probs.max(axis=1, keepdims=True) - TIE
    credit = best[np.arange(len(probs)), gold.truth] / best.sum(axis=1)
    return np.where((gold.cells >= 0).any(axis=1), credit, 1 / counts.k)


def _compared(name: str, votes: int, before: NDArray[np.float64], after: NDArray[np.float64], z: float) -> LeftOut:
    apart = after - before
    won, lost, n = int((apart > TIE).sum()), int((apart < -TIE).sum()), len(apart)
    low, high = wilson_interval(won, won + lost, z) if won + lost else (0.5, 0.5)
    scale = (won + lost) / n
    interval = ((2 * low - 1) * scale, (2 * high - 1) * scale)
    return LeftOut(name, votes, n, float(after.mean()), won, lost, float(apart.mean()), interval)


def worst_first(found: Sequence[LeftOut]) -> Iterator[LeftOut]:
    """The functions without which labels would be best come first."""
    yield from sorted(found, key=lambda one: (-one.interval[0], -one.change))
