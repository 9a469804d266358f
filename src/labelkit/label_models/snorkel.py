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

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models.additive import Evidence, unanimous
from labelkit.label_models.answers import with_answers
from labelkit.label_models.base import BaseLabelModel, GoldVotes, Learned, counted, votes_without_faults
from labelkit.label_models.fitted import Fitted
from labelkit.label_models.majority import equal_weights
from labelkit.label_models.metal import EPOCHS, LAST, PRECISION, MetalFit, fit_metal
from labelkit.label_models.posterior import Posterior
from labelkit.matrix import LabelMatrix
from labelkit.matrix.counts import MAX_WIDTH, VoteCounts

STILL_FALLING = 0.01  # of the loss in the last epochs: below it the fit counts as settled


class SnorkelLabelModel(BaseLabelModel):
    """Snorkel's LabelModel with its defaults and a seed of your own; answers then correct its parameters (`answers`).

    They are kept out of Snorkel's own fit: a class balance that is not even makes it depend on the seed.

    >>> votes = LabelMatrix.from_rows([[0, 0, -1], [1, 1, 1], [0, 0, 0], [1, -1, 1], [0, 0, 1]] * 20)
    >>> model = SnorkelLabelModel(classes=["ham", "spam"], seed=7).fit(votes)
    >>> model.predict_proba(votes).probs[:2].round(2).argmax(axis=1)
    array([0, 1])
    """

    name: ClassVar[str] = "snorkel"

    def _learn(self, votes: LabelMatrix | VoteCounts, names: tuple[str, ...]) -> Learned:
        counts, k = counted(votes, self.classes), len(self.classes)
        uniform, reason = np.full(k, 1 / k), why_undefined(counts)
        if not reason:
            found = fit_metal(counts, self.seed, uniform)
            reason = "its optimiser diverged, as it may with hundreds of functions" if found.diverged else ""
        if reason:
            said = f"Snorkel's label model is undefined here: {reason}; majority vote was used instead"
            equal = equal_weights(counts.m, k)
            return lambda gold: (Fitted(self.classes, names, with_answers(equal, gold) if gold else None), (said,))
        notes, log_mu = convergence(found), np.log(found.mu).astype(np.float64).reshape(counts.m, k, k)

        def learned(gold: GoldVotes | None) -> tuple[Fitted, tuple[str, ...]]:
            strong = log_mu if gold is None else log_mu * strengthening(log_mu, counts.votes_cast)
            evidence = Evidence(np.concatenate([strong, np.zeros((counts.m, 1, k))], axis=1), np.log(uniform))
            return Fitted(self.classes, names, with_answers(evidence, gold)), notes

        return learned


def strengthening(log_mu: NDArray[np.float64], cast: NDArray[np.int64]) -> float:
    """The factor that gives votes on average the evidence of Snorkel's initial precision, where they have less.

    Snorkel's fit starts from a random scale, and for some seeds ends with the right signs but next to no strength: a
    few answers would then outweigh all functions together. `log_mu` is (m, v, y); `cast` (m, k) counts the votes. A
    model whose votes speak against themselves on average is left as it is.

    >>> round(strengthening(np.log([[[0.55, 0.45], [0.45, 0.55]]]), np.array([[5, 5]])), 1)
    4.2
    """
    k = log_mu.shape[1]
    own = np.einsum("jvv->jv", log_mu)
    lead = own - (log_mu.sum(axis=2) - own) / (k - 1)  # (m, k): what a vote says for its class against the others
    strength = float((cast * lead).sum() / cast.sum())
    usual = float(np.log(PRECISION / (1 - PRECISION)))
    return max(1.0, usual / strength) if strength > 0 else 1.0


def why_undefined(counts: VoteCounts) -> str:
    """Why Snorkel's model cannot be fitted on these votes; empty when it can."""
    m, k = counts.m, counts.k
    if m < 3:
        return f"it needs at least 3 labeling functions, there are {m}"
    if counts.too_wide:
        return f"{m:,} functions times {k} classes are more than the {MAX_WIDTH:,} that it can hold"
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


def reversals(votes: LabelMatrix, posterior: Posterior) -> int:
    """Number of records on which all voters agree and the posterior says otherwise."""
    cells = votes_without_faults(votes)
    agreed = unanimous(cells)
    return int((posterior.probs.argmax(axis=1)[agreed] != cells[agreed].max(axis=1, initial=-1)).sum())
