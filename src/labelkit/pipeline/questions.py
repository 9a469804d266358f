"""Which records people are asked about: those that want an answer, most wanted first, with their fields."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.active import Learned, Queue, QueueItem, in_order, is_code, needs_learner
from labelkit.annotations.annotation import enough
from labelkit.errors import AnswerError, ConfigError, DataError, visible
from labelkit.label_models import Posterior
from labelkit.matrix import LabelMatrix
from labelkit.pipeline.current import CurrentRun, current_run, rows_by_id
from labelkit.pipeline.drawn import asking
from labelkit.pipeline.highlights import Highlights
from labelkit.pipeline.truth import has_answers, store_of
from labelkit.project import TRAIN, ProjectFolder
from labelkit.records import open_records
from labelkit.settings import EngineSection

if TYPE_CHECKING:
    from labelkit.pipeline.learning import PoolLearner
    from labelkit.pipeline.multilabel.questions import WantedOfClasses

FETCHED_AT_ONCE = 500  # records whose fields are read together: each reading goes through the whole data
UNTIL_LEARNED = "margin"  # what is asked by where a strategy needs a learner and has none
LOOKED_THROUGH = 200  # records at the head of the queue, among which those a killed session held are found again


def queue(
    project: ProjectFolder,
    n: int,
    *,
    strategy: str | None = None,
    annotator: str | None = None,
    seed: int | None = None,
    engine: EngineSection | None = None,
) -> Queue:
    """The next n records for a person, each with the reason it is asked.

    Asked are records of split train (all, where the project has no split) that fewer than `[annotate] overlap` people
    have answered and that this annotator has neither answered nor skipped.
    On Spark, which `engine` may name, only candidates come here; a learner knows no others.
    """
    with asking(project, engine, strategy_of(project, strategy), n=n, annotator=annotator, seed=seed) as asked:
        wanted = wanted_of(asked)
        learned: Any = wanted.learned() if needs_learner(wanted.strategy(strategy)) else None
        return Queue(wanted.ranked(strategy, annotator=annotator, seed=seed, most=n, learned=learned))


def strategy_of(project: ProjectFolder, given: str | None) -> str:
    """The strategy that is given, or else the project's. Raises ConfigError where the project names code."""
    named = project.settings.annotate.strategy
    if given is None and is_code(named):
        raise ConfigError(
            f'labelkit.toml: [annotate] strategy: "{visible(named)}" is code, and opening a project runs '
            f"none but its labeling functions; give it on the command line: --strategy {visible(named)}"
        )
    return given or named


def wanted_of(project: ProjectFolder) -> Wanted | WantedOfClasses:
    """The records of a project that people may be asked about, whether they have one class or several."""
    if not project.multilabel:
        return Wanted(project)
    from labelkit.pipeline.multilabel.questions import WantedOfClasses

    return WantedOfClasses(project)


class Wanted:
    """The records of a project that people may be asked about: those of split train, or all without a split."""

    def __init__(self, project: ProjectFolder, current: CurrentRun | None = None) -> None:
        current = current or current_run(project)
        self._project, self._run = project, current.run
        self.votes, self.posterior = _part(
            current.votes, current.posterior, in_splits(project, current.votes.ids, (TRAIN,))
        )

    def strategy(self, given: str | None) -> str:
        """The strategy that is given, or else the project's. Raises ConfigError where the project names code."""
        return strategy_of(self._project, given)

    def ranked(
        self,
        strategy: str | None,
        *,
        annotator: str | None = None,
        seed: int | None = None,
        most: int | None = None,
        learned: Learned | None = None,
    ) -> Iterator[QueueItem]:
        """Records that want an answer of this person, most wanted first."""
        settings, done = self._project.settings, frozenset[str]()
        if has_answers(self._project):
            store = store_of(self._project)
            done = enough(store.history(), settings.annotate.overlap)
            done |= store.asked(annotator) if annotator else frozenset()
        return in_order(
            self.posterior,
            self.votes,
            strategy=self.strategy(strategy),
            exclude=done,
            seed=settings.model.seed if seed is None else seed,
            most=most,
            learned=learned,
        )

    def votes_on(self, record: str) -> dict[str, str] | None:
        """Function name -> class name, of functions that voted on a record; None for one that nobody is asked about."""
        row = self.row_of(record)
        return None if row < 0 else self.votes_at(row)

    def row_of(self, record: str) -> int:
        """The row of a record; -1 for one that nobody is asked about."""
        import pyarrow.compute as pc

        return int(pc.index(self.votes.ids, record).as_py())

    def votes_at(self, row: int) -> dict[str, str]:
        """Function name -> class name, of functions that voted on the record of a row."""
        cast = zip(self.votes.names, self.votes.votes[row].tolist(), strict=True)
        return {name: self.votes.classes[vote] for name, vote in cast if vote >= 0}

    def highlights(self) -> Highlights:
        """Where the rules of the run matched."""
        return Highlights.of_run(self._project, self._run)

    def learner(self) -> PoolLearner:
        """A learner of these records. Takes seconds, with a million records minutes."""
        from labelkit.pipeline.learning import field_table, pool_learner

        return pool_learner(self._project, field_table(self._project, self.posterior), self.posterior)

    def learned(self) -> Learned:
        """What a learner makes of these records after all answers."""
        learner = self.learner()
        history = store_of(self._project).history() if has_answers(self._project) else []
        return learner.learned(learner.given(history))


class Rows:
    """Items of a queue with the fields of their records, which are read some hundred at a time."""

    def __init__(self, project: ProjectFolder, items: Iterator[QueueItem]) -> None:
        self._project, self._items = project, items
        self._fields: dict[str, dict[str, Any]] = {}

    def __iter__(self) -> Iterator[QueueItem]:
        size = FETCHED_AT_ONCE
        while block := list(itertools.islice(self._items, size)):
            ids = [item.record for item in block]
            self._fields |= rows_by_id(open_records(self._project), ids, self._project.settings.data.shown)
            yield from block
            size = min(size * 4, 50_000)

    def know(self, fields: Mapping[str, Mapping[str, Any]]) -> None:
        """Take fields that somebody else has read already."""
        self._fields.update({record: dict(values) for record, values in fields.items()})

    def put_first(self, records: Sequence[str]) -> list[QueueItem]:
        """Take some records out of the beginning of the queue and read their fields; in the order of the queue."""
        beginning = list(itertools.islice(self._items, LOOKED_THROUGH))
        first = [item for item in beginning if item.record in records]
        self._items = itertools.chain((item for item in beginning if item not in first), self._items)
        ids = [item.record for item in first]
        self._fields |= rows_by_id(open_records(self._project), ids, self._project.settings.data.shown)
        return [item for item in first if item.record in self._fields]

    def fields_of(self, record: str) -> Mapping[str, object]:
        """The fields of a record that was given already."""
        if record not in self._fields:
            raise AnswerError(f'record "{visible(record)}" is no longer in the data; run `labelkit apply` again')
        return self._fields[record]


def in_splits(project: ProjectFolder, ids: Any, splits: Sequence[str]) -> NDArray[np.bool_]:
    """(n,) bool, in the order of `ids`: the records of some splits; all of them where the project has no split.

    Raises DataError where the column of the split holds no text.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    data = project.settings.data
    if data.split is None:
        return np.ones(len(ids), dtype=bool)
    records = open_records(project)
    table = records.to_table([data.split])
    type_ = table.schema.field(data.split).type
    if not pa.types.is_large_string(type_):
        raise DataError(
            f'{records.source.name}: column "{visible(data.split)}" holds {type_}, and a split is text such as '
            f'"{TRAIN}"; take split out of [data] in labelkit.toml, or write it as text'
        )
    wanted = pc.is_in(table.column(data.split), value_set=pa.array(splits, type_))
    chosen = table.filter(wanted).column(data.id).combine_chunks()
    return np.asarray(pc.is_in(ids, value_set=chosen.cast(pa.string())).to_numpy(zero_copy_only=False))


def _part(votes: LabelMatrix, posterior: Posterior, keep: NDArray[np.bool_]) -> tuple[LabelMatrix, Posterior]:
    """Some of the records."""
    if keep.all():
        return votes, posterior
    import pyarrow as pa

    ids = votes.ids.filter(pa.array(keep))
    return (
        LabelMatrix(votes.votes[keep], ids, votes.names, votes.classes),
        Posterior(posterior.probs[keep], posterior.covered[keep], ids, posterior.classes),
    )
