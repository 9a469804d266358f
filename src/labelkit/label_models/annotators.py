"""People as sources of votes: one column of the label matrix for each annotator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from labelkit.errors import ModelError, visible
from labelkit.matrix import ABSTAIN, LabelMatrix, checked_classes


def annotator_votes(entries: Iterable[tuple[str, str, int]], classes: Sequence[str]) -> LabelMatrix:
    """Label matrix from (record id, annotator, class index), records and annotators in order of name.

    A later entry of the same annotator on the same record replaces the earlier one. Any label model combines the
    columns; Dawid and Skene's gives each annotator a confusion matrix. Raises ModelError for a class that is none.

    >>> votes = annotator_votes([("b", "ann", 1), ("a", "ann", 0), ("b", "bob", 0)], ["ham", "spam"])
    >>> votes.ids.to_pylist(), votes.names, votes.votes.tolist()
    (['a', 'b'], ('ann', 'bob'), [[0, -1], [1, 0]])
    """
    import pyarrow as pa

    names, known = checked_classes(classes), list(entries)
    for record, annotator, label in known:
        if not isinstance(label, (int, np.integer)) or isinstance(label, bool) or not 0 <= label < len(names):
            what = f"{visible(str(annotator)[:60])} on {visible(str(record)[:60])}: {visible(repr(label)[:60])}"
            raise ModelError(f"{what} is no class index from 0 to {len(names) - 1}")
    records = {record: i for i, record in enumerate(sorted({record for record, _, _ in known}))}
    annotators = {name: j for j, name in enumerate(sorted({name for _, name, _ in known}))}
    votes = np.full((len(records), len(annotators)), ABSTAIN, np.int8)
    for record, annotator, label in known:
        votes[records[record], annotators[annotator]] = label
    return LabelMatrix(votes, pa.array(list(records), pa.string()), tuple(annotators), names)
