"""What every label model does, and the checks that all of them share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelkit.errors import ModelError, UsageError, named, visible
from labelkit.label_models.additive import Contributions
from labelkit.label_models.calibration import Calibration
from labelkit.label_models.cross_validation import HeldOut, asked, held_out, said_of_scaling, scaled
from labelkit.label_models.fitted import Parameters, read_state, saved_state
from labelkit.label_models.posterior import Posterior
from labelkit.matrix import ABSTAIN, LabelMatrix, checked_classes, checked_gold, default_classes, default_names
from labelkit.matrix.counts import VoteCounts

MAX_SEED = 2**32 - 1


@dataclass(frozen=True, eq=False)
class GoldVotes:
    """The votes on records whose class people settled: all that a label model learns from answers."""

    cells: NDArray[np.int8]  # (g, m): class index or ABSTAIN
    truth: NDArray[np.int64]  # (g,): class index


class LabelModel(Protocol):
    """Combines votes. Seeded by argument; predicting changes nothing; reads votes only, never records."""

    name: ClassVar[str]
    classes: tuple[str, ...]  # (k,): class names
    notes: tuple[str, ...]  # what a user should know about the last fit, in plain words
    calibration: Calibration | None  # of beliefs about answers, each held out; None with too few

    def fit(
        self,
        votes: LabelMatrix | VoteCounts,
        gold: ArrayLike | GoldVotes | None = None,
        *,
        names: Sequence[str] | None = None,
    ) -> Self:
        """Learn how far to trust each function, from the votes or from counts of them.

        `gold` is (n,) int: the class index that people settled on, or -1; with counts, the votes on settled records.
        `names` are those of the functions, for counts. Returns the model itself. Raises ModelError when the votes are
        for other classes, or the model needs the votes themselves; ValueError when `gold` or `names` do not fit.
        """
        ...

    def predict_proba(self, votes: LabelMatrix) -> Posterior:
        """Believe in each class for each record. Faults count as abstains.

        Raises ModelError when the model is not fitted, or the votes are for other classes, or of other functions.
        """
        ...

    def predict_votes(self, cells: NDArray[np.int8]) -> NDArray[np.float64]:
        """(n, k) probabilities of (n, m) int8 votes, a chunk of any size; each row depends on nothing but its votes.

        Raises ModelError when the model is not fitted, ValueError when the votes do not fit it.
        """
        ...

    def contributions(self, votes: LabelMatrix) -> Contributions:
        """What each vote adds, (n, m, k) numbers: for a page of records, not for millions."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
        """The fitted model as plain JSON values and named arrays, to be saved."""
        ...


Learned: TypeAlias = Callable[[GoldVotes | None], tuple[Parameters, tuple[str, ...]]]
"""What votes taught: from answers to parameters and notes. Asking it is cheap beside learning, and may be repeated."""


class BaseLabelModel:
    """All of a label model but its algorithm, which `_learn` holds; see `LabelModel` for what the methods promise."""

    name: ClassVar[str]

    def __init__(self, classes: Sequence[str], seed: int = 0) -> None:
        self.classes = checked_classes(classes)
        self.seed = checked_seed(seed)
        self.notes: tuple[str, ...] = ()  # what a user should know about this fit, in plain words
        self.fitted: Parameters | None = None
        self.calibration: Calibration | None = None  # of beliefs about answers, each held out; None with too few

    def fit(
        self,
        votes: LabelMatrix | VoteCounts,
        gold: ArrayLike | GoldVotes | None = None,
        *,
        names: Sequence[str] | None = None,
    ) -> Self:
        """Learn from votes or from counts of them, then from answers; from 100 answers on, scale beliefs by them, too.

        Raises ModelError when the votes are for other classes, or the model needs the votes themselves.
        """
        check_classes(votes, self.classes)
        answered, functions = gold_votes(votes, gold, len(self.classes)), names_of(votes, names)
        self._fit(votes, answered, functions)
        return self

    def _fit(self, votes: LabelMatrix | VoteCounts, gold: GoldVotes | None, names: tuple[str, ...]) -> None:
        """`fit`, once its arguments are checked."""
        self._settle(self._learn(votes, names), gold)

    def _learn(self, votes: LabelMatrix | VoteCounts, names: tuple[str, ...]) -> Learned:
        """What these votes teach; `names` are those of the functions."""
        raise NotImplementedError

    def _settle(self, learned: Learned, gold: GoldVotes | None, found: HeldOut | None = None) -> None:
        """Take what was learned, corrected by answers. `found` may say what was believed of them, each held out."""
        self.fitted, self.notes = learned(gold)
        self.calibration, usable = None, asked(gold)
        if usable is None:
            return
        before = held_out(learned, usable, len(self.classes)) if found is None else found
        power, after = scaled(before)
        self.fitted, self.calibration = self.fitted.to_the_power(power), after.calibration()
        if power != 1:
            self.notes = (*self.notes, said_of_scaling(power, before, after))

    def _parameters(self) -> Parameters:
        """What to predict with. Raises ModelError when there is nothing yet."""
        if self.fitted is None:
            raise ModelError("predict_proba needs a fitted model; call fit first")
        return self.fitted

    def predict_proba(self, votes: LabelMatrix) -> Posterior:
        """Posterior of each record. Raises ModelError for votes of other functions or for other classes."""
        probs = _checked_parameters(self, votes).predict_votes(votes_without_faults(votes))
        return Posterior(probs, votes.covered, votes.ids, self.classes)

    def predict_votes(self, cells: NDArray[np.int8]) -> NDArray[np.float64]:
        """(n, k) probabilities of (n, m) int8 votes, a chunk of any size."""
        parameters = self._parameters()
        m = None if parameters.names is None else len(parameters.names)
        return parameters.predict_votes(checked_cells(cells, m, len(self.classes)))

    def contributions(self, votes: LabelMatrix) -> Contributions:
        """What each vote adds."""
        return _checked_parameters(self, votes).contributions(votes_without_faults(votes))

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
        """What model.json and model.npz hold."""
        return saved_state(self.classes, self.seed, self.notes, self.fitted)

    @classmethod
    def from_state(cls, about: dict[str, Any], arrays: dict[str, NDArray[np.float64]]) -> Self:
        """The model that `state` described. Raises ValueError when its parts do not fit together."""
        model = cls(about["classes"], about["seed"])
        model.notes, model.fitted = tuple(about["notes"]), read_state(about, arrays)
        return model


def _checked_parameters(model: BaseLabelModel, votes: LabelMatrix) -> Parameters:
    """What to predict these votes with. Raises ModelError when they do not fit the model."""
    parameters = model._parameters()
    check_classes(votes, model.classes)
    if parameters.names is not None:
        check_functions(votes, parameters.names)
    return parameters


def checked_seed(seed: int) -> int:
    """The seed of a new model. Raises UsageError for anything but a whole number from 0 to 2**32 - 1."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
        raise UsageError(f"the seed must be a whole number from 0 to {MAX_SEED}, not {visible(repr(seed)[:60])}")
    return seed


def check_classes(votes: LabelMatrix | VoteCounts, classes: Sequence[str]) -> None:
    """Raise ModelError unless the votes are for these classes; votes whose classes are only numbered fit any names.

    >>> check_classes(LabelMatrix.from_rows([[0, 1]]), ["ham", "spam"])
    """
    if isinstance(votes, VoteCounts):
        if votes.k != len(classes):
            raise ModelError(f"the votes are for {votes.k} classes, the label model is for {named(classes)}")
        return
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
    return without_faults(votes.votes)


def without_faults(cells: NDArray[np.int8]) -> NDArray[np.int8]:
    """(n, m) votes with faults turned into abstains: no copy where there are none, for the votes may be large."""
    return cells if cells.min(initial=ABSTAIN) >= ABSTAIN else np.maximum(cells, np.int8(ABSTAIN))


def counted(votes: LabelMatrix | VoteCounts, classes: Sequence[str]) -> VoteCounts:
    """Counts of the votes. Raises ModelError when they are for other classes."""
    check_classes(votes, classes)
    return votes if isinstance(votes, VoteCounts) else VoteCounts.of(votes.votes, len(classes))


def names_of(votes: LabelMatrix | VoteCounts, names: Sequence[str] | None) -> tuple[str, ...]:
    """Names of the functions, as given or as the votes have them. Raises ValueError when there are more or fewer."""
    if names is None:
        return default_names(votes.m) if isinstance(votes, VoteCounts) else votes.names
    m = votes.m if isinstance(votes, VoteCounts) else len(votes.names)
    if len(names) != m:
        raise ValueError(f"{len(names)} names for {m} functions")
    return tuple(names)


def gold_votes(votes: LabelMatrix | VoteCounts, gold: ArrayLike | GoldVotes | None, k: int) -> GoldVotes | None:
    """The votes on settled records; None when nothing is settled. Raises ValueError when `gold` does not fit.

    >>> found = gold_votes(LabelMatrix.from_rows([[0, 1], [1, -2]]), [-1, 0], 2)
    >>> found.cells.tolist(), found.truth.tolist()
    ([[1, -1]], [0])
    """
    if isinstance(gold, GoldVotes):
        m = votes.m if isinstance(votes, VoteCounts) else len(votes.names)
        truth = checked_gold(gold.truth, len(gold.cells), k)
        if truth is None or gold.cells.shape != (len(truth), m) or (len(truth) and truth.min() < 0):
            raise ValueError(f"gold must be votes of {m} functions and a class for each row")
        return GoldVotes(np.maximum(gold.cells, np.int8(ABSTAIN)), truth) if len(truth) else None
    if gold is None:
        return None
    if isinstance(votes, VoteCounts):
        raise ValueError("gold for counts must be GoldVotes: which records were counted is not known")
    truth = checked_gold(gold, len(votes.ids), k)
    known = np.flatnonzero(truth >= 0) if truth is not None else np.empty(0, np.int64)
    if truth is None or not len(known):
        return None
    return GoldVotes(np.maximum(votes.votes[known], np.int8(ABSTAIN)), truth[known])


def checked_cells(cells: NDArray[np.int8], m: int | None, k: int) -> NDArray[np.int8]:
    """(n, m) votes with faults turned into abstains. Raises ValueError for another shape or votes that are no class."""
    if cells.ndim != 2 or cells.dtype != np.int8 or (m is not None and cells.shape[1] != m):
        shape = "two dimensions" if m is None else f"{m} functions"
        raise ValueError(f"votes must be int8 of {shape}, not {cells.dtype} of shape {cells.shape}")
    if cells.size and int(cells.max()) >= k:
        raise ValueError(f"votes must be below {k}, the number of classes, not {int(cells.max())}")
    return without_faults(cells)
