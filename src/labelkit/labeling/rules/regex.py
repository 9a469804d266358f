"""A regular expression ready to run: on one text, or on a column in one call."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.labeling.rules.linear import Program, check, marked, write
from labelkit.labeling.rules.literals import exact_strings, required_literals
from labelkit.labeling.rules.syntax import Either, NotLinearError, Repeat, Sequence, read

if TYPE_CHECKING:
    import pyarrow as pa

# Texts up to which calling RE2 for each costs less than compiling the program anew, as Arrow does per call.
FEW, FEW_FOR_LONG, LONG = 50, 500, 2000
BIG_COUNT = 8  # a count beyond may make the program for all of Unicode too large


class LinearRegex:
    r"""Finds a pattern in texts with the meaning of `re.search`, in time linear in their length.

    Raises NotLinearError where that cannot be done, and `re.error` for what is no pattern.

    >>> linear_regex(r"caf\u00e9\b", ignore_case=True).found("CAF\u00c9!")
    True
    """

    def __init__(self, regex: str, *, ignore_case: bool) -> None:
        self._regex, self._ignore_case = regex, ignore_case
        self.tree = read(regex, "ascii", ignore_case=ignore_case)
        self._ascii = write(self.tree)
        check(read(regex, "shape", ignore_case=ignore_case))
        _compiled(self._ascii.pattern)
        if _largest_count(self.tree) > BIG_COUNT:
            _compiled(self._unicode.pattern)
        self._python = re.compile(regex, re.IGNORECASE if ignore_case else 0)
        self.exact = None if self._python.flags & re.ASCII else exact_strings(self.tree)
        self.required = required_literals(self.tree)
        self.in_empty = self._python.search("") is not None  # whether it is found in the empty text

    @functools.cached_property
    def _unicode(self) -> Program:
        return write(read(self._regex, "unicode", ignore_case=self._ignore_case))

    def found(self, text: str) -> bool:
        """Whether the pattern is found in the text."""
        if not text:
            return self.in_empty
        program = self._ascii if text.isascii() else self._unicode
        try:
            text.encode()
        except UnicodeEncodeError:  # half a surrogate pair, which no file and no Arrow column can hold
            return self._python.search(text) is not None
        return _search(program, text)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        r"""Where the pattern is found, for people to see: first character, and the one after the last.

        In a text beyond ASCII a word boundary takes in its neighbour, unless that is a blank; where it would need marks
        nothing is said.

        >>> list(linear_regex(r"\bwin\b|[0-9]+", ignore_case=True).spans("Win 50, not winter"))
        [(0, 3), (4, 6)]
        """
        program = self._ascii if text.isascii() else self._unicode
        if program.marks:
            return
        encoded = text.encode("utf-8", "surrogatepass")
        for match in _compiled(program.pattern).finditer(encoded):
            start = len(encoded[: match.start()].decode("utf-8", "surrogatepass"))
            said = match.group().decode("utf-8", "surrogatepass")
            start += len(said) - len(said.lstrip())
            if said.strip():
                yield start, start + len(said.strip())

    def found_in(self, texts: pa.Array, *, ascii_only: bool) -> NDArray[np.bool_]:
        """(n,) bool: whether it is found in each of n texts, none empty or null, all ASCII if `ascii_only`."""
        import pyarrow as pa
        import pyarrow.compute as pc

        program = self._ascii if ascii_only else self._unicode
        if len(texts) <= (FEW if len(program.pattern) < LONG else FEW_FOR_LONG):
            return np.fromiter((_search(program, text) for text in texts.to_pylist()), bool, len(texts))
        if program.marks:
            with_marks = [marked(text, program).encode("utf-8", "surrogatepass") for text in texts.to_pylist()]
            texts = pa.array(with_marks, pa.binary()).view(pa.string())
        found: NDArray[np.bool_] = pc.match_substring_regex(texts, program.pattern).to_numpy(zero_copy_only=False)
        return found


@functools.lru_cache(maxsize=1024)
def linear_regex(regex: str, *, ignore_case: bool) -> LinearRegex:
    """The pattern, made ready once per process."""
    return LinearRegex(regex, ignore_case=ignore_case)


def _search(program: Program, text: str) -> bool:
    if program.marks:
        text = marked(text, program)
    return _compiled(program.pattern).search(text.encode("utf-8", "surrogatepass")) is not None


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    try:
        return re2.compile(pattern.encode(), options)
    except re2.error:
        raise NotLinearError("its counts make it too large") from None


def _largest_count(tree: Sequence) -> int:
    largest = 0
    for node in tree:
        if isinstance(node, Repeat):
            largest = max(largest, node.low, node.high or 0, _largest_count(node.body))
        elif isinstance(node, Either):
            largest = max(largest, *map(_largest_count, node.branches))
    return largest
