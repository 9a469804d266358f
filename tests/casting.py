"""Casting votes on a few records, for the tests of labeling functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from labelkit.labeling import LabelingFunction, cast_votes, labeling_function
from labelkit.labeling.functions import checked_functions
from labelkit.matrix import Fault

CLASSES = ("ham", "spam")


def cast(
    functions: Sequence[object],
    fields: Mapping[str, Any],
    classes: Sequence[str] = CLASSES,
    chunk: int = 1_000,
) -> tuple[NDArray[np.int8], list[Fault]]:
    """(n, m) votes and faults on records r0, r1, ... with these columns, `chunk` records at a time."""
    batch = pa.record_batch(dict(fields))
    ids = pa.array([f"r{i}" for i in range(batch.num_rows)], pa.string())
    made = checked_functions(functions)
    votes, faults = [np.empty((0, len(made)), np.int8)], list[Fault]()
    for start in range(0, batch.num_rows, chunk):
        part = cast_votes(made, ids.slice(start, chunk), batch.slice(start, chunk), classes)
        votes.append(part[0])
        faults += part[1]
    return np.concatenate(votes), faults


def named(name: str, function: Callable[..., Any], **settings: Any) -> LabelingFunction:
    """A row function under a name."""
    return labeling_function(name, **settings)(function)


def returning(value: Any, name: str = "f") -> LabelingFunction:
    """A function that returns the value for every record."""
    return named(name, lambda x: value)
