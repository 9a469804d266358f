"""What a raw vote means: a class, an abstain, or a fault; never a guess."""

from __future__ import annotations

import array
import datetime as dt
import decimal
import enum
import fractions
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from casting import cast, named, returning
from labelkit.labeling.faults import BadVoteError
from labelkit.labeling.votes import as_vote
from labelkit.matrix import ABSTAIN, FAULT

CLASSES = ["ham", "spam", "eggs"]


class Label(enum.IntEnum):
    ABSTAIN = -1
    HAM = 0
    EGGS = 2
    FAR = 3


class Name(enum.StrEnum):
    SPAM = "spam"
    OTHER = "other"


class Plain(enum.Enum):
    HAM = 0


class Flags(enum.IntFlag):
    SPAM = 1


class Sneaky(int):
    """An int that lies whenever it is asked."""

    def __index__(self) -> int:
        return 0

    def __int__(self) -> int:
        return 0

    def __lt__(self, other: object) -> bool:
        raise ValueError("do not compare me")

    __le__ = __gt__ = __ge__ = __lt__


class Index:
    """Usable as an index, but no vote."""

    def __index__(self) -> int:
        return 1


class Text(str):
    """A str of one's own."""

    __slots__ = ()


class Unshowable(float):
    """A float that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


def generator() -> Iterator[int]:
    yield 1


ACCEPTED: list[tuple[Any, int]] = [
    (0, 0),
    (1, 1),
    (2, 2),
    (-1, ABSTAIN),
    (None, ABSTAIN),
    (False, 0),
    (True, 1),
    ("ham", 0),
    ("eggs", 2),
    (Text("spam"), 1),
    (np.str_("spam"), 1),
    (Name.SPAM, 1),
    (Label.HAM, 0),
    (Label.EGGS, 2),
    (Label.ABSTAIN, ABSTAIN),
    (Flags.SPAM, 1),
    (Sneaky(2), 2),
    (np.int8(2), 2),
    (np.int16(1), 1),
    (np.int32(-1), ABSTAIN),
    (np.int64(0), 0),
    (np.uint8(2), 2),
    (np.uint64(1), 1),
    (np.True_, 1),
    (np.False_, 0),
]

FLOAT = "is no vote: a float is neither a class nor ABSTAIN"
RANGE = "is no vote: classes are 0 to 2, ABSTAIN is -1"

REFUSED: list[tuple[Any, str]] = [
    (0.7, f"0.7 {FLOAT}"),
    (1.0, f"1.0 {FLOAT}"),
    (-1.0, f"-1.0 {FLOAT}"),
    (float("nan"), f"nan {FLOAT}"),
    (float("inf"), f"inf {FLOAT}"),
    (3, f"3 {RANGE}"),
    (99, f"99 {RANGE}"),
    (127, f"127 {RANGE}"),
    (128, f"128 {RANGE}"),
    (255, f"255 {RANGE}"),
    (256, f"256 {RANGE}"),
    (-2, f"-2 {RANGE}"),
    (-7, f"-7 {RANGE}"),
    (2**70, f"a huge number {RANGE}"),
    (-(10**5000), f"a huge number {RANGE}"),
    (Label.FAR, f"3 {RANGE}"),
    (np.int64(-2), f"-2 {RANGE}"),
    (np.uint8(255), f"255 {RANGE}"),
    (np.uint64(2**64 - 1), f"18446744073709551615 {RANGE}"),
    (np.float64(1.0), "np.float64(1.0) is no vote: a float64 is neither a class nor ABSTAIN"),
    (np.float32(0.5), "np.float32(0.5) is no vote: a float32 is neither a class nor ABSTAIN"),
    (np.array(1), "a value of type ndarray is neither a class nor ABSTAIN"),
    (np.array([1]), "a value of type ndarray is neither a class nor ABSTAIN"),
    (np.array(True), "a value of type ndarray is neither a class nor ABSTAIN"),
    (np.timedelta64(1), "a value of type timedelta64 is neither a class nor ABSTAIN"),
    (np.datetime64(1, "s"), "a value of type datetime64 is neither a class nor ABSTAIN"),
    ("", '"" is no vote: no class has that name'),
    ("1", '"1" is no vote: no class has that name'),
    ("Ham", '"Ham" is no vote: no class has that name'),
    ("ham ", '"ham " is no vote: no class has that name'),
    ("\x1b[2J", r'"\x1b[2J" is no vote: no class has that name'),
    ("x" * 90, f'"{"x" * 60}" is no vote: no class has that name'),
    (Name.OTHER, '"other" is no vote: no class has that name'),
    (Plain.HAM, "a value of type Plain is neither a class nor ABSTAIN; make it an IntEnum"),
    (b"ham", "a value of type bytes is neither a class nor ABSTAIN"),
    (bytearray(b"ham"), "a value of type bytearray is neither a class nor ABSTAIN"),
    ([], "a value of type list is neither a class nor ABSTAIN"),
    ([1], "a value of type list is neither a class nor ABSTAIN"),
    ((1,), "a value of type tuple is neither a class nor ABSTAIN"),
    ({1}, "a value of type set is neither a class nor ABSTAIN"),
    ({"ham": 1}, "a value of type dict is neither a class nor ABSTAIN"),
    (range(2), "a value of type range is neither a class nor ABSTAIN"),
    (array.array("b", [1]), "a value of type array is neither a class nor ABSTAIN"),
    (generator(), "a value of type generator is neither a class nor ABSTAIN"),
    (decimal.Decimal(1), "a value of type Decimal is neither a class nor ABSTAIN"),
    (fractions.Fraction(1), "a value of type Fraction is neither a class nor ABSTAIN"),
    (1 + 0j, "a value of type complex is neither a class nor ABSTAIN"),
    (Index(), "a value of type Index is neither a class nor ABSTAIN"),
    (object(), "a value of type object is neither a class nor ABSTAIN"),
    (int, "a value of type type is neither a class nor ABSTAIN"),
    (len, "a value of type builtin_function_or_method is neither a class nor ABSTAIN"),
    (..., "a value of type ellipsis is neither a class nor ABSTAIN"),
    (NotImplemented, "a value of type NotImplementedType is neither a class nor ABSTAIN"),
    (dt.date(2020, 1, 1), "a value of type date is neither a class nor ABSTAIN"),
    (ValueError("no"), "a value of type ValueError is neither a class nor ABSTAIN"),
]


def test_the_table_is_long() -> None:
    """At least sixty kinds of return values are looked at."""
    assert len(ACCEPTED) + len(REFUSED) >= 60


@pytest.mark.parametrize(("value", "vote"), ACCEPTED, ids=repr)
def test_accepted_votes(value: Any, vote: int) -> None:
    """A class index, a class name, an IntEnum, a bool, a NumPy integer, None and ABSTAIN are votes, alone or mixed."""
    assert as_vote(value, CLASSES) == vote
    votes, faults = cast([returning(value)], {"text": ["a", "b"]}, CLASSES)
    assert votes.tolist() == [[vote], [vote]]
    assert faults == []


@pytest.mark.parametrize(("value", "message"), REFUSED, ids=lambda value: str(type(value).__name__))
def test_everything_else_is_a_fault(value: Any, message: str) -> None:
    """Nothing is rounded, wrapped or guessed: the cell is a fault that says what was returned."""
    with pytest.raises(BadVoteError) as caught:
        as_vote(value, CLASSES)
    assert str(caught.value) == message
    votes, faults = cast([returning(value), returning(1, "g")], {"text": ["a"]}, CLASSES)
    assert votes.tolist() == [[FAULT, 1]]
    assert [(f.function, f.record, f.exception, f.message) for f in faults] == [("f", "r0", "BadVote", message[:200])]


def test_good_and_bad_votes_of_one_function_do_not_mix() -> None:
    """A function that returns all of the table, one value per record: each cell is as if it stood alone."""
    table = [*ACCEPTED, *((value, FAULT) for value, _ in REFUSED)]
    function = named("f", lambda x: table[x.i][0])
    votes, faults = cast([function], {"i": list(range(len(table)))}, CLASSES)
    assert votes[:, 0].tolist() == [vote for _, vote in table]
    assert [fault.record for fault in faults] == [f"r{i}" for i in range(len(ACCEPTED), len(table))]


def test_a_value_that_cannot_be_shown_is_a_fault_all_the_same() -> None:
    """A hostile repr does not end the run."""
    votes, faults = cast([returning(Unshowable(0.5))], {"text": ["a"]}, CLASSES)
    assert votes.tolist() == [[FAULT]]
    assert faults[0].exception == "RuntimeError"


def test_the_last_of_many_classes_is_a_vote() -> None:
    """Index 126 is the largest that int8 votes have room for here."""
    classes = [str(c) for c in range(127)]
    assert cast([returning(126)], {"text": ["a"]}, classes)[0].tolist() == [[126]]
    assert cast([returning(127)], {"text": ["a"]}, classes)[0].tolist() == [[FAULT]]


def test_a_bad_vote_names_the_line_of_the_function() -> None:
    """No exception was raised, so the place is the definition."""
    _, faults = cast([returning(0.5)], {"text": ["a"]})
    assert faults[0].place.startswith("tests/casting.py:")
