"""Leakage: records that say what others say already, and what stands on both sides of a split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit.validation.facts.evidence import Evidence
from labelkit.validation.facts.fact import Fact
from labelkit.validation.texts import labels_per_group, texts_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


def _duplicates(evidence: Evidence) -> Mapping[str, Any]:
    import pyarrow as pa

    groups = evidence.same_text
    if groups is None:
        return {"duplicate": pa.nulls(evidence.records.num_rows, pa.int64())}
    first = np.zeros(len(groups), dtype=bool)
    first[np.unique(groups, return_index=True)[1]] = True
    return {"duplicate": (~first).astype(np.int64)}


def _same_splits(evidence: Evidence) -> Mapping[str, Any]:
    return {"splits_of_same_text": _splits(evidence, evidence.same_text)}


def _near_splits(evidence: Evidence) -> Mapping[str, Any]:
    return {"splits_of_near_text": _splits(evidence, evidence.near_text)}


def _embedding_splits(evidence: Evidence) -> Mapping[str, Any]:
    return {"splits_of_near_embedding": _splits(evidence, evidence.near_embedding)}


def _splits(evidence: Evidence, groups: NDArray[np.int64] | None) -> pa.Array:
    """(rows of records,) int64: how many splits the records of each group stand on; null without split or text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if groups is None or evidence.split is None:
        return pa.nulls(evidence.records.num_rows, pa.int64())
    split = pc.fill_null(texts_of(evidence.records, evidence.split).dictionary_encode().indices, -1)
    counts = labels_per_group(groups, np.asarray(split, dtype=np.int64))
    return pa.array(counts[groups].astype(np.int64))


RECORDS = (
    Fact(
        {"duplicate": "int64: 1 when all fields of an earlier record say the same, else 0"},
        _duplicates,
    ),
    Fact(
        {"splits_of_same_text": "int64: on how many splits records of this normalised text stand; 2 is a leak"},
        _same_splits,
    ),
    Fact(
        {"splits_of_near_text": "int64: on how many splits the near-duplicates of this text stand, itself one"},
        _near_splits,
    ),
    Fact(
        {
            "splits_of_near_embedding": "int64: on how many splits records of like embeddings stand, itself one; null "
            "without an embedding"
        },
        _embedding_splits,
    ),
)
