"""Lists of words over a column: what the scan finds of them, and what it leaves to other means."""

from __future__ import annotations

import functools
import re

import numpy as np
from numpy.typing import NDArray

from labelkit.labeling.rules.charsets import folded
from labelkit.labeling.rules.conditions import Words
from labelkit.labeling.rules.regex import LinearRegex
from labelkit.labeling.rules.scan import Wanted
from labelkit.labeling.rules.text import Texts

PROGRAM = 10_000  # characters of words in one program of RE2


class WordList:
    """One `Words` condition, made ready for columns."""

    def __init__(self, condition: Words) -> None:
        self._condition = condition
        fold = folded if condition.ignore_case else str
        self._folded = sorted({fold(word) for word in condition.words})  # "K" (the Kelvin sign) is "k" here
        self._ascii = [word for word in self._folded if word.isascii()]
        self._beyond = [word for word in self._folded if not word.isascii()]

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
            for regex in self._regexes:
                if len(unclear):
                    found = regex.found_in(texts.taken(unclear), ascii_only=False)
                    hits[unclear[found]] = True
                    unclear = unclear[~found]
        return hits

    @functools.cached_property
    def _regexes(self) -> list[LinearRegex]:
        """Patterns that find the words beyond ASCII and read their neighbours, where the scan cannot."""
        groups: list[list[str]] = []
        size = PROGRAM
        for word in self._beyond:
            size += len(word)
            if size > PROGRAM:
                groups.append([])
                size = len(word)
            groups[-1].append(re.escape(word))
        form = r"(?:\A|\W)(?:%s)(?:\W|\Z)" if self._condition.at == "word" else "%s"
        return [LinearRegex(form % "|".join(group), ignore_case=self._condition.ignore_case) for group in groups]

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
