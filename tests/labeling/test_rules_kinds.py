"""Kinds of rules beside words, patterns and thresholds: substrings, lengths, word lists in files, and combinations."""

# ruff: noqa: RUF001  letters of other scripts that look like ASCII are on purpose

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from casting import cast
from labelkit.errors import FunctionError
from labelkit.labeling import as_labeling_function, load_functions, rules
from labelkit.labeling.rules import Rule, check_rule

TEXT: dict[str, Any] = {"field": "text"}


def matches(rule: Rule, *texts: str | None) -> list[bool]:
    """Which of the texts the rule votes on."""
    votes, faults = cast([rule], {"text": pa.array(list(texts), pa.string())})
    assert faults == []
    return [vote == 1 for vote in votes[:, 0].tolist()]


def test_contained_texts_stand_anywhere() -> None:
    """Within words too, in any case unless it is minded."""
    rule = rules.contains("c", ["ham", " "], **TEXT, label=1)
    assert matches(rule, "SHAME", "ha m", "ha", None, "") == [True, True, False, False, False]
    minding = rules.contains("c", ["ham"], **TEXT, label=1, ignore_case=False)
    assert matches(minding, "SHAME", "shame") == [False, True]


@pytest.mark.parametrize("texts", [[], "", "text", [""], [1], None])
def test_contained_texts_must_be_a_list_of_texts(texts: Any) -> None:
    """A text alone is no list, and the empty text is everywhere."""
    with pytest.raises((FunctionError, TypeError)) as caught:
        rules.contains("c", texts, **TEXT, label=1)
    if texts is not None:
        assert str(caught.value) == 'rule "c": texts must be a list of at least one text, none of them empty'


def test_lengths_are_in_characters_or_words() -> None:
    """Strictly more than `above`, fewer than `below`."""
    assert matches(rules.length("l", **TEXT, label=1, below=3), "äö", "abc", "", None) == [True, False, True, False]
    words = rules.length("l", **TEXT, label=1, unit="words", above=1, below=3)
    assert matches(words, "a b", "a", "a b c", "a\u00a0b", "") == [True, False, False, True, False]


def test_a_length_has_a_unit() -> None:
    """One of two."""
    with pytest.raises(FunctionError) as caught:
        rules.length("l", **TEXT, label=1, unit="bytes", above=1)  # type: ignore[arg-type]
    assert str(caught.value) == 'rule "l": unit must be "characters" or "words", not \'bytes\''


def test_rules_are_combined_by_and_or_not() -> None:
    """With a name and a label of their own."""
    a, b = (rules.contains(word, [word], **TEXT, part=True) for word in "ab")
    texts = ("ab", "a", "b", "", None)
    for condition, expected in (
        (a & b, [1, 0, 0, 0, 0]),
        (a | b, [1, 1, 1, 0, 0]),
        (~a, [0, 0, 1, 1, 0]),
        (a & ~b, [0, 1, 0, 0, 0]),
        (~(a | b) | (a & b), [1, 0, 0, 1, 0]),
    ):
        assert matches(rules.combine("c", condition, label=1), *texts) == list(map(bool, expected))


def test_what_is_unknown_stays_unknown_unless_the_rest_decides() -> None:
    """Null texts and numbers: `or` holds if one does, `and` fails if one does, `not` makes no match of them."""
    word = rules.contains("w", ["a"], **TEXT, part=True)
    many = rules.threshold("m", field="n", above=2, part=True)
    made = [
        rules.combine(name, condition, label=1)
        for name, condition in {
            "or": word | many,
            "and": word & many,
            "nor": ~(word | many),
            "nand": ~(word & many),
        }.items()
    ]
    nan = float("nan")
    rows: list[tuple[str | None, float | None, list[int]]] = [
        ("a", None, [1, -1, -1, -1]),
        ("b", None, [-1, -1, -1, 1]),
        (None, 3.0, [1, -1, -1, -1]),
        (None, 1.0, [-1, -1, -1, 1]),
        ("b", nan, [-1, -1, -1, 1]),
        (None, None, [-1, -1, -1, -1]),
        ("b", 1.0, [-1, -1, 1, 1]),
    ]
    votes, _ = cast(made, {"text": [text for text, _, _ in rows], "n": [number for _, number, _ in rows]})
    assert votes.tolist() == [expected for _, _, expected in rows]


def test_python_words_for_and_or_not_are_refused() -> None:
    """`a and b` would silently be `b`."""
    a = rules.contains("a", ["a"], **TEXT, part=True)
    with pytest.raises(TypeError, match=r"write a & b, a \| b and ~a for rules, not `and`, `or` and `not`"):
        a and a  # noqa: B018
    with pytest.raises(TypeError):
        a & "b"  # type: ignore[operator]
    with pytest.raises(FunctionError, match=r"combine takes rules joined by &, \| and ~, not 'a'"):
        rules.combine("c", "a", label=1)  # type: ignore[arg-type]


def test_a_part_does_not_vote() -> None:
    """It is no labeling function, it has no label, and asking it to vote is an error that says so."""
    part = rules.contains("p", ["a"], **TEXT, part=True)
    assert as_labeling_function(part) is None
    with pytest.raises(FunctionError) as caught:
        cast([part], {"text": ["a"]})
    assert str(caught.value).endswith(
        'rule "p" is only a part of other rules; to vote it needs a label instead of part=True'
    )
    with pytest.raises(FunctionError, match="a part has no label; only the rule that it is a part of votes"):
        rules.contains("p", ["a"], **TEXT, label=1, part=True)


def test_a_combination_is_checked_in_all_its_fields() -> None:
    """Also in those that it only denies."""
    known = rules.contains("a", ["a"], **TEXT, part=True)
    rule = rules.combine("c", known & ~rules.threshold("t", field="age", above=1, part=True), label=1)
    with pytest.raises(FunctionError, match=r'rule "c": no field "age"; functions see "text"$'):
        check_rule(rule, ["text"], ["ham", "spam"])
    with pytest.raises(FunctionError, match=r'rule "c" needs numbers, but field "age" is string'):
        cast([rule], {"text": ["a"], "age": ["1"]})
    assert repr(rule) == "Rule(combine 'c' on 'text' and 'age')"


def test_every_part_of_a_combination_counts_for_its_fingerprint() -> None:
    """The names of the parts do not: they decide nothing."""

    def fingerprint(word: str, name: str = "p", *, negate: bool = False) -> str:
        part = rules.contains(name, [word], **TEXT, part=True)
        function = as_labeling_function(rules.combine("c", ~part if negate else part | part, label=1))
        assert function is not None
        return function.fingerprint

    assert fingerprint("a") == fingerprint("a", "other")
    assert len({fingerprint("a"), fingerprint("b"), fingerprint("a", negate=True)}) == 3


# ---- word lists in files


@pytest.fixture
def declared_in(tmp_path: Path) -> Callable[[str], Rule]:
    """A rule declared in a file of a project's folder."""

    def declare(call: str) -> Rule:
        folder = tmp_path / "labeling_functions"
        folder.mkdir(exist_ok=True)
        (folder / "lists.py").write_text(f"import labelkit as lk\nrule = lk.rules.{call}\n", encoding="utf-8")
        (function,) = load_functions(folder, ["text"], ["ham", "spam"])
        assert function.rule is not None
        return function.rule

    return declare


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """The folder above the declaring file, with word lists in it."""
    (tmp_path / "names.txt").write_bytes("\ufeffAna\r\n\n# people\nChloé \nvan der Berg\nAna\n#tag\n".encode())
    (tmp_path / "names.csv").write_text('id,name\n1,Ana\n2,"van der, Berg"\n3,\n', encoding="utf-8")
    pq.write_table(pa.table({"name": ["Ana", None, "Chloé"]}), tmp_path / "names.parquet")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "texts", "expected"),
    [
        ('"../names.txt"', ["so ana!", "Anabel", "CHLOÉ", "van der berg", "#tag", "people"], [1, 0, 1, 1, 1, 0]),
        ('"../names.txt", match="anywhere"', ["Anabel", "x"], [1, 0]),
        ('"../names.txt", match="all"', ["ANA", "so Ana", "chloÉ", "", "Ana\\n"], [1, 0, 1, 0, 0]),
        ('"../names.txt", match="all", ignore_case=False', ["ANA", "Ana", "Chloé"], [0, 1, 1]),
        ('"../names.csv", column="name"', ["ana", "van der, berg", "1"], [1, 1, 0]),
        ('"../names.parquet"', ["ana", "chloé", "None"], [1, 1, 0]),
    ],
)
@pytest.mark.usefixtures("lists")
def test_words_are_looked_up_in_a_file(
    declared_in: Callable[[str], Rule], arguments: str, texts: list[str], expected: list[int]
) -> None:
    """One per line, or in a column; a relative path begins at the file that declares the rule."""
    rule = declared_in(f'lookup("names", {arguments}, field="text", label=1)')
    assert matches(rule, *texts) == list(map(bool, expected))


def test_the_words_of_the_file_are_part_of_the_rule(lists: Path, declared_in: Callable[[str], Rule]) -> None:
    """The same words elsewhere make the same rule, other words another."""
    call = 'lookup("names", "../names.txt", field="text", label=1)'
    before = declared_in(call).definition()
    (lists / "other.txt").write_text("van der Berg\n#tag\nChloé\nAna", encoding="utf-8")
    assert declared_in(call.replace("names.txt", "other.txt")).definition() == before
    (lists / "names.txt").write_text("Ana", encoding="utf-8")
    assert declared_in(call).definition() != before


@pytest.mark.parametrize(
    ("file", "content", "arguments", "message"),
    [
        ("no.txt", None, "", "no.txt: no such file; a relative path begins at the file that declares the rule"),
        ("w.txt", b"\n# none\n", "", "w.txt: no word in it"),
        ("w.txt", b"caf\xe9", "", "w.txt: byte 4 is not UTF-8; save the file as UTF-8"),
        ("w.txt", b"a", ', column="c"', "w.txt: only .csv and .parquet files have columns"),
        ("w.csv", b"a,b\n1,2\n", "", 'w.csv: say which column holds the words; there are "a", "b"'),
        ("w.csv", b"a,b\n1,2\n", ', column="c"', 'w.csv: no column "c"; there are "a", "b"'),
        ("w.csv", b'a\n"x', "", "w.csv: not a CSV file: unexpected end of data"),
        ("w.parquet", b"PAR", "", None),
        ("w.txt", b"a", ', match="start"', 'match must be "word", "anywhere" or "all", not \'start\''),
    ],
)
def test_files_that_hold_no_words_are_named(
    tmp_path: Path, declared_in: Callable[[str], Rule], file: str, content: bytes | None, arguments: str, message: str
) -> None:
    """With the rule, the place and the way out."""
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(FunctionError) as caught:
        declared_in(f'lookup("w", "../{file}", field="text", label=1{arguments})')
    where, _, said = str(caught.value).partition(': rule "w": ')
    assert where == "labeling_functions/lists.py:2"
    assert said == message or (message is None and said.startswith("w.parquet: not a Parquet file: "))


def test_numbers_in_a_column_are_no_words(tmp_path: Path, declared_in: Callable[[str], Rule]) -> None:
    """They are not turned into text behind anybody's back."""
    pq.write_table(pa.table({"n": [1, 2]}), tmp_path / "w.parquet")
    with pytest.raises(FunctionError, match=r'w\.parquet: column "n" is int64, not text$'):
        declared_in('lookup("w", "../w.parquet", field="text", label=1)')


def test_long_lists_are_looked_up_in_every_script(tmp_path: Path, declared_in: Callable[[str], Rule]) -> None:
    """Thousands of words, among them ones beyond ASCII and ones that differ in case."""
    words = [f"word{i}" for i in range(3_000)] + [f"слово{i}" for i in range(300)]
    (tmp_path / "w.txt").write_text("\n".join(words), encoding="utf-8")
    rule = declared_in('lookup("w", "../w.txt", field="text", label=1)')
    texts = ["WORD2999 é", "word3000", "word12x", "so СЛОВО7!", "слово300", "x" * 50 + " word0"]
    assert matches(rule, *texts) == [True, False, False, True, False, True]


def test_words_have_a_length_that_can_be_matched() -> None:
    """Up to 10,000 characters in any script, many of them; beyond that it is no word."""
    words = [letter * 9_990 + str(i) for letter in "aéя" for i in range(4)]
    rule = rules.keywords("k", words, **TEXT, label=1)
    assert matches(rule, words[0], words[5].upper(), f"é {words[9]}", words[9] + "é") == [True, True, True, False]
    with pytest.raises(FunctionError) as caught:
        rules.keywords("k", ["a" * 10_001], **TEXT, label=1)
    assert str(caught.value) == 'rule "k": words may have up to 10,000 characters each, not 10,001'


def test_rules_are_declared_where_they_are_called() -> None:
    """The line of every kind of rule is known."""
    line = sys._getframe().f_lineno + 1
    made = [rules.contains("c", ["a"], **TEXT, label=1), rules.length("l", **TEXT, above=1, label=1)]
    made.append(rules.combine("b", ~made[0], label=1))
    assert [rule.place for rule in made] == [f"labeling/test_rules_kinds.py:{at}" for at in (line, line, line + 1)]


def test_a_lookup_of_no_path_is_refused() -> None:
    """Words in place are what people try first."""
    table: Any = {"Torgersen": "Adelie"}
    with pytest.raises(FunctionError) as caught:
        rules.lookup("island", table, field="island")
    assert str(caught.value) == (
        "rule \"island\": the file is named by its path, not {'Torgersen': 'Adelie'}; "
        "for words written in place there is `keywords`"
    )


@pytest.mark.parametrize(("word", "unspaced"), [("很好", True), ("ดี", True), ("bon", False), ("добро", False)])
def test_whole_words_of_scripts_without_blanks_are_told_apart(word: str, unspaced: bool) -> None:
    """They are found as whole words only beside punctuation, and `contains` is not concerned."""
    assert bool(rules.keywords("k", ["x", word], **TEXT, label=1).unspaced) is unspaced
    assert not rules.contains("c", [word], **TEXT, label=1).unspaced
