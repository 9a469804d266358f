"""What the first pass over the records keeps in memory."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

import labelkit as lk
from labelkit.engines import LocalEngine
from labelkit.labeling.functions import checked_functions
from labelkit.pipeline.casting import Casting


def test_records_of_which_nothing_is_known_take_no_memory() -> None:
    """Of those with a gold label or an answer a byte each is kept, in the chunks that have any."""
    rules = checked_functions([lk.rules.contains("x", ["x"], field="text", label=1)])
    records = lk.read(pa.table({"id": ["a", "b", "c"], "text": ["x", "y", "z"]}))
    (chunk,) = LocalEngine().cast(rules, records, ["text"], ["ham", "spam"])
    casting, nothing = Casting(1, 2), np.full(3, -1)
    for truth in (nothing, np.array([1, -1, 0])):
        casting.add(chunk, nothing, truth)
    unknown, known = casting.truths
    assert (unknown.tolist(), known.tolist()) == ([-1, -1, -1], [1, -1, 0])
    assert (unknown.strides, known.strides) == ((0,), (1,))
