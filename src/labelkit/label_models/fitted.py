"""What every label model holds once it is fitted, and how it predicts and is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import ModelError
from labelkit.label_models.additive import Contributions, Evidence
from labelkit.label_models.base import check_classes, check_functions, checked_cells, votes_without_faults
from labelkit.label_models.posterior import Posterior
from labelkit.label_models.shares import majority_probs
from labelkit.matrix import ABSTAIN, LabelMatrix

ARRAYS = ("tables", "log_prior", "agreed")


@dataclass(frozen=True, eq=False)
class Fitted:
    """Parameters, and for what they are."""

    classes: tuple[str, ...]
    names: tuple[str, ...]  # (m,): the functions that were learned
    evidence: Evidence | None  # None: plain majority vote

    def predict_proba(self, votes: LabelMatrix) -> Posterior:
        """Posterior of votes of the same functions for the same classes. Raises ModelError for others."""
        check_classes(votes, self.classes)
        check_functions(votes, self.names)
        return Posterior(self.predict_votes(votes.votes), votes.covered, votes.ids, self.classes)

    def predict_votes(self, cells: NDArray[np.int8]) -> NDArray[np.float64]:
        """(n, k) probabilities of (n, m) int8 votes. Raises ValueError when they do not fit."""
        votes = checked_cells(cells, len(self.names), len(self.classes))
        return majority_probs(votes, len(self.classes)) if self.evidence is None else self.evidence.posterior(votes)

    def contributions(self, votes: LabelMatrix) -> Contributions:
        """What each vote adds."""
        check_classes(votes, self.classes)
        check_functions(votes, self.names)
        cells = votes_without_faults(votes)
        return left_out(cells, len(self.classes)) if self.evidence is None else self.evidence.contributions(cells)

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """The parameters by name."""
        parts = {} if self.evidence is None else {name: getattr(self.evidence, name) for name in ARRAYS}
        return {name: array for name, array in parts.items() if array is not None}


def left_out(cells: NDArray[np.int8], k: int) -> Contributions:
    """By how much each vote raises the share of each class in a majority vote, against leaving it out.

    >>> left_out(np.array([[0, 1, 1]], dtype=np.int8), 2).values.tolist()
    [[[0.0, 0.0], [-0.5, 0.5], [-0.5, 0.5]]]
    """
    shares = majority_probs(cells, k)
    values = np.zeros((*cells.shape, k))
    for j in range(cells.shape[1]):
        without = cells.copy()
        without[:, j] = ABSTAIN
        values[:, j] = shares - majority_probs(without, k)
    return Contributions(values, np.full(k, 1 / k), additive=False)


def must_be_fitted(fitted: Fitted | None) -> Fitted:
    """The parameters. Raises ModelError when there are none yet."""
    if fitted is None:
        raise ModelError("predict_proba needs a fitted model; call fit first")
    return fitted


def saved_state(
    classes: Sequence[str], seed: int, notes: Sequence[str], fitted: Fitted | None
) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
    """What model.json and model.npz hold."""
    names = None if fitted is None else list(fitted.names)
    about = {"classes": list(classes), "seed": seed, "notes": list(notes), "functions": names}
    return about, {} if fitted is None else fitted.arrays()


def read_state(about: dict[str, Any], arrays: dict[str, NDArray[np.float64]]) -> Fitted | None:
    """What `saved_state` wrote. Raises ValueError when its parts do not fit together."""
    if about["functions"] is None:
        return None
    names, classes = tuple(about["functions"]), tuple(about["classes"])
    if not arrays:
        return Fitted(classes, names, None)
    m, k = len(names), len(classes)
    shapes = {"tables": (m, k + 1, k), "log_prior": (k,), "agreed": (m, k + 1, k)}
    found = {name: array.shape for name, array in arrays.items()}
    if found not in (shapes, {name: shapes[name] for name in ARRAYS[:2]}):
        raise ValueError(f"parameters must have shapes {shapes}")
    if not all(array.dtype == np.float64 and np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("parameters must be finite numbers")
    return Fitted(classes, names, Evidence(arrays["tables"], arrays["log_prior"], arrays.get("agreed")))
