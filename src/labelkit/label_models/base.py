"""What every label model does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelkit.errors import ModelError, named
from labelkit.label_models.posterior import Posterior
from labelkit.matrix import ABSTAIN, LabelMatrix


class LabelModel(Protocol):
    """Combines votes. Seeded by argument; predicting changes nothing; reads votes only, never records."""

    name: ClassVar[str]
    notes: tuple[str, ...]  # what a user should know about the last fit, in plain words

    def fit(self, votes: LabelMatrix, gold: ArrayLike | None = None) -> Self:
        """Learn how far to trust each function.

        `gold` is (n,) int: the class index that people settled on, or -1. Returns the model itself.
        """
        ...

    def predict_proba(self, votes: LabelMatrix) -> Posterior:
        """Believe in each class for each record. Faults count as abstains."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
        """The fitted model as plain JSON values and named arrays, to be saved."""
        ...


def check_classes(votes: LabelMatrix, classes: Sequence[str]) -> None:
    """Raise ModelError unless the votes are for these classes; votes whose classes are only numbered fit any names.

    >>> check_classes(LabelMatrix.from_rows([[0, 1]]), ["ham", "spam"])
    """
    numbered = votes.classes == tuple(str(c) for c in range(len(votes.classes)))
    if votes.classes != tuple(classes) and not (numbered and len(votes.classes) <= len(classes)):
        raise ModelError(f"the votes are for {named(votes.classes)}, the label model is for {named(classes)}")


def votes_without_faults(votes: LabelMatrix) -> NDArray[np.int8]:
    """(n, m) int8: class index or ABSTAIN, faults turned into abstains."""
    return np.maximum(votes.votes, np.int8(ABSTAIN))


def checked_gold(gold: ArrayLike | None, n: int, k: int) -> NDArray[np.int64] | None:
    """(n,) int64 class index or -1, or None when nothing is known. Raises ValueError for anything else."""
    if gold is None:
        return None
    truth = np.asarray(gold)
    if truth.shape != (n,) or truth.dtype.kind not in "iu" or (n and not (truth.min() >= -1 and truth.max() < k)):
        raise ValueError(f"gold must be (n,) = ({n},) whole numbers from -1 to {k - 1}")
    return truth.astype(np.int64) if (truth >= 0).any() else None
