"""Additive beliefs that never turn a unanimous vote round, unless people's answers say so.

Where all votes are for one class and the sum of evidence is for another, that class is raised to just above the other.
How far is read from the evidence without answers; what answers then change comes on top, and may turn the vote round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models.additive import LEAST, Contributions, Evidence, unanimous

ARRAYS = ("tables", "log_prior")
BEFORE = "without_answers_"


@dataclass(frozen=True, eq=False)
class Steadfast:
    """Parameters of an additive model whose class balance is learned."""

    classes: tuple[str, ...]
    names: tuple[str, ...]  # (m,): the functions that were learned
    evidence: Evidence
    before: Evidence  # without answers

    def predict_votes(self, cells: NDArray[np.int8]) -> NDArray[np.float64]:
        """(n, k) probabilities of (n, m) votes."""
        probs = self.evidence.posterior(cells)
        rows, voted, raised = self._raised(cells, probs)
        if len(rows):
            some = np.log(np.maximum(probs[rows], np.finfo(np.float64).tiny))
            some[np.arange(len(rows)), voted] += raised
            some = np.exp(some - some.max(axis=1, keepdims=True))
            probs[rows] = some / some.sum(axis=1, keepdims=True)
        return probs

    def _raised(
        self, cells: NDArray[np.int8], probs: NDArray[np.float64]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
        """Rows whose unanimous vote evidence would turn round, the class voted for, and by how much to raise it."""
        rows = np.flatnonzero(unanimous(cells))
        voted = cells[rows].max(axis=1, initial=-1).astype(np.intp)
        before = probs[rows] if self.before is self.evidence else self.before.posterior(cells[rows])
        before = np.log(np.maximum(before, np.finfo(np.float64).tiny))
        others = before.copy()
        others[np.arange(len(rows)), voted] = -np.inf
        lead = before[np.arange(len(rows)), voted] - others.max(axis=1, initial=-np.inf)
        turned = np.flatnonzero(lead < LEAST)
        return rows[turned], voted[turned], LEAST - lead[turned]

    def contributions(self, cells: NDArray[np.int8]) -> Contributions:
        """What each vote adds; what raises a unanimous vote is shared among its functions."""
        found = self.evidence.contributions(cells)
        k = len(self.classes)
        for row, voted, raised in zip(*self._raised(cells, self.evidence.posterior(cells)), strict=True):
            functions = np.flatnonzero(cells[row] >= 0)
            found.values[row, functions] += raised / len(functions) * (np.eye(k)[voted] - 1 / k)
        return found

    def to_the_power(self, power: float) -> Steadfast:
        """Everything a vote adds, times the power."""
        evidence, before = (
            Evidence(power * x.tables, power * x.log_prior, None, x.sharing, x.voices)
            for x in (self.evidence, self.before)
        )
        return Steadfast(self.classes, self.names, evidence, evidence if self.before is self.evidence else before)

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """The parameters by name."""
        found = {name: getattr(self.evidence, name) for name in ARRAYS}
        voices = self.evidence.voices
        found |= {"sharing": np.array([self.evidence.sharing])}
        found |= {"voices": np.ones(len(self.names)) if voices is None else voices}
        if self.before is not self.evidence:
            found |= {BEFORE + name: getattr(self.before, name) for name in ARRAYS}
        return found


def read_steadfast(
    classes: tuple[str, ...], names: tuple[str, ...], arrays: dict[str, NDArray[np.float64]]
) -> Steadfast:
    """What `arrays` gave. Raises ValueError when its parts do not fit together."""
    m, k = len(names), len(classes)
    shapes = {"tables": (m, k + 1, k), "log_prior": (k,), "sharing": (1,), "voices": (m,)}
    both = shapes | {BEFORE + name: shapes[name] for name in ARRAYS}
    if {name: array.shape for name, array in arrays.items()} not in (shapes, both):
        raise ValueError(f"parameters must have shapes {shapes}")
    if not all(array.dtype == np.float64 and np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("parameters must be finite numbers")
    sharing, voices = float(arrays["sharing"][0]), arrays["voices"]
    evidence = before = Evidence(arrays["tables"], arrays["log_prior"], None, sharing, voices)
    if len(arrays) > len(shapes):
        before = Evidence(arrays[BEFORE + "tables"], arrays[BEFORE + "log_prior"], None, sharing, voices)
    return Steadfast(classes, names, evidence, before)
