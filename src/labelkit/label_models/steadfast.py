"""Additive beliefs in which copies count as one, and that never turn a unanimous vote round unless people say so.

Near-copies are replaced by what most of them vote for before anything else. Where all votes on a record are for one
class and the sum of evidence is for another, that class is raised to just above the other. How far is read from the
evidence without answers; what answers then change comes on top, and may turn the vote round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models.additive import LEAST, Contributions, Evidence, unanimous
from labelkit.label_models.copies import NearCopies, copies_from, without_copies

ARRAYS = ("tables", "log_prior")
BEFORE = "without_answers_"
TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, eq=False)
class Steadfast:
    """Parameters of an additive model whose class balance is learned."""

    classes: tuple[str, ...]
    names: tuple[str, ...]  # (m,): the functions that were learned
    copies: NearCopies  # among them
    evidence: Evidence  # of functions without copies
    before: Evidence  # the same without answers

    def predict_votes(self, cells: NDArray[np.int8]) -> NDArray[np.float64]:
        """(n, k) probabilities of (n, m) votes."""
        single = without_copies(cells, self.copies, len(self.classes))
        probs = _beliefs(self.evidence, cells, single)
        rows, voted, raised = self._raised(cells, single, probs)
        if len(rows):
            logits = np.log(np.maximum(probs[rows], TINY))
            logits[np.arange(len(rows)), voted] += raised
            logits = np.exp(logits - logits.max(axis=1, keepdims=True))
            probs[rows] = logits / logits.sum(axis=1, keepdims=True)
        return probs

    def _raised(
        self, cells: NDArray[np.int8], single: NDArray[np.int8], probs: NDArray[np.float64]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
        """Rows whose unanimous vote evidence would turn round, the class voted for, and by how much to raise it."""
        rows = np.flatnonzero(unanimous(cells))
        voted, own = cells[rows].max(axis=1, initial=-1).astype(np.intp), np.arange(len(rows))
        same = self.before is self.evidence
        before = np.log(np.maximum(probs[rows] if same else _beliefs(self.before, cells[rows], single[rows]), TINY))
        others = before.copy()
        others[own, voted] = -np.inf
        lead = before[own, voted] - others.max(axis=1, initial=-np.inf)
        turned = np.flatnonzero(lead < LEAST)
        return rows[turned], voted[turned], LEAST - lead[turned]

    def contributions(self, cells: NDArray[np.int8]) -> Contributions:
        """What each vote adds; copies share what their group adds, and functions what raises a unanimous vote."""
        k, column = len(self.classes), self.copies.column
        single = without_copies(cells, self.copies, k)
        found = self.evidence.contributions(single)
        speaks = (cells >= 0) & (cells == single[:, column])
        speakers = speaks.astype(np.float64) @ (column[:, None] == np.arange(single.shape[1]))
        shares = speaks / np.maximum(speakers, 1)[:, column]
        values = found.values[:, column] * shares[:, :, None]
        probs = _beliefs(self.evidence, cells, single)
        for row, voted, raised in zip(*self._raised(cells, single, probs), strict=True):
            functions = np.flatnonzero(cells[row] >= 0)
            values[row, functions] += raised / len(functions) * (np.eye(k)[voted] - 1 / k)
        return Contributions(values, found.start, additive=True)

    def to_the_power(self, power: float) -> Steadfast:
        """Everything a vote adds, times the power."""
        evidence, before = (
            Evidence(power * x.tables, power * x.log_prior, None, x.sharing) for x in (self.evidence, self.before)
        )
        before = evidence if self.before is self.evidence else before
        return Steadfast(self.classes, self.names, self.copies, evidence, before)

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """The parameters by name."""
        found = {name: getattr(self.evidence, name) for name in ARRAYS}
        found |= {"sharing": np.array([self.evidence.sharing]), "column": self.copies.column.astype(np.float64)}
        if self.before is not self.evidence:
            found |= {BEFORE + name: getattr(self.before, name) for name in ARRAYS}
        return found


def _beliefs(evidence: Evidence, cells: NDArray[np.int8], single: NDArray[np.int8]) -> NDArray[np.float64]:
    """(n, k) probabilities; the class balance where copies voted, but too few of them for their group to vote."""
    probs = evidence.posterior(single)
    if single is not cells:
        balance = np.exp(evidence.log_prior - evidence.log_prior.max())
        probs[(single < 0).all(axis=1) & (cells >= 0).any(axis=1)] = balance / balance.sum()
    return probs


def read_steadfast(
    classes: tuple[str, ...], names: tuple[str, ...], arrays: dict[str, NDArray[np.float64]]
) -> Steadfast:
    """What `arrays` gave. Raises ValueError when its parts do not fit together."""
    if not all(array.dtype == np.float64 and np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("parameters must be finite numbers")
    k, column = len(classes), arrays.get("column", np.empty(0)).astype(np.int64)
    c = len(np.unique(column))
    if not np.array_equal(np.unique(column), np.arange(c)):
        raise ValueError("parameters must number the functions")
    shapes = {"tables": (c, k + 1, k), "log_prior": (k,), "sharing": (1,), "column": (len(names),)}
    both = shapes | {BEFORE + name: shapes[name] for name in ARRAYS}
    if {name: array.shape for name, array in arrays.items()} not in (shapes, both):
        raise ValueError(f"parameters must have shapes {shapes}")
    sharing = float(arrays["sharing"][0])
    evidence = before = Evidence(arrays["tables"], arrays["log_prior"], None, sharing)
    if len(arrays) > len(shapes):
        before = Evidence(arrays[BEFORE + "tables"], arrays[BEFORE + "log_prior"], None, sharing)
    return Steadfast(classes, names, copies_from(column), evidence, before)
