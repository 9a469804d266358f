"""The learner beside the queue: trained on weak labels once, corrected by every answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.active import Learned
from labelkit.active.correction import ANCHORS, fit_correction
from labelkit.active.curve import Say
from labelkit.label_models import Posterior
from labelkit.label_models.labels import probability_column
from labelkit.learner import train
from labelkit.project import ProjectFolder
from labelkit.records import open_records

TRAINED_ON = 20_000  # records that the weak learner sees at most
TRANSFORMED_AT_ONCE = 20_000
SAMPLE = 5_000  # records on which it is counted how often the learner changes its mind


class PoolLearner:
    """A learner of one project's records.

    `table` holds the fields of the records of `posterior`, in its order. Raises ModelError where there is nothing to
    learn from, UsageError for fields it cannot read.
    """

    def __init__(self, table: Any, posterior: Posterior, fields: list[str], seed: int = 0) -> None:
        import pyarrow as pa

        rng = np.random.default_rng(seed)
        rows = rng.permutation(np.flatnonzero(posterior.covered))[:TRAINED_ON]
        labels = {probability_column(name): posterior.probs[rows, c] for c, name in enumerate(posterior.classes)}
        chosen = table.take(pa.array(rows)).select(fields)
        for name, probs in labels.items():
            chosen = chosen.append_column(name, pa.array(probs))
        learner = train(chosen, fields, posterior.classes, seed)
        self.features, self.weak = _features_and_probs(learner, table)
        self.sample = rng.permutation(len(table))[:SAMPLE]
        self._anchors = self.sample[:ANCHORS]

    def learned(self, answers: NDArray[np.int64]) -> Learned:
        """What the learner makes of the records after answers, (n,) int64: class index, or -1 where there is none."""
        rows = np.flatnonzero(answers >= 0)
        correction = fit_correction(self.features, self.weak, rows, answers[rows], self._anchors)
        return Learned(correction.predict_proba(self.features, self.weak), self.features)

    def refit(self, rows: NDArray[np.int64], labels: NDArray[np.int64]) -> Say:
        """The learner after answers to some rows, as a function that says the class of rows."""
        correction = fit_correction(self.features, self.weak, rows, labels, self._anchors)

        def say(asked: NDArray[np.int64]) -> NDArray[np.int64]:
            return np.asarray(correction.predict_proba(self.features[asked], self.weak[asked]).argmax(axis=1))

        return say


def field_table(project: ProjectFolder, posterior: Posterior) -> Any:
    """The fields of the posterior's records, in its order."""
    import pyarrow.compute as pc

    data = project.settings.data
    table = open_records(project).to_table(data.fields)
    return table.take(pc.index_in(posterior.ids, value_set=table.column(data.id).combine_chunks()))


def _features_and_probs(learner: Any, table: Any) -> tuple[Any, NDArray[np.float64]]:
    """What the learner sees of every record, and what it makes of it, block by block."""
    from scipy.sparse import issparse, vstack

    blocks: list[Any] = []
    probs: list[NDArray[np.float64]] = []
    transform, classifier = learner.pipeline[:-1], learner.pipeline[-1]
    for start in range(0, len(table), TRANSFORMED_AT_ONCE):
        block = table.slice(start, TRANSFORMED_AT_ONCE)
        cells = np.empty((len(block), len(learner.fields)), dtype=object)
        for place, name in enumerate(learner.fields):
            cells[:, place] = block.column(name).to_pylist()
        blocks.append(transform.transform(cells))
        known = np.zeros((len(block), len(learner.classes)))
        known[:, classifier.classes_] = classifier.predict_proba(blocks[-1])
        probs.append(known)
    stacked = vstack(blocks).tocsr() if issparse(blocks[0]) else np.vstack(blocks)
    return stacked, np.vstack(probs)
