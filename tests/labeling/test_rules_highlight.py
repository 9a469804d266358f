"""Where rules matched: marks are there exactly where a rule holds, and nothing that is no definition makes any."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from labelkit.labeling.rules import Rule, contains, keywords, length, pattern
from labelkit.labeling.rules.highlight import spans

WORDS = ["win", "free", "Cash", "straße", "K", "a b", "\u017f", "naïve", "."]
TEXT = st.lists(
    st.sampled_from([*WORDS, "freedom", "WIN", "STRASSE", "\u212a", " ", "\n", "!", "é", "x1"]), max_size=12
)


def marked(rule: Rule, text: str) -> list[str]:
    """The parts of a text that a rule's marks cover."""
    return [text[start:end] for _, start, end in spans(rule.condition.definition(), {"text": text})]


@settings(max_examples=200, deadline=None)
@given(
    words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4, unique_by=str.casefold),
    texts=TEXT,
    ignore_case=st.booleans(),
    whole=st.booleans(),
)
def test_words_are_marked_where_a_rule_holds(
    words: list[str], texts: list[str], ignore_case: bool, whole: bool
) -> None:
    """There is a mark if, and only if, the rule matches; and the rule matches what is marked."""
    make = keywords if whole else contains
    rule = make("words", words, field="text", label=1, ignore_case=ignore_case)
    text = "".join(texts)
    found = marked(rule, text)
    assert bool(found) == rule.holds(SimpleNamespace(text=text))
    assert all(rule.holds(SimpleNamespace(text=part)) for part in found)


@pytest.mark.parametrize(
    ("regex", "text", "parts"),
    [
        (r"\d+ ?%", "50 % off, 20%", ["50 %", "20%"]),
        (r"\bwin\b", "win winter win!", ["win", "win"]),
        (r"x*", "ax", ["x"]),
        (r"caf(e|é)", "das Café, le café", ["café"]),
        (r"\bœuvre\b", "une œuvre d'art", ["œuvre"]),
        (r"\u05d0\u05d1", "\u200f\u05d0\u05d1 1", ["\u05d0\u05d1"]),
        (r"nothing", "something", []),
    ],
)
def test_patterns_are_marked_in_characters(regex: str, text: str, parts: list[str]) -> None:
    """Beyond ASCII, too, where RE2 counts bytes."""
    assert marked(pattern("found", regex, field="text", label=1), text) == parts


def test_only_what_is_there_can_be_marked() -> None:
    """Parts of a combination that match are marked; lengths and what must not be there have no place."""
    both = keywords("a", ["win"], field="text", label=1) & ~keywords("b", ["free"], field="text", label=1)
    long = length("c", field="text", above=1, unit="words", label=1)
    fields = {"text": "win free", "other": 1}
    assert list(spans((both | long).definition(), fields)) == [("text", 0, 3)]


@pytest.mark.parametrize(
    "definition",
    [
        None, 1, "words", [], ["words"], {"words": 1}, [[], 1], [["all", []], "x"],
        ["words", "text", "win", True, "word"], ["words", "text", [1, None, ""], True, "word"],
        ["words", "none", ["win"], True, "word"], ["matches", "text", "(", False], ["matches", "text", r"(a)\1", False],
        ["matches", "number", "1", False], ["all", 1], ["any", [["any", "x"]]],
        ["not", ["words", "text", ["win"], True, "word"]],
    ],
)  # fmt: skip
def test_what_is_no_definition_marks_nothing(definition: Any) -> None:
    """A file that somebody changed breaks no page."""
    assert list(spans(definition, {"text": "win (a) 1", "number": 1})) == []


def test_definition_that_is_too_deep_marks_nothing() -> None:
    """And no recursion without end."""
    definition: Any = ["words", "text", ["win"], True, "word"]
    for _ in range(5_000):
        definition = ["all", [definition]]
    assert list(spans(definition, {"text": "win"})) == []
