"""What a raw vote means: a class index, ABSTAIN, or nothing at all."""

from __future__ import annotations

import enum
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import visible
from labelkit.labeling.faults import BadVoteError, fault_of
from labelkit.labeling.functions import LabelingFunction
from labelkit.matrix import ABSTAIN, FAULT, Fault


def as_votes(
    function: LabelingFunction, raw: list[Any], records: Sequence[str], classes: Sequence[str], faults: dict[int, Fault]
) -> NDArray[np.int8]:
    """(n,) int8 from raw votes; what is no vote is added to `faults`."""
    plain = _plain_votes(raw, len(classes))
    if plain is not None and not faults:
        return plain
    votes = np.empty(0, np.int8) if plain is None else plain.copy()
    if plain is None:
        votes = np.empty(len(raw), dtype=np.int8)
        for i, value in enumerate(raw):
            try:
                votes[i] = as_vote(value, classes)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001  a value may refuse to be looked at, in any way
                faults[i] = fault_of(function, records[i], error)
    votes[list(faults)] = FAULT
    return votes


def _plain_votes(raw: list[Any], k: int) -> NDArray[np.int8] | None:
    """(n,) int8 when every raw vote is a plain int in range, as nearly always; else None."""
    if not set(map(type, raw)) <= {int}:
        return None
    try:
        votes = np.frombuffer(array("b", raw), dtype=np.int8)
    except OverflowError:
        return None
    return votes if not len(votes) or (votes.min() >= ABSTAIN and votes.max() < k) else None


def as_vote(value: Any, classes: Sequence[str]) -> int:
    """The class index, or ABSTAIN, that a raw vote means. Raises BadVoteError for what means nothing.

    >>> [as_vote(value, ["ham", "spam"]) for value in (1, None, "ham", True, -1)]
    [1, -1, 0, 1, -1]
    >>> as_vote(0.7, ["ham", "spam"])
    Traceback (most recent call last):
    labelkit.labeling.faults.BadVoteError: 0.7 is no vote: a float is neither a class nor ABSTAIN
    """
    if value is None:
        return ABSTAIN
    if isinstance(value, str):
        if value not in classes:
            raise BadVoteError(f'"{visible(str(value)[:60])}" is no vote: no class has that name')
        return list(classes).index(value)
    if isinstance(value, (np.integer, np.bool_)) and not isinstance(value, np.timedelta64):
        value = value.item()
    if not isinstance(value, int):
        raise BadVoteError(_no_vote(value))
    index = int.__index__(value)
    if not ABSTAIN <= index < len(classes):
        shown = f"{index}" if abs(index) < 10**20 else "a huge number"
        raise BadVoteError(f"{shown} is no vote: classes are 0 to {len(classes) - 1}, ABSTAIN is {ABSTAIN}")
    return index


def _no_vote(value: object) -> str:
    kind = visible(type(value).__name__)
    if isinstance(value, (float, np.floating)):
        return f"{visible(repr(value)[:60])} is no vote: a {kind} is neither a class nor ABSTAIN"
    hint = "; make it an IntEnum" if isinstance(value, enum.Enum) else ""
    return f"a value of type {kind} is neither a class nor ABSTAIN{hint}"
