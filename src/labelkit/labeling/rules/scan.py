"""One scan of a column for all strings that its rules look for.

Four bytes at a time, the text is looked up in a table of the four-byte pieces of all strings (Wu and Manber 1994, "A fast
algorithm for multi-pattern searching"): a string of n bytes has n - 3 such pieces, so that with n >= 7 every fourth place
of the text is enough to meet one of them, with n >= 5 every second. The few places that hit are compared with the whole
string. Case and everything but ASCII letters, digits and underscores is taken away from the text first; the comparison
is made with the bytes as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labelkit.labeling.rules.text import PAD, Texts

PIECE = 4
BLOCK = 1 << 18  # bytes looked at in one step: the working set stays in the processor's cache
SAMPLE = 1 << 20  # bytes from which it is learned which pieces are rare
MULTIPLIER = np.uint32(2654435761)  # Knuth's multiplicative hash: 2**32 over the golden ratio
SPACE, DIGIT = 0x20, "\u0660"  # DIGIT in a string is any digit of ASCII
PLAIN = (
    bytes(  # lower case, all digits alike, and everything that is not in a word alike
        code | 0x20 if chr(code).isalpha() else 0x30 if chr(code).isdigit() else 0x5F if code == 0x5F else SPACE
        for code in range(128)
    )
    + bytes([SPACE]) * 128
)
NEIGHBOUR = np.array([2 if code > 127 else int(PLAIN[code] != SPACE) for code in range(256)], dtype=np.uint8)


class Wanted(NamedTuple):
    """A string to find: ASCII and DIGIT, not empty; `whole` if no letter, digit or underscore may touch it."""

    text: str
    ignore_case: bool
    whole: bool


class Hits(NamedTuple):
    """Where strings were found: string j in row i, by their numbers, (h,) each, in no order and perhaps repeatedly."""

    strings: NDArray[np.intp]
    rows: NDArray[np.intp]


class Scan:
    """Strings made ready to be found.

    >>> import pyarrow as pa
    >>> scan = Scan([Wanted("free", True, True), Wanted("http", False, False)])
    >>> hits = scan(Texts(pa.array(["FREE money!", "freedom", "see http://a.b"])))
    >>> sorted(zip(hits.strings.tolist(), hits.rows.tolist()))
    [(0, 0), (1, 2)]
    """

    def __init__(self, wanted: Sequence[Wanted]) -> None:
        self._wanted = list(wanted)
        texts = [string.text.replace(DIGIT, "0").encode() for string in wanted]
        self._lengths = np.array([len(text) for text in texts], dtype=np.int64)
        self._whole = np.array([string.whole for string in wanted], dtype=np.bool_)
        # What stands in the plain text: a whole word has something between words at both ends.
        plain = [text.translate(PLAIN) for text in texts]
        self._plain = [b" %b " % text if string.whole else text for text, string in zip(plain, wanted, strict=True)]
        self._eights = _eights(self._wanted)
        self._step = min((4, 2, 1), key=self._cost)
        self._short = [j for j, text in enumerate(self._plain) if len(text) < self._step + PIECE - 1]
        self._table: _Table | None = None

    def _cost(self, step: int) -> float:
        """Time of a scan that looks at every `step`-th place, in nanoseconds per 64 bytes as measured."""
        short = sum(len(text) < step + PIECE - 1 for text in self._plain)
        return 12.0 * short + (72.0 / step if short < len(self._plain) else 0.0)

    def __call__(self, texts: Texts) -> Hits:
        """Every row and string found in it."""
        plain = np.frombuffer(texts.raw.translate(PLAIN), np.uint8)
        raw = np.frombuffer(texts.raw, np.uint8)
        found = [self._find_short(raw, plain, j) for j in self._short]
        if len(self._short) < len(self._wanted):
            if self._table is None:
                longer = [j for j in range(len(self._wanted)) if j not in set(self._short)]
                self._table = _Table(self._plain, longer, self._step, plain)
            found += self._table.find(plain)
        if not found:
            return Hits(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))
        strings = np.concatenate([strings for strings, _ in found])
        starts = np.concatenate([starts for _, starts in found]) + self._whole[strings]
        return self._in_rows(texts, *self._compared(texts, strings, starts))

    def _find_short(
        self, raw: NDArray[np.uint8], plain: NDArray[np.uint8], j: int
    ) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Where string j may begin, compared byte by byte: what is not in words is not alike in the raw text."""
        text, whole = self._plain[j], self._wanted[j].whole
        exact = self._wanted[j].text.replace(DIGIT, "0").encode()
        exact = b" %b " % exact if whole else exact
        same = None
        end = len(plain) - len(text) + 1
        for offset, (byte, own) in enumerate(zip(text, exact, strict=True)):
            at_side = whole and offset in (0, len(text) - 1)
            part = slice(offset, offset + end)
            equal = raw[part] == own if byte == SPACE and not at_side else plain[part] == byte
            same = equal if same is None else np.logical_and(same, equal, out=same)
        starts = np.flatnonzero(same)
        return np.full(len(starts), j, dtype=np.intp), starts

    def _compared(
        self, texts: Texts, strings: NDArray[np.intp], starts: NDArray[np.int64]
    ) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """The places where the text has all bytes of the string, eight at a time."""
        eights = np.ndarray((len(texts.raw) - 7,), np.uint64, texts.raw, strides=(1,))
        inside = (starts >= PAD) & (starts + self._lengths[strings] < len(texts.raw) - PAD)
        if not inside.all():
            strings, starts = strings[inside], starts[inside]
        for part, (value, mask, case) in enumerate(self._eights):
            if part:
                longer = self._lengths[strings] > 8 * part
                if not longer.any():
                    break
                at = np.minimum(starts + 8 * part, len(eights) - 1)  # shorter strings have nothing to compare here
            else:
                at = starts
            same = (eights[at] | case[strings]) & mask[strings] == value[strings]
            strings, starts = strings[same], starts[same]
        return strings, starts

    def _in_rows(self, texts: Texts, strings: NDArray[np.intp], starts: NDArray[np.int64]) -> Hits:
        """The places within one row, those of whole words without a letter at either side."""
        whole = np.flatnonzero(self._whole[strings])
        if len(whole):
            touched = whole[self._touches_word(texts, strings[whole], starts[whole])]
            if len(touched):
                strings, starts = np.delete(strings, touched), np.delete(starts, touched)
        ends = starts + self._lengths[strings]
        rows = texts.rows_at(starts)
        within = ends < texts.starts[rows + 1]
        return Hits(strings[within], rows[within]) if not within.all() else Hits(strings, rows)

    def _touches_word(self, texts: Texts, strings: NDArray[np.intp], starts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(h,) bool: whether a letter, digit or underscore stands before or behind the string."""
        raw = np.frombuffer(texts.raw, np.uint8)
        ends = starts + self._lengths[strings]
        sides = np.maximum(NEIGHBOUR[raw[starts - 1]], NEIGHBOUR[raw[ends]])
        touches: NDArray[np.bool_] = sides == 1
        for i in np.flatnonzero(sides == 2).tolist():  # characters beyond ASCII
            start, end = int(starts[i]), int(ends[i])
            touches[i] = texts.is_word_at(start, before=True) or texts.is_word_at(end, before=False)
        return touches


def _eights(wanted: Sequence[Wanted]) -> list[tuple[NDArray[np.uint64], ...]]:
    """For bytes 0-7, 8-15, ... of all strings: what they are, which of them count, and where a letter is lowered."""
    parts = []
    for at in range(0, max((len(string.text) for string in wanted), default=0), 8):
        value, mask, case = bytearray(), bytearray(), bytearray()
        for text, ignore_case, _ in wanted:
            part = text[at : at + 8]
            letters = [ignore_case and char.isalpha() for char in part]
            value += bytes(
                0 if char == DIGIT else ord(char.lower() if letter else char)
                for char, letter in zip(part, letters, strict=True)
            ).ljust(8, b"\0")
            mask += bytes(0 if char == DIGIT else 0xFF for char in part).ljust(8, b"\0")
            case += bytes(0x20 if letter else 0 for letter in letters).ljust(8, b"\0")
        parts.append(tuple(np.frombuffer(bytes(field), np.uint64) for field in (value, mask, case)))
    return parts


class _Table:
    """The pieces of the strings, hashed: for each hash the strings and how far before the piece they begin."""

    def __init__(self, plain: Sequence[bytes], chosen: Sequence[int], step: int, text: NDArray[np.uint8]) -> None:
        self._step = step
        self._bits = min(20, max(16, math.ceil(math.log2(24 * step * len(chosen)))))
        common = np.bincount(self._hashes(text[:SAMPLE], 0), minlength=1 << self._bits)
        entries = []
        for j in chosen:
            pieces = np.ndarray((len(plain[j]) - PIECE + 1,), "<u4", plain[j], strides=(1,))
            hashes = self._hash(pieces.copy())
            for first in range(step):  # one piece for each way the string can lie
                offsets = range(first, len(hashes), step)
                offset = min(offsets, key=lambda at: (common[hashes[at]], at))
                entries.append((int(hashes[offset]), j, offset))
        entries.sort()
        table = np.array(entries, dtype=np.int64)
        self._strings, self._offsets = table[:, 1].astype(np.intp), table[:, 2].copy()
        self._count = np.bincount(table[:, 0], minlength=1 << self._bits)
        self._first = np.cumsum(self._count) - self._count
        self._is_there = self._count > 0

    def _hash(self, pieces: NDArray[np.uint32]) -> NDArray[np.uint32] | NDArray[np.uint16]:
        product = pieces * MULTIPLIER
        if self._bits == 16:
            return product.view(np.uint16)[1::2]  # the upper half
        return product >> np.uint32(32 - self._bits)

    def _hashes(self, text: NDArray[np.uint8], shift: int) -> NDArray[np.uint32] | NDArray[np.uint16]:
        """Hashes of the pieces at shift, shift + 4, shift + 8, ..."""
        return self._hash(text[shift : shift + (len(text) - shift) // PIECE * PIECE].view("<u4"))

    def find(self, plain: NDArray[np.uint8]) -> list[tuple[NDArray[np.intp], NDArray[np.int64]]]:
        """Where strings may begin: (strings, starts) for each block of the text."""
        found = []
        index = np.empty(BLOCK // PIECE, dtype=np.intp)
        for begin in range(0, len(plain), BLOCK):
            # A piece that begins in this block may end in the next.
            block = plain[begin : begin + BLOCK + PIECE - 1]
            for shift in range(0, PIECE, self._step):
                hashes = self._hashes(block, shift)
                at = index[: len(hashes)]
                at[...] = hashes
                places = np.flatnonzero(self._is_there[at])
                if len(places):
                    found.append(self._expanded(at[places], begin + shift + PIECE * places))
        return found

    def _expanded(
        self, hashes: NDArray[np.intp], places: NDArray[np.int64]
    ) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Each place with every string that has a piece of this hash."""
        counts = self._count[hashes]
        entries = self._first[hashes]
        if counts.max() > 1:
            total = np.cumsum(counts)
            entries = np.repeat(entries - total + counts, counts) + np.arange(total[-1])
            places = np.repeat(places, counts)
        return self._strings[entries], places - self._offsets[entries]
