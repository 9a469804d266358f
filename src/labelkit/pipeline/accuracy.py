"""How often the label models of two sides are right, on the same records: against people's answers and against gold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from labelkit.pipeline.difference import Compared
from labelkit.pipeline.flips import NOBODY, Half, labels_of
from labelkit.pipeline.truth import Yardstick, read_answers
from labelkit.project import ProjectFolder
from labelkit.records import open_records

if TYPE_CHECKING:
    import pyarrow as pa


def accuracies(project: ProjectFolder, ids: pa.Array, old: Half, new: Half) -> Iterator[Compared]:
    """How often the label models are right on records that both cover; people's own labels are left out of it."""
    for basis, truth in truths(project, ids):
        known = np.flatnonzero((truth >= 0) & _covered(old) & _covered(new))
        if len(known):
            right = [labels_of(half.predict, half.votes[known]) == truth[known] for half in (old, new)]
            lost, won = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
            yield Compared(basis, len(known), int(right[0].sum()), int(right[1].sum()), lost, won)


def _covered(half: Half) -> NDArray[np.bool_]:
    return np.asarray((half.votes >= 0).any(axis=1))


def truths(project: ProjectFolder, ids: pa.Array) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """What is known of the records, (n,) class index or -1 in the order of `ids`: people's answers first, then gold."""
    import pyarrow as pa
    import pyarrow.compute as pc

    answers, data = read_answers(project), project.settings.data
    if answers.labels:
        yield "answers of people", answers.of(ids)
    if data.gold is None:
        return
    records, first = open_records(project), 0
    yardstick = Yardstick(project, records, answers)
    seen, known = [pa.array([], ids.type)], [np.empty(0, np.int64)]
    for batch in records.batches([name for name in (data.gold, data.split) if name]):
        seen.append(batch.column(0))
        known.append(yardstick.of(seen[-1], batch, answers.of(seen[-1]), first))
        first += batch.num_rows
    place = pc.fill_null(pc.index_in(ids, value_set=pa.concat_arrays(seen)), NOBODY).to_numpy()
    yield yardstick.basis, np.append(np.concatenate(known), NOBODY)[place]
