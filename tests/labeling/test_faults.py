"""A crash is a fault of one cell: named in full, and the other cells as if nothing had happened."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from bad_functions import NeedsTwo, Odd, Silent, Unpicklable
from casting import cast, named, returning
from labelkit.labeling import LabelingFunction, labeling_function, rules
from labelkit.labeling.faults import first_line
from labelkit.matrix import ABSTAIN, FAULT

TEXTS = ["one", "two", "bad", "four"]


class NotText(Exception):
    """Says something that is no text."""

    def __str__(self) -> str:
        return 5  # type: ignore[return-value]  # noqa: PLE0307


def recurses(x: Any) -> Any:
    return recurses(x)


def exhausts() -> Any:
    return next(iter(()))


def chained() -> None:
    try:
        raise KeyError("first")
    except KeyError as error:
        raise ValueError("second") from error


def raised(error: BaseException) -> Callable[[], Any]:
    def fails() -> None:
        raise error

    return fails


KINDS: list[tuple[Callable[[], Any], str, str]] = [
    (raised(ValueError("no\nmore")), "ValueError", "no"),
    (raised(ValueError()), "ValueError", ""),
    (raised(ValueError("\n \nthird line")), "ValueError", "third line"),
    (raised(ValueError("é" * 300)), "ValueError", "é" * 200),
    (raised(TypeError("type")), "TypeError", "type"),
    (raised(KeyError("word")), "KeyError", "'word'"),
    (raised(AssertionError()), "AssertionError", ""),
    (raised(ZeroDivisionError("division by zero")), "ZeroDivisionError", "division by zero"),
    (raised(MemoryError("much")), "MemoryError", "much"),
    (raised(OSError(2, "gone", "file")), "FileNotFoundError", "[Errno 2] gone: 'file'"),
    (raised(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")), "UnicodeDecodeError", "'utf-8' codec"),
    (raised(StopIteration(1)), "StopIteration", "1"),
    (raised(StopAsyncIteration()), "StopAsyncIteration", ""),
    (raised(GeneratorExit("bye")), "GeneratorExit", "bye"),
    (raised(SystemExit(0)), "SystemExit", "0"),
    (raised(asyncio.CancelledError()), "CancelledError", ""),
    (raised(ExceptionGroup("two", [ValueError(), TypeError()])), "ExceptionGroup", "two (2 sub-exceptions)"),
    (raised(BaseExceptionGroup("odd", [Odd()])), "BaseExceptionGroup", "odd (1 sub-exception)"),
    (raised(UserWarning("careful")), "UserWarning", "careful"),
    (raised(Odd("odd")), "Odd", "odd"),
    (raised(Silent()), "Silent", ""),
    (raised(NotText()), "NotText", ""),
    (raised(Unpicklable()), "Unpicklable", "(<function Unpicklable"),
    (raised(NeedsTwo("a", "b")), "NeedsTwo", "ab"),
    (lambda: recurses(0), "RecursionError", "maximum recursion depth exceeded"),
    (exhausts, "StopIteration", ""),
    (chained, "ValueError", "second"),
    (sys.exit, "SystemExit", ""),
    (lambda: 1 / 0, "ZeroDivisionError", "division by zero"),
    (lambda: np.int8(300), "OverflowError", "Python integer 300 out of bounds for int8"),
    (lambda: [].lower, "AttributeError", "'list' object has no attribute 'lower'"),  # type: ignore[attr-defined]
]


def breaking_on_bad(fails: Callable[[], Any]) -> LabelingFunction:
    def breaks(x: Any) -> int:
        if x.text == "bad":
            fails()
        return 1

    return labeling_function()(breaks)


@pytest.mark.parametrize(("fails", "kind", "message"), KINDS)
def test_every_kind_of_exception_is_a_fault_of_one_cell(fails: Callable[[], Any], kind: str, message: str) -> None:
    """Named with function, record, type and first line, and file and line; all other cells are exact."""
    function = breaking_on_bad(fails)
    votes, faults = cast([returning(0, "before"), function, returning(1, "after")], {"text": TEXTS})
    assert votes.tolist() == [[0, 1, 1], [0, 1, 1], [0, FAULT, 1], [0, 1, 1]]
    assert len(faults) == 1
    fault = faults[0]
    assert (fault.function, fault.record, fault.exception) == ("breaks", "r2", kind)
    assert fault.message.startswith(message)
    assert (fault.message == "") == (message == "")
    assert len(fault.message) <= 200
    file, _, line = fault.place.rpartition(":")
    assert file == "labeling/test_faults.py"
    assert int(line) > 0


def test_there_are_enough_kinds() -> None:
    """At least 27 kinds of exceptions are looked at."""
    assert len(KINDS) >= 27


def test_the_place_is_the_innermost_line_of_the_functions_own_file() -> None:
    """Not the line in the library that raised, and not the outermost line."""

    def helper() -> Any:
        return rules.pattern("p", "(", field="text", label=0)  # the line that is named

    line = helper.__code__.co_firstlineno + 1
    _, faults = cast([named("f", lambda x: helper())], {"text": ["a"]})
    assert faults[0].exception == "FunctionError"
    assert faults[0].place == f"labeling/test_faults.py:{line}"


def test_a_function_without_a_file_has_no_place() -> None:
    """What was typed into a session has no line to point at."""
    scope: dict[str, Any] = {}
    exec("def typed(x):\n    return 1 / 0\n", scope)  # noqa: S102
    _, faults = cast([labeling_function()(scope["typed"])], {"text": ["a"]})
    assert (faults[0].function, faults[0].exception, faults[0].place) == ("typed", "ZeroDivisionError", "")


def test_a_failing_preprocessor_is_a_fault_at_its_line() -> None:
    """Preprocessors fail as functions do."""

    def breaks(x: Any) -> Any:
        return x.nothing

    _, faults = cast([named("f", lambda x: 1, pre=[breaks])], {"text": ["a"]})
    assert faults[0].place == f"labeling/test_faults.py:{breaks.__code__.co_firstlineno + 1}"


def test_wrong_resources_are_a_fault() -> None:
    """A function that does not take what it is given fails on every record, and says so."""
    votes, faults = cast([named("f", lambda x: 1, resources={"words": 1})], {"text": ["a", "b"]})
    assert votes.tolist() == [[FAULT], [FAULT]]
    assert "unexpected keyword argument 'words'" in faults[0].message


def test_ctrl_c_is_no_fault() -> None:
    """A person who interrupts is obeyed."""
    with pytest.raises(KeyboardInterrupt):
        cast([breaking_on_bad(raised(KeyboardInterrupt()))], {"text": TEXTS})


def test_faults_keep_no_exception_alive() -> None:
    """A fault is text: what the frames of a failed call held is gone."""
    import gc
    import weakref

    class Large:
        pass

    held: list[weakref.ref[Large]] = []

    def fails(x: Any) -> None:
        large = Large()
        held.append(weakref.ref(large))
        raise ValueError

    _, faults = cast([labeling_function()(fails)], {"text": TEXTS})
    gc.collect()
    assert len(faults) == 4
    assert [reference() for reference in held] == [None] * 4


def test_every_cell_can_fail() -> None:
    """All functions fail on all records: faults by record, then by function, and nothing else."""
    functions = [named(name, lambda x: 1 / 0) for name in ("f", "g")]
    votes, faults = cast(functions, {"text": TEXTS}, chunk=3)
    assert (votes == FAULT).all()
    assert [(fault.record, fault.function) for fault in faults] == [(f"r{i}", f) for i in range(4) for f in ("f", "g")]


def test_no_records_and_no_functions() -> None:
    """Nothing to do is done."""
    votes, faults = cast([returning(1)], {"text": []})
    assert (votes.shape, faults) == ((0, 1), [])
    votes, faults = cast([], {"text": ["a"]})
    assert (votes.shape, faults) == ((1, 0), [])


def odd_one(i: int, salt: int) -> LabelingFunction:
    """A function that votes, abstains, fails, returns nonsense or spoils its row, as number and salt have it."""

    def votes(x: Any) -> Any:
        x.n, n = 0, x.n
        x.tags.append("spoilt")
        ways = (lambda: 1, lambda: 0, lambda: None, lambda: 1 / 0, lambda: 0.5, lambda: "spam", lambda: len(x.tags) - 1)
        return ways[(n * 7 + salt) % len(ways)]()

    return named(f"f{i}", votes)


@given(
    data=st.data(),
    numbers=st.lists(st.integers(0, 6), max_size=12),
    salts=st.lists(st.integers(0, 6), min_size=1, max_size=5),
    chunk=st.integers(1, 13),
)
@settings(deadline=None)
def test_order_of_functions_and_size_of_chunks_change_nothing(
    data: st.DataObject, numbers: list[int], salts: list[int], chunk: int
) -> None:
    """Votes and faults are those of each function alone, whatever runs before it and however records are cut."""
    fields = {"n": numbers, "tags": [["t"]] * len(numbers)}
    functions = [odd_one(i, salt) for i, salt in enumerate(salts)]
    shuffled = data.draw(st.permutations(functions))
    votes, faults = cast(shuffled, fields, chunk=chunk)
    for function, column in zip(shuffled, votes.T, strict=True):
        alone, failed = cast([function], fields)
        assert column.tolist() == alone[:, 0].tolist()
        assert [fault for fault in faults if fault.function == function.name] == failed
    assert (votes == FAULT).sum() == len(faults)


@pytest.mark.parametrize(
    ("error", "line"),
    [(ValueError("a\u2028b"), "a"), (ValueError("a\x85b"), "a"), (ValueError("  x "), "  x "), (ValueError(), "")],
)
def test_the_first_line_ends_where_a_line_ends(error: Exception, line: str) -> None:
    """Every kind of line break counts."""
    assert first_line(error) == line


def test_abstaining_is_no_fault() -> None:
    """None and ABSTAIN leave no trace among the faults."""
    votes, faults = cast([returning(None, "f"), returning(ABSTAIN, "g")], {"text": ["a"]})
    assert (votes.tolist(), faults) == ([[ABSTAIN, ABSTAIN]], [])
