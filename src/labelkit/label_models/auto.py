r"""Chooses among the label models by how well each foretells people's answers.

Every candidate learns from the votes once. Answers are dealt into folds; for each fold, each candidate is corrected by
the answers of the others and asked about this one. The lowest mean log loss over all answers wins. With too few answers
there is nothing to choose by, and the model that is best without answers is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import ModelError
from labelkit.label_models.base import BaseLabelModel, GoldVotes, Learned, counted
from labelkit.label_models.calibration import losses
from labelkit.label_models.cross_validation import HeldOut, asked, held_out, lead, scaled
from labelkit.label_models.dawid_skene import DawidSkeneLabelModel
from labelkit.label_models.fitted import Parameters, saved_state
from labelkit.label_models.majority import MajorityLabelModel
from labelkit.label_models.pooled import PooledLabelModel
from labelkit.label_models.snorkel import SnorkelLabelModel
from labelkit.label_models.weighted import WeightedLabelModel
from labelkit.matrix import LabelMatrix
from labelkit.matrix.counts import MAX_DISTINCT, VoteCounts
from labelkit.tables import table

BEST_WITHOUT_ANSWERS: type[BaseLabelModel] = PooledLabelModel
"""The model that is best without answers on the sets of docs/label-models.md."""

OTHERS = (MajorityLabelModel, WeightedLabelModel, DawidSkeneLabelModel, SnorkelLabelModel)

ENOUGH = 50
"""Answers about records with a vote; of fewer, the choice would follow the draw."""

HEADER = ("  model", "log loss", "above the chosen", "Brier", "accuracy")


@dataclass(frozen=True)
class Candidate:
    """How well one model foretells answers that it has not seen."""

    name: str
    log_loss: float  # mean over answers, natural logarithm
    above: float  # the log loss above that of the chosen model
    error: float  # standard error of `above`
    brier: float
    accuracy: float


@dataclass(frozen=True)
class Choice:
    """Which model was taken, and why. Prints as the table that decided."""

    chosen: str
    reason: str
    answers: int  # about records with a vote
    candidates: tuple[Candidate, ...] = ()  # lowest log loss first; empty where there was nothing to choose by

    def table(self) -> str:
        """Figures of every candidate as text, the chosen one marked."""
        rows = [
            [
                f"{'> ' if one.name == self.chosen else '  '}{one.name}",
                f"{one.log_loss:.3f}",
                "" if one.name == self.chosen else f"{one.above:+.3f} ± {one.error:.3f}",
                f"{one.brier:.3f}",
                f"{one.accuracy:.1%}",
            ]
            for one in self.candidates
        ]
        return table(HEADER, rows)

    def __str__(self) -> str:
        return f"{self.table()}\n{self.reason}" if self.candidates else self.reason

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """What `to_json` gave. Raises KeyError or TypeError for anything else."""
        return cls(**{**content, "candidates": tuple(Candidate(**one) for one in content["candidates"])})


class AutoLabelModel(BaseLabelModel):
    """The label model that foretells people's answers best; without answers the one that is best on public sets.

    >>> votes = LabelMatrix.from_rows([[0, 1, 1], [1, 0, 1], [0, 1, 0], [1, 0, 0]] * 20)
    >>> model = AutoLabelModel(classes=["ham", "spam"]).fit(votes, gold=[0, 1, 0, 1] * 10 + [-1] * 40)
    >>> model.choice.answers, model.predict_votes(votes.votes[:4]).argmax(axis=1)
    (40, array([0, 1, 0, 1]))
    """

    name: ClassVar[str] = "auto"
    choice: Choice | None = None  # after a fit
    chosen: BaseLabelModel | None = None  # the fitted model itself

    def _fit(self, votes: LabelMatrix | VoteCounts, gold: GoldVotes | None, names: tuple[str, ...]) -> None:
        best, usable = BEST_WITHOUT_ANSWERS(self.classes, self.seed), asked(gold)
        models: dict[str, tuple[BaseLabelModel, Learned]] = {best.name: (best, best._learn(votes, names))}
        found: dict[str, HeldOut] = {}
        if usable is not None and len(usable.truth) >= ENOUGH:
            models |= _taught([other(self.classes, self.seed) for other in OTHERS], votes, names)
            found = {name: held_out(learned, usable, len(self.classes)) for name, (_, learned) in models.items()}
        self.choice = decided(found) if found else unchecked(gold)
        self.chosen, learned = models[self.choice.chosen]
        self.chosen._settle(learned, gold, found.get(self.chosen.name))
        self.fitted, self.calibration = self.chosen.fitted, self.chosen.calibration
        self.notes = (self.choice.reason, *self.chosen.notes)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
        """What model.json and model.npz hold: the choice, and the chosen model with its arrays."""
        about, _ = saved_state(self.classes, self.seed, self.notes, None)
        if self.choice is None or self.chosen is None:
            return about, {}
        inner, arrays = self.chosen.state()
        return {**about, "choice": self.choice.to_json(), "chosen": inner}, arrays

    @classmethod
    def from_state(cls, about: dict[str, Any], arrays: dict[str, NDArray[np.float64]]) -> Self:
        """The model that `state` described. Raises ValueError when its parts do not fit together."""
        model = cls(about["classes"], about["seed"])
        model.notes = tuple(about["notes"])
        if "choice" in about:
            model.choice = Choice.from_json(about["choice"])
            kinds = {kind.name: kind for kind in (BEST_WITHOUT_ANSWERS, *OTHERS)}
            model.chosen = kinds[model.choice.chosen].from_state(about["chosen"], arrays)
            model.fitted = model.chosen.fitted
        return model


def _taught(
    models: list[BaseLabelModel], votes: LabelMatrix | VoteCounts, names: tuple[str, ...]
) -> dict[str, tuple[BaseLabelModel, Learned]]:
    """The models that can learn from these votes, and what they did; those that need rows from a sample of many."""
    counts, found = counted(votes, models[0].classes), dict[str, tuple[BaseLabelModel, Learned]]()
    for model in models:
        try:
            found[model.name] = model, model._learn(counts, names)
        except ModelError:  # it needs vote rows, which counts hold only while they are few
            if isinstance(votes, LabelMatrix):
                found[model.name] = model, _from_sample(model, votes, names)
    return found


def _from_sample(model: BaseLabelModel, votes: LabelMatrix, names: tuple[str, ...]) -> Learned:
    """What the model learns from as many records as counts keep rows of."""
    n = len(votes.ids)
    chosen = np.sort(np.random.default_rng(model.seed).choice(n, MAX_DISTINCT, replace=False))
    learned = model._learn(VoteCounts.of(votes.votes[chosen], len(model.classes)), names)
    said = f"{model.name} learned from {MAX_DISTINCT:,} of {n:,} records, drawn at random"

    def noted(gold: GoldVotes | None) -> tuple[Parameters, tuple[str, ...]]:
        parameters, notes = learned(gold)
        return parameters, (*notes, said)

    return noted


def unchecked(gold: GoldVotes | None) -> Choice:
    """What is taken while there is too little to choose by."""
    answers = 0 if gold is None else int((gold.cells >= 0).any(axis=1).sum())
    name = BEST_WITHOUT_ANSWERS.name
    if not answers:
        why = f'model "auto" took {name}, the best on public sets; nobody has checked it on these records'
    else:
        why = f'model "auto" took {name}, the best without answers: {answers:,} are too few to choose by'
    return Choice(name, f"{why}. From {ENOUGH} answers on it lets them choose (labelkit annotate)", answers)


def decided(found: Mapping[str, HeldOut]) -> Choice:
    """The model with the lowest log loss of held out answers; of equal ones the first."""
    after = {name: scaled(one)[1] for name, one in found.items()}
    figures = {name: one.calibration() for name, one in after.items()}
    loss = {name: losses(one.probs, one.truth) for name, one in after.items()}
    order = sorted(found, key=lambda name: figures[name].log_loss)
    chosen, n = order[0], figures[order[0]].records
    rows = tuple(
        Candidate(name, one.log_loss, *lead(loss[name], loss[chosen]), one.brier, one.accuracy)
        for name, one in ((name, figures[name]) for name in order)
    )
    why = f'model "auto" took {chosen}: the lowest log loss on {n:,} held out answers'
    if len(rows) > 1:
        why += f", {rows[1].above:.3f} below {rows[1].name} (standard error {rows[1].error:.3f})"
    return Choice(chosen, why, n, rows)
