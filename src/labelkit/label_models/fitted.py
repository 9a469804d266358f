"""What a label model holds once it is fitted, and how that predicts and is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models.additive import Contributions, Evidence
from labelkit.label_models.shares import majority_probs
from labelkit.matrix import ABSTAIN

ARRAYS = ("tables", "log_prior", "agreed")


class Parameters(Protocol):
    """What a fitted model predicts with."""

    @property
    def classes(self) -> tuple[str, ...]:
        """(k,): class names."""
        ...

    @property
    def names(self) -> tuple[str, ...] | None:
        """(m,): the functions that were learned; None where any will do."""
        ...

    def predict_votes(self, cells: NDArray[np.int8]) -> NDArray[np.float64]:
        """(n, k) probabilities of (n, m) votes, class index or ABSTAIN."""
        ...

    def contributions(self, cells: NDArray[np.int8]) -> Contributions:
        """What each of (n, m) votes adds."""
        ...

    def to_the_power(self, power: float) -> Parameters:
        """Parameters whose probabilities are these to the power, but for a factor."""
        ...

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """The parameters by name."""
        ...


@dataclass(frozen=True, eq=False)
class Fitted:
    """Parameters of an additive model, or of a plain majority vote."""

    classes: tuple[str, ...]
    names: tuple[str, ...] | None  # (m,): the functions that were learned; None: any
    evidence: Evidence | None  # None: plain majority vote

    def predict_votes(self, cells: NDArray[np.int8]) -> NDArray[np.float64]:
        """(n, k) probabilities of (n, m) votes."""
        return majority_probs(cells, len(self.classes)) if self.evidence is None else self.evidence.posterior(cells)

    def contributions(self, cells: NDArray[np.int8]) -> Contributions:
        """What each vote adds; a plain majority vote is not additive, so there: against leaving the vote out."""
        return left_out(cells, len(self.classes)) if self.evidence is None else self.evidence.contributions(cells)

    def to_the_power(self, power: float) -> Fitted:
        """Everything a vote adds, times the power; shares of a majority vote stay as they are."""
        if self.evidence is None:
            return self
        arrays = {name: power * getattr(self.evidence, name) for name in self.arrays()}
        return Fitted(self.classes, self.names, replace(self.evidence, **arrays))

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


def saved_state(
    classes: Sequence[str], seed: int, notes: Sequence[str], fitted: Parameters | None
) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
    """What model.json and model.npz hold."""
    names = None if fitted is None or fitted.names is None else list(fitted.names)
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
