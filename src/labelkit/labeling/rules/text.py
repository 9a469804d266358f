r"""A column of texts as one run of bytes, which all rules on the field share.

The rows stand behind one another with a newline between them. What several rules need is found out once, when the
first of them asks: which rows are ASCII, how many characters and words they have, where the rare letters are that are
"i", "k" or "s" in another case.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

PAD = 8  # newlines before the first row; twice as many after the last, so that eight bytes can be read anywhere
CASES_OF_ASCII = {"\u0130": "i", "\u0131": "i", "\u017f": "s", "\u212a": "k"}  # equal under IGNORECASE
WHITESPACE = bytes(chr(code).isspace() and code < 128 for code in range(256))
WIDE_WHITESPACE = [char.encode() for char in map(chr, range(128, 0x3001)) if char.isspace()]


class Texts:
    """n texts. Null is the empty text here; `known` tells them apart.

    >>> import pyarrow as pa
    >>> texts = Texts(pa.array(["Thank you", None, "\u00e9t\u00e9"]))
    >>> texts.characters.tolist(), texts.words.tolist(), texts.known.tolist(), texts.ascii.tolist()
    ([9, 0, 3], [2, 0, 1], [True, False, True], [True, True, False])
    """

    def __init__(self, column: pa.Array) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        if not pa.types.is_string(column.type):
            column = column.cast(pa.string())
        self.known: NDArray[np.bool_] | None = None
        if column.null_count:
            self.known = column.is_valid().to_numpy(zero_copy_only=False)
            column = pc.fill_null(column, "")
        self.column = column
        self.n = len(column)
        lengths = np.diff(np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + self.n + 1])
        # starts[i] is where row i begins in `raw`; it ends before starts[i + 1] - 1, where a newline stands.
        self.starts = np.empty(self.n + 1, dtype=np.int64)
        self.starts[0] = PAD
        np.cumsum(lengths + np.int64(1), out=self.starts[1:])
        self.starts[1:] += PAD
        rows = pa.ListArray.from_arrays(pa.array([0, self.n], pa.int32()), column)
        joined = pc.binary_join(rows, "\n").buffers()[2]
        self.raw = b"".join((b"\n" * PAD, memoryview(joined) if joined else b"", b"\n" * (2 * PAD)))

    @property
    def empty(self) -> NDArray[np.bool_]:
        """(n,) bool: texts of no characters."""
        no_bytes: NDArray[np.bool_] = np.diff(self.starts) == 1
        return no_bytes

    @functools.cached_property
    def ascii(self) -> NDArray[np.bool_]:
        """(n,) bool: texts of ASCII only."""
        import pyarrow.compute as pc

        if len(self._leads) <= self.n:
            flags: NDArray[np.bool_] = np.ones(self.n, dtype=np.bool_)
            flags[self.rows_at(self._leads)] = False
        else:
            flags = pc.string_is_ascii(self.column).to_numpy(zero_copy_only=False)
        return flags

    @functools.cached_property
    def with_cases_of_ascii(self) -> NDArray[np.intp]:
        """Rows that hold a letter beyond ASCII which is an ASCII letter in another case, ascending."""
        return self._rows_with([char.encode() for char in CASES_OF_ASCII])

    @functools.cached_property
    def characters(self) -> NDArray[np.int64]:
        """(n,) int64: code points, as `len` counts them."""
        import pyarrow.compute as pc

        counts = np.diff(self.starts) - 1
        others = np.flatnonzero(~self.ascii)
        if len(others):
            counts[others] = pc.utf8_length(self.taken(others)).to_numpy(zero_copy_only=False)
        return counts

    @functools.cached_property
    def words(self) -> NDArray[np.int64]:
        """(n,) int64: words, as `len(text.split())` counts them."""
        space = np.frombuffer(self.raw.translate(WHITESPACE), np.uint8)
        begins = (space[:-1] > space[1:]).view(np.uint8)  # the next byte begins a word
        if not self.n:
            return np.empty(0, dtype=np.int64)
        # Summed in bytes, which is quick; texts in which the sum might not fit into one are counted on their own.
        counts = np.add.reduceat(begins, self.starts[:-1] - 1, dtype=np.uint8).astype(np.int64)
        for row in np.flatnonzero(np.diff(self.starts) > 510).tolist():
            counts[row] = np.count_nonzero(begins[self.starts[row] - 1 : self.starts[row + 1] - 1])
        others = self._rows_with(WIDE_WHITESPACE)  # such as the no-break space
        if len(others):
            counts[others] = [len(text.split()) for text in self.taken(others).to_pylist()]
        return counts

    @functools.cached_property
    def _leads(self) -> NDArray[np.intp]:
        """Where characters beyond ASCII begin."""
        return np.flatnonzero(np.frombuffer(self.raw, np.uint8) >= 0xC2)

    def _rows_with(self, chars: Sequence[bytes]) -> NDArray[np.intp]:
        """Rows that hold one of these characters beyond ASCII, ascending."""
        data = np.frombuffer(self.raw, np.uint8)
        firsts = data[self._leads]
        found = [np.empty(0, dtype=np.intp)]
        for first in {char[0] for char in chars}:
            at = self._leads[firsts == first]
            found += [self._spelled(at, char) for char in chars if char[0] == first and len(at)]
        return np.unique(self.rows_at(np.concatenate(found)))

    def _spelled(self, at: NDArray[np.intp], char: bytes) -> NDArray[np.intp]:
        """The places at which these bytes stand."""
        data = np.frombuffer(self.raw, np.uint8)
        for offset, byte in enumerate(char[1:], 1):
            at = at[data[at + offset] == byte]
        return at

    def without_cases_of_ascii(self) -> Texts:
        """The rows `with_cases_of_ascii` with these letters in ASCII."""
        import pyarrow.compute as pc

        column = self.taken(self.with_cases_of_ascii)
        for letter, plain in CASES_OF_ASCII.items():
            column = pc.replace_substring(column, letter, plain)
        return Texts(column)

    def taken(self, rows: NDArray[np.intp]) -> pa.Array:
        """The texts of these rows."""
        import pyarrow as pa

        return self.column.take(pa.array(rows))

    def rows_at(self, positions: NDArray[np.int64]) -> NDArray[np.intp]:
        """The rows in which these places of `raw` are."""
        return np.searchsorted(self.starts, positions, side="right") - 1

    def is_word_at(self, position: int, *, before: bool) -> bool:
        r"""Whether the character that begins at a place, or ends there (`before`), is in `\w` of `re`."""
        start = position - before
        while self.raw[start] & 0xC0 == 0x80:
            start -= 1
        end = start + 1
        while self.raw[end] & 0xC0 == 0x80:
            end += 1
        char = self.raw[start:end].decode()
        return char.isalnum() or char == "_"
