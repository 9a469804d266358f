"""Rules: what they match, to the character, and what they refuse to be made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from casting import CLASSES, cast
from labelkit.errors import FunctionError
from labelkit.labeling import as_labeling_function, rules
from labelkit.labeling.rules import Rule, check_rule
from labelkit.matrix import ABSTAIN

HERE = "labeling/test_rules.py"

DOTTED_I, DOTLESS_I, LONG_S, KELVIN = "\u0130", "\u0131", "\u017f", "\u212a"


def keywords(*words: str, ignore_case: bool = True) -> Rule:
    return rules.keywords("k", words, field="text", label=1, ignore_case=ignore_case)


def pattern(regex: str, *, ignore_case: bool = False) -> Rule:
    return rules.pattern("p", regex, field="text", label=1, ignore_case=ignore_case)


def matches(rule: Rule, *values: Any) -> list[bool]:
    """Which of the values the rule votes on."""
    votes, faults = cast([rule], {rule.field: pa.array(list(values))})
    assert faults == []
    return [vote == 1 for vote in votes[:, 0].tolist()]


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        (["good"], "good", True),
        (["good"], "GOOD!", True),
        (["good"], "so good, so far", True),
        (["good"], "(good)", True),
        (["good"], "goods", False),
        (["good"], "nogood", False),
        (["good"], "good_", False),
        (["good"], "good2", False),
        (["good"], "2good", False),
        (["good"], "goodé", False),
        (["good"], "good-natured", True),
        (["good"], "good\n", True),
        (["good"], "goo\nd", False),
        (["good"], "", False),
        (["good"], "go od", False),
        (["thank you"], "Thank you!", True),
        (["thank you"], "thank yous", False),
        (["thank you"], "thank  you", False),
        (["thank you"], "thank\nyou", False),
        (["a", "a b"], "xa b", False),
        (["good", "goods"], "goods", True),
        (["c++"], "in C++ only", True),
        (["c++"], "c++11", False),
        ([":)"], "well :)", True),
        ([":)"], "well:)", False),
        (["."], "end.", False),
        (["."], "end .", True),
        (["a|b"], "a", False),
        (["a|b"], "a|b", True),
        (["[x]"], "[x]", True),
        (["a\\"], "a\\ b", True),
        (["ünï"], "ÜNÏ", True),
        (["u\u0308"], "ü", False),
        (["ß"], "SS", False),
        (["ß"], "ẞ", True),
        (["i"], DOTTED_I, True),
        (["i"], DOTLESS_I, True),
        (["eminem"], f"EM{DOTTED_I}NEM", True),
        (["s"], LONG_S, True),
        (["k"], KELVIN, True),
        (["σοφοσ"], "ΣΟΦΟΣ", True),
        (["σοφος"], "ΣΟΦΟΣ", True),
        (["σοφοσ"], "σοφος", True),
        (["日本"], "日本", True),
        (["日本"], "日本語", False),
    ],
)
def test_keywords_stand_as_whole_words(words: list[str], text: str, found: bool) -> None:
    """A word touches no further letter, digit or underscore; case is that of `re.IGNORECASE`, Unicode included."""
    assert matches(keywords(*words), text) == [found]


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [("Good", "Good", True), ("Good", "good", False), ("i", DOTLESS_I, False), ("k", KELVIN, False), ("Σ", "ς", False)],
)
def test_keywords_can_mind_the_case(word: str, text: str, found: bool) -> None:
    """With `ignore_case=False` a character is only itself."""
    assert matches(keywords(word, ignore_case=False), text) == [found]


@given(
    words=st.lists(st.text("ab .i" + DOTTED_I + DOTLESS_I, min_size=1, max_size=4), min_size=1, max_size=4),
    text=st.text("abI .i_" + DOTTED_I, max_size=12),
)
def test_keywords_are_what_they_are_said_to_be(words: list[str], text: str) -> None:
    """A rule of many words votes where one of its words alone, looked for by Python's `re`, would be found."""
    words = [word for word in words if word.strip()] or ["a"]
    alone = [re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) for word in words]
    assert matches(keywords(*words), text) == [any(alone)]


@pytest.mark.parametrize(
    ("regex", "text", "found"),
    [
        ("a", "cat", True),
        ("^a", "cat", False),
        ("a$", "a", True),
        ("a$", "a\n", True),
        ("a$", "a\n\n", False),
        (r"a\Z", "a\n", False),
        ("^b", "a\nb", False),
        ("(?m)^b", "a\nb", True),
        ("a.b", "a\nb", False),
        (r"\bwin\b", "win!", True),
        (r"\d", "٣", True),
        (r"\w", "é", True),
        (r"\s", "\x1c", True),
        ("i", DOTTED_I, False),
        ("", "", True),
        (r"\x41\u00e9|[\U0001f600-\U0001f64f]", "so 😀", True),
        ("(?a)\\bcaf", "écaf", True),
        (r"\bcaf", "écaf", False),
    ],
)
def test_patterns_mean_what_python_means(regex: str, text: str, found: bool) -> None:
    """As `re.search`: a `$` before a final newline, Unicode classes and boundaries, flags."""
    assert matches(pattern(regex), text) == [found]
    assert (re.search(regex, text) is not None) == found


@pytest.mark.parametrize(
    ("regex", "text"), [("A", "a"), ("i", DOTTED_I), ("i", DOTLESS_I), ("s", LONG_S), ("k", KELVIN), ("Σ", "ς")]
)
def test_patterns_can_ignore_the_case(regex: str, text: str) -> None:
    """Upper and lower case are those of `re.IGNORECASE`, which also folds a few letters beyond ASCII."""
    assert matches(pattern(regex, ignore_case=True), text) == [True]
    assert matches(pattern(regex), text) == [False]


INF = float("inf")
NUMBERS = [-INF, -1.0, 1.0, 2.0, 3.0, INF]


@pytest.mark.parametrize(
    ("limits", "matched"),
    [
        ({"above": 2}, [3.0, INF]),
        ({"below": 2}, [-INF, -1.0, 1.0]),
        ({"above": 1, "below": 3}, [2.0]),
        ({"above": -1, "below": 2.5}, [1.0, 2.0]),
        ({"above": -INF}, [-1.0, 1.0, 2.0, 3.0, INF]),
        ({"below": INF}, [-INF, -1.0, 1.0, 2.0, 3.0]),
    ],
)
def test_thresholds_are_strict(limits: dict[str, Any], matched: list[float]) -> None:
    """Greater than `above`, less than `below`; null and NaN are neither."""
    rule = rules.threshold("t", field="n", label=1, **limits)
    expected = [number in matched for number in NUMBERS]
    assert matches(rule, *NUMBERS, float("nan"), None) == [*expected, False, False]


def test_thresholds_on_whole_numbers_are_exact() -> None:
    """Beyond 2**53 a float cannot tell neighbours apart; a threshold can."""
    limit = 2**53
    rule = rules.threshold("t", field="n", above=limit, label=1)
    assert matches(rule, limit - 1, limit, limit + 1) == [False, False, True]
    far = rules.threshold("t", field="n", above=limit + 1, label=1)
    assert matches(far, limit + 1, limit + 2) == [False, True]


def test_thresholds_compare_in_double_precision() -> None:
    """0.1 in 32 bits is a little more than 0.1, and stays so when the column or the limit has 32 bits."""
    column = pa.array([0.1, 0.05], pa.float32())
    votes, _ = cast([rules.threshold("t", field="n", above=0.1, label=1)], {"n": column})
    assert votes[:, 0].tolist() == [1, ABSTAIN]
    narrow = rules.threshold("t", field="n", below=np.float32(0.1), label=1)  # type: ignore[arg-type]
    assert matches(narrow, 0.1, float(np.float32(0.1))) == [True, False]


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint64(), pa.float32(), pa.float64(), pa.decimal128(22, 2)])
def test_thresholds_read_every_kind_of_number(kind: pa.DataType) -> None:
    """Whole, decimal and floating columns."""
    column = pa.array([1, 3, None]).cast(kind)
    votes, faults = cast([rules.threshold("t", field="n", above=2, label=1)], {"n": column})
    assert (votes[:, 0].tolist(), faults) == ([-1, 1, -1], [])


@pytest.mark.parametrize("make", [lambda: keywords("a"), lambda: pattern("")])
@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
)
def test_text_rules_read_every_kind_of_text(make: Callable[[], Rule], kind: pa.DataType) -> None:
    """Also categories; a null is never matched, not even by the empty pattern."""
    column = pa.array(["a", None]).cast(kind)
    votes, faults = cast([make()], {"text": column})
    assert (votes[:, 0].tolist(), faults) == ([1, -1], [])


@pytest.mark.parametrize(
    "rule", [rules.keywords("r", ["a"], field="v", label=1), rules.threshold("r", field="v", above=0, label=1)]
)
def test_a_column_of_nulls_is_nobodys_vote(rule: Rule) -> None:
    """A column without a single value has no type that a rule could mind."""
    assert matches(rule, None, None) == [False, False]


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        (pa.array(["3"]), "string"),
        (pa.array([True]), "bool"),
        (pa.array([[1]]), "list<item: int64>"),
        (pa.array([1], pa.timestamp("s")), "timestamp[s]"),
    ],
)
def test_a_threshold_on_something_else_is_refused(column: pa.Array, shown: str) -> None:
    """Every cell would be a fault: refused at once, naming line, rule, field, type and the way out."""
    rule = rules.threshold("old", field="v", above=1, label=1)
    with pytest.raises(FunctionError) as caught:
        cast([rule], {"v": column})
    assert str(caught.value).startswith(f"{HERE}:")
    assert str(caught.value).partition(": ")[2] == (
        f'rule "old" needs numbers, but field "v" is {shown}; declare its type under [data.types] in labelkit.toml'
    )


def test_a_text_rule_on_numbers_is_refused() -> None:
    """As above, the other way round."""
    with pytest.raises(FunctionError, match=r'rule "k" needs text, but field "text" is int64$'):
        cast([keywords("a")], {"text": [1]})


NO_WORDS = 'rule "r": words must be a list of at least one word, none of them empty'


@pytest.mark.parametrize("words", [[], "", "word", [""], ["  "], ["a", ""], [1], [None], iter([]), [b"a"]])
def test_words_that_match_everywhere_or_nowhere_are_refused(words: Any) -> None:
    """An empty word would match everywhere; a single text is not a list of words."""
    with pytest.raises(FunctionError) as caught:
        rules.keywords("r", words, field="text", label=1)
    assert str(caught.value) == NO_WORDS


@pytest.mark.parametrize("words", [{"b", "a"}, ("a", "b", "a"), ["b", "a"], iter(["a", "b"]), {"a": 1, "b": 2}])
def test_any_collection_of_words_makes_the_same_rule(words: Any) -> None:
    """Sets, tuples, iterators; order and repetition do not matter, not even to the fingerprint."""
    made = as_labeling_function(rules.keywords("r", words, field="text", label=1))
    usual = as_labeling_function(rules.keywords("r", ["a", "b"], field="text", label=1))
    assert made is not None
    assert usual is not None
    assert made.fingerprint == usual.fingerprint


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pattern("("), 'rule "p": not a regular expression: missing ), unterminated subpattern at position 0'),
        (lambda: pattern("a**"), 'rule "p": not a regular expression: multiple repeat at position 2'),
        (lambda: pattern("x{99999999999}"), 'rule "p": not a regular expression: the repetition number is too large'),
        (lambda: pattern("(" * 5000), None),
        (lambda: pattern(b"a"), 'rule "p": regex must be a text, not a bytes'),  # type: ignore[arg-type]
        (lambda: pattern(None), 'rule "p": regex must be a text, not a NoneType'),  # type: ignore[arg-type]
        (lambda: rules.threshold("t", field="n", label=1), 'rule "t": give above=, below= or both'),
        (
            lambda: rules.threshold("t", field="n", label=1, above=3, below=3),
            'rule "t": no number is above 3 and below 3',
        ),
        (
            lambda: rules.threshold("t", field="n", label=1, above=float("nan")),
            'rule "t": above must be a number, not nan',
        ),
        (
            lambda: rules.threshold("t", field="n", label=1, below="3"),  # type: ignore[arg-type]
            "rule \"t\": below must be a number, not '3'",
        ),
        (
            lambda: rules.threshold("t", field="n", label=1, below=True),
            'rule "t": below must be a number, not True',
        ),
        (
            lambda: rules.keywords("k", ["a"], field="text", label=True),
            'rule "k": label must be a class index or a class name, not True',
        ),
        (
            lambda: rules.keywords("k", ["a"], field="text", label=1.0),  # type: ignore[arg-type]
            'rule "k": label must be a class index or a class name, not 1.0',
        ),
        (
            lambda: rules.keywords("k\x1b", ["a"], field="text", label=None),
            'rule "k\\x1b": label must be a class index or a class name, not None',
        ),
    ],
)
def test_rules_that_make_no_sense_are_refused(make: Callable[[], Rule], message: str | None) -> None:
    """Named by rule, value and what was expected, where the rule is declared."""
    with pytest.raises(FunctionError) as caught:
        make()
    if message is not None:
        assert str(caught.value) == message


def test_large_and_odd_limits_are_numbers() -> None:
    """Whole numbers of any size, fractions and NumPy's numbers."""
    assert matches(rules.threshold("t", field="n", below=10**400, label=1), 5) == [True]
    assert matches(rules.threshold("t", field="n", above=Fraction(1, 2), label=1), 1) == [True]  # type: ignore[arg-type]
    assert matches(rules.threshold("t", field="n", above=np.int64(4), label=1), 5) == [True]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (rules.keywords("r", ["a"], field="txt", label=1), 'no field "txt"; functions see "text", "n"'),
        (rules.keywords("r", ["a"], field="text", label=2), "no class 2; classes are 0 = ham, 1 = spam"),
        (rules.keywords("r", ["a"], field="text", label=-1), "no class -1; classes are 0 = ham, 1 = spam"),
        (rules.keywords("r", ["a"], field="text", label="Spam"), "no class 'Spam'; classes are 0 = ham, 1 = spam"),
    ],
)
def test_fields_and_classes_that_are_not_there_are_named(rule: Rule, message: str) -> None:
    """With the line where the rule is declared, and what there is instead."""
    with pytest.raises(FunctionError) as caught:
        check_rule(rule, ["text", "n"], CLASSES)
    where, _, said = str(caught.value).partition(': rule "r": ')
    assert said == message
    assert re.fullmatch(rf"{HERE}:\d+", where)


@pytest.mark.parametrize("label", [1, "spam"])
def test_a_rule_votes_a_class_or_abstains(label: int | str) -> None:
    """By index or by name."""
    rule = rules.keywords("r", ["a"], field="text", label=label)
    check_rule(rule, ["text"], CLASSES)
    votes, faults = cast([rule], {"text": ["a", "b", None]})
    assert (votes[:, 0].tolist(), faults) == ([1, ABSTAIN, ABSTAIN], [])


def test_a_rule_is_shown_by_what_it_is() -> None:
    """Short enough for a debugger."""
    assert repr(rules.keywords("thanks", ["a"], field="text", label=1)) == "Rule(keywords 'thanks' on 'text')"
