r"""Snorkel's label model (MeTaL): functions are conditionally independent given the class.

    mu[j, v, y] = P(function j votes v | class y)         fitted so that mu P mu^T reproduces how often votes meet
    P(y | votes) ~ P(y) * product over votes of mu[j, v, y]

Source: Ratner et al., "Training Complex Models with Multi-Task Weak Supervision", AAAI 2019, as implemented in
`snorkel.labeling.model.LabelModel` 0.10: the parameters are those that Snorkel finds with the same seed (`metal`), from
counts of votes alone. Predicting is a table look-up per vote and changes nothing. Where the model is undefined (fewer
than three functions, no two of which meet on a record; see `why_undefined`) or its optimiser diverges, majority vote
takes its place, and `notes` says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelkit.errors import ModelError
from labelkit.label_models.additive import table_posterior
from labelkit.label_models.base import (
    GoldVotes,
    check_classes,
    check_functions,
    checked_cells,
    checked_seed,
    counted,
    gold_votes,
    names_of,
    votes_without_faults,
)
from labelkit.label_models.majority import majority_probs
from labelkit.label_models.metal import EPOCHS, LAST, MetalFit, fit_metal
from labelkit.label_models.posterior import Posterior
from labelkit.matrix import LabelMatrix, checked_classes
from labelkit.matrix.counts import VoteCounts

BALANCE_STRENGTH = 100.0  # pseudo-answers, spread evenly over the classes
STILL_FALLING = 0.01  # of the loss in the last epochs: below it the fit counts as settled
MAX_ROWS_OF_MU = 10_000  # functions times classes: fitting holds several square matrices of that size


class SnorkelLabelModel:
    """Snorkel's LabelModel with its defaults and a seed of your own.

    >>> votes = LabelMatrix.from_rows([[0, 0, -1], [1, 1, 1], [0, 0, 0], [1, -1, 1], [0, 0, 1]] * 20)
    >>> model = SnorkelLabelModel(classes=["ham", "spam"], seed=7).fit(votes)
    >>> model.predict_proba(votes).probs[:2].round(2).argmax(axis=1)
    array([0, 1])
    """

    name: ClassVar[str] = "snorkel"

    def __init__(self, classes: Sequence[str], seed: int = 0) -> None:
        self.classes = checked_classes(classes)
        self.seed = checked_seed(seed)
        self.notes: tuple[str, ...] = ()  # what a user should know about this fit, in plain words
        self.names: tuple[str, ...] | None = None  # (m,): the functions that were learned; None before fit
        self.log_mu: NDArray[np.float64] | None = None  # (m, k + 1, k): log P(vote v | class y); the last v is abstain
        self.log_prior: NDArray[np.float64] | None = None  # (k,)

    def fit(
        self,
        votes: LabelMatrix | VoteCounts,
        gold: ArrayLike | GoldVotes | None = None,
        *,
        names: Sequence[str] | None = None,
    ) -> Self:
        """Fit on votes or on counts of them. Answers inform the class balance, smoothed.

        Raises ModelError when the votes are for other classes.
        """
        counts, k = counted(votes, self.classes), len(self.classes)
        answered = gold_votes(votes, gold, k)
        self.notes, self.names, self.log_mu, self.log_prior = (), names_of(votes, names), None, None
        reason = why_undefined(counts)
        if not reason:
            found = fit_metal(counts, self.seed, np.full(k, 1 / k))
            reason = "its optimiser diverged, as it may with hundreds of functions" if found.diverged else ""
        if reason:
            self.notes = (f"Snorkel's label model is undefined here: {reason}; majority vote was used instead",)
            return self
        self.notes = convergence(found)
        log_mu = np.log(found.mu).astype(np.float64).reshape(counts.m, k, k)
        self.log_mu = np.concatenate([log_mu, np.zeros((counts.m, 1, k))], axis=1)
        prior = np.full(k, 1 / k)
        if answered is not None:
            # Only in predicting: given to the fit, a balance that is not even makes it depend on the seed.
            prior = smoothed_balance(answered.truth, k)
        self.log_prior = np.log(prior)
        return self

    def predict_proba(self, votes: LabelMatrix) -> Posterior:
        """Posterior of each record; majority vote where `fit` found the model undefined."""
        if self.names is not None:
            check_classes(votes, self.classes)
            check_functions(votes, self.names)
        return Posterior(self.predict_votes(votes.votes), votes.covered, votes.ids, self.classes)

    def predict_votes(self, cells: NDArray[np.int8]) -> NDArray[np.float64]:
        """(n, k) probabilities of (n, m) int8 votes, a chunk of any size."""
        if self.names is None:
            raise ModelError("predict_proba needs a fitted model; call fit first")
        votes = checked_cells(cells, len(self.names), len(self.classes))
        if self.log_mu is None or self.log_prior is None:
            return majority_probs(votes, len(self.classes))
        return table_posterior(votes, self.log_mu, self.log_prior)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
        """What model.json and model.npz hold."""
        about = {"classes": list(self.classes), "seed": self.seed, "notes": list(self.notes)}
        about["functions"] = None if self.names is None else list(self.names)
        if self.log_mu is None or self.log_prior is None:
            return about, {}
        return about, {"log_mu": self.log_mu, "log_prior": self.log_prior}

    @classmethod
    def from_state(cls, about: dict[str, Any], arrays: dict[str, NDArray[np.float64]]) -> Self:
        """The model that `state` described. Raises ValueError when its parts do not fit together."""
        model = cls(about["classes"], about["seed"])
        model.notes = tuple(about["notes"])
        model.names = None if about["functions"] is None else tuple(about["functions"])
        if arrays:
            m, k = len(model.names or ()), len(model.classes)
            shapes = {"log_mu": (m, k + 1, k), "log_prior": (k,)}
            if {name: array.shape for name, array in arrays.items()} != shapes:
                raise ValueError(f"parameters must have shapes {shapes}")
            if not all(array.dtype == np.float64 and np.isfinite(array).all() for array in arrays.values()):
                raise ValueError("parameters must be finite numbers")
            model.log_mu, model.log_prior = arrays["log_mu"], arrays["log_prior"]
        return model


def why_undefined(counts: VoteCounts) -> str:
    """Why Snorkel's model cannot be fitted on these votes; empty when it can."""
    m, k = counts.m, counts.k
    if m < 3:
        return f"it needs at least 3 labeling functions, there are {m}"
    if m * k > MAX_ROWS_OF_MU:  # before the pair counts, which would have as many rows and columns
        return f"{m:,} functions times {k} classes are more than the {MAX_ROWS_OF_MU:,} that it can hold"
    cast = counts.votes_cast
    if not cast.any():
        return "no function voted on any record"
    if counts.pairs.sum() == cast.sum():  # a function meets only itself
        return "no two functions voted on the same record"
    if (cast.sum(axis=0) > 0).sum() < 2:
        return "all votes are for one class"
    return ""


def convergence(found: MetalFit) -> tuple[str, ...]:
    """What to say of the end of a fit: nothing when it settled."""
    share, (start, end) = found.still_falling, found.gradients
    if abs(share) <= STILL_FALLING:
        return ()
    moved = f"{'fell' if share > 0 else 'rose'} by {abs(share):.0%} in the last {LAST}"
    note = f"Snorkel's optimiser stopped after its {EPOCHS} steps before it settled: the loss still {moved}"
    return (f"{note}, the gradient's norm is {end / start:.1%} of what it was at the start",)


def smoothed_balance(truth: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """(k,) class shares among the answers, drawn towards equal shares.

    Answers are asked where the model is unsure, so their shares are not those of the data: they count little until
    there are about a hundred.

    >>> smoothed_balance(np.array([0, 0, 1, -1]), 2).round(3)
    array([0.505, 0.495])
    """
    counts = np.bincount(truth[truth >= 0], minlength=k)
    return np.asarray((counts + BALANCE_STRENGTH / k) / (counts.sum() + BALANCE_STRENGTH))


def reversals(votes: LabelMatrix, posterior: Posterior) -> int:
    """Number of records on which all voters agree and the posterior says otherwise."""
    cells = votes_without_faults(votes)
    highest = cells.max(axis=1)
    lowest = np.where(cells >= 0, cells, np.int8(127)).min(axis=1)
    unanimous = votes.covered & (highest == lowest)
    return int((posterior.probs.argmax(axis=1)[unanimous] != highest[unanimous]).sum())
