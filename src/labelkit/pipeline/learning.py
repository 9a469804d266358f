"""The learner beside the queue: trained on weak labels once, corrected by every answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelkit.active import Learned
from labelkit.active.curve import Say
from labelkit.annotations import Annotation, standing
from labelkit.label_models import Posterior
from labelkit.label_models.labels import probability_column
from labelkit.learner import LINEAR, weak_learner
from labelkit.learner.names import column_names
from labelkit.project import ProjectFolder
from labelkit.records import open_records

DRAWN_AT_RANDOM = "random"  # the strategy whose answers are an honest sample

Given: TypeAlias = tuple[int, int, bool]
"""An answer: row of the record, class index, whether the record was drawn at random."""


class PoolLearner:
    """A learner of the records that people may be asked about.

    `table` holds the fields of the records of `posterior`, in its order. Raises ModelError where there is nothing to
    learn from, UsageError for fields it cannot read.
    """

    def __init__(
        self,
        table: Any,
        posterior: Posterior,
        fields: list[str],
        seed: int = 0,
        *,
        estimator: str = LINEAR,
        kinds: Mapping[str, str] | None = None,
    ) -> None:
        import pyarrow as pa

        labelled = table.select(fields)
        probs = np.where(posterior.covered[:, None], posterior.probs, np.nan)
        for c, name in enumerate(posterior.classes):
            labelled = labelled.append_column(probability_column(name), pa.array(probs[:, c]))
        self.rows = {record: row for row, record in enumerate(posterior.ids.to_pylist())}
        self._classes = {name: index for index, name in enumerate(posterior.classes)}
        self._weak = weak_learner(labelled, fields, posterior.classes, seed, estimator=estimator, kinds=kinds)
        self._columns = column_names(self._weak.learner.pipeline[0], fields)
        self.sample = self._weak.sample

    def given(self, history: Iterable[Annotation]) -> list[Given]:
        """The answers that stand, oldest first; those of records or classes that are no longer there are left out."""
        said = sorted(standing(history).values(), key=lambda entry: entry.sequence)
        return [
            (self.rows[entry.record], self._classes[entry.label], entry.strategy == DRAWN_AT_RANDOM)
            for entry in said
            if entry.record in self.rows and entry.label in self._classes
        ]

    def learned(self, given: Sequence[Given]) -> Learned:
        """What the learner makes of the records after answers."""
        rows, labels, at_random = np.array(given, dtype=np.int64).reshape(-1, 3).T
        hybrid = self._weak.learn(rows, labels, at_random.astype(bool))
        weak, of_answers = self._weak, self._weak.without_functions(hybrid)
        return Learned(weak.pool_probabilities(hybrid), weak.features, self._columns, of_answers)

    def trust(self, given: Sequence[Given]) -> float:
        """How far the answers confirm the labeling functions, from 0 (junk) to 1."""
        rows, labels, at_random = np.array(given, dtype=np.int64).reshape(-1, 3).T
        return self._weak.trust(rows, labels, at_random.astype(bool))

    def refit(self, rows: NDArray[np.int64], labels: NDArray[np.int64], at_random: NDArray[np.bool_]) -> Say:
        """The learner after answers to some rows, as a function that says the class of rows."""
        weak, hybrid = self._weak, self._weak.learn(rows, labels, at_random)

        def say(asked: NDArray[np.int64]) -> NDArray[np.int64]:
            return np.asarray(hybrid.from_features(weak.features[asked], weak.logs[asked]).argmax(axis=1))

        return say


def pool_learner(project: ProjectFolder, table: Any, posterior: Posterior) -> PoolLearner:
    """The learner that labelkit.toml asks for, of records with these fields."""
    settings, wanted = project.settings, project.settings.learner
    fields, seed = settings.data.fields, settings.model.seed
    return PoolLearner(table, posterior, fields, seed, estimator=wanted.model, kinds=wanted.kinds)


def field_table(project: ProjectFolder, posterior: Posterior) -> Any:
    """The fields of the posterior's records, in its order."""
    import pyarrow.compute as pc

    data = project.settings.data
    table = open_records(project).to_table(data.fields)
    places = pc.index_in(posterior.ids, value_set=table.column(data.id).combine_chunks())
    return table.select(data.fields).take(places)
