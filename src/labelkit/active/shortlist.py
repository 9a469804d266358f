"""The queue from records that are spread over many machines: each part names its candidates, one machine chooses.

Strategies that score a record by itself rank all records in one order, that of score and then of `pool.drawn_order`:
the best n of all are among the best n of each part, so that the queue is that of one machine. Strategies that compare
records with one another (ranked, diverse, committee) choose among the most uncertain ones of all parts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit.active.learned import SHORTLIST
from labelkit.active.mix import is_code, parse_mix
from labelkit.active.pool import Pool, Rows, drawn_order
from labelkit.active.queue import Queue, excluded, in_order, ranking
from labelkit.active.strategies import STRATEGIES
from labelkit.errors import UsageError, shortened
from labelkit.label_models import LabelModel, Posterior
from labelkit.label_models.storage import Fitted
from labelkit.matrix import LabelMatrix

if TYPE_CHECKING:
    import pyarrow as pa


def check_shortlisted(strategy: str) -> None:
    """Raise UsageError for a strategy whose candidates a part of the records cannot name."""
    names = [part.name for part in parse_mix(strategy)]
    if is_code(strategy):
        raise UsageError(
            f'strategy "{shortened(strategy)}": Spark ranks by labelkit\'s own strategies, not by code of yours'
        )
    if "rare" in names:
        raise UsageError('strategy "rare" asks which class is rarest among all records; Spark ranks each by itself')


@dataclass(frozen=True)
class Candidates:
    """Votes in, those of candidates out: goes to executors, where it reads the batches of one part of the records."""

    fitted: Fitted
    classes: tuple[str, ...]
    names: tuple[str, ...]  # of the column of ids, then of the functions
    n: int
    strategy: str
    exclude: frozenset[str]
    keep: frozenset[str]
    seed: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The candidates of all batches, at the end; in the meantime no more are kept."""
        import pyarrow as pa

        model, kept = self.fitted.model(), None
        for batch in batches:
            part = pa.table(batch)
            both = part if kept is None else pa.concat_tables([kept, part])
            votes = votes_of(both.rename_columns(list(self.names)), self.classes)
            kept = both.take(pa.array(self.rows(model.predict_proba(votes), votes))).combine_chunks()
        yield from () if kept is None else kept.to_batches()

    def rows(self, posterior: Posterior, votes: LabelMatrix) -> Rows:
        """(c,) int64: the rows of a part of the records among which the next n of all records are, ascending.

        Those of `exclude` are among them, too, for strategies ask how many there are and what they were like; `keep`
        holds ids of others that are.
        """
        asked = excluded(posterior.ids, self.exclude)
        pool = Pool(posterior.probs, posterior.covered, votes.votes, None, np.flatnonzero(asked))
        order = np.argsort(drawn_order(posterior.ids, self.seed), kind="stable")
        found = [pool.asked, np.flatnonzero(excluded(posterior.ids, self.keep))]
        for part in parse_mix(self.strategy):
            if part.strategy.needs:
                found.append(ranking(STRATEGIES["margin"], pool, ~asked, order, SHORTLIST * self.n)[0])
            else:
                found.append(ranking(part.strategy, pool, ~asked, order, self.n)[0])
        return np.unique(np.concatenate(found))


def votes_of(table: pa.Table, classes: tuple[str, ...]) -> LabelMatrix:
    """A matrix from a table of ids and one column of int8 per function."""
    import pyarrow as pa

    ids = pa.concat_arrays([pa.array([], pa.string()), *table.column(0).cast(pa.string()).chunks])
    cells = np.empty((table.num_rows, table.num_columns - 1), dtype=np.int8, order="F")
    for j, column in enumerate(table.columns[1:]):
        cells[:, j] = column.to_numpy()
    return LabelMatrix(cells, ids, tuple(table.column_names[1:]), classes)


def candidates(
    frame: Any,
    model: LabelModel,
    *,
    n: int,
    strategy: str = "margin",
    exclude: Collection[str] = frozenset(),
    keep: Collection[str] = frozenset(),
    seed: int = 0,
) -> LabelMatrix:
    """The votes of the candidates for the next n questions, from a Spark DataFrame of votes.

    `frame` has a column of ids and one whole-number column per function, as `LabelMatrix` holds votes; `model` is a
    label model fitted on such votes. Executors rank; what comes here does not grow with the records.
    """
    check_shortlisted(strategy)
    classes, names = tuple(model.classes), frame.columns
    work = Candidates(Fitted.of(model), classes, tuple(names), n, strategy, frozenset(exclude), frozenset(keep), seed)
    plain = frame.toDF(*(f"c{place}" for place in range(len(names))))  # Spark takes dots in names for signs of its own
    best = plain.mapInArrow(work, plain.schema).repartition(1).mapInArrow(work, plain.schema)
    return votes_of(best.toArrow().rename_columns(names), classes)


def select_on_spark(
    frame: Any,
    model: LabelModel,
    *,
    n: int = 20,
    strategy: str = "margin",
    exclude: Collection[str] = frozenset(),
    seed: int = 0,
) -> Queue:
    """As `select`, from a Spark DataFrame of votes that never comes to the driver; see `candidates`.

    The same records in the same order, for every strategy that scores a record by itself. Raises UsageError for a
    strategy that needs a learner, which `labelkit annotate` trains on the candidates, or that is code.
    """
    votes = candidates(frame, model, n=n, strategy=strategy, exclude=exclude, seed=seed)
    posterior = model.predict_proba(votes)
    return Queue(in_order(posterior, votes, strategy=strategy, exclude=exclude, seed=seed, most=n))
