"""The table in which a scan looks up every few bytes of the text.

A string is met wherever it lies if one of its four-byte pieces begins at a place that is looked at. For a string of n
bytes and every s-th place this needs n >= s + 3. One that is a byte too short is met by pieces of which one byte is
unknown: they are in the table with every byte that there is in plain text.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

PIECE = 4
BLOCK = 1 << 18  # bytes looked at in one step: the working set stays in the processor's cache
SAMPLE = 1 << 20  # bytes from which it is learned which pieces are rare
MULTIPLIER = np.uint32(2654435761)  # Knuth's multiplicative hash: 2**32 over the golden ratio
SPACE = 0x20
PLAIN = (
    bytes(  # lower case, all digits alike, and everything that is not in a word alike
        code | 0x20 if chr(code).isalpha() else 0x30 if chr(code).isdigit() else 0x5F if code == 0x5F else SPACE
        for code in range(128)
    )
    + bytes([SPACE]) * 128
)
BYTES = [bytes([byte]) for byte in sorted(set(PLAIN))]  # all that plain text is made of


def unknown_bytes(length: int, step: int) -> int:
    """How many bytes of a piece are unknown, at worst, for a string of this length if every `step`-th place counts."""
    ways = [_offsets(length, step, first) for first in range(step)]
    return max(min(_unknown(length, offset) for offset in offsets) for offsets in ways)


def _offsets(length: int, step: int, first: int) -> range:
    """Where in the string pieces may begin, if `first` is one such place; before its beginning, if negative."""
    return range(first - PIECE if step == PIECE else first - 2, length, step)


def _unknown(length: int, offset: int) -> int:
    return max(0, -offset) + max(0, offset + PIECE - length)


class Table:
    """The pieces of strings, hashed: for each hash the strings and how far before the piece they begin."""

    def __init__(self, plain: Sequence[bytes], chosen: Sequence[int], step: int, text: NDArray[np.uint8]) -> None:
        self._step = step
        many = sum(step * len(BYTES) ** unknown_bytes(len(plain[j]), step) for j in chosen)
        self._bits = min(20, max(16, math.ceil(math.log2(16 * many))))
        self._common = np.bincount(self._hashes(text[:SAMPLE], 0), minlength=1 << self._bits)
        entries = sorted({entry for j in chosen for entry in self._entries(plain[j], j)})
        table = np.array(entries, dtype=np.int64)
        self._strings, self._offsets = table[:, 1].astype(np.intp), table[:, 2].copy()
        self._count = np.bincount(table[:, 0], minlength=1 << self._bits)
        self._first = np.cumsum(self._count) - self._count
        self._is_there = self._count > 0

    def _entries(self, plain: bytes, j: int) -> Iterator[tuple[int, int, int]]:
        """(hash, string, offset) of one piece, the rarest, for each way in which the string can lie."""
        for first in range(self._step):
            offsets = _offsets(len(plain), self._step, first)
            fewest = min(_unknown(len(plain), offset) for offset in offsets)
            pieces = {
                offset: self._hash_all(plain, offset) for offset in offsets if _unknown(len(plain), offset) == fewest
            }
            offset, hashes = min(pieces.items(), key=lambda item: (int(self._common[item[1]].sum()), item[0]))
            for one in hashes.tolist():
                yield one, j, offset

    def _hash_all(self, plain: bytes, offset: int) -> NDArray[np.intp]:
        """Hashes of the piece at `offset`, with every byte where it is unknown."""
        known = plain[max(0, offset) : offset + PIECE]
        before = itertools.product(BYTES, repeat=max(0, -offset))
        after = list(itertools.product(BYTES, repeat=max(0, offset + PIECE - len(plain))))
        pieces = b"".join(b"".join((*one, known, *other)) for one in before for other in after)
        return self._hash(np.frombuffer(pieces, "<u4")).astype(np.intp)

    def _hash(self, pieces: NDArray[np.uint32]) -> NDArray[np.uint32] | NDArray[np.uint16]:
        product = pieces * MULTIPLIER
        if self._bits == 16:
            return product.view(np.uint16)[1::2]  # the upper half
        return product >> np.uint32(32 - self._bits)

    def _hashes(self, text: NDArray[np.uint8], shift: int) -> NDArray[np.uint32] | NDArray[np.uint16]:
        """Hashes of the pieces at shift, shift + 4, shift + 8, ..."""
        return self._hash(text[shift : shift + (len(text) - shift) // PIECE * PIECE].view("<u4"))

    def find(self, plain: NDArray[np.uint8]) -> list[tuple[NDArray[np.intp], NDArray[np.int64]]]:
        """Where strings may begin, perhaps outside of the text: (strings, starts) for each block of it."""
        found = []
        index = np.empty(BLOCK // PIECE, dtype=np.intp)
        for begin in range(0, len(plain), BLOCK):
            # A piece that begins in this block may end in the next.
            block = plain[begin : begin + BLOCK + PIECE - 1]
            for shift in range(0, PIECE, self._step):
                hashes = self._hashes(block, shift)
                at = index[: len(hashes)]
                at[...] = hashes
                places = self._is_there[at].nonzero()[0]
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
