"""Majority vote: every function counts the same.

    P(y | votes) = share of the most voted classes, ties shared equally

It is the yardstick: a label model that cannot beat it has learned nothing. Same probabilities as
`snorkel.labeling.model.MajorityLabelVoter`, vectorised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelkit.label_models.base import GoldVotes, check_classes, checked_cells, checked_seed, gold_votes, names_of
from labelkit.label_models.posterior import Posterior
from labelkit.matrix import LabelMatrix, checked_classes
from labelkit.matrix.counts import VoteCounts


class MajorityLabelModel:
    """Majority vote over the functions that did not abstain.

    >>> votes = LabelMatrix.from_rows([[0, 0, 1], [1, -1, 0], [-1, -1, -1]])
    >>> MajorityLabelModel(classes=["ham", "spam"]).fit(votes).predict_proba(votes).probs
    array([[1. , 0. ],
           [0.5, 0.5],
           [0.5, 0.5]])
    """

    name: ClassVar[str] = "majority"

    def __init__(self, classes: Sequence[str], seed: int = 0) -> None:
        self.classes = checked_classes(classes)
        self.seed = checked_seed(seed)  # not used: the vote is deterministic
        self.notes: tuple[str, ...] = ()

    def fit(
        self,
        votes: LabelMatrix | VoteCounts,
        gold: ArrayLike | GoldVotes | None = None,
        *,
        names: Sequence[str] | None = None,
    ) -> Self:
        """Nothing to learn; the votes and gold are checked all the same."""
        if isinstance(votes, LabelMatrix):
            check_classes(votes, self.classes)
        names_of(votes, names)
        gold_votes(votes, gold, len(self.classes))
        return self

    def predict_proba(self, votes: LabelMatrix) -> Posterior:
        """Share the belief among the most voted classes."""
        check_classes(votes, self.classes)
        return Posterior(self.predict_votes(votes.votes), votes.covered, votes.ids, self.classes)

    def predict_votes(self, cells: NDArray[np.int8]) -> NDArray[np.float64]:
        """(n, k) probabilities of (n, m) int8 votes, a chunk of any size."""
        return majority_probs(checked_cells(cells, None, len(self.classes)), len(self.classes))

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
        """Classes and seed; there is nothing else."""
        return {"classes": list(self.classes), "seed": self.seed, "notes": []}, {}

    @classmethod
    def from_state(cls, about: dict[str, Any], arrays: dict[str, NDArray[np.float64]]) -> Self:  # noqa: ARG003
        """The model that `state` described."""
        return cls(about["classes"], about["seed"])


def majority_probs(votes: NDArray[np.int8], k: int) -> NDArray[np.float64]:
    """(n, k) float64 from (n, m) votes: the most voted classes share the belief; nobody voted: uniform.

    >>> majority_probs(np.array([[2, 2, -1]], dtype=np.int8), 3)
    array([[0., 0., 1.]])
    """
    counts = np.stack([(votes == c).sum(axis=1) for c in range(k)], axis=1)  # (n, k)
    best = counts == counts.max(axis=1, keepdims=True)
    return np.asarray(best / best.sum(axis=1, keepdims=True))
