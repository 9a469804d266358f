r"""Snorkel's label model (MeTaL): functions are conditionally independent given the class.

    mu[j, v, y] = P(function j votes v | class y)         fitted so that mu P mu^T reproduces how often votes meet
    P(y | votes) ~ P(y) * product over votes of mu[j, v, y]

Source: Ratner et al., "Training Complex Models with Multi-Task Weak Supervision", AAAI 2019, as implemented in
`snorkel.labeling.model.LabelModel` 0.10, which is what fits the parameters here. Predicting is a table look-up per
vote and changes nothing. Where the model is undefined (fewer than three functions, no two of which meet on a record;
see `why_undefined`) or its optimiser diverges, majority vote takes its place, and `notes` says so.
"""

from __future__ import annotations

import contextlib
import random
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelkit.errors import ModelError
from labelkit.label_models.base import check_classes, check_functions, checked_seed, votes_without_faults
from labelkit.label_models.majority import majority_probs
from labelkit.label_models.posterior import Posterior
from labelkit.matrix import LabelMatrix, checked_classes, checked_gold

BALANCE_STRENGTH = 100.0  # pseudo-answers, spread evenly over the classes
PRECISION_STRENGTH = 10.0  # pseudo-answers per function, at Snorkel's initial precision
PRECISION_INIT = 0.7  # Snorkel's default
EPOCHS = 100  # Snorkel's default
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

    def fit(self, votes: LabelMatrix, gold: ArrayLike | None = None) -> Self:
        """Fit on all records. Answers inform the class balance and each function's initial precision, smoothed.

        Global random generators are left as they were. Raises ModelError when the votes are for other classes.
        """
        check_classes(votes, self.classes)
        truth = checked_gold(gold, len(votes.ids), len(self.classes))
        self.notes, self.names, self.log_mu, self.log_prior = (), votes.names, None, None
        try:
            self.log_mu, self.log_prior = self._learned(votes_without_faults(votes), truth)
        except _UndefinedError as error:
            self.notes = (f"Snorkel's label model is undefined here: {error}; majority vote was used instead",)
        return self

    def _learned(
        self, cells: NDArray[np.int8], truth: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """`log_mu` and `log_prior` from (n, m) votes; raises _UndefinedError where there are none."""
        m, k = cells.shape[1], len(self.classes)
        reason = why_undefined(cells, k)
        if reason:
            raise _UndefinedError(reason)
        settings: dict[str, Any] = {}
        if truth is not None and (truth >= 0).any():
            settings["prec_init"] = smoothed_precision(cells, truth)
        mu, prior = _fitted(cells, k, self.seed, settings)
        if truth is not None and (truth >= 0).any():
            # Only in predicting: given to the fit, a balance that is not even makes it depend on the seed.
            prior = smoothed_balance(truth, k)
        log_mu = np.log(mu).astype(np.float64).reshape(m, k, k)
        return np.concatenate([log_mu, np.zeros((m, 1, k))], axis=1), np.log(prior)

    def predict_proba(self, votes: LabelMatrix) -> Posterior:
        """Posterior of each record; majority vote where `fit` found the model undefined."""
        if self.names is None:
            raise ModelError("predict_proba needs a fitted model; call fit first")
        check_classes(votes, self.classes)
        check_functions(votes, self.names)
        cells = votes_without_faults(votes)
        if self.log_mu is None or self.log_prior is None:
            return Posterior(majority_probs(cells, len(self.classes)), votes.covered, votes.ids, self.classes)
        logits = np.tile(self.log_prior, (len(cells), 1))
        for table, column in zip(self.log_mu, cells.T, strict=True):
            logits += table[column]  # ABSTAIN = -1 takes the last row, which is zero
        probs = np.exp(logits - logits.max(axis=1, keepdims=True))
        probs /= probs.sum(axis=1, keepdims=True)
        probs[~votes.covered] = 1 / len(self.classes)
        return Posterior(probs, votes.covered, votes.ids, self.classes)

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


class _UndefinedError(Exception):
    """Snorkel's model says nothing about these votes; the text says why."""


def why_undefined(cells: NDArray[np.int8], k: int) -> str:
    """Why Snorkel's model cannot be fitted on (n, m) int8 votes for k classes; empty when it can."""
    voted = cells >= 0
    if cells.shape[1] < 3:
        return f"it needs at least 3 labeling functions, there are {cells.shape[1]}"
    if not voted.any():
        return "no function voted on any record"
    if not (voted.sum(axis=1) > 1).any():
        return "no two functions voted on the same record"
    if len(np.unique(cells[voted])) < 2:
        return "all votes are for one class"
    if cells.shape[1] * k > MAX_ROWS_OF_MU:
        return f"{cells.shape[1]:,} functions times {k} classes are more than the {MAX_ROWS_OF_MU:,} that it can hold"
    return ""


def smoothed_balance(truth: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """(k,) class shares among the answers, drawn towards equal shares.

    Answers are asked where the model is unsure, so their shares are not those of the data: they count little until
    there are about a hundred.

    >>> smoothed_balance(np.array([0, 0, 1, -1]), 2).round(3)
    array([0.505, 0.495])
    """
    counts = np.bincount(truth[truth >= 0], minlength=k)
    return np.asarray((counts + BALANCE_STRENGTH / k) / (counts.sum() + BALANCE_STRENGTH))


def smoothed_precision(cells: NDArray[np.int8], truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """(m,) share of a function's votes that agree with the answers, drawn towards Snorkel's initial 0.7.

    >>> smoothed_precision(np.array([[0], [1], [1]], dtype=np.int8), np.array([0, 1, -1])).round(2)
    array([0.75])
    """
    judged = (cells >= 0) & (truth[:, None] >= 0)
    right = (judged & (cells == truth[:, None])).sum(axis=0)
    return np.asarray((right + PRECISION_STRENGTH * PRECISION_INIT) / (judged.sum(axis=0) + PRECISION_STRENGTH))


def reversals(votes: LabelMatrix, posterior: Posterior) -> int:
    """Number of records on which all voters agree and the posterior says otherwise."""
    cells = votes_without_faults(votes)
    highest = cells.max(axis=1)
    lowest = np.where(cells >= 0, cells, np.int8(127)).min(axis=1)
    unanimous = votes.covered & (highest == lowest)
    return int((posterior.probs.argmax(axis=1)[unanimous] != highest[unanimous]).sum())


def _fitted(
    cells: NDArray[np.int8], k: int, seed: int, settings: dict[str, Any]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Mu (m * k, k) and the class prior (k,), fitted by Snorkel itself."""
    with _quiet_generators():
        from snorkel.labeling.model import LabelModel

        model = LabelModel(cardinality=k, verbose=False)
        try:
            model.fit(cells.astype(np.int64), seed=seed, n_epochs=EPOCHS, progress_bar=False, **settings)
        except Exception as error:
            if "Loss is NaN" in str(error):  # Snorkel raises a bare Exception
                raise _UndefinedError("its optimiser diverged, as it may with hundreds of functions") from error
            raise
        return model.mu.cpu().detach().numpy(), np.asarray(model.p, dtype=np.float64)


@contextlib.contextmanager
def _quiet_generators() -> Iterator[None]:
    """Let Snorkel seed the global generators, and give them back as they were; one thread, no warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch

        threads, torch_state = torch.get_num_threads(), torch.random.get_rng_state()
        numpy_state, python_state = np.random.get_state(), random.getstate()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.random.set_rng_state(torch_state)
            np.random.set_state(numpy_state)
            random.setstate(python_state)
