"""Candidates hold where the rules made of them vote, and rule files say the same."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from labelkit.labeling.rules.regex import linear_regex
from labelkit.labeling.rules.rule_files import read_rules
from labelkit.suggest.candidates import Candidate, both, compared, counted, has_words, is_one_of
from labelkit.suggest.pool import where
from labelkit.suggest.proposals import Suggestion, Suggestions
from labelkit.suggest.rule_text import add_rules
from labelkit.suggest.texts import PATTERNS, phrases, text_candidates
from labelkit.suggest.values import category_candidates, number_candidates

TEXTS = st.lists(st.text(max_size=20) | st.none(), min_size=1, max_size=8)
STRANGE = ["", "a", "'", '"', "\\", "a\nb", "\x7f", "ß", "it's", "#x", "[t]", "日本", "\x1b[2J", "e\u0301"]


def suggestion(candidate: Candidate, name: str = "rule") -> Suggestion:
    return Suggestion(name, "spam", candidate, 3, 4, 0.8, 0.6, 0.1, 0.05, 0.2)


@pytest.mark.parametrize(("title", "regex"), PATTERNS.items())
def test_patterns_are_matched_in_linear_time(title: str, regex: str) -> None:
    """No pattern that is proposed would be refused as a rule."""
    assert not linear_regex(regex, ignore_case=False).found("")


@settings(deadline=None, max_examples=60)
@given(TEXTS)
def test_phrases_hold_where_they_were_found(texts: list[str | None]) -> None:
    """A word or pair of words that was read from a text is found in it by its rule, if case does not change letters."""
    for row, text in enumerate(texts):
        if text is None or text.lower().upper().lower() != text.lower() or len(text.lower()) != len(text):
            continue
        found = [has_words("text", phrase) for phrase in sorted(phrases(text))]
        if found and text.isascii():
            assert where(found, pa.table({"text": pa.array(texts, pa.string())}))[row].all()


@settings(deadline=None, max_examples=60)
@given(TEXTS)
def test_candidates_hold_record_by_record(texts: list[str | None]) -> None:
    """What a column at a time gives is what each condition says of each record; nulls never hold."""
    found = list(text_candidates("text", texts, range(len(texts))))
    holds = where(found, pa.table({"text": pa.array(texts, pa.string())}))
    for row, text in enumerate(texts):
        expected = [one.condition.holds(SimpleNamespace(text=text)) is True for one in found]
        assert holds[row].tolist() == expected


@settings(deadline=None)
@given(st.lists(st.integers(-5, 5) | st.none(), max_size=12), st.lists(st.sampled_from("abc") | st.none(), max_size=12))
def test_candidates_on_tables_cut_their_values(numbers: list[int | None], values: list[str | None]) -> None:
    """Each threshold has a value on either side, and each category is one that is there."""
    known = [value for value in numbers if value is not None]
    for one in number_candidates("n", numbers):
        held = [one.condition.holds(SimpleNamespace(n=value)) for value in known]
        assert any(held)
        assert not all(held)
    for one in category_candidates("c", values * 6):
        assert set(one.values) <= {value for value in values if value is not None}


@pytest.mark.parametrize("text", STRANGE)
def test_rule_files_say_what_candidates_mean(text: str, tmp_path: Path) -> None:
    """Whatever is in a text, the rule that is read back has the condition that was written."""
    values = [text] if text else ["a"]
    made = [is_one_of("state", values), counted("text", "words", above=3), compared("n", below=2.5)]
    if text.strip():
        made.append(has_words("text", text))
    made.append(both(made[0], made[2]))
    rules = [suggestion(one, f"rule_{number}") for number, one in enumerate(made)]
    path = tmp_path / "suggested.toml"
    add_rules(path, rules, Suggestions(tuple(rules), 1000, 100, 0, by_model=False))
    assert [rule.definition() for rule in read_rules(path)] == [[one.condition.definition(), "spam"] for one in made]


def test_rules_are_added_behind_what_is_there(tmp_path: Path) -> None:
    """A rule file keeps its rules and its comments, and the new ones follow with what they are worth."""
    path = tmp_path / "own.toml"
    path.write_text('# mine\n[links]\nkind = "pattern"\nfield = "text"\nregex = "http"\nlabel = "spam"\n')
    rule = suggestion(has_words("text", "win"), "has_win")
    add_rules(path, [rule], Suggestions((rule,), 1000, 100, 0, by_model=False))
    said = path.read_text()
    assert said.startswith("# mine\n[links]\n")
    assert '# text has "win": right in 3 of 4 held-out answers of 100,\n# and so in at least 60 % of its votes' in said
    assert [one.name for one in read_rules(path)] == ["links", "has_win"]
