"""Which labels flipped between two sets of votes and models, and which function's vote did it. Pure functions.

A function caused a flip when its new vote alone does: put among the votes of before it gives the label of after, or
taken out of the votes of after it gives back the label of before. Each side's own label model decides. Where the votes
do not explain it, the label model weighs them otherwise: then the function is named whose evidence for the label of
after, against that of before, grew most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from labelkit.matrix import ABSTAIN

Predict = Callable[[NDArray[np.int8]], NDArray[np.float64]]
"""(n, m) votes -> (n, k) probabilities."""

Weigh = Callable[[NDArray[np.int8]], NDArray[np.float64]]
"""(n, m) votes -> (n, m + 1, k): what each vote adds to the evidence for each class; last, what stands before them."""

Kind = Literal["function", "together", "model", "people", "classes"]

NOBODY = -1  # the label of a record without one
AT_ONCE = 65_536  # rows whose labels are looked up together
WEIGHED_AT_ONCE = 1 << 22  # numbers of evidence in memory at once


@dataclass(frozen=True, eq=False)
class Half:
    """One side of a comparison, records in the order of both."""

    votes: NDArray[np.int8]  # (n, m): class index, or below 0
    names: tuple[str, ...]  # (m,)
    labels: NDArray[np.int64]  # (n,): class index or NOBODY
    human: NDArray[np.bool_]  # (n,): people settled it
    predict: Predict
    weigh: Weigh | None = None


@dataclass(frozen=True)
class Cause:
    """What made labels flip."""

    kind: Kind
    functions: tuple[
        str, ...
    ]  # each alone did it (function), all of them did (together), or it weighs otherwise (model)


@dataclass(frozen=True, eq=False)
class Flips:
    """Labels that are not what they were, and why."""

    rows: NDArray[np.int64]  # (f,): indices of the records
    causes: tuple[Cause, ...]
    cause: NDArray[np.int64]  # (f,): index into `causes`


def find_flips(before: Half, after: Half) -> Flips:
    """Compare labels record by record, and look for the functions behind each difference.

    >>> def most(cells):
    ...     return np.stack([(cells == c).sum(axis=1) for c in (0, 1)], axis=1).astype(float)
    >>> nobody = np.array([False, False])
    >>> old = Half(np.array([[0, -1], [1, -1]], np.int8), ("f", "g"), np.array([0, 1]), nobody, most)
    >>> new = Half(np.array([[1, -1], [1, -1]], np.int8), ("f", "g"), np.array([1, 1]), nobody, most)
    >>> found = find_flips(old, new)
    >>> found.rows.tolist(), found.causes
    ([0], (Cause(kind='function', functions=('f',)),))
    """
    rows = np.flatnonzero(before.labels != after.labels)
    people = before.human[rows] | after.human[rows]
    names = tuple(dict.fromkeys([*before.names, *after.names]))
    changed, alone = _votes_behind(before, after, rows, names)
    together = changed.any(axis=1) & ~alone.any(axis=1) & _all_votes_flip(before, after, rows)
    blamed = np.where(together[:, None], changed, alone)
    kinds = np.where(people, 2, np.where(alone.any(axis=1), 0, np.where(together, 1, 3)))
    blamed[people] = False
    weights = np.flatnonzero(kinds == 3)
    blamed[weights] = _weighed_anew(before, after, rows[weights], names)
    return _grouped(rows, blamed, kinds, names)


def _votes_behind(
    before: Half, after: Half, rows: NDArray[np.int64], names: tuple[str, ...]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(f, functions) bool twice: the function votes otherwise; and that alone flips the label."""
    changed = np.zeros((len(rows), len(names)), dtype=bool)
    alone = np.zeros_like(changed)
    for j, name in enumerate(names):
        old, new = _column(before, name)[rows], _column(after, name)[rows]
        changed[:, j] = old != new
        at = np.flatnonzero(changed[:, j])
        if len(at):
            forth = _flipped(before, rows[at], name, new[at], after.labels)
            back = _flipped(after, rows[at], name, old[at], before.labels)
            alone[at, j] = forth | back
    return changed, alone


def _column(side: Half, name: str) -> NDArray[np.int8]:
    """(n,) votes of a function, faults as abstains; a function that is not there abstains."""
    if name not in side.names:
        return np.full(len(side.votes), ABSTAIN, dtype=np.int8)
    return np.maximum(side.votes[:, side.names.index(name)], np.int8(ABSTAIN))


def _flipped(
    side: Half, rows: NDArray[np.int64], name: str, votes: NDArray[np.int8], wanted: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(r,): with these votes of one function in place of its own, the side's label is the wanted one."""
    if name not in side.names:  # its model has never heard of the function
        return np.zeros(len(rows), dtype=bool)
    cells = np.maximum(side.votes[rows], np.int8(ABSTAIN))
    cells[:, side.names.index(name)] = votes
    return np.asarray(labels_of(side.predict, cells) == wanted[rows])


def _all_votes_flip(before: Half, after: Half, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(f,): all new votes together flip the label under the model of before, or all old ones under that of after."""
    found = np.zeros(len(rows), dtype=bool)
    for side, other in ((before, after), (after, before)):
        cells = np.empty((len(rows), len(side.names)), dtype=np.int8)
        for j, name in enumerate(side.names):
            cells[:, j] = _column(other, name)[rows]
        found |= labels_of(side.predict, cells) == other.labels[rows]
    return found


def _weighed_anew(before: Half, after: Half, rows: NDArray[np.int64], names: tuple[str, ...]) -> NDArray[np.bool_]:
    """(r, functions): the one whose evidence for the new label grew most; none where what stands before votes did."""
    blamed = np.zeros((len(rows), len(names)), dtype=bool)
    if before.weigh is None or after.weigh is None:
        return blamed
    size = max(1, len(names) + 1) * (1 + int(max(before.labels.max(initial=0), after.labels.max(initial=0))))
    step = max(1, WEIGHED_AT_ONCE // size)
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        old, new = before.labels[some], after.labels[some]
        growth = np.zeros((len(some), len(names) + 1))
        for side, weigh, sign in ((before, before.weigh, -1), (after, after.weigh, 1)):
            evidence = weigh(np.maximum(side.votes[some], np.int8(ABSTAIN)))
            own = np.arange(len(some))
            gain = evidence[own, :, new] - evidence[own, :, old]
            places = [*(names.index(name) for name in side.names), len(names)]
            growth[:, places] += sign * gain
        best = growth.argmax(axis=1)
        best[(old == NOBODY) | (new == NOBODY)] = len(names)
        named = np.flatnonzero(best < len(names))
        blamed[start + named, best[named]] = True
    return blamed


def labels_of(predict: Predict, cells: NDArray[np.int8]) -> NDArray[np.int64]:
    """(n,) the most probable class of (n, m) votes, NOBODY where no function votes."""
    labels = np.full(len(cells), NOBODY, dtype=np.int64)
    for start in range(0, len(cells), AT_ONCE):
        some = cells[start : start + AT_ONCE]
        best = predict(some).argmax(axis=1)
        labels[start : start + AT_ONCE] = np.where((some >= 0).any(axis=1), best, NOBODY)
    return labels


_KINDS: tuple[Kind, ...] = ("function", "together", "people", "model")


def _grouped(
    rows: NDArray[np.int64], blamed: NDArray[np.bool_], kinds: NDArray[np.int64], names: tuple[str, ...]
) -> Flips:
    """Flips by the set of functions that caused them, the largest group first."""
    if not len(rows):
        return Flips(rows, (), np.empty(0, np.int64))
    packed = np.concatenate([kinds[:, None].astype(np.uint8), np.packbits(blamed, axis=1)], axis=1)
    keys = np.ascontiguousarray(packed).view(f"V{packed.shape[1]}").ravel()
    _, first, group, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -counts))
    causes = tuple(
        Cause(_KINDS[kinds[i]], tuple(name for name, guilty in zip(names, blamed[i], strict=True) if guilty))
        for i in first[order]
    )
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return Flips(rows, causes, place[group.ravel()])


def in_conflict(votes: NDArray[np.int8]) -> NDArray[np.bool_]:
    """(n,): two functions vote for different classes.

    >>> in_conflict(np.array([[0, 1, -1], [1, 1, -2], [-1, -1, -1]], dtype=np.int8))
    array([ True, False, False])
    """
    if not votes.shape[1]:
        return np.zeros(len(votes), dtype=bool)
    highest, lowest = votes.max(axis=1), votes.view(np.uint8).min(axis=1)  # what is below 0 is above 253
    return np.asarray((highest >= 0) & (lowest != highest))


def disagreements(votes: NDArray[np.int8], k: int) -> NDArray[np.int64]:
    """(m, m) int64: on how many records two functions vote for different classes.

    >>> disagreements(np.array([[0, 1], [1, 1], [0, -1], [1, 0]], dtype=np.int8), 2).tolist()
    [[0, 2], [2, 0]]
    """
    m = votes.shape[1]
    both, same = np.zeros((m, m)), np.zeros((m, m))
    for start in range(0, len(votes), AT_ONCE):
        some = votes[start : start + AT_ONCE]
        voted = (some >= 0).astype(np.float32)
        both += voted.T @ voted
        for c in range(k):
            chosen = (some == c).astype(np.float32)
            same += chosen.T @ chosen
    return (both - same).astype(np.int64)
