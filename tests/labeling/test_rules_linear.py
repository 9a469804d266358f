"""Patterns: the meaning of Python's `re.search`, in time linear in the text, or refused."""

# ruff: noqa: RUF001  letters of other scripts that look like ASCII are on purpose

from __future__ import annotations

import re
import time
import warnings
from types import SimpleNamespace

import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from labelkit.errors import FunctionError
from labelkit.labeling import rules
from labelkit.labeling.rules import Rule, RulePlan
from labelkit.labeling.rules.charsets import cased_characters, cases_of, folded
from labelkit.labeling.rules.regex import LinearRegex
from labelkit.labeling.rules.syntax import NotLinearError
from slow_patterns import SLOW

DOTTED_I, DOTLESS_I, LONG_S, KELVIN = "\u0130", "\u0131", "\u017f", "\u212a"
LETTERS = (
    f"abkisAKIS_ -\n\n12éÉß{DOTTED_I}{DOTLESS_I}{LONG_S}{KELVIN}Σσςΐΐſtst\u0301\u0345\x1c\x0b\x85\u00a0\u2028٣½²😀日"
)


def pattern(regex: str, *, ignore_case: bool = False) -> Rule:
    return rules.pattern("p", regex, field="text", label=1, ignore_case=ignore_case)


def votes(rule: Rule, texts: list[str]) -> list[int | str]:
    """By the plan, which is to equal the votes on single rows."""
    planned = RulePlan([rule], ["ham", "spam"]).votes(pa.record_batch({"text": pa.array(texts, pa.string())}))
    single = [rule.vote_on(SimpleNamespace(text=text)) for text in texts]
    assert planned[:, 0].tolist() == single
    return single


ATOMS = st.sampled_from(
    [
        *("a", "k", "s", "i", "é", "É", "ß", LONG_S, KELVIN, DOTTED_I, "σ", "1", "_", "-", " ", "ab", "is"),
        *(".", r"\n", r"\w", r"\W", r"\s", r"\S", r"\d", r"\D", r"\b", r"\b", r"\B", "^", "$", r"\A", r"\Z"),
        *("[a-k]", "[^a]", r"[^\W\d]", "[éß]", "[k-s]", "[^k]", r"[\s\d]", r"\x41", r"\u00e9", "(?:)"),
    ]
)


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Sequences, alternatives and repeats of patterns."""
    repeats = st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,3}", "{2,}"])
    return st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.tuples(inner, repeats).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    )


@settings(max_examples=400, deadline=None)
@given(
    regex=st.recursive(ATOMS, larger, max_leaves=8),
    flags=st.sampled_from(["", "", "", "(?i)", "(?m)", "(?s)", "(?a)", "(?im)", "(?ia)", "(?x)"]),
    texts=st.lists(st.text(LETTERS, max_size=8), min_size=1, max_size=6),
)
def test_any_pattern_finds_what_python_finds(regex: str, flags: str, texts: list[str]) -> None:
    """Whatever is not refused has the meaning of `re.search` on every text, ASCII or not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some made-up patterns look like set operations of the future
        python = re.compile(flags + regex)
    try:
        linear = LinearRegex(flags + regex, ignore_case=False)
    except NotLinearError:
        return
    assert [linear.found(text) for text in texts] == [python.search(text) is not None for text in texts]


@pytest.mark.parametrize(
    "regex", [r"\w", r"\W", r"\s", r"\d", "[^a-z]", "[k-s]", "(?i)[k-s]", "(?i)[^k]", "(?a)\\W", "."]
)
def test_classes_are_pythons_for_every_character(regex: str) -> None:
    """All 1,112,064 characters that a text can hold, one by one."""
    everything = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
    find = re.compile(regex).search
    assert votes_fast(pattern(regex), everything) == [bool(find(char)) for char in everything]


def votes_fast(rule: Rule, texts: list[str]) -> list[bool]:
    """By the plan alone."""
    planned = RulePlan([rule], ["ham", "spam"]).votes(pa.record_batch({"text": pa.array(texts, pa.string())}))
    return [vote == 1 for vote in planned[:, 0].tolist()]


def test_case_is_pythons_for_every_character() -> None:
    """The letters that equal a letter under `re.IGNORECASE` are those that `re` says."""
    cased = cased_characters()
    same: dict[str, str] = {}
    for char in cased:
        same[folded(char)] = same.get(folded(char), "") + char
    for char in cased:
        assert "".join(re.findall(re.escape(char), cased, re.IGNORECASE)) == same[folded(char)]
    for char in "iksIKSéΣ":
        listed = "".join(chr(code) for low, high in cases_of(char) for code in range(low, high + 1))
        assert sorted(listed) == sorted(same[folded(char)])


@pytest.mark.parametrize(
    ("regex", "matching", "others"),
    [
        (r"\bk", ["k", "-k", "é k", "日-k"], ["ék", "日k", "_k", "٣k"]),
        (r"\Bk", ["ék", "ak"], ["k", "é k"]),
        (r"k\b", ["k", "ké-k", "k\u0301"], ["ké", "k日"]),
        (r"\b.\b", ["é", "-é-", "日"], ["éé", "--"]),
        (r"(?:\b|é)k", ["k", "ék"], ["ak", "_k"]),
        (r"\bé*\b", ["é", "-é"], ["-", ""]),
        (r"(\bé\b ?)+k", ["é k"], ["ék", "éé k"]),
        (r"^\bé", ["é"], ["-é"]),
        (r"é\b$", ["é", "é\n"], ["é-"]),
        (r"é$", ["é", "é\n", "aé"], ["é\n\n", "é "]),
        (r"é\Z", ["é"], ["é\n"]),
        (r"(?m)^é$", ["a\né\nb", "é\n\n"], ["aé"]),
        (r"(?x) é  # a comment", ["é"], ["e"]),
        (r"(?s)é.k", ["é\nk"], ["ék"]),
        (r"é.k", ["é-k"], ["é\nk"]),
        (r"(?a)\bk", ["ék", "k"], ["ak"]),
        (r"(?i)stra(?:ß|ss)e", ["STRASSE", "straẞe", f"stra{LONG_S}{LONG_S}e"], ["strase"]),
        (r"", ["", "é"], []),
        (r"\B", ["aa", "--", "éé"], ["", "a", "é"]),
    ],
)
def test_places_in_texts_beyond_ascii(regex: str, matching: list[str], others: list[str]) -> None:
    r"""`\b` sees letters of every script; `$` stands before a final newline."""
    if re.search(r"\B", "") is not None and regex == r"\B":
        others.remove("")  # since Python 3.14
        matching.append("")
    assert [re.search(regex, text) is not None for text in matching + others] == [True] * len(matching) + [False] * len(
        others
    )
    assert votes(pattern(regex), matching + others) == [1] * len(matching) + [-1] * len(others)


@pytest.mark.parametrize(
    ("regex", "reason"),
    [
        (r"(a)\1", "it uses a back-reference"),
        (r"(?P<x>a)(?P=x)", "it uses a back-reference"),
        ("(a)?(?(1)b|c)", "it uses a condition on a group"),
        ("(?<!not )good", "it uses look-ahead or look-behind"),
        ("good(?=!)", "it uses look-ahead or look-behind"),
        ("(?>a+)b", "it uses an atomic group"),
        ("a++b", "it uses a possessive repeat"),
        ("a{2000}", "it counts to more than 1,000"),
        ("(?:(?:a{100}){100}){100}", "its counts make it too large"),
        (r"\w{900}", "its counts make it too large"),
        ("a$\n?b", "it goes on after $, which is not the end where a text ends in a newline"),
        ("(?a:k)", "it sets the flag a or u (ASCII, Unicode) for a part of the pattern"),
        (r"(?a)\Bk", r"it uses \B with the flag a (ASCII)"),
        (r"\b^a", r"\b stands before ^ or \A without a character between them"),
        (r"a(?:\b)*b", r"\b stands after $ or \Z, or many times at one place"),
    ],
)
def test_what_is_not_linear_is_refused_and_says_why(regex: str, reason: str) -> None:
    """At the declaration, with the ways out."""
    with pytest.raises(FunctionError) as caught:
        pattern(regex)
    assert str(caught.value) == (
        f'rule "p": the regex cannot be matched in linear time: {reason}; '
        "write it in another way, or as a row function (@labelkit.labeling_function())"
    )


def seconds_on_a_million(regex: str, unit: str, end: str) -> float:
    """Processor time of a vote on 1,000,000 characters, by the plan and on a single row; 0 if it is refused."""
    try:
        rule = pattern(regex)
    except FunctionError:
        return 0.0
    text = (unit * (1_000_000 // len(unit) + 1))[: 1_000_000 - len(end)] + end
    started = time.process_time()
    votes(rule, [text])
    return (time.process_time() - started) / 2


def test_the_slow_patterns_are_a_hundred_different_ones() -> None:
    """And `re` compiles all of them."""
    assert len({regex for regex, _, _ in SLOW}) == len(SLOW) == 100
    for regex, _, _ in SLOW:
        re.compile(regex)


@pytest.mark.parametrize(("regex", "unit", "end"), SLOW[::10])
def test_a_pattern_that_explodes_in_python_takes_less_than_a_second(regex: str, unit: str, end: str) -> None:
    """On 1,000,000 characters; every tenth of the hundred known ones here."""
    assert seconds_on_a_million(regex, unit, end) < 1


@pytest.mark.slow
@pytest.mark.parametrize(("regex", "unit", "end"), SLOW)
def test_every_pattern_that_explodes_in_python_takes_less_than_a_second(regex: str, unit: str, end: str) -> None:
    """In ASCII and not."""
    assert seconds_on_a_million(regex, unit, end) < 1
    assert seconds_on_a_million(regex, unit + "é", end) < 1


def test_most_slow_patterns_are_run_not_refused() -> None:
    """A refusal is the exception: back-references and look-ahead."""
    refused = []
    for regex, _, _ in SLOW:
        try:
            pattern(regex)
        except FunctionError:
            refused.append(regex)
    assert refused == [r"(\w+)\s+\1!", "^(?=.*a)(?=.*b)(.*)+c$", "^(?!.*x{3})(a+)+$"]


def test_half_a_surrogate_pair_is_judged_by_python() -> None:
    """No file holds one, but a caller can."""
    assert pattern(r"\W").vote_on(SimpleNamespace(text="\ud83d")) == 1
    assert pattern(r"^a$").vote_on(SimpleNamespace(text="\ud83d")) == -1
