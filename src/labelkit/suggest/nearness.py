"""Candidates on an embedding: nearness to a record that was answered, or to the middle of a cluster.

Clusters are those of spherical k-means (Dhillon and Modha, "Concept decompositions for large sparse text data using
clustering", Machine Learning 42, 2001), begun by farthest-first picks; the middle is the record nearest to the centre.
An example says nothing of itself: its own answer is no test of a rule that it is the example of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelkit.suggest.candidates import Candidate, is_near

Vectors = NDArray[np.float64]

SHARES = (0.01, 0.03, 0.1)  # of the records, which an example's limits let in
MOST_EXAMPLES, CLUSTERS, ROUNDS = 100, 20, 10
DIGITS = 3  # of a limit


@dataclass(frozen=True)
class EmbeddingFile:
    """Where a rule file finds the embeddings of records by id."""

    file: str  # as the rule file names it
    id: str  # its columns
    column: str


def near_candidates(
    field: str, vectors: Vectors, ids: Sequence[str], answered: Sequence[int], source: EmbeddingFile
) -> Iterator[Candidate]:
    """All candidates on n embeddings, (n, d), each of length 1 or 0; `answered` are rows that somebody answered."""
    known = np.flatnonzero((vectors != 0).any(axis=1))
    examples = [row for row in answered if row in set(known.tolist())][:MOST_EXAMPLES]
    for row in dict.fromkeys([*examples, *_middles(vectors, known)]):
        similarity = np.sort(vectors[known] @ vectors[row])[::-1]
        limits = {_limit(similarity, share) for share in SHARES}
        for limit in sorted(limits, reverse=True):
            if -1 <= limit < 1:
                yield is_near(field, ids[row], vectors[row], limit, source.file, source.id, source.column)


def _limit(similarity: Vectors, share: float) -> float:
    """A limit that lets about this share in."""
    return round(float(similarity[min(len(similarity) - 1, max(1, round(share * len(similarity))))]), DIGITS)


def _middles(vectors: Vectors, known: NDArray[np.int64]) -> list[int]:
    """Rows in the middle of clusters."""
    if len(known) < 2 * CLUSTERS:
        return []
    x = vectors[known]
    centres = _farthest_first(x, CLUSTERS)
    for _ in range(ROUNDS):
        nearest = (x @ centres.T).argmax(axis=1)
        sums = np.stack([x[nearest == place].sum(axis=0) for place in range(len(centres))])
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres)
    return known[np.round(x @ centres.T, 9).argmax(axis=0)].tolist()  # type: ignore[no-any-return]


def _farthest_first(x: Vectors, n: int) -> Vectors:
    """(n, d): rows that are unlike one another, beginning with the first."""
    picks, nearest = [0], x @ x[0]
    while len(picks) < n:
        picks.append(int(np.round(nearest, 9).argmin()))
        nearest = np.maximum(nearest, x @ x[picks[-1]])
    return np.asarray(x[picks])
