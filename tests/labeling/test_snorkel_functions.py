"""Snorkel's own labeling functions and preprocessors run unchanged, and vote as under Snorkel's applier."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from casting import cast, named
from labelkit.labeling import as_labeling_function, labeling_function, preprocessor
from labelkit.labeling.functions import checked_functions
from labelkit.matrix import FAULT

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from snorkel.labeling import (
        LabelingFunction as SnorkelFunction,
        PandasLFApplier,
        labeling_function as snorkel_function,
    )
    from snorkel.preprocess import Preprocessor as SnorkelPreprocessor, preprocessor as snorkel_preprocessor

Function = Callable[..., Any]


def made(function: Function, **settings: Any) -> Any:
    """Snorkel's decorator, called by hand."""
    return snorkel_function(**settings)(function)


def frame(n: int = 60, seed: int = 3) -> pd.DataFrame:
    rng = random.Random(seed)
    words = ["good", "bad", "great", "http://x.y", "CHEAP", "so", "é", ""]
    return pd.DataFrame(
        {
            "text": [" ".join(rng.choices(words, k=rng.randint(0, 5))) for _ in range(n)],
            "stars": [rng.randint(1, 5) for _ in range(n)],
            "price": [rng.random() * 10 for _ in range(n)],
        }
    )


def split(x: Any) -> Any:
    x.words = x.text.split()
    return x


def count(x: Any) -> Any:
    x.n = len(x.words)
    return x


class Lowered(SnorkelPreprocessor):  # type: ignore[misc]
    """A preprocessor in the older style: fields in, fields out."""

    def __init__(self) -> None:
        super().__init__("Lowered", field_names={"text": "text"}, mapped_field_names={"lowered": "lower"})

    def run(self, text: str) -> dict[str, str]:
        return {"lowered": text.lower()}


class Turned(SnorkelFunction):  # type: ignore[misc]
    """A subclass with a state and a way of its own."""

    def __init__(self, name: str, f: Function, limit: int) -> None:
        super().__init__(name, f)
        self.limit = limit

    def __call__(self, x: Any) -> int:
        return 1 if super().__call__(x) > self.limit else -1


def functions() -> list[Any]:
    """One of every kind that Snorkel has."""
    memoized = snorkel_preprocessor(memoize=True)(split)
    chained = snorkel_preprocessor(pre=[memoized])(count)

    def plain(x: Any) -> int:
        return 1 if "http" in x.text else -1

    def by_key(x: Any) -> int:
        return 0 if x["stars"] > 3 else -1

    def numbers(x: Any) -> int:
        return int(x.price * x.stars > 10) if x.price > 1 else -1

    def with_words(x: Any, words: set[str]) -> int:
        return 1 if words & set(x.words) else -1

    def long(x: Any) -> int:
        return 0 if x.n > 2 else -1

    def lowered(x: Any) -> int:
        return 1 if "cheap" in x.lower else -1

    def sets(x: Any) -> int:
        x.text = "changed"
        x.extra = len(x.text)
        return 0 if x.extra > 3 else 1

    return [
        made(plain),
        made(by_key, name="named"),
        made(numbers),
        made(with_words, resources={"words": {"good", "great"}}, pre=[memoized]),
        made(long, pre=[chained]),
        made(lowered, pre=[Lowered()]),
        made(sets, pre=[snorkel_preprocessor()(split)]),
        SnorkelFunction("direct", lambda x: 1 if not x.text else -1),
        Turned("turned", lambda x: len(x.text), limit=12),
    ]


def test_votes_are_those_of_snorkels_applier() -> None:
    """Resources, preprocessors plain, memoized and chained, subclasses: cell by cell the same."""
    data = frame()
    expected = PandasLFApplier(functions()).apply(data, progress_bar=False)
    votes, faults = cast(functions(), dict(pa.table(data).to_pydict()), chunk=7)
    assert faults == []
    assert np.array_equal(votes, expected)
    assert len(np.unique(votes)) == 3


def test_labelkits_functions_vote_alike() -> None:
    """The same Python functions under labelkit's decorators and under Snorkel's."""
    own, theirs = preprocessor(memoize=True)(split), snorkel_preprocessor(memoize=True)(split)

    def f(x: Any, words: set[str]) -> int:
        return 1 if words & set(x.words) else 0 if x.stars > 3 else -1

    words = {"good", "CHEAP"}
    ours = labeling_function("ours", resources={"words": words}, pre=[own])(f)
    snorkels = made(f, name="snorkels", resources={"words": words}, pre=[theirs])
    both = labeling_function("both", resources={"words": words}, pre=[theirs])(f)
    votes, _ = cast([ours, snorkels, both], dict(pa.table(frame()).to_pydict()))
    assert np.array_equal(votes[:, 0], votes[:, 1])
    assert np.array_equal(votes[:, 0], votes[:, 2])


def test_a_memoized_preprocessor_runs_once_per_record() -> None:
    """Snorkel's cache does its work: equal records share one result, others do not."""
    seen: list[str] = []

    def counts(x: Any) -> Any:
        seen.append(x.text)
        return split(x)

    shared = snorkel_preprocessor(memoize=True)(counts)
    pair = [made(lambda x: len(x.words), name=name, pre=[shared]) for name in ("f", "g")]
    assert cast(pair, {"text": ["a", "", "a"], "tags": [["x"], ["y"], ["x"]]})[0].tolist() == [[1, 1], [0, 0], [1, 1]]
    assert seen == ["a", ""]


def test_what_snorkel_would_not_survive_is_a_fault() -> None:
    """A crash in a function, a preprocessor that returns None, a vote that is none."""

    def forgets(x: Any) -> None:
        return None

    broken = [
        made(lambda x: 1 / 0, name="crashes"),
        made(lambda x: 1, name="forgets", pre=[snorkel_preprocessor()(forgets)]),
        made(lambda x: 0.7, name="floats"),
        made(lambda x: 1, name="fine"),
    ]
    votes, faults = cast(broken, {"text": ["a"]})
    assert votes.tolist() == [[FAULT, FAULT, FAULT, 1]]
    assert [(fault.exception, fault.message) for fault in faults] == [
        ("ZeroDivisionError", "division by zero"),
        ("ValueError", "Preprocessor should not return None"),
        ("BadVote", "0.7 is no vote: a float is neither a class nor ABSTAIN"),
    ]
    assert all(fault.place.startswith("labeling/test_snorkel_functions.py:") for fault in faults)


def test_a_function_that_changes_its_row_is_alone_with_it() -> None:
    """Under Snorkel's applier the next function would see the change."""

    def changes(x: Any) -> int:
        x.text = "changed"
        return 0

    pair = [made(changes), made(lambda x: int(x.text == "changed"), name="looks")]
    assert PandasLFApplier(pair).apply(pd.DataFrame({"text": ["a"]}), progress_bar=False).tolist() == [[0, 1]]
    assert cast(pair, {"text": ["a"]})[0].tolist() == [[0, 0]]


def test_they_can_be_mixed_with_labelkits() -> None:
    """In any order, with rules too, each under its own name."""
    mixed = [made(lambda x: 1, name="theirs"), named("ours", lambda x: 0)]
    assert [function.name for function in checked_functions(mixed)] == ["theirs", "ours"]
    assert cast(mixed, {"text": ["a"]})[0].tolist() == [[1, 0]]


def fingerprint(function: Any) -> str:
    taken = as_labeling_function(function)
    assert taken is not None
    return taken.fingerprint


def test_their_fingerprints_see_what_decides_a_vote() -> None:
    """Name, function, resources, preprocessors, and what a subclass adds; not what was cached."""
    one, two = snorkel_preprocessor(memoize=True)(split), snorkel_preprocessor()(count)

    def f(x: Any, **resources: Any) -> int:
        return 1

    base = made(f, name="f", resources={"a": 1}, pre=[one])
    before = fingerprint(base)
    others = [
        made(f, name="g", resources={"a": 1}, pre=[one]),
        made(lambda x, a: 1, name="f", resources={"a": 1}, pre=[one]),
        made(f, name="f", resources={"a": 2}, pre=[one]),
        made(f, name="f", resources={"a": 1}, pre=[two]),
        made(f, name="f", resources={"a": 1}, pre=[one, two]),
        made(f, name="f", resources={"a": 1}),
        Turned("f", f, 1),
        Turned("f", f, 2),
    ]
    assert len({before, *map(fingerprint, others)}) == len(others) + 1
    cast([base], {"text": ["a", "b"]})
    assert one._cache
    assert fingerprint(base) == before


@pytest.mark.parametrize("candidate", [SnorkelFunction, snorkel_function, snorkel_preprocessor()(split)])
def test_what_is_no_function_of_snorkels_is_not_taken_for_one(candidate: Any) -> None:
    """Its classes, its decorator, its preprocessors."""
    assert as_labeling_function(candidate) is None
