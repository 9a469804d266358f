"""Near-duplicates: what shares most of its words is found, what does not is left alone."""

from __future__ import annotations

import itertools
import re
from unittest import mock

import numpy as np
import pyarrow as pa
from hypothesis import given, strategies as st

from labelkit.validation.near import NEAR, components, near_text_groups, similarity
from labelkit.validation.texts import codes_of, labels_per_group, normalised, normalised_texts, same_text_groups

SENTENCE = "the battery of this camera lasts a whole week and the pictures are sharp in any light that I tried"


def groups(texts: list[str | None]) -> list[int]:
    """Group numbers of texts, in the order in which groups begin."""
    found = near_text_groups(pa.table({"text": pa.array(texts, pa.string())}), ["text"])
    assert found is not None
    order = {number: place for place, number in enumerate(dict.fromkeys(found.tolist()))}
    return [order[number] for number in found.tolist()]


def test_a_word_changed_in_a_long_sentence_makes_a_near_duplicate() -> None:
    """Case, punctuation and one word of twenty do not make another text; other words do."""
    changed = SENTENCE.replace("week", "month").upper() + "!"
    assert groups([SENTENCE, "something else", changed, None, ""]) == [0, 1, 0, 2, 2]


def test_a_number_makes_another_text() -> None:
    """Texts of a template that differ in a word of three are not near."""
    assert groups([f"review number {i}" for i in range(50)]) == list(range(50))


def test_planted_near_duplicates_are_found_and_no_others() -> None:
    """Of 300 pairs that differ in one word of 25 all are found; 2,000 random texts are not joined."""
    rng = np.random.default_rng(3)
    words = rng.integers(0, 5000, (2000, 25))
    planted = words[:300].copy()
    planted[np.arange(300), rng.integers(1, 24, 300)] = 9999
    texts = [" ".join(f"w{i}" for i in row) for row in [*words, *planted]]
    found = groups(list(texts))
    assert sum(found[i] == found[2000 + i] for i in range(300)) == 300
    assert len(set(found)) == 2000


def test_long_texts_are_taken_a_few_at_a_time() -> None:
    """The pieces are cut by size as well as by number; what is found is the same."""
    texts = [f"{SENTENCE} {i // 2} {'x' if i % 2 else 'y'} {i // 2}" for i in range(40)]
    whole = groups(list(texts))
    with mock.patch("labelkit.validation.near._BYTES", 300), mock.patch("labelkit.validation.near._CHUNK", 7):
        assert groups(list(texts)) == whole


def jaccard(a: str, b: str) -> float:
    """The similarity as the module defines it, in plain Python."""
    sets = []
    for text in (a, b):
        words = re.findall(r"[a-z0-9']+", text)
        sets.append({*words, *itertools.pairwise(words)})
    return len(sets[0] & sets[1]) / max(1, len(sets[0] | sets[1]))


words = st.lists(st.sampled_from(["so", "good", "bad", "it's", "2"]), max_size=8).map(" ".join)


@given(st.lists(words, min_size=2, max_size=6))
def test_similarity_is_the_jaccard_similarity_of_words_and_pairs(texts: list[str]) -> None:
    """What the sketch proposes is measured exactly."""
    pairs = np.array([[0, i] for i in range(len(texts))])
    found = similarity(pa.chunked_array([pa.array(texts, pa.large_string())]), pairs)
    assert np.allclose(found, [jaccard(texts[0], text) for text in texts])


@given(st.lists(words, min_size=1, max_size=12))
def test_a_group_never_joins_what_no_chain_of_near_pairs_connects(texts: list[str]) -> None:
    """Sketches may miss a pair; they never invent one."""
    found = groups(list(texts))
    near = [[i, j] for i, a in enumerate(texts) for j, b in enumerate(texts) if a == b or jaccard(a, b) >= NEAR]
    linked = components(len(texts), np.array(near))
    for i in range(len(texts)):
        for j in range(len(texts)):
            assert found[i] != found[j] or linked[i] == linked[j]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=15))
def test_components_are_those_of_a_walk(edges: list[tuple[int, int]]) -> None:
    """Every node is named by the smallest one that can be reached from it."""
    reach = {i: {i} for i in range(10)}
    for _ in range(10):
        for a, b in edges:
            reach[a] |= reach[b]
            reach[b] |= reach[a]
    assert components(10, np.array(edges, dtype=np.int64).reshape(-1, 2)).tolist() == [min(reach[i]) for i in range(10)]


@given(st.lists(st.one_of(st.none(), st.text(max_size=12), st.sampled_from(["A  b", " a b", "a b", "ß", "SS"]))))
def test_texts_are_normalised_at_once_as_they_are_one_by_one(texts: list[str | None]) -> None:
    """The quick way for tidy ASCII gives what the plain one gives, and equal texts have equal numbers."""
    encodable = [text if text is None else text.encode("utf-8", "ignore").decode() for text in texts]
    found = normalised_texts(pa.table({"text": pa.array(encodable, pa.string())}), ["text"])
    plain = [normalised([text]) for text in encodable]
    assert found.to_pylist() == plain
    codes = codes_of(found).tolist()
    assert [codes.index(code) for code in codes] == [plain.index(text) for text in plain]


def test_texts_in_slices_and_chunks_are_read_where_they_begin() -> None:
    """Arrow hands on slices whose offsets do not begin at 0."""
    texts = [f"  Text {i} Ä" if i % 3 else f"TEXT {i}" for i in range(70_000)]
    column = pa.chunked_array([pa.array(["x", *texts[:5]]).slice(1), pa.array(texts[5:])])
    found = normalised_texts(pa.table({"text": column}), ["text"])
    assert found.to_pylist() == [normalised([text]) for text in texts]
    assert len(np.unique(codes_of(found))) == len(texts)


@given(st.lists(st.sampled_from(["a", "A ", "b", "ß", "", "ss"]), max_size=12))
def test_many_texts_are_told_apart_by_their_hashes(texts: list[str]) -> None:
    """Beyond two million texts memory keeps hashes instead of a dictionary; who says the same is the same."""
    table = pa.table({"text": pa.array(texts, pa.string())})
    with mock.patch("labelkit.validation.texts._MOST_TEXTS", 0):
        hashed = same_text_groups(table, ["text"])
    plain = same_text_groups(table, ["text"])
    assert hashed is not None
    assert plain is not None
    assert [[a == b for b in hashed] for a in hashed] == [[a == b for b in plain] for a in plain]


pairs = st.lists(st.tuples(st.integers(-1, 6), st.integers(-1, 4)), max_size=30)


@given(pairs)
def test_labels_are_counted_per_group(found: list[tuple[int, int]]) -> None:
    """With a table of all pairs as with sorted ones; what is below 0 counts for nothing."""
    group = np.array([g for g, _ in found], dtype=np.int64)
    label = np.array([c for _, c in found], dtype=np.int64)
    plain = [len({c for g, c in found if g == i and c >= 0}) for i in range(max([g for g, _ in found], default=-1) + 1)]
    assert labels_per_group(group, label).tolist() == plain
    with mock.patch("labelkit.validation.texts._MOST_CELLS", -1):
        assert labels_per_group(group, label).tolist() == plain
