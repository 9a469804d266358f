"""Where the next labeling function would help most: regions of records that functions say nothing of, or differ on.

Records that nobody voted on are clustered by what the learner sees of them (k-means on the leading components;
Deerwester and others, "Indexing by latent semantic analysis", JASIS 41, 1990). Records on which functions differ
are grouped by the two functions that differ most often. A region is worth its size times how unsure the learner is of
it. Regions take turns by their worth (the divisors of Sainte-Laguë), what was asked in them counts, and each begins
with the record that shows best what sets it apart.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import shortened

if TYPE_CHECKING:
    from labelkit.active.pool import Pool

Rows = NDArray[np.int64]
Scores = NDArray[np.float64]

COMPONENTS, SAMPLE = 50, 5_000  # of the features, and records that clusters are found on
LARGEST, SMALLEST = 40, 20  # clusters at most, and records in one on average at least
NAMED = 3  # features that a region is described by
PAIRS = 40  # of functions, the most frequent ones
IN_TURN = 2_000  # records that are picked one by one


@dataclass(frozen=True)
class Region:
    """Records that one function could be written for."""

    rows: Rows  # the most typical first
    doubt: float  # from 0 to 1, how unsure the learner is of them
    features: tuple[str, ...]  # what sets the records apart; none for a conflict
    pair: tuple[int, int] | None = None  # functions that differ on them

    @property
    def worth(self) -> float:
        """Records of which the classes are not known, so to speak."""
        return len(self.rows) * self.doubt


@dataclass(frozen=True, eq=False)
class Regions:
    """All regions of a pool; no record is in two."""

    regions: tuple[Region, ...]
    of: Rows  # (n,): the region of each record, or -1

    def in_turn(self, rows: Rows, asked: Rows, n: int) -> tuple[Rows, Scores]:
        """The first n of `rows`, and the worth of the region each is in; after IN_TURN of them region by region."""
        free = np.zeros(len(self.of), dtype=bool)
        free[rows] = True
        left = [region.rows[free[region.rows]] for region in self.regions]
        sizes = np.array([len(each) for each in left])
        given = np.bincount(self.of[asked][self.of[asked] >= 0], minlength=len(left)).astype(np.float64)
        worth = np.array([region.worth for region in self.regions])
        taken, picks = np.zeros(len(left), dtype=np.int64), list[int]()
        while len(picks) < min(n, IN_TURN):
            best = int(np.where(taken < sizes, (worth + 1e-9) / (2 * given + 1), -1.0).argmax())
            picks.append(int(left[best][taken[best]]))
            taken[best] += 1
            given[best] += 1
        rest = [left[place][taken[place] :] for place in np.argsort(-worth, kind="stable")]
        chosen = np.concatenate([np.array(picks, dtype=np.int64), *rest])[:n]
        return chosen, worth[self.of[chosen]]

    def reason(self, row: int, names: Sequence[str], classes: Sequence[str], votes: NDArray[np.int8]) -> str:
        """Why a record is asked, in words."""
        region = self.regions[self.of[row]]
        if region.pair is None:
            like = f", with {', '.join(shortened(name, 30) for name in region.features)}" if region.features else ""
            return f"nobody voted on it and {len(region.rows) - 1:,} records like it{like}"
        one, other = (f"{shortened(names[j], 40)} says {shortened(classes[votes[j]], 30)}" for j in region.pair)
        return f"{one}, {other}; {len(region.rows):,} records like that"


def regions_of(pool: Pool) -> Regions:
    """Find the regions of a pool whose learner's features are known."""
    from labelkit.active.strategies import in_conflict

    doubt = _doubt(pool.believed)
    silent, differing = np.flatnonzero(~pool.covered), np.flatnonzero(in_conflict(pool.votes))
    found = [*_clusters(pool, silent, doubt), *_conflicts(pool.votes, differing, doubt)]
    of = np.full(len(pool.covered), -1, dtype=np.int64)
    for place, region in enumerate(found):
        of[region.rows] = place
    return Regions(tuple(found), of)


def _doubt(probs: NDArray[np.float64]) -> Scores:
    """(n,) entropy of each row as a share of the largest there is.

    >>> _doubt(np.array([[0.5, 0.5], [1.0, 0.0]])).round(3)
    array([1., 0.])
    """
    logs = np.log(np.maximum(probs, 1e-12))
    return np.asarray(np.maximum(-(probs * logs).sum(axis=1) / np.log(probs.shape[1]), 0.0))


def _clusters(pool: Pool, rows: Rows, doubt: Scores) -> list[Region]:
    if not len(rows) or pool.learned is None:
        return []
    x = pool.learned.features[rows]
    short = _components(x)
    label = _kmeans(short, min(LARGEST, max(1, len(rows) // SMALLEST)))
    overall, out = np.asarray(x.mean(axis=0)).ravel(), list[Region]()
    for place in np.unique(label):
        members = np.flatnonzero(label == place)
        apart = np.asarray(x[members].mean(axis=0)).ravel() - overall
        typical = np.round(np.asarray(x[members] @ apart).ravel(), 9)
        members = members[np.argsort(-typical, kind="stable")]
        names = _named(apart, pool.learned.columns)
        out.append(Region(rows[members], float(doubt[rows[members]].mean()), names))
    return out


def _components(x: Any) -> NDArray[np.float64]:
    """(n, c): the leading components of the features, found on some of the records."""
    from sklearn.decomposition import TruncatedSVD

    c = min(COMPONENTS, x.shape[1] - 1, x.shape[0] - 1)
    if c < 1 or x.shape[1] <= COMPONENTS:
        return np.asarray(x.toarray() if hasattr(x, "toarray") else x, dtype=np.float64)
    svd = TruncatedSVD(c, random_state=0).fit(x[:: max(1, x.shape[0] // SAMPLE)])
    return np.asarray(svd.transform(x))


def _kmeans(x: NDArray[np.float64], clusters: int) -> Rows:
    """(n,) cluster of each row, found on some of the rows."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different records than clusters
        model = KMeans(clusters, n_init=3, random_state=0).fit(x[:: max(1, len(x) // SAMPLE)])
    return np.asarray(model.predict(x), dtype=np.int64)


def _named(apart: Scores, columns: Sequence[str]) -> tuple[str, ...]:
    """The features that are most above the average of all, by name."""
    if len(columns) != len(apart):
        return ()
    best = [j for j in np.argsort(-apart, kind="stable")[: 3 * NAMED].tolist() if apart[j] > 0 and columns[j]]
    return tuple(columns[j] for j in best[:NAMED])


def _conflicts(votes: NDArray[np.int8], rows: Rows, doubt: Scores) -> list[Region]:
    """Records by the pair of functions that differ on them; of several pairs the one that differs most often."""
    cells = votes[rows]
    m = cells.shape[1]
    differ = {
        (i, j): np.flatnonzero((cells[:, i] >= 0) & (cells[:, j] >= 0) & (cells[:, i] != cells[:, j]))
        for i in range(m)
        for j in range(i + 1, m)
    }
    free, out = np.ones(len(rows), dtype=bool), list[Region]()
    for pair, places in sorted(differ.items(), key=lambda item: -len(item[1]))[:PAIRS]:
        mine = places[free[places]]
        if len(mine):
            free[mine] = False
            mine = rows[mine]
            mine = mine[np.argsort(-doubt[mine], kind="stable")]
            out.append(Region(mine, float(doubt[mine].mean()), (), pair))
    return out
