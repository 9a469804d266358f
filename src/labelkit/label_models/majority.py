"""Majority vote: every function counts the same.

    P(y | votes) = share of the most voted classes, ties shared equally

It is the yardstick: a label model that cannot beat it has learned nothing. Same probabilities as
`snorkel.labeling.model.MajorityLabelVoter`, vectorised. Once people have answered, every vote adds the same to the
logarithm of its class to begin with, and the answers correct that (`answers`): a weighted vote, with a class prior.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelkit.label_models.additive import Contributions, Evidence
from labelkit.label_models.answers import with_answers
from labelkit.label_models.base import GoldVotes, check_classes, checked_cells, checked_seed, gold_votes, names_of
from labelkit.label_models.fitted import Fitted, left_out, read_state, saved_state
from labelkit.label_models.posterior import Posterior
from labelkit.label_models.shares import majority_probs
from labelkit.matrix import LabelMatrix, checked_classes
from labelkit.matrix.counts import VoteCounts

WEIGHT = 1.0  # natural logarithm: what a vote adds before answers correct it, as of a function right in 73 % of votes


class MajorityLabelModel:
    """Majority vote over the functions that did not abstain. Without answers it predicts unfitted, too.

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
        self.fitted: Fitted | None = None

    def fit(
        self,
        votes: LabelMatrix | VoteCounts,
        gold: ArrayLike | GoldVotes | None = None,
        *,
        names: Sequence[str] | None = None,
    ) -> Self:
        """Learn from answers; without any there is nothing to learn, and the votes are checked all the same."""
        k = len(self.classes)
        check_classes(votes, self.classes)
        functions, answered = names_of(votes, names), gold_votes(votes, gold, k)
        self.fitted = None
        if answered is not None:
            self.fitted = Fitted(self.classes, functions, with_answers(equal_weights(len(functions), k), answered))
        return self

    def predict_proba(self, votes: LabelMatrix) -> Posterior:
        """Share the belief among the most voted classes; as corrected once there are answers."""
        if self.fitted is not None:
            return self.fitted.predict_proba(votes)
        check_classes(votes, self.classes)
        return Posterior(self.predict_votes(votes.votes), votes.covered, votes.ids, self.classes)

    def predict_votes(self, cells: NDArray[np.int8]) -> NDArray[np.float64]:
        """(n, k) probabilities of (n, m) int8 votes, a chunk of any size."""
        if self.fitted is not None:
            return self.fitted.predict_votes(cells)
        return majority_probs(checked_cells(cells, None, len(self.classes)), len(self.classes))

    def contributions(self, votes: LabelMatrix) -> Contributions:
        """What each vote adds; a plain majority vote is not additive, so there: against leaving the vote out."""
        if self.fitted is not None:
            return self.fitted.contributions(votes)
        check_classes(votes, self.classes)
        return left_out(checked_cells(votes.votes, None, len(self.classes)), len(self.classes))

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
        """What model.json and model.npz hold."""
        return saved_state(self.classes, self.seed, self.notes, self.fitted)

    @classmethod
    def from_state(cls, about: dict[str, Any], arrays: dict[str, NDArray[np.float64]]) -> Self:
        """The model that `state` described. Raises ValueError when its parts do not fit together."""
        model = cls(about["classes"], about["seed"])
        model.fitted = read_state(about, arrays)
        return model


def equal_weights(m: int, k: int) -> Evidence:
    """Every vote of m functions adds the same to its class."""
    tables = np.zeros((m, k + 1, k))
    tables[:, np.arange(k), np.arange(k)] = WEIGHT
    return Evidence(tables, np.full(k, -np.log(k)))
