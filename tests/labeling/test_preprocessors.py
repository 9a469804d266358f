"""Preprocessors: a copy in, a row out, shared work done once and shared by nobody's changes."""

from __future__ import annotations

from collections import Counter, deque
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from casting import cast, named
from labelkit.labeling import Row, preprocessor
from labelkit.labeling.preprocessors import MEMO_LIMIT, Preprocessor


def split(x: Any) -> Any:
    x.words = x.text.split()
    return x


def test_the_row_itself_stays_as_it_is() -> None:
    """A preprocessor works on a copy, lists included."""
    x = Row(text="a b", tags=["t"])

    def grows(x: Any) -> Any:
        x.tags.append("u")
        del x.text
        return x

    mapped = preprocessor()(grows)(x)
    assert vars(mapped) == {"tags": ["t", "u"]}
    assert vars(x) == {"text": "a b", "tags": ["t"]}


def test_preprocessors_run_in_order_before_the_function() -> None:
    """Each gets what the one before returned."""

    def count(x: Any) -> Any:
        x.n = len(x.words)
        return x

    chained = named("f", lambda x: x.n, pre=[preprocessor()(split), preprocessor()(count)])
    assert cast([chained], {"text": ["", "a"]})[0].tolist() == [[0], [1]]
    turned = named("f", lambda x: x.n, pre=[preprocessor()(count), preprocessor()(split)])
    assert [fault.exception for fault in cast([turned], {"text": ["", "a"]})[1]] == ["AttributeError"] * 2


def test_returning_none_is_a_fault_that_names_the_preprocessor() -> None:
    """A preprocessor that forgets to return the row."""

    def forgets(x: Any) -> None:
        x.words = x.text.split()

    _, faults = cast([named("f", lambda x: 1, pre=[preprocessor()(forgets)])], {"text": ["a"]})
    assert (faults[0].exception, faults[0].message) == (
        "ValueError",
        "preprocessor forgets returned None; it must return the row",
    )


def test_memoized_work_is_done_once_per_content() -> None:
    """Two functions and a repeated text: one call per different row."""
    calls: list[str] = []

    def counts(x: Any) -> Any:
        calls.append(x.text)
        return split(x)

    shared = preprocessor(memoize=True)(counts)
    functions = [named(name, lambda x: len(x.words) % 2, pre=[shared]) for name in ("f", "g")]
    assert cast(functions, {"text": ["a", "b c", "a"]})[0].tolist() == [[1, 1], [0, 0], [1, 1]]
    assert calls == ["a", "b c"]


def test_nothing_is_memoized_unless_asked() -> None:
    """Without `memoize` every function does its own work."""
    calls: list[str] = []

    def counts(x: Any) -> Any:
        calls.append(x.text)
        return x

    shared = preprocessor()(counts)
    cast([named(name, lambda x: 1, pre=[shared]) for name in ("f", "g")], {"text": ["a"]})
    assert calls == ["a", "a"]


@pytest.mark.parametrize(
    "value",
    [["a"], {"a": ["a"]}, {"a"}, Counter("a"), deque("a"), bytearray(b"a"), (["a"], 1), np.array([1, 2]), [[["a"]]]],
    ids=lambda value: type(value).__name__,
)
def test_changes_to_a_memoized_row_are_seen_by_nobody(value: Any) -> None:
    """Set, deleted or changed in place: the next function gets what the preprocessor returned."""

    def sets(x: Any) -> Any:
        x.value = value
        return x

    seen: list[str] = []

    def spoils(x: Any) -> int:
        seen.append(repr(x.value))
        innermost = x.value
        while isinstance(innermost, (list, tuple)) and isinstance(innermost[0], list):
            innermost = innermost[0]
        if isinstance(innermost, np.ndarray):
            innermost[:] = 0
        else:
            innermost.clear()
        x.text = "changed"
        x.extra = 1
        del x.value
        return int(hasattr(x, "value"))

    shared = preprocessor(memoize=True)(sets)
    functions = [named(name, spoils, pre=[shared]) for name in ("f", "g", "h")]
    votes, faults = cast(functions, {"text": ["a", "a"]})
    assert faults == []
    assert votes.tolist() == [[0, 0, 0]] * 2
    assert seen == [repr(value)] * 6


def test_other_objects_are_shared_as_they_are() -> None:
    """A parsed document is too large to be copied for every function."""
    document = object()

    def parses(x: Any) -> Any:
        x.document = document
        return x

    shared = preprocessor(memoize=True)(parses)
    assert shared(Row(text="a")).document is shared(Row(text="a")).document is document


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (1, 1.0), (0.0, -0.0), ("1", 1), ([1], (1,)), ([1], [1.0]), ({"a": 1}, {"a": True}), (None, "None")],
)
def test_values_that_are_only_equal_are_not_taken_for_the_same(one: Any, other: Any) -> None:
    """1, 1.0 and True are equal in Python, and a preprocessor may tell them apart."""

    def writes(x: Any) -> Any:
        x.shown = repr(x.value)
        return x

    shared = preprocessor(memoize=True)(writes)
    assert [shared(Row(value=value)).shown for value in (one, other, one)] == [repr(one), repr(other), repr(one)]


@pytest.mark.parametrize("value", [np.array([1]), [np.array([1])], Counter("a"), pd.Series([1])])
def test_what_cannot_be_compared_is_not_memoized(value: Any) -> None:
    """Work on a row with such a value is done each time, and is right each time."""
    calls = []

    def counts(x: Any) -> Any:
        calls.append(1)
        x.done = True
        return x

    shared = preprocessor(memoize=True)(counts)
    assert [shared(Row(value=value)).done for _ in range(3)] == [True] * 3
    assert len(calls) == 3


def test_a_failure_is_not_remembered() -> None:
    """A preprocessor that failed once runs again."""
    fails = iter([True, False])

    def sometimes(x: Any) -> Any:
        if next(fails):
            raise ValueError("not yet")
        return x

    shared = preprocessor(memoize=True)(sometimes)
    with pytest.raises(ValueError, match="not yet"):
        shared(Row(text="a"))
    assert shared(Row(text="a")).text == "a"


def test_memory_is_bounded() -> None:
    """No more than 100,000 rows are kept."""
    shared = preprocessor(memoize=True)(lambda x: x)
    shared._memo = dict.fromkeys(range(MEMO_LIMIT), Row(text=""))
    assert shared(Row(text="new")).text == "new"
    assert len(shared._memo) == 1


@pytest.mark.parametrize("make", [SimpleNamespace, Row, lambda **fields: pd.Series(fields)])
@pytest.mark.parametrize("memoize", [False, True])
def test_any_kind_of_row_will_do(make: Any, *, memoize: bool) -> None:
    """A preprocessor can be tried by hand on a namespace or a pandas Series, and leaves it as it is."""
    x = make(text="a b")
    assert preprocessor(memoize=memoize)(split)(x).words == ["a", "b"]
    assert not hasattr(x, "words")


def test_a_preprocessor_looks_like_its_function() -> None:
    """Name and docstring are those of the function."""

    def words(x: Any) -> Any:
        """Split."""
        return x

    made = preprocessor()(words)
    assert isinstance(made, Preprocessor)
    assert (made.name, made.__doc__, repr(made)) == ("words", "Split.", "Preprocessor('words')")


def test_missing_parentheses_are_named() -> None:
    """The decorator used bare says how it is used."""
    with pytest.raises(TypeError, match=r"^preprocessor takes parentheses: @preprocessor\(\)$"):
        preprocessor(memoize=split)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        preprocessor(split)  # type: ignore[call-arg, arg-type]
