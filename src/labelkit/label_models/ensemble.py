"""The mean belief of three label models, none of which is best everywhere.

    log P(y | votes) = mean over members of log P_member(y | votes) + const

is the logarithmic opinion pool with equal weights (Genest and Zidek, "Combining probability distributions: a critique
and an annotated bibliography", Statistical Science 1, 1986). The members err in different ways: pooled votes share what
repeats, Snorkel's model reads covariances, Dawid and Skene's learns what each function mistakes for what. An end model
trained on the mean starts higher than one trained on any of them (docs/active-learning.md). Answers go to the members.
Where all votes are for one class, pooled votes say so and the mean does not, pooled votes are taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models.additive import Contributions, unanimous
from labelkit.label_models.base import BaseLabelModel, GoldVotes, Learned, counted
from labelkit.label_models.dawid_skene import DawidSkeneLabelModel
from labelkit.label_models.fitted import Fitted, Parameters
from labelkit.label_models.pooled import PooledLabelModel
from labelkit.label_models.snorkel import SnorkelLabelModel
from labelkit.label_models.steadfast import TINY
from labelkit.matrix import LabelMatrix
from labelkit.matrix.counts import VoteCounts

MEMBERS: dict[str, type[BaseLabelModel]] = {
    model.name: model for model in (PooledLabelModel, SnorkelLabelModel, DawidSkeneLabelModel)
}
GUARD = PooledLabelModel.name  # never turns a unanimous vote round unless people's answers say so
BETWEEN = "."  # a member's name and that of its array


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Parameters of the members, by name."""

    classes: tuple[str, ...]
    names: tuple[str, ...]  # (m,): the functions that were learned
    members: Mapping[str, Parameters]

    def predict_votes(self, cells: NDArray[np.int8]) -> NDArray[np.float64]:
        """(n, k) probabilities of (n, m) votes."""
        found = {name: one.predict_votes(cells) for name, one in self.members.items()}
        return _guarded(cells, _mean(found), found[GUARD])[0]

    def contributions(self, cells: NDArray[np.int8]) -> Contributions:
        """What each vote adds: the mean of what it adds for the members."""
        beliefs = {name: one.predict_votes(cells) for name, one in self.members.items()}
        rows = _guarded(cells, _mean(beliefs), beliefs[GUARD])[1]
        found = {name: one.contributions(cells) for name, one in self.members.items()}
        values = np.mean([one.values for one in found.values()], axis=0)
        start = np.mean([one.start for one in found.values()], axis=0)
        voted = cells[rows] >= 0
        other_start = (found[GUARD].start - start) / np.maximum(voted.sum(axis=1), 1)[:, None]
        values[rows] = found[GUARD].values[rows] + voted[:, :, None] * other_start[:, None, :]
        return Contributions(values, start, additive=True)

    def to_the_power(self, power: float) -> Ensemble:
        """Everything a vote adds, times the power."""
        powered = {name: one.to_the_power(power) for name, one in self.members.items()}
        return Ensemble(self.classes, self.names, powered)

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """The members' parameters, after the name of each."""
        members = self.members.items()
        return {f"{name}{BETWEEN}{key}": array for name, one in members for key, array in one.arrays().items()}


def _mean(beliefs: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """(n, k): the geometric mean of probabilities of each row, so that it sums to 1."""
    logs = np.mean([np.log(np.maximum(probs, TINY)) for probs in beliefs.values()], axis=0)
    shares = np.exp(logs - logs.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _guarded(
    cells: NDArray[np.int8], mean: NDArray[np.float64], guard: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Probabilities of each row, and the rows in which the guard's were taken: it alone agrees with all votes there."""
    rows = np.flatnonzero(unanimous(cells))
    voted = cells[rows].max(axis=1, initial=-1).astype(np.intp)
    rows = rows[_leads(guard[rows], voted) & np.logical_not(_leads(mean[rows], voted))]
    mean[rows] = guard[rows]
    return mean, rows


def _leads(probs: NDArray[np.float64], classes: NDArray[np.intp]) -> NDArray[np.bool_]:
    """(n,): a class of each row is more probable than every other."""
    own = np.arange(len(probs))
    others = probs.copy()
    others[own, classes] = -1
    return np.asarray(probs[own, classes] > others.max(axis=1, initial=-1))


class EnsembleLabelModel(BaseLabelModel):
    """The mean belief of pooled votes, Snorkel's label model and Dawid and Skene's.

    Fits on votes, or on counts that still hold the distinct vote rows. Where Snorkel's model is undefined, the mean is
    that of the other two, and a note says so.

    >>> votes = LabelMatrix.from_rows([[0, 0, -1], [1, 1, 1], [0, 0, 0], [1, -1, 1], [0, 0, 1]] * 20)
    >>> model = EnsembleLabelModel(classes=["ham", "spam"]).fit(votes)
    >>> model.predict_proba(votes).probs[[0, 1, 4]].argmax(axis=1)
    array([0, 1, 0])
    """

    name: ClassVar[str] = "ensemble"

    def _learn(self, votes: LabelMatrix | VoteCounts, names: tuple[str, ...]) -> Learned:
        counts = counted(votes, self.classes)
        source = votes if counts.distinct is None else counts
        members = {name: kind(self.classes, self.seed)._learn(source, names) for name, kind in MEMBERS.items()}

        def learned(gold: GoldVotes | None) -> tuple[Ensemble, tuple[str, ...]]:
            found = {name: member(gold) for name, member in members.items()}
            taken = {name: parameters for name, (parameters, _) in found.items() if not _counts_only(parameters)}
            notes = tuple(note for name in taken for note in found[name][1])
            missing = [name for name in found if name not in taken]
            notes += tuple(f"the mean is that of {' and '.join(taken)}: {name} is undefined here" for name in missing)
            return Ensemble(self.classes, names, taken), notes

        return learned

    @classmethod
    def from_state(cls, about: dict[str, Any], arrays: dict[str, NDArray[np.float64]]) -> Self:
        """The model that `state` described. Raises ValueError when its parts do not fit together."""
        model = cls(about["classes"], about["seed"])
        model.notes = tuple(about["notes"])
        if about["functions"] is None:
            return model
        parts: dict[str, dict[str, NDArray[np.float64]]] = {}
        for key, array in arrays.items():
            member, _, name = key.partition(BETWEEN)
            parts.setdefault(member, {})[name] = array
        if not set(MEMBERS) >= set(parts) >= {GUARD}:
            raise ValueError(f"parameters must be those of {', '.join(MEMBERS)}")
        members = {name: _read(MEMBERS[name], about, parts[name]) for name in MEMBERS if name in parts}
        model.fitted = Ensemble(model.classes, tuple(about["functions"]), members)
        return model


def _counts_only(parameters: Parameters) -> bool:
    """Whether this is a majority vote, which Snorkel's model falls back to where it is undefined."""
    return isinstance(parameters, Fitted) and parameters.evidence is None


def _read(kind: type[BaseLabelModel], about: dict[str, Any], arrays: dict[str, NDArray[np.float64]]) -> Parameters:
    """The parameters of a member. Raises ValueError when they are none."""
    found = kind.from_state(about, arrays).fitted
    if found is None:
        raise ValueError("a member has no parameters")
    return found
