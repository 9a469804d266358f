"""Near-duplicates: records whose texts share most of their words, found without comparing every pair.

    A text is its set of words and pairs of neighbouring words, in lower case and without punctuation.
    Two texts are near when |A & B| / |A | B| >= NEAR, the Jaccard similarity of these sets.
    MinHash: under a random hash, the smallest element of two sets agrees with just that probability, so that
    BANDS x ROWS such minima sketch a text. Two texts are candidates when all minima of one band agree; with 8 bands of
    3 that is 997 pairs in 1,000 at similarity 0.8. Candidates are compared exactly.

A. Z. Broder, "On the resemblance and containment of documents", SEQUENCES 1997; the bands are from J. Leskovec,
A. Rajaraman and J. D. Ullman, "Mining of Massive Datasets", chapter 3. A pair that only the sketch could find may be
missed; a pair that is found is one. Time and memory grow with the number of words: a million texts of ten words take
about ten seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from labelkit.validation.texts import codes_of, normalised_texts, text_fields

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

NEAR = 0.8  # Jaccard similarity from which two texts are near-duplicates
BANDS, ROWS = 8, 3
_CHUNK = 65_536  # texts, or pairs of them, at a time
_BYTES = 16_000_000  # of text at a time: each byte needs some forty more while words are found
_SEED = 20_261_120  # of the hashes: results must not differ between two runs
_LONGEST_WORD = 64  # bytes that tell words apart; longer ones are no words


def near_text_groups(records: pa.Table, fields: Sequence[str]) -> NDArray[np.int64] | None:
    """(n,) int64: records with near-duplicate texts have the same number. None when no field is text.

    Being near is passed on: a near b and b near c puts a, b and c into one group. A text without words is near to
    none but its equals.
    """
    import pyarrow as pa

    fields = text_fields(records, fields)
    if not fields:
        return None
    texts = normalised_texts(records, fields)
    codes = codes_of(texts)  # (n,): equal texts are compared once
    first = np.unique(codes, return_index=True)[1]
    groups = _groups(texts.take(pa.array(first)))
    return groups[codes]


def _groups(texts: pa.ChunkedArray) -> NDArray[np.int64]:
    """(d,) int64: group of each of d different texts."""
    keys = np.empty((len(texts), BANDS), dtype=np.uint64)
    minima = np.empty((len(texts), BANDS * ROWS), dtype=np.uint8)
    for start, part in _pieces(texts, 0):
        keys[start : start + len(part)], minima[start : start + len(part)] = sketches(part, start)
    pairs = _candidates(keys, minima)
    step = max(1, min(_CHUNK, _BYTES // (1 + texts.nbytes // max(len(texts), 1))))
    near = [similarity(texts, pairs[start : start + step]) >= NEAR for start in range(0, len(pairs), step)]
    return components(len(keys), pairs[np.concatenate([np.empty(0, bool), *near])])


def _pieces(texts: pa.ChunkedArray, first: int) -> Iterator[tuple[int, pa.Array]]:
    """The texts in pieces of at most _CHUNK texts and, but for one text alone, _BYTES bytes, with their numbers."""
    for start in range(0, len(texts), _CHUNK):
        part = texts.slice(start, _CHUNK)
        if part.nbytes > _BYTES and len(part) > 1:
            middle = len(part) // 2
            yield from _pieces(part.slice(0, middle), first + start)
            yield from _pieces(part.slice(middle), first + start + middle)
        else:
            yield first + start, _whole(part)


def _whole(texts: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    return pa.concat_arrays([pa.array([], texts.type), *texts.chunks])


def shingles(texts: pa.Array) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Hashes of the words and pairs of words of texts, sorted by text and unique in it, and the text of each.

    >>> import pyarrow as pa
    >>> hashes, text = shingles(pa.array(["so so good", "good", "?"], pa.large_string()))
    >>> text.tolist()  # so, good, so so, so good; good
    [0, 0, 0, 0, 1]
    """
    words, text = _words(texts)
    pairs, text_of_pair = _pairs(words, text)
    hashes, owner = np.concatenate([words, pairs]), np.concatenate([text, text_of_pair])
    order = np.lexsort((hashes, owner))
    hashes, owner = hashes[order], owner[order]
    fresh = np.ones(len(hashes), dtype=bool)
    fresh[1:] = (hashes[1:] != hashes[:-1]) | (owner[1:] != owner[:-1])
    return hashes[fresh], owner[fresh]


def _pairs(words: NDArray[np.uint64], text: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """A hash per pair of neighbouring words of one text, in order, and that text."""
    pair = np.flatnonzero(text[1:] == text[:-1])
    return _mixed(words[pair] * np.uint64(0x9E3779B97F4A7C15) + words[pair + 1]), text[pair]


def _words(texts: pa.Array) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """A hash per word, in order, and the text it stands in."""
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = texts.buffers()[2]
    content = np.frombuffer(b"" if data is None else data, np.uint8)[offsets[0] : offsets[-1]]
    offsets = offsets - offsets[0]
    lower = np.where((content >= 65) & (content <= 90), content + 32, content)
    in_word = (lower >= 128) | ((lower >= 97) & (lower <= 122)) | ((lower >= 48) & (lower <= 57)) | (lower == 39)
    begins = in_word.copy()
    begins[1:] &= ~in_word[:-1]
    edges = offsets[:-1][offsets[:-1] < len(content)]
    begins[edges] = in_word[edges]
    start = np.flatnonzero(begins)
    byte = np.flatnonzero(in_word)
    word = np.cumsum(begins)[byte] - 1
    salt = np.random.default_rng(_SEED).integers(1, 2**63, _LONGEST_WORD, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    depth = np.minimum(byte - start[word], _LONGEST_WORD - 1) if len(start) else byte
    terms = (lower[byte].astype(np.uint64) + np.uint64(1)) * salt[depth]
    hashes = np.add.reduceat(terms, np.searchsorted(byte, start)) if len(start) else np.empty(0, np.uint64)
    return _mixed(hashes), np.searchsorted(offsets, start, side="right") - 1


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread every bit over all others (the finaliser of MurmurHash3, A. Appleby)."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return np.asarray(values ^ (values >> np.uint64(33)))


def sketches(texts: pa.Array, first: int = 0) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """Keys (n, BANDS) uint64, one of which must agree for texts to be candidates; minima (n, BANDS * ROWS) uint8.

    `first` is the number of the first text; a text without words gets keys of its own by its number.
    """
    words, text = _words(texts)
    pairs, text_of_pair = _pairs(words, text)
    keys = np.repeat(_mixed(np.arange(first, first + len(texts), dtype=np.uint64))[:, None], BANDS, axis=1)
    minima = np.zeros((len(texts), BANDS * ROWS), dtype=np.uint8)
    with_words, begins = np.unique(text, return_index=True)
    with_pairs, begins_of_pairs = np.unique(text_of_pair, return_index=True)
    place = np.searchsorted(with_words, with_pairs)
    factors = np.random.default_rng(_SEED + 1).integers(1, 2**63, BANDS * ROWS, dtype=np.uint64)
    key = np.zeros(len(with_words), dtype=np.uint64)
    for i, factor in enumerate(factors * np.uint64(2) + np.uint64(1)) if len(words) else ():
        smallest = np.minimum.reduceat(words * factor, begins)
        if len(pairs):
            smallest[place] = np.minimum(smallest[place], np.minimum.reduceat(pairs * factor, begins_of_pairs))
        minima[with_words, i] = _mixed(smallest).astype(np.uint8)
        key = _mixed(key + smallest)
        if i % ROWS == ROWS - 1:
            keys[with_words, i // ROWS] = key
            key = np.full(len(with_words), i, dtype=np.uint64)
    return keys, minima


def _candidates(keys: NDArray[np.uint64], minima: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(c, 2) int64: pairs that agree in a band: each text with the one before it there, and with the first.

    Of them those whose minima agree at least half the time; one pair in 2,000 at similarity NEAR does not.
    """
    numbers = [np.empty(0, np.int64)]
    n = max(len(keys), 1)
    for band in range(BANDS):
        order = np.argsort(keys[:, band], kind="stable")
        same = np.append(False, keys[order[1:], band] == keys[order[:-1], band])[: len(order)]
        heads = np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))
        later = np.flatnonzero(same)
        for other in (order[heads[later]], order[later - 1]):
            agree = np.zeros(len(later), dtype=np.int64)
            for i in range(BANDS * ROWS):
                agree += minima[other, i] == minima[order[later], i]
            likely = agree * 2 >= BANDS * ROWS
            numbers.append(other[likely] * n + order[later][likely])  # fits: n is below 2**31
    found = np.unique(np.concatenate(numbers))
    return np.stack([found // n, found % n], axis=1)


def similarity(texts: pa.ChunkedArray, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """(c,) float64: Jaccard similarity of the shingles of pairs of texts, exactly; 0 for two texts without words.

    >>> import pyarrow as pa
    >>> texts = pa.chunked_array([pa.array(["so good", "So good!", "so bad"], pa.large_string())])
    >>> similarity(texts, np.array([[0, 1], [0, 2]])).round(2).tolist()  # so, good, so good; so, bad, so bad
    [1.0, 0.2]
    """
    import pyarrow as pa

    used, place = np.unique(pairs, return_inverse=True)
    hashes, owner = shingles(_whole(texts.take(pa.array(used))))
    bounds = np.searchsorted(owner, np.arange(len(used) + 1))
    size = np.diff(bounds)
    place = place.reshape(pairs.shape)
    number = np.concatenate([np.repeat(np.arange(len(pairs)), size[place[:, side]]) for side in (0, 1)])
    members = np.concatenate([hashes[_ranges(bounds[place[:, side]], size[place[:, side]])] for side in (0, 1)])
    order = np.lexsort((members, number))
    number, members = number[order], members[order]
    twice = (number[1:] == number[:-1]) & (members[1:] == members[:-1])
    shared = np.bincount(number[1:][twice], minlength=len(pairs))
    total = size[place].sum(axis=1) - shared
    return np.asarray(shared / np.maximum(total, 1), dtype=np.float64)


def _ranges(begins: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers of all ranges, one after the other."""
    ends = np.cumsum(lengths)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - lengths - begins, lengths)


def components(n: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) int64: smallest member of the connected component of each of n nodes.

    >>> components(5, np.array([[3, 1], [4, 3]])).tolist()
    [0, 1, 2, 1, 1]
    """
    root = np.arange(n)
    while len(pairs):
        low = np.minimum(root[pairs[:, 0]], root[pairs[:, 1]])
        before = root.copy()
        for side in (0, 1):
            np.minimum.at(root, root[pairs[:, side]], low)
            np.minimum.at(root, pairs[:, side], low)
        root = root[root]
        if (root == before).all():
            break
    return root
