"""All rules of a run over a chunk of records at a time: one scan per text column, and arrays from there on.

Strings of all keyword rules, and those without which a pattern cannot match, are found by one `Scan`. Where a word was
found, its rule has voted; where a pattern may match, RE2 looks at these rows, in one call for those in ASCII and one for
the others. The few rows that a scan of ASCII bytes cannot judge (a letter whose other case is an ASCII letter, words
beyond ASCII) are judged by RE2, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.labeling.rules.conditions import AllOf, AnyOf, Between, Condition, Leaf, Matches, Not, Words
from labelkit.labeling.rules.literals import required_literals
from labelkit.labeling.rules.numbers import Found, between, numbers_between
from labelkit.labeling.rules.regex import linear_regex
from labelkit.labeling.rules.rule import Rule
from labelkit.labeling.rules.scan import DIGIT, Scan, Wanted
from labelkit.labeling.rules.text import Texts
from labelkit.labeling.rules.wordlists import AMBIGUOUS, WordList
from labelkit.matrix import ABSTAIN

if TYPE_CHECKING:
    import pyarrow as pa

LARGEST = 1 << 26  # bytes of text in one step


class RulePlan:
    """Rules made ready to vote. Cheap to build; holds nothing of the records it has seen.

    >>> import pyarrow as pa
    >>> from labelkit.labeling import rules
    >>> plan = RulePlan([rules.keywords("win", ["win"], field="text", label="spam"),
    ...                  rules.length("short", field="text", below=9, label="ham")], ["ham", "spam"])
    >>> plan.votes(pa.record_batch({"text": ["WIN", "winner", "the winner"]})).tolist()
    [[1, 0], [-1, 0], [-1, -1]]
    """

    def __init__(self, rules: Sequence[Rule], classes: Sequence[str]) -> None:
        self._conditions = [rule.condition for rule in rules]
        self._labels = [_index(rule.label, classes) for rule in rules]
        leaves = dict.fromkeys(leaf for condition in self._conditions for leaf in condition.leaves())
        fields = dict.fromkeys(leaf.field for leaf in leaves)
        self._numbers = [leaf for leaf in leaves if leaf.numeric and isinstance(leaf, Between)]
        self._texts = {
            field: _TextPlan(chosen)
            for field in fields
            if (chosen := [leaf for leaf in leaves if leaf.field == field and not leaf.numeric])
        }

    def votes(self, fields: pa.RecordBatch) -> NDArray[np.int8]:
        """(n, r) int8 for n records and r rules: the class index where the rule's condition holds, else ABSTAIN.

        Columns must be of types that `check_columns` lets pass.
        """
        votes = np.full((fields.num_rows, len(self._labels)), ABSTAIN, dtype=np.int8, order="F")
        if self._labels:
            self._cast(fields, votes)
        return votes

    def _cast(self, fields: pa.RecordBatch, votes: NDArray[np.int8]) -> None:
        size = max((fields.column(name).nbytes for name in self._texts), default=0)
        if size > LARGEST and len(votes) > 1:
            middle = len(votes) // 2
            self._cast(fields.slice(0, middle), votes[:middle])
            self._cast(fields.slice(middle), votes[middle:])
            return
        found: dict[Leaf, Found] = {}
        for leaf in self._numbers:
            found[leaf] = numbers_between(leaf, _decoded(fields.column(leaf.field)))
        for name, plan in self._texts.items():
            found |= plan.found(_decoded(fields.column(name)))
        for j, (condition, label) in enumerate(zip(self._conditions, self._labels, strict=True)):
            votes[_combined(condition, found)[0], j] = label


def _index(label: int | str | None, classes: Sequence[str]) -> int:
    return list(classes).index(label) if isinstance(label, str) else ABSTAIN if label is None else label


def _decoded(column: pa.Array) -> pa.Array:
    import pyarrow as pa

    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _combined(condition: Condition, found: dict[Leaf, Found]) -> Found:
    """Where the condition holds, and where that is known."""
    if isinstance(condition, Rule):
        return _combined(condition.condition, found)
    if isinstance(condition, Not):
        held, known = _combined(condition.part, found)
        return (~held if known is None else ~held & known), known
    if isinstance(condition, AllOf):  # not (one of them is not)
        return _combined(Not(AnyOf(tuple(Not(part) for part in condition.parts))), found)
    if isinstance(condition, AnyOf):
        parts = [_combined(part, found) for part in condition.parts]
        held = reduce(np.logical_or, [one for one, _ in parts])
        unsure = [known for _, known in parts if known is not None]
        return held, reduce(np.logical_and, unsure) | held if unsure else None
    assert isinstance(condition, Leaf)  # noqa: S101  there is no other kind
    return found[condition]


class _TextPlan:
    """The conditions on one text field."""

    def __init__(self, leaves: Sequence[Leaf]) -> None:
        self._leaves = list(leaves)
        self._lists = {leaf: WordList(leaf) for leaf in leaves if isinstance(leaf, Words)}
        wanted = [(j, string) for j, leaf in enumerate(leaves) for string in self._wanted(leaf)]
        self._owners = np.array([j for j, _ in wanted], dtype=np.intp)
        self._scan = Scan([string for _, string in wanted]) if wanted else None
        # Leaves for which the scan looks, and texts in which a string of theirs may stand otherwise than in ASCII.
        self._sought: dict[int, set[str]] = {j: set() for j in self._owners.tolist()}
        for j, string in wanted:
            if string.ignore_case and not AMBIGUOUS.isdisjoint(string.text.lower()):
                self._sought[j].add("cases")
            if DIGIT in string.text:
                self._sought[j].add("digits")

    def _wanted(self, leaf: Leaf) -> Iterable[Wanted]:
        if isinstance(leaf, Words):
            return self._lists[leaf].wanted()
        if isinstance(leaf, Matches):
            tree = linear_regex(leaf.regex, ignore_case=leaf.ignore_case).tree
            return [Wanted(text, ignore_case, False) for text, ignore_case in sorted(required_literals(tree))]
        return []

    def found(self, column: pa.Array) -> dict[Leaf, Found]:
        """Where each condition holds, and where that is known."""
        import pyarrow as pa

        if pa.types.is_null(column.type):
            column = column.cast(pa.string())
        texts = Texts(column)
        hits = np.zeros((len(self._leaves), texts.n), dtype=np.bool_)
        if self._scan is not None:
            strings, rows = self._scan(texts)
            hits[self._owners[strings], rows] = True
        found = {}
        for j, leaf in enumerate(self._leaves):
            held = self._held(j, leaf, texts, hits[j])
            found[leaf] = (held if texts.known is None else held & texts.known), texts.known
        return found

    def _held(self, j: int, leaf: Leaf, texts: Texts, hits: NDArray[np.bool_]) -> NDArray[np.bool_]:
        if isinstance(leaf, Words):
            return self._lists[leaf].held(texts, hits)
        if isinstance(leaf, Matches):
            if j not in self._sought:
                return self._matched(leaf, texts, None)
            if "digits" in self._sought[j]:
                hits |= ~texts.ascii
            elif "cases" in self._sought[j]:
                hits[texts.with_cases_of_ascii] = True
            return self._matched(leaf, texts, hits)
        assert isinstance(leaf, Between)  # noqa: S101  there is no other kind
        return between(texts.characters if leaf.of == "characters" else texts.words, leaf)

    def _matched(self, leaf: Matches, texts: Texts, hits: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        """Where the pattern is found; `hits` are the rows with a string that it needs, None if it needs none."""
        regex = linear_regex(leaf.regex, ignore_case=leaf.ignore_case)
        if hits is None:
            chosen = np.flatnonzero(~texts.empty)
        else:
            chosen = np.flatnonzero(hits)
        held = np.zeros(texts.n, dtype=np.bool_)
        if regex.in_empty:
            held |= texts.empty
        is_ascii = texts.ascii[chosen]
        for rows, ascii_only in ((chosen[is_ascii], True), (chosen[~is_ascii], False)):
            if len(rows):
                held[rows] = regex.found_in(texts.taken(rows), ascii_only=ascii_only)
        return held
