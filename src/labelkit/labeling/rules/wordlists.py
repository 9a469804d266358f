"""Lists of words over a column: what the scan finds of them, and what it leaves to other means."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from labelkit.labeling.rules.charsets import folded
from labelkit.labeling.rules.conditions import Words
from labelkit.labeling.rules.regex import LinearRegex, linear_regex
from labelkit.labeling.rules.scan import Wanted
from labelkit.labeling.rules.syntax import NotLinearError
from labelkit.labeling.rules.text import Texts

if TYPE_CHECKING:
    import pyarrow as pa

FOR_RE2 = 200  # words up to which one program of RE2 is made of them all


class WordList:
    """One `Words` condition, made ready for columns."""

    def __init__(self, condition: Words) -> None:
        self._condition = condition
        fold = folded if condition.ignore_case else str
        self._folded = sorted({fold(word) for word in condition.words})  # "K" (the Kelvin sign) is "k" here
        self._ascii = [word for word in self._folded if word.isascii()]
        self._beyond = len(self._ascii) < len(self._folded)

    def wanted(self) -> list[Wanted]:
        """The strings that the scan is to look for."""
        if self._condition.at == "all":
            return []
        return [Wanted(word, self._condition.ignore_case, self._condition.at == "word") for word in self._ascii]

    def held(self, texts: Texts, hits: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(n,) bool: where one of the words is. `hits` are the rows in which the scan found one."""
        if self._condition.at == "all":
            return self._equal(texts)
        if self._beyond:
            unclear = np.flatnonzero(~texts.ascii & ~hits)
            if len(unclear):
                hits[unclear] = self._looked_at(texts.taken(unclear))
        return hits

    def _looked_at(self, texts: pa.Array) -> NDArray[np.bool_]:
        """(n,) bool for texts that are not ASCII."""
        if self._regex is not None:
            return self._regex.found_in(texts, ascii_only=False)
        return np.fromiter(map(self._condition.holds_for, texts.to_pylist()), bool, len(texts))

    @functools.cached_property
    def _regex(self) -> LinearRegex | None:
        """The same as a pattern that reads the neighbours of a word; None if that were too large."""
        listed = "|".join(map(re.escape, self._condition.words))
        whole = rf"(?:\A|\W)(?:{listed})(?:\W|\Z)" if self._condition.at == "word" else listed
        try:
            few = len(self._condition.words) <= FOR_RE2
            return linear_regex(whole, ignore_case=self._condition.ignore_case) if few else None
        except NotLinearError:
            return None

    def _equal(self, texts: Texts) -> NDArray[np.bool_]:
        """(n,) bool: where the whole text is one of the words."""
        import pyarrow as pa
        import pyarrow.compute as pc

        column = pc.ascii_lower(texts.column) if self._condition.ignore_case else texts.column
        known = pa.array(self._folded, pa.string())
        held: NDArray[np.bool_] = pc.is_in(column, value_set=known).to_numpy(zero_copy_only=False).copy()
        if self._condition.ignore_case:
            rows = np.flatnonzero(~texts.ascii)
            if len(rows):
                held[rows] = [self._condition.holds_for(text) for text in texts.taken(rows).to_pylist()]
        return held
