"""Majority vote: every function counts the same.

    P(y | votes) = share of the most voted classes, ties shared equally

It is the yardstick: a label model that cannot beat it has learned nothing. Same probabilities as
`snorkel.labeling.model.MajorityLabelVoter`, vectorised. Once people have answered, every vote adds the same to the
logarithm of its class to begin with, and the answers correct that (`answers`): a weighted vote, with a class prior.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from labelkit.label_models.additive import Evidence
from labelkit.label_models.answers import with_answers
from labelkit.label_models.base import BaseLabelModel, GoldVotes, Learned
from labelkit.label_models.fitted import Fitted, Parameters
from labelkit.matrix import LabelMatrix
from labelkit.matrix.counts import VoteCounts

WEIGHT = 1.0  # natural logarithm: what a vote adds before answers correct it, as of a function right in 73 % of votes


class MajorityLabelModel(BaseLabelModel):
    """Majority vote over the functions that did not abstain. Without answers it predicts unfitted, too.

    >>> votes = LabelMatrix.from_rows([[0, 0, 1], [1, -1, 0], [-1, -1, -1]])
    >>> MajorityLabelModel(classes=["ham", "spam"]).fit(votes).predict_proba(votes).probs
    array([[1. , 0. ],
           [0.5, 0.5],
           [0.5, 0.5]])
    """

    name: ClassVar[str] = "majority"

    def _learn(self, votes: LabelMatrix | VoteCounts, names: tuple[str, ...]) -> Learned:
        def learned(gold: GoldVotes | None) -> tuple[Fitted, tuple[str, ...]]:
            if gold is None:
                return self._unlearned, ()
            return Fitted(self.classes, names, with_answers(equal_weights(len(names), len(self.classes)), gold)), ()

        return learned

    def _parameters(self) -> Parameters:
        return self.fitted or self._unlearned

    @property
    def _unlearned(self) -> Fitted:
        """Counting needs to know of no function."""
        return Fitted(self.classes, None, None)


def equal_weights(m: int, k: int) -> Evidence:
    """Every vote of m functions adds the same to its class."""
    tables = np.zeros((m, k + 1, k))
    tables[:, np.arange(k), np.arange(k)] = WEIGHT
    return Evidence(tables, np.full(k, -np.log(k)))
