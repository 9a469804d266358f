"""What every label model does, and the checks that all of them share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelkit.errors import ModelError, UsageError, named, visible
from labelkit.label_models.posterior import Posterior
from labelkit.matrix import ABSTAIN, LabelMatrix, default_classes, default_names

MAX_SEED = 2**32 - 1


class LabelModel(Protocol):
    """Combines votes. Seeded by argument; predicting changes nothing; reads votes only, never records."""

    name: ClassVar[str]
    notes: tuple[str, ...]  # what a user should know about the last fit, in plain words

    def fit(self, votes: LabelMatrix, gold: ArrayLike | None = None) -> Self:
        """Learn how far to trust each function.

        `gold` is (n,) int: the class index that people settled on, or -1. Returns the model itself. Raises ModelError
        when the votes are for other classes, ValueError when `gold` is no such array.
        """
        ...

    def predict_proba(self, votes: LabelMatrix) -> Posterior:
        """Believe in each class for each record. Faults count as abstains.

        Raises ModelError when the votes are for other classes, or of other functions than were learned.
        """
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
        """The fitted model as plain JSON values and named arrays, to be saved."""
        ...


def checked_seed(seed: int) -> int:
    """The seed of a new model. Raises UsageError for anything but a whole number from 0 to 2**32 - 1."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
        raise UsageError(f"the seed must be a whole number from 0 to {MAX_SEED}, not {visible(repr(seed)[:60])}")
    return seed


def check_classes(votes: LabelMatrix, classes: Sequence[str]) -> None:
    """Raise ModelError unless the votes are for these classes; votes whose classes are only numbered fit any names.

    >>> check_classes(LabelMatrix.from_rows([[0, 1]]), ["ham", "spam"])
    """
    numbered = votes.classes == default_classes(len(votes.classes))
    if votes.classes != tuple(classes) and not (numbered and len(votes.classes) <= len(classes)):
        raise ModelError(f"the votes are for {named(votes.classes)}, the label model is for {named(classes)}")


def check_functions(votes: LabelMatrix, names: Sequence[str]) -> None:
    """Raise ModelError unless the votes are of these functions in this order; functions only numbered fit any names.

    >>> check_functions(LabelMatrix.from_rows([[0, 1]]), ["short", "link"])
    """
    if len(votes.names) != len(names):
        raise ModelError(f"the label model knows {len(names)} functions, the votes are of {len(votes.names)}")
    numbered = default_names(len(names))
    if votes.names != tuple(names) and numbered not in (votes.names, tuple(names)):
        raise ModelError(f"the label model knows {named(names)}, the votes are of {named(votes.names)}")


def votes_without_faults(votes: LabelMatrix) -> NDArray[np.int8]:
    """(n, m) int8: class index or ABSTAIN, faults turned into abstains."""
    return np.maximum(votes.votes, np.int8(ABSTAIN))
