"""One scan of a column for all strings that its rules look for.

Four bytes at a time, the text is looked up in a table of the four-byte pieces of all strings (Wu and Manber 1994, "A
fast algorithm for multi-pattern searching"): a string of n bytes has n - 3 such pieces, so that with n >= 7 every
fourth place of the text is enough to meet one of them, with n >= 5 every second. The few places that hit are compared
with the whole string. Case and everything but ASCII letters, digits and underscores is taken away from the text first;
the comparison is made with the bytes as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labelkit.labeling.rules.pieces import BLOCK, BYTES, PLAIN, SPACE, Table, unknown_bytes
from labelkit.labeling.rules.text import PAD, Texts

DIGIT = "\u0660"  # in a string: any digit of ASCII
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
        self._short = [j for j, text in enumerate(self._plain) if unknown_bytes(len(text), self._step) > 1]
        self._table: Table | None = None

    def _cost(self, step: int) -> float:
        """Time of a scan that looks at every `step`-th place, in nanoseconds per 64 bytes, roughly as measured."""
        unknown = [unknown_bytes(len(text), step) for text in self._plain]
        short = sum(count > 1 for count in unknown)
        if short == len(unknown):
            return 8.0 * short
        entries: int = sum(len(BYTES) ** count for count in unknown if count < 2) * step
        return 8.0 * short + 72.0 / step + 45.0 * (64 / step) * min(1.0, entries / (1 << 17))

    def __call__(self, texts: Texts) -> Hits:
        """Every row and string found in it."""
        plain = np.frombuffer(texts.raw.translate(PLAIN), np.uint8)
        raw = np.frombuffer(texts.raw, np.uint8)
        found = [self._find_short(raw, plain, j) for j in self._short]
        if len(self._short) < len(self._wanted):
            if self._table is None:
                longer = [j for j in range(len(self._wanted)) if j not in set(self._short)]
                self._table = Table(self._plain, longer, self._step, plain)
            found += self._table.find(plain)
        if not found:
            return Hits(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))
        strings = np.concatenate([strings for strings, _ in found])
        starts = np.concatenate([starts for _, starts in found]) + self._whole[strings]
        return self._in_rows(texts, *self._compared(texts, strings, starts))

    def _find_short(
        self, raw: NDArray[np.uint8], plain: NDArray[np.uint8], j: int
    ) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Where string j may begin, compared byte by byte."""
        text, whole = self._plain[j], self._wanted[j].whole
        exact = self._wanted[j].text.replace(DIGIT, "0").encode()
        exact = b" %b " % exact if whole else exact
        sides = (0, len(text) - 1) if whole else ()
        # For each byte whether the plain text is compared, and with what; what is not in words is alike there.
        bytes_of = [
            (raw, own) if byte == SPACE and offset not in sides else (plain, byte)
            for offset, (byte, own) in enumerate(zip(text, exact, strict=True))
        ]
        found = []
        for begin in range(0, len(plain) - len(text) + 1, BLOCK):
            end = min(begin + BLOCK, len(plain) - len(text) + 1)
            same = np.ones(end - begin, dtype=np.bool_)
            for offset, (source, byte) in enumerate(bytes_of):
                same &= source[begin + offset : end + offset] == byte
            found.append(same.nonzero()[0] + begin)
        starts = np.concatenate(found)
        return np.full(len(starts), j, dtype=np.intp), starts

    def _compared(
        self, texts: Texts, strings: NDArray[np.intp], starts: NDArray[np.int64]
    ) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """The places where the text has all bytes of the string, eight at a time."""
        eights = np.ndarray((len(texts.raw) - 7,), np.uint64, texts.raw, strides=(1,))
        starts = np.clip(starts, 0, len(eights) - 1)
        value, mask, case = self._eights[0]
        same = ((eights[starts] | case[strings]) & mask[strings] == value[strings]).nonzero()[0]
        strings, starts = strings[same], starts[same]
        for part, (value, mask, case) in enumerate(self._eights[1:], 1):
            longer = (self._lengths[strings] > 8 * part).nonzero()[0]
            if not len(longer):
                break
            chosen = strings[longer]
            at = np.minimum(starts[longer] + 8 * part, len(eights) - 1)
            differ = longer[(eights[at] | case[chosen]) & mask[chosen] != value[chosen]]
            if len(differ):
                strings, starts = np.delete(strings, differ), np.delete(starts, differ)
        return strings, starts

    def _in_rows(self, texts: Texts, strings: NDArray[np.intp], starts: NDArray[np.int64]) -> Hits:
        """The places within one row, those of whole words without a letter at either side."""
        rows = texts.rows_at(starts)
        ends = starts + self._lengths[strings]
        outside = ((starts < PAD) | (ends >= texts.starts[np.minimum(rows + 1, texts.n)])).nonzero()[0]
        if len(outside):  # in the newlines before, between and behind the rows
            strings, starts, rows = (np.delete(one, outside) for one in (strings, starts, rows))
        whole = self._whole[strings].nonzero()[0]
        if len(whole):
            touched = whole[self._touches_word(texts, strings[whole], starts[whole])]
            if len(touched):
                strings, rows = np.delete(strings, touched), np.delete(rows, touched)
        return Hits(strings, rows)

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
