"""Augmented records: a row for each, with what would make it a leak.

A new record may only be made of a record on split train, has to stay there, and may not say what a record of another
split says: else a model is tested on what it was trained on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelkit.project import TRAIN
from labelkit.settings import AUGMENTED_FROM
from labelkit.validation.facts.evidence import Evidence, places
from labelkit.validation.frames import named_by
from labelkit.validation.texts import normalised_texts, text_fields, texts_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


def augmented_table(evidence: Evidence) -> pa.Table:
    """One row per augmented record: id, parent, split, parent_split, leak; none where no file is named."""
    import pyarrow as pa

    table = evidence.augmented()
    names = {"id": "string", "parent": "string", "split": "string", "parent_split": "string", "leak": "int64"}
    if table is None:
        return named_by(pa.table({name: pa.array([], kind) for name, kind in names.items()}), "id")
    parent = texts_of(table, AUGMENTED_FROM)
    row = places(parent, evidence.record_ids)
    nothing = pa.nulls(table.num_rows, pa.string())
    own, of_parent = nothing, nothing
    leak = row < 0
    if evidence.split is not None:
        splits = texts_of(evidence.records, evidence.split)
        own, of_parent = texts_of(table, evidence.split), splits.take(pa.array(row, mask=row < 0))
        leak = (
            leak | ~_are(own, TRAIN) | ~_are(of_parent, TRAIN) | _said_elsewhere(evidence, table, ~_are(splits, TRAIN))
        )
    columns = {
        "id": texts_of(table, evidence.id),
        "parent": parent,
        "split": own,
        "parent_split": of_parent,
        "leak": pa.array(leak.astype(np.int64)),
    }
    return named_by(pa.table(columns), "id")


def _are(values: pa.Array, wanted: str) -> NDArray[np.bool_]:
    """(n,) bool: where a text is that, a null being none."""
    import pyarrow.compute as pc

    return np.asarray(pc.fill_null(pc.equal(values, wanted), fill_value=False).to_numpy(zero_copy_only=False))


def _said_elsewhere(evidence: Evidence, table: pa.Table, others: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,) bool: new records whose normalised text is that of a record among the `others`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    fields = [
        name for name in text_fields(evidence.records, evidence.fields) if name in text_fields(table, evidence.fields)
    ]
    if not fields:
        return np.zeros(table.num_rows, dtype=bool)
    known = normalised_texts(evidence.records.filter(pa.array(others)), fields)
    found = pc.is_in(normalised_texts(table, fields), value_set=pa.chunked_array(known.chunks, known.type))
    return np.asarray(found.to_numpy())
