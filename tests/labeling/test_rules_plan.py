"""All rules over a chunk at once: the votes are those of each rule on each row, and those of plain Python."""

# ruff: noqa: RUF001  letters of other scripts that look like ASCII are on purpose

from __future__ import annotations

import pickle
import re
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from casting import CLASSES
from labelkit.labeling import rules
from labelkit.labeling.rules import Condition, Rule, RulePlan

DOTTED_I, DOTLESS_I, LONG_S, KELVIN = "\u0130", "\u0131", "\u017f", "\u212a"
SOME = st.text("abkisAKIS01_ .-$\n", max_size=12)
OTHERS = st.text(
    f"aksi KS_1.éÉß{DOTTED_I}{DOTLESS_I}{LONG_S}{KELVIN}σς\u0301\u00a0\u2003\u3000\u0085😀٣日", max_size=12
)
TEXTS = st.one_of(st.none(), SOME, OTHERS, st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
WORDS = st.lists(
    st.one_of(SOME, OTHERS, st.sampled_from(["is", "a", "skis", "sub-basis", "kissaki is a", "é"])).filter(str.strip),
    min_size=1,
    max_size=4,
)
REGEXES = st.sampled_from(
    [
        *(
            "ki+s",
            "(?:a|b)k",
            "s$",
            "^a",
            r"\bki\b",
            r"\b(?:is|as)\b",
            r"\d\d",
            "[0-9]k",
            "k?is",
            r"is|ka|\d",
            r"(?a)\bk",
        ),
        *(r"\w\s", "a.*b", "", r"\$", r"\bσ", r"s\b|\bk", "(?a)k|s", r"\$ ?\d+", "a{2}", r"(?i)SS", DOTTED_I),
    ]
)


def columns(texts: list[str | None], numbers: list[float | None] | None = None) -> pa.RecordBatch:
    return pa.record_batch(
        {"text": pa.array(texts, pa.string()), "n": pa.array(numbers or [None] * len(texts), pa.float64())}
    )


def planned(made: list[Rule], batch: pa.RecordBatch) -> list[list[int]]:
    votes: list[list[int]] = RulePlan(made, CLASSES).votes(batch).tolist()
    return votes


def one_by_one(made: list[Rule], batch: pa.RecordBatch) -> list[list[int | str]]:
    return [[rule.vote_on(SimpleNamespace(**row)) for rule in made] for row in batch.to_pylist()]


def leaf(draw: st.DrawFn, name: str) -> Rule:
    """Any rule on one field."""
    ignore_case = draw(st.booleans())
    kind = draw(st.sampled_from(["keywords", "contains", "pattern", "length", "threshold"]))
    if kind == "keywords":
        return rules.keywords(name, draw(WORDS), field="text", label=1, ignore_case=ignore_case)
    if kind == "contains":
        return rules.contains(name, draw(WORDS), field="text", label=0, ignore_case=ignore_case)
    if kind == "pattern":
        return rules.pattern(name, draw(REGEXES), field="text", label=1, ignore_case=ignore_case)
    limit = draw(st.integers(-1, 6))
    if kind == "length":
        unit: Any = draw(st.sampled_from(["characters", "words"]))
        return rules.length(name, field="text", label=0, unit=unit, above=limit)
    return rules.threshold(name, field="n", label=1, below=limit)


@st.composite
def any_rules(draw: st.DrawFn) -> list[Rule]:
    made = []
    for i in range(draw(st.integers(1, 6))):
        first = leaf(draw, f"r{i}")
        if draw(st.booleans()):
            second = leaf(draw, "other")
            combined: Condition = draw(
                st.sampled_from([~first, first & second, first | second, first & ~second, ~(first | ~second)])
            )
            first = rules.combine(f"r{i}", combined, label=1)
        made.append(first)
    return made


@settings(max_examples=400, deadline=None)
@given(
    made=any_rules(),
    rows=st.lists(st.tuples(TEXTS, st.sampled_from([None, float("nan"), -1.0, 0.5, 3.0])), max_size=8),
    times=st.sampled_from([1, 1, 70]),  # also more rows than are given to RE2 one by one
)
def test_the_plan_votes_as_the_rules_do_on_single_rows(
    made: list[Rule], rows: list[tuple[str | None, float | None]], times: int
) -> None:
    """Any rules together, on any text, with nulls and NaN, in one chunk."""
    batch = columns([text for text, _ in rows], [number for _, number in rows])
    assert planned(made, pa.concat_batches([batch] * times)) == one_by_one(made, batch) * times


@settings(max_examples=300, deadline=None)
@given(words=WORDS, ignore_case=st.booleans(), texts=st.lists(TEXTS, max_size=6))
def test_words_are_what_python_finds(words: list[str], ignore_case: bool, texts: list[str | None]) -> None:
    """Whole words and substrings, as `re` finds them, each word for itself."""
    flags = re.IGNORECASE if ignore_case else 0
    whole = rules.keywords("whole", words, field="text", label=1, ignore_case=ignore_case)
    within = rules.contains("within", words, field="text", label=1, ignore_case=ignore_case)
    expected = []
    for text in texts:
        inside = [text is not None and re.search(re.escape(word), text, flags) is not None for word in words]
        alone = [
            text is not None and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, flags) is not None
            for word in words
        ]
        expected.append([1 if any(alone) else -1, 1 if any(inside) else -1])
    assert planned([whole, within], columns(texts)) == expected


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(TEXTS, max_size=6))
def test_lengths_are_what_python_counts(texts: list[str | None]) -> None:
    """Characters as `len`, words as `str.split`, in every script and with every kind of space."""
    made = [
        rules.length(f"{unit}{limit}", field="text", label=1, unit=unit, above=limit)
        for unit in ("characters", "words")
        for limit in range(-1, 6)
    ]
    expected = [
        [
            1 if text is not None and count > limit else -1
            for count in (len(text or ""), len((text or "").split()))
            for limit in range(-1, 6)
        ]
        for text in texts
    ]
    assert planned(made, columns(texts)) == expected


def test_long_texts_have_all_their_words() -> None:
    """Far more than fit into a byte, beside short ones."""
    texts = ["a " * 70_000, "a b", "é " * 300, "a\u00a0b " * 400, ""]
    made = [rules.length("w", field="text", label=1, unit="words", above=limit) for limit in (299, 69_999, 70_000)]
    assert planned(made, columns(list(texts))) == [[1, 1, -1], [-1] * 3, [1, -1, -1], [1, -1, -1], [-1] * 3]


def test_many_words_of_every_length_are_found_by_one_scan() -> None:
    """500 rules: each word is found in the text that holds it, at every offset, and nowhere else."""
    words = [f"w{i:x}" + "xyz"[: i % 4] * (i % 7) for i in range(500)]
    made = [rules.keywords(word, [word], field="text", label=1) for word in words]
    texts = [f"{'.' * (i % 9)}{word.upper()}{' é'[i % 2 :]}, w" for i, word in enumerate(words)]
    expected = [
        [1 if re.search(rf"(?<!\w){word}(?!\w)", text, re.IGNORECASE) else -1 for word in words] for text in texts
    ]
    assert sum(map(sum, expected)) > -250_000
    assert planned(made, columns(list(texts))) == expected


def test_words_do_not_reach_from_row_to_row() -> None:
    """Nor does a word with a newline in it, which is what stands between the rows."""
    made = [
        rules.contains("c", ["a\nb", "\n", "ab"], field="text", label=1),
        rules.keywords("k", ["a\nb"], field="text", label=1),
    ]
    texts: list[str | None] = ["a", "b", "a\nb", None, "", "\n", "xa\nb"]
    expected = [[-1, -1], [-1, -1], [1, 1], [-1, -1], [-1, -1], [1, -1], [1, -1]]
    assert planned(made, columns(texts)) == expected


@pytest.mark.parametrize("kind", [pa.string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())])
def test_text_larger_than_one_step_is_taken_in_parts(kind: pa.DataType) -> None:
    """A chunk of more than 16 MiB, the votes of each part in its place."""
    texts = ["x" * 9_000_000, "so free", None, "y" * 12_000_000 + " free", *(["z", "FREE"] * 5_000)]
    batch = pa.record_batch({"text": pa.array(texts, pa.string()).cast(kind)})
    rule = rules.keywords("free", ["free"], field="text", label=1)
    assert planned([rule], batch) == [[-1], [1], [-1], [1], *([[-1], [1]] * 5_000)]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
)
@pytest.mark.parametrize("cut", [(0, 4), (1, 3), (2, 0)])
def test_every_layout_of_a_column_is_read(kind: pa.DataType, cut: tuple[int, int]) -> None:
    """Slices of columns, with nulls, of every type of text."""
    column = pa.array(["free", None, "so free é", "x"]).cast(kind)
    batch = pa.record_batch({"text": column}).slice(*cut)
    rule = rules.keywords("free", ["free"], field="text", label=1)
    assert planned([rule], batch) == [[1], [-1], [1], [-1]][cut[0] : cut[0] + cut[1]]


def test_votes_are_one_byte_and_column_by_column() -> None:
    """As the kernel keeps them."""
    votes = RulePlan([rules.keywords("a", ["a"], field="text", label="spam")], CLASSES).votes(columns(["a", "b"]))
    assert (votes.dtype.name, votes.shape, votes.flags.f_contiguous) == ("int8", (2, 1), True)
    assert RulePlan([], CLASSES).votes(columns(["a", "b"])).shape == (2, 0)


def test_a_plan_keeps_nothing_of_what_it_has_seen() -> None:
    """The first chunk may teach it which pieces are rare; the votes on the next are the same as without."""
    made = [rules.contains(word, [word], field="text", label=1) for word in ("free", "gift", "k", "win")]
    chunks = [columns(["free " * 50, "gift"]), columns(["win a gift", f"{KELVIN}"]), columns(["", None])]
    plan = RulePlan(made, CLASSES)
    assert [plan.votes(chunk).tolist() for chunk in chunks] == [planned(made, chunk) for chunk in chunks]


def test_rules_can_be_sent_to_other_processes() -> None:
    """They are plain values."""
    rule = rules.combine(
        "c",
        rules.contains("a", ["a"], field="text", part=True) & ~rules.length("l", field="text", part=True, above=3),
        label=1,
    )
    assert pickle.loads(pickle.dumps(rule)) == rule  # noqa: S301


@pytest.mark.parametrize(
    ("limit", "column"),
    [
        (limit, column)
        for limit in (2**53 + 1, -(2**63), 10**400, -(10**400), 0.5, 1e308, float("inf"), -0.0)
        for column in (
            pa.array([0, 1, 2**53, 2**53 + 1, 2**53 + 2, -(2**63), 2**63 - 1, None], pa.int64()),
            pa.array([0.0, 0.5, 2.0**53, 2.0**53 + 2, 1e308, float("inf"), float("-inf"), float("nan"), None]),
            pa.array([0.5, 0.1, None], pa.float32()),
            pa.array([2**64 - 1, 0], pa.uint64()),
        )
    ],
)
def test_limits_are_compared_as_python_compares(limit: float, column: pa.Array) -> None:
    """Whole numbers exactly, also with a float, and floats exactly, also with a whole number beyond 2**53."""
    made = [
        rules.threshold("a", field="n", above=limit, label=1),
        rules.threshold("b", field="n", below=limit, label=1),
    ]
    batch = pa.record_batch({"n": column})
    assert planned(made, batch) == one_by_one(made, batch)
    assert planned(made, batch) == [
        [1 if value is not None and value > limit else -1, 1 if value is not None and value < limit else -1]
        for value in column.to_pylist()
    ]
