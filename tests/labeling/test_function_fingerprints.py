"""Fingerprints of functions: what decides a vote changes them, nothing else does, in no process."""

from __future__ import annotations

import collections
import datetime as dt
import enum
import functools
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from casting import CLASSES
from labelkit.labeling import as_labeling_function, labeling_function, load_functions, preprocessor, rules
from labelkit.labeling.fingerprints import fingerprint_of

FILE = """
import labelkit as lk
import _words
from _words import helps, WORDS
from pathlib import Path

HERE = Path(__file__).parent
LIMIT = 3

def helper(x):
    return len(x.text)

@lk.preprocessor()
def pre(x):
    x.n = helper(x)
    return x

@lk.labeling_function(resources={"limit": LIMIT}, pre=[pre])
def f(x, limit, more=1):
    return 1 if x.n > limit and helps(x.text) and x.text not in WORDS and HERE else -1

@lk.labeling_function()
def other(x):
    return 1
"""
HELPER = "WORDS = {'a', 'b', 'c'}\n\ndef helps(text):\n    return True\n"


def loaded(root: Path, file: str = FILE, helper: str = HELPER) -> dict[str, str]:
    folder = root / "labeling_functions"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.py").write_text(file)
    (folder / "_words.py").write_text(helper)
    return {function.name: function.fingerprint for function in load_functions(folder, ["text"], CLASSES)}


@pytest.mark.parametrize(
    "edit",
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("return len(x.text)", "return len(x.text) + 1"),
        ("x.n = helper(x)", "x.n = helper(x) + 1"),
        ("more=1", "more=2"),
        ("x.n > limit", "x.n >= limit"),
    ],
)
def test_an_edit_of_what_decides_a_vote_changes_that_function_alone(tmp_path: Path, edit: tuple[str, str]) -> None:
    """Constants, helpers, preprocessors, defaults: the function that uses them changes, its neighbour does not."""
    before, after = loaded(tmp_path), loaded(tmp_path, FILE.replace(*edit))
    assert set(before) == set(after) == {"f", "other"}
    assert before["f"] != after["f"]
    assert before["other"] == after["other"]


def test_a_remark_changes_nothing(tmp_path: Path) -> None:
    """What cannot change a vote costs no second casting."""
    assert loaded(tmp_path) == loaded(tmp_path, FILE.replace("LIMIT = 3", "# how long is long?\nLIMIT = 3"))


@pytest.mark.parametrize(
    "body",
    [
        'globals()["LIMIT"]',
        'eval("LIMIT")',
        'getattr(sys.modules[__name__], "LIMIT")',
        'vars(sys.modules[__name__])["LIMIT"]',
    ],
)
def test_code_that_reaches_what_it_does_not_name_stands_for_its_file(tmp_path: Path, body: str) -> None:
    """Where a function looks names up itself, any edit of its file may change its votes."""
    file = FILE.replace("import _words", "import sys, _words").replace("return 1\n", f"return {body} > 3\n")
    before, after = loaded(tmp_path, file), loaded(tmp_path, file.replace("LIMIT = 3", "LIMIT = 4"))
    assert before["other"] != after["other"]


@pytest.mark.parametrize("how", ["import _words as w", "import _deep as w"])
def test_a_module_of_the_project_counts_as_a_whole(tmp_path: Path, how: str) -> None:
    """What a function calls through a module is not named one by one: the module's text counts, and what it imports."""
    folder = tmp_path / "labeling_functions"
    folder.mkdir(parents=True)
    (folder / "_deep.py").write_text("import _words\n\ndef helps(text):\n    return _words.helps(text)\n")
    body = "@lk.labeling_function()\ndef f(x):\n    return 1 if w.helps(x.text) else -1\n"
    file = f"import labelkit as lk\n{how}\n\n{body}"
    assert loaded(tmp_path, file) != loaded(tmp_path, file, helper=HELPER.replace("True", "False"))


def test_a_file_beside_the_functions_counts_for_all_of_them(tmp_path: Path) -> None:
    """A list that a function reads while it votes cannot be seen in its code: every data file of the folder counts."""
    (tmp_path / "labeling_functions").mkdir()
    (tmp_path / "labeling_functions" / "words.txt").write_text("a")
    before = loaded(tmp_path)
    (tmp_path / "labeling_functions" / "words.txt").write_text("b")
    after = loaded(tmp_path)
    assert before["f"] != after["f"]
    assert before["other"] != after["other"]


@pytest.mark.parametrize("edit", [("'c'", "'d'"), ("return True", "return False")])
def test_an_edit_of_what_the_function_uses_from_another_file_is_a_change(tmp_path: Path, edit: tuple[str, str]) -> None:
    """A word list or a helper that was imported; a function that uses neither stays the same."""
    before, after = loaded(tmp_path), loaded(tmp_path, helper=HELPER.replace(*edit))
    assert before["f"] != after["f"]
    assert before["other"] == after["other"]


def test_words_read_from_a_file_are_part_of_the_function(tmp_path: Path) -> None:
    """The list is not in the code, and it decides the votes."""
    file = (
        "import labelkit as lk\nfrom pathlib import Path\nWORDS = set(Path(__file__).with_name('w.txt').read_text())\n"
        "@lk.labeling_function()\ndef f(x):\n    return 1 if set(x.text) & WORDS else -1\n"
    )
    (tmp_path / "labeling_functions").mkdir()
    prints = set()
    for words in ("abc", "abd"):
        (tmp_path / "labeling_functions" / "w.txt").write_text(words)
        prints.add(loaded(tmp_path, file)["f"])
    assert len(prints) == 2


def test_the_same_files_elsewhere_give_the_same(tmp_path: Path) -> None:
    """A project may be moved or cloned; loading twice changes nothing either."""
    here = loaded(tmp_path / "here")
    assert loaded(tmp_path / "here") == here
    assert loaded(tmp_path / "somewhere" / "else") == here


def made(function: Callable[..., Any], **settings: Any) -> str:
    return labeling_function("f", **settings)(function).fingerprint


def f(x: Any, **resources: Any) -> int:
    return 1


class Holder:
    """An object with the default repr: its address."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.itself = self


class Slotted:
    """An object without a dictionary."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Scorer:
    """A callable with a state, such as a model."""

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self._cache: dict[str, int] = {}

    def __call__(self, text: str) -> float:
        self._cache[text] = 1
        return self.weight


def closing_over(value: Any) -> Callable[[Any], Any]:
    return lambda x: value


DIFFERENT: list[tuple[Any, Any]] = [
    (1, 2),
    (1, True),
    (1, 1.0),
    (0.0, -0.0),
    (1, "1"),
    ("1", b"1"),
    (None, "None"),
    (1 + 0j, 1.0),
    ([1, 2], [2, 1]),
    ([1, 2], (1, 2)),
    ([[1], 2], [1, [2]]),
    (["ab"], ["a", "b"]),
    ({1, 2}, {1, 3}),
    ({1, 2}, [1, 2]),
    ({"a": 1}, {"a": 2}),
    ({"a": 1}, {"b": 1}),
    ({"a": "b"}, {"b": "a"}),
    ({"a": {"b": [1]}}, {"a": {"b": [2]}}),
    (collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1)),
    (collections.Counter("aab"), collections.Counter("abb")),
    (collections.deque([1, 2]), collections.deque([2, 1])),
    (range(3), range(4)),
    (np.array([1, 2]), np.array([1, 3])),
    (np.array([1, 2]), np.array([[1, 2]])),
    (np.array([1, 2]), np.array([1, 2], np.int8)),
    (np.array(["a", None], object), np.array(["b", None], object)),
    (np.float32(1.5), np.float32(2.5)),
    (pd.Series(["a"]), pd.Series(["b"])),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
    (Path("a"), Path("b")),
    (Decimal("1.0"), Decimal("1.00")),
    (dt.date(2020, 1, 1), dt.date(2020, 1, 2)),
    (re.compile("a"), re.compile("b")),
    (re.compile("a"), re.compile("a", re.IGNORECASE)),
    (re.compile("a").search, re.compile("b").search),
    ({"a"}.__contains__, {"b"}.__contains__),
    (Colour.RED, Colour.BLUE),
    (Holder(1), Holder(2)),
    (Holder({"a"}), Holder({"b"})),
    (Slotted(1), Slotted(2)),
    (Scorer(1), Scorer(2)),
    (Scorer(1).__call__, Scorer(2).__call__),
    (functools.partial(f, a=1), functools.partial(f, a=2)),
    (functools.partial(int, base=3), functools.partial(int, base=4)),
    (lambda x: 1, lambda x: 2),
    (lambda x, y=1: y, lambda x, y=2: y),
    (lambda x, *, y=1: y, lambda x, *, y=2: y),
    (closing_over(1), closing_over(2)),
    (closing_over([1]), closing_over([2])),
    (functools.lru_cache(lambda x: 1), functools.lru_cache(lambda x: 2)),
    (len, max),
    (int, str),
    (Holder, Slotted),
    (re, os),
    (10**5000, 10**5000 + 1),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=lambda value: type(value).__name__)
def test_different_resources_are_different_functions(one: Any, other: Any) -> None:
    """Whatever is handed to a function: data, patterns, arrays, models, other functions, bound or partial."""
    assert made(f, resources={"r": one}) != made(f, resources={"r": other})
    assert made(f, resources={"r": [one]}) != made(f, resources={"r": [other]})
    assert made(closing_over(one)) != made(closing_over(other))


def equals() -> list[tuple[Any, Any]]:
    """Pairs that are equal, made twice."""
    return [
        ({"b", "a", "c"}, {"c", "a", "b"}),
        ({"a": 1, "b": {"c", "d"}}, {"b": {"d", "c"}, "a": 1}),
        (frozenset("abc"), frozenset("cba")),
        ({("a", 1), ("b", 2)}, {("b", 2), ("a", 1)}),
        (Holder({"a", "b"}), Holder({"b", "a"})),
        (Slotted([1]), Slotted([1])),
        (np.array([1, 2]), np.array([1, 9, 2])[::2]),
        (np.array(["a", None], object), np.array(["a", None], object)),
        (pd.DataFrame({"a": [1], "t": ["x"]}), pd.DataFrame({"a": [1], "t": ["x"]})),
        (re.compile("ab"), re.compile("a" + "b")),
        (Path("a") / "b", Path("a/b")),
        (threading.Lock(), threading.Lock()),
        (object(), object()),
        (float("nan"), float("nan")),
        (closing_over([1]), closing_over([1])),
        (Scorer(1), Scorer(1)),
        (["x", ["x"]], ["".join(["x"]), ["x"]]),
    ]


@pytest.mark.parametrize(("one", "other"), equals(), ids=lambda value: type(value).__name__)
def test_equal_resources_are_the_same_function(one: Any, other: Any) -> None:
    """Neither the order of a set nor the address of an object has a say."""
    assert made(f, resources={"r": one}) == made(f, resources={"r": other})


def test_work_that_was_done_does_not_change_a_function() -> None:
    """What mappers and models remember of earlier records is not what they are."""
    scorer, mapper = Scorer(1), preprocessor(memoize=True)(lambda x: x)
    before = made(f, resources={"s": scorer}, pre=[mapper])
    scorer("text")
    from labelkit.labeling import Row

    mapper(Row(text="a"))
    assert made(f, resources={"s": scorer}, pre=[mapper]) == before


def test_names_of_resources_and_order_of_preprocessors_count() -> None:
    """What is passed under which name, and what runs first."""
    one, two = preprocessor()(lambda x: x), preprocessor()(lambda x: None)
    assert made(f, resources={"a": 1, "b": 2}) != made(f, resources={"a": 2, "b": 1})
    assert made(f, pre=[one, two]) != made(f, pre=[two, one])
    assert made(f, pre=[one]) != made(f, pre=[two]) != made(f)


def test_the_name_counts() -> None:
    """Votes are kept by name."""
    assert labeling_function("f")(f).fingerprint != labeling_function("g")(f).fingerprint


def test_structures_that_hold_themselves_have_a_fingerprint() -> None:
    """Cycles, diamonds and great depth end, soon."""
    cycle: list[Any] = [1]
    cycle.append(cycle)
    other: list[Any] = [2]
    other.append(other)
    assert fingerprint_of(cycle) != fingerprint_of(other)
    diamond: Any = [1]
    deep: Any = [1]
    for _ in range(200):
        diamond = [diamond, diamond]
    for _ in range(5000):
        deep = [deep]
    assert fingerprint_of(diamond) != fingerprint_of(deep)


def recursive(x: Any) -> Any:
    return recursive(x)


def test_functions_that_call_themselves_have_a_fingerprint() -> None:
    """Among the globals of a function is the function."""
    assert made(recursive) == made(recursive) != made(f)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"words": ["good", "fine"]},
        {"words": ["Good"]},
        {"field": "title"},
        {"label": 0},
        {"label": "spam"},
        {"ignore_case": False},
    ],
)
def test_every_setting_of_a_rule_counts(change: dict[str, Any]) -> None:
    """Name, words, field, label and case; where it is declared does not."""
    settings: dict[str, Any] = {"name": "r", "words": ["good"], "field": "text", "label": 1}

    def fingerprint(**settings: Any) -> str:
        function = as_labeling_function(rules.keywords(settings.pop("name"), settings.pop("words"), **settings))
        assert function is not None
        return function.fingerprint

    assert fingerprint(**settings) == fingerprint(**settings)
    assert fingerprint(**settings) != fingerprint(**{**settings, **change})


def test_kinds_of_rules_differ() -> None:
    """A pattern is not a keyword, and a limit is above or below."""
    made_rules = [
        rules.keywords("r", ["a"], field="v", label=1),
        rules.pattern("r", "a", field="v", label=1),
        rules.pattern("r", "a", field="v", label=1, ignore_case=True),
        rules.threshold("r", field="v", above=1, label=1),
        rules.threshold("r", field="v", below=1, label=1),
        rules.threshold("r", field="v", above=1, below=2, label=1),
        rules.threshold("r", field="v", above=1.5, label=1),
    ]
    prints = {function.fingerprint for function in map(as_labeling_function, made_rules) if function is not None}
    assert len(prints) == len(made_rules)


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
import resources_of_test
from labelkit.labeling import labeling_function, load_functions
def f(x, r): return 1
for value in resources_of_test.VALUES:
    print(labeling_function("f", resources={{"r": value}})(f).fingerprint)
for function in load_functions(Path({project!r}), ["text"], ["ham", "spam"]):
    print(function.fingerprint)
"""

RESOURCES = """
import collections, functools, re
import numpy as np
import pandas as pd
class Holder:
    def __init__(self, value):
        self.value, self.itself = value, self
def closing(value):
    return lambda x: value
words = {"alpha", "beta", "gamma", "delta"}
VALUES = [
    words, frozenset(words), {word: {word, "x"} for word in words}, Holder(words), object(), Holder, closing(words),
    functools.partial(closing, words), np.array(sorted(words), object), pd.DataFrame({"a": [1], "t": ["x"]}),
    re.compile("a"), collections.Counter(words), words.__contains__, [Holder({1}), lambda x: words], print,
]
"""


def test_every_process_gives_the_same_fingerprint(tmp_path: Path) -> None:
    """With another hash seed and other addresses, also for sets, objects and functions."""
    (tmp_path / "resources_of_test.py").write_text(RESOURCES)
    loaded(tmp_path)
    program = PROGRAM.format(folder=str(tmp_path), project=str(tmp_path / "labeling_functions"))
    outputs = set()
    for seed in ("1", "2", "3"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1
    assert len(set(outputs.pop().split())) == 15 + 2  # the values and the functions of the file


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(one=plain, other=plain)
def test_fingerprints_tell_plain_values_apart(one: Any, other: Any) -> None:
    """Equal repr, equal fingerprint; other repr, other fingerprint: dictionaries are compared without order."""

    def canonical(value: Any) -> Any:
        if isinstance(value, dict):
            return sorted((key, canonical(item)) for key, item in value.items()).__repr__() + "dict"
        if isinstance(value, (list, tuple)):
            return [type(value).__name__, *map(canonical, value)]
        return repr(value)

    assert (fingerprint_of(one) == fingerprint_of(other)) == (canonical(one) == canonical(other))
