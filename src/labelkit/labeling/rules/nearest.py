"""Nearness to examples: the cosine similarity of a record's embedding to the nearest of some vectors.

    similarity(a, b) = a . b / (|a| |b|)        1: the same direction, 0: none in common, -1: the opposite

Similarities are rounded to nine digits before they are compared, so that a vote does not depend on how many records
were multiplied at once. A null, and a vector of zeros, which has no direction, are unknown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import DataError, FunctionError, named, visible
from labelkit.labeling.rules.conditions import Leaf
from labelkit.labeling.rules.numbers import Found
from labelkit.records import read
from labelkit.records.vectors import DIGITS, VectorError, directions, is_vectors, vectors_of

if TYPE_CHECKING:
    import pyarrow as pa

MOST = 10_000  # examples


@dataclass(frozen=True)
class Near(Leaf):
    """An embedding is nearer than `above` to one of the examples."""

    examples: bytes  # (e, size) float64, each of length 1
    size: int  # numbers of an embedding
    above: float

    vector = True

    def holds_for(self, value: Any) -> bool | None:
        """Whether it holds for one embedding; zeros are unknown. Raises ValueError for one of another length."""
        vector = np.asarray(value, dtype=np.float64)
        if vector.shape != (self.size,):
            raise ValueError(f"an embedding of {vector.size:,} numbers, where the examples have {self.size:,}")
        held, known = self.found_in(vector[None, :])
        return bool(held[0]) if known[0] else None

    def found_in(self, vectors: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(n,) bool: where it holds for (n, size) float64 vectors, and (n,) bool: where that is known."""
        known = (vectors != 0).any(axis=1)
        similarity = directions(vectors) @ _matrix(self.examples, self.size).T
        nearest = np.round(similarity.max(axis=1, initial=-1.0), DIGITS)
        return (nearest > self.above) & known, known

    def definition(self) -> list[Any]:
        """Kind, field, the examples' hash and number, and the limit."""
        digest = hashlib.sha256(self.examples).hexdigest()
        return ["near", self.field, digest, len(self.examples) // (8 * self.size), self.above]


@lru_cache(maxsize=256)
def _matrix(content: bytes, size: int) -> NDArray[np.float64]:
    return np.frombuffer(content, dtype=np.float64).reshape(-1, size)


def vectors_near(leaf: Near, column: pa.Array) -> Found:
    """Where a condition holds in a column of embeddings, and where that is known.

    Raises FunctionError for a column whose embeddings are none, or are not as long as the examples.
    """
    import pyarrow as pa

    if pa.types.is_null(column.type):
        return np.zeros(len(column), np.bool_), np.zeros(len(column), np.bool_)
    try:
        vectors, known = vectors_of(column, leaf.size)
    except VectorError as error:
        raise FunctionError(
            f'field "{visible(leaf.field)}": an embedding holds {error}; name the field as embedding under [data], and '
            "you are told whose"
        ) from None
    held, sure = leaf.found_in(vectors)
    sure &= known
    return held & sure, sure


def given_vectors(rule: str, given: Any) -> NDArray[np.float64]:
    """(e, d) float64 from lists of numbers. Raises FunctionError for what is none."""
    try:
        vectors = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        vectors = np.empty(0)
    if vectors.ndim != 2 or not vectors.size:
        raise FunctionError(f'rule "{visible(rule)}": to= must be a list of embeddings, all of one length')
    return _whole(rule, vectors)


def vectors_of_ids(rule: str, ids: Sequence[str], path: Path, key: str, column: str) -> NDArray[np.float64]:
    """(e, d) float64: the embeddings of some ids in a file of records, in the order of the ids.

    Raises FunctionError for an id that is not there, or has no embedding.
    """
    where = f'rule "{visible(rule)}": {visible(path.name)}'
    try:
        table = read(path, id=key, columns=[column]).to_table()
    except DataError as error:
        raise FunctionError(f'rule "{visible(rule)}": {error}') from None
    kind = table.schema.field(column).type
    if not is_vectors(kind):
        raise FunctionError(f'{where}: column "{visible(column)}" is {kind}, not lists of numbers')
    rows = {record: row for row, record in enumerate(table.column(0).to_pylist())}
    missing = [one for one in ids if one not in rows]
    if missing:
        raise FunctionError(f"{where}: no record {named(missing)}")
    try:
        vectors, known = vectors_of(table.column(column).take([rows[one] for one in ids]))
    except VectorError as error:
        raise FunctionError(f'{where}: record "{visible(ids[error.row])}": {error}') from None
    without = [one for one, there in zip(ids, known, strict=True) if not there]
    if without:
        raise FunctionError(f"{where}: no embedding of {named(without)}")
    return _whole(rule, vectors)


def _whole(rule: str, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(vectors) > MOST:
        raise FunctionError(f'rule "{visible(rule)}": {len(vectors):,} examples; at most {MOST:,} can be compared with')
    if not np.isfinite(vectors).all() or not (vectors != 0).any(axis=1).all():
        raise FunctionError(f'rule "{visible(rule)}": an example is all zeros, or holds a number that is not finite')
    return directions(vectors)
