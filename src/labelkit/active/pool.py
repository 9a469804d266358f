"""What a strategy may know of the records: votes, the label model's belief, and what a learner makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.records.ids import id_hashes

if TYPE_CHECKING:
    import pyarrow as pa

    from labelkit.active.regions import Regions
    from labelkit.matrix import LabelMatrix

Rows = NDArray[np.int64]
Scores = NDArray[np.float64]
Mask = NDArray[np.bool_]

DIGITS = 12  # two sums of the same numbers in another order are a tie, not a difference


def drawn_order(ids: pa.Array, seed: int) -> NDArray[np.uint64]:
    """(n,) uint64: a number for each record, by which ties are broken and samples drawn, the smallest first.

    It follows from the record's id and the seed alone, so that an order does not change with the other records, nor
    with the machines that they are on.

    >>> import pyarrow as pa
    >>> a, b = drawn_order(pa.array(["a", "b"]), 0).tolist()
    >>> drawn_order(pa.array(["b", "c", "a"]), 0)[[2, 0]].tolist() == [a, b]
    True
    """
    words = id_hashes(ids) ^ np.random.default_rng(seed).integers(0, 2**64, 1, dtype=np.uint64)
    words = (words ^ (words >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)  # the finaliser of MurmurHash3
    words = (words ^ (words >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return np.asarray(words ^ (words >> np.uint64(33)))


def lowest(scores: Scores, n: int) -> Rows:
    """(n,) places of the n lowest scores, lowest first; equal ones in the order in which they stand.

    >>> lowest(np.array([3.0, 1.0, 2.0, 1.0]), 3).tolist()
    [1, 3, 2]
    """
    kept = np.arange(len(scores))
    if len(scores) > n:
        threshold = np.partition(scores, n - 1)[n - 1]
        below, equal = np.flatnonzero(scores < threshold), np.flatnonzero(scores == threshold)
        kept = np.concatenate([below, equal[: n - len(below)]])
    return kept[np.argsort(scores[kept], kind="stable")]


@dataclass(frozen=True)
class Learned:
    """What a learner, trained on weak labels and answers, makes of n records, in their order."""

    probs: NDArray[np.float64]  # (n, k): rows sum to 1
    features: Any = None  # (n, d): dense array or scipy CSR matrix that the learner sees; None: not known
    columns: tuple[str, ...] = ()  # (d,) names of the features, where they are known
    of_answers: NDArray[np.float64] | None = None  # (n, k): what the answers say without weak labels; None: not known


@dataclass(frozen=True)
class Pool:
    """What is known of all n records."""

    probs: NDArray[np.float64]  # (n, k) of the label model: rows sum to 1
    covered: Mask  # (n,): at least one function voted
    votes: NDArray[np.int8]  # (n, m): class index; negative where a function abstained or failed
    learned: Learned | None = None
    asked: Rows = field(default_factory=lambda: np.empty(0, dtype=np.int64))  # rows not to ask again

    @property
    def believed(self) -> NDArray[np.float64]:
        """(n, k): the learner's probabilities where there is one, since what is to be trained is what should ask."""
        return self.probs if self.learned is None else self.learned.probs

    @property
    def of_answers(self) -> NDArray[np.float64]:
        """(n, k): what the answers say without weak labels where that is known, else what is believed."""
        known = None if self.learned is None else self.learned.of_answers
        return self.believed if known is None else known

    @cached_property
    def rarest(self) -> int:
        """The class that is expected least often among the records that anything is known about.

        >>> votes = np.zeros((2, 1), dtype=np.int8)
        >>> Pool(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([True, True]), votes).rarest
        1
        """
        known = self.believed[self.covered] if self.learned is None else self.believed
        return int(np.argmin(known.mean(axis=0))) if len(known) else 0

    @cached_property
    def regions(self) -> Regions:
        """Where functions say nothing, or differ."""
        from labelkit.active.regions import regions_of

        return regions_of(self)


@dataclass(frozen=True)
class Strategy:
    """One way to choose."""

    candidates: Callable[[Pool], Mask]
    """(n,) bool: records that the strategy has anything to say about."""
    rank: Callable[[Pool, Rows, int], tuple[Rows, Scores]]
    """The best n <= len(rows) of some shuffled rows, best first, and their scores, both (n,)."""
    needs: str = ""
    """What it cannot work without: nothing, "learner", or "features" of a learner."""
    why: Callable[[Pool, int, LabelMatrix], str] | None = None
    """Why it asks about a row, in words; None: see `reason_for`."""


class PosteriorEstimator:
    """What modAL asks of an estimator, given by probabilities: a sample is the number of a record."""

    def __init__(self, probs: NDArray[np.float64]) -> None:
        self._probs = probs  # (n, k)
        self.classes_ = np.arange(probs.shape[1])

    def predict_proba(self, rows: Rows) -> NDArray[np.float64]:
        """(len(rows), k): the probabilities of these records."""
        return np.round(self._probs[rows], DIGITS)
