"""All rules of a run over a chunk of records at a time: one scan per text column, and arrays from there on.

Strings of all keyword rules, and those without which a pattern cannot match, are found by one `Scan`. Where a word was
found, its rule has voted; where a pattern may match, RE2 looks at these rows, in one call for those in ASCII and one
for the others. Letters beyond ASCII whose other case is an ASCII letter are put in ASCII and scanned again; words
beyond ASCII are left to RE2.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from labelkit.labeling.rules.conditions import AllOf, AnyOf, Between, Condition, Leaf, Matches, Not, Words
from labelkit.labeling.rules.nearest import Near, vectors_near
from labelkit.labeling.rules.numbers import Found, between, numbers_between
from labelkit.labeling.rules.regex import linear_regex
from labelkit.labeling.rules.rule import Rule
from labelkit.labeling.rules.scan import DIGIT, Scan, Wanted
from labelkit.labeling.rules.text import Texts
from labelkit.labeling.rules.wordlists import WordList
from labelkit.matrix import ABSTAIN

if TYPE_CHECKING:
    import pyarrow as pa

LARGEST = 1 << 24  # bytes of text in one step


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
        self._vectors = [leaf for leaf in leaves if isinstance(leaf, Near)]
        self._texts = {
            field: _TextPlan(chosen)
            for field in fields
            if (chosen := [leaf for leaf in leaves if leaf.field == field and not leaf.numeric and not leaf.vector])
        }

    def votes(self, fields: pa.RecordBatch) -> NDArray[np.int8]:
        """(n, r) int8 for n records and r rules: the class index where the rule's condition holds, else ABSTAIN.

        Columns must be of types that `check_columns` lets pass.
        """
        votes = np.full((fields.num_rows, len(self._labels)), ABSTAIN, dtype=np.int8, order="F")
        if self._labels:
            names = dict.fromkeys([leaf.field for leaf in (*self._numbers, *self._vectors)] + list(self._texts))
            self._cast({name: _decoded(fields.column(name)) for name in names}, votes)
        return votes

    def _cast(self, columns: dict[str, pa.Array], votes: NDArray[np.int8]) -> None:
        size = max((columns[name].nbytes for name in self._texts), default=0)
        if size > LARGEST and len(votes) > 1:
            middle = len(votes) // 2
            self._cast({name: column.slice(0, middle) for name, column in columns.items()}, votes[:middle])
            self._cast({name: column.slice(middle) for name, column in columns.items()}, votes[middle:])
            return
        found: dict[Leaf, Found] = {leaf: numbers_between(leaf, columns[leaf.field]) for leaf in self._numbers}
        found |= {leaf: vectors_near(leaf, columns[leaf.field]) for leaf in self._vectors}
        for name, plan in self._texts.items():
            found |= plan.found(columns[name])
        for j, (condition, label) in enumerate(zip(self._conditions, self._labels, strict=True)):
            held = _combined(condition, found)[0].view(np.int8)  # 1 or 0
            np.multiply(held, np.int8(label - ABSTAIN), out=votes[:, j])
        votes += np.int8(ABSTAIN)


def _index(label: int | str | None, classes: Sequence[str]) -> int:
    return list(classes).index(label) if isinstance(label, str) else ABSTAIN if label is None else label


def _decoded(column: pa.Array) -> pa.Array:
    """The column in a layout of which a slice knows its own size."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pa.large_string()) if pa.types.is_string_view(column.type) else column


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
        self._scan = Scan([string for _, string in wanted]) if wanted else None
        self._owners = np.array([j for j, _ in wanted], dtype=np.intp)
        self._ignore_case = np.array([string.ignore_case for _, string in wanted], dtype=np.bool_)
        self._sought = {j for j, _ in wanted}  # the conditions for which the scan looks
        self._digits = {j for j, string in wanted if DIGIT in string.text}  # these may be digits beyond ASCII

    def _wanted(self, leaf: Leaf) -> list[Wanted]:
        if isinstance(leaf, Words):
            return self._lists[leaf].wanted()
        if isinstance(leaf, Matches):
            regex = linear_regex(leaf.regex, ignore_case=leaf.ignore_case)
            strings, whole = regex.exact or (regex.required, False)
            return [Wanted(text, ignore_case, whole) for text, ignore_case in sorted(strings)]
        return []

    def found(self, column: pa.Array) -> dict[Leaf, Found]:
        """Where each condition holds, and where that is known."""
        import pyarrow as pa

        if pa.types.is_null(column.type):
            column = column.cast(pa.string())
        texts = Texts(column)
        hits = self._hits(texts)
        found = {}
        for j, leaf in enumerate(self._leaves):
            held = self._held(j, leaf, texts, hits[j])
            found[leaf] = (held if texts.known is None else held & texts.known), texts.known
        return found

    def _hits(self, texts: Texts) -> NDArray[np.bool_]:
        """(l, n) bool for l conditions: in which texts the scan found a string of theirs."""
        hits = np.zeros((len(self._leaves), texts.n), dtype=np.bool_)
        if self._scan is None:
            return hits
        strings, rows = self._scan(texts)
        hits[self._owners[strings], rows] = True
        if self._ignore_case.any() and len(texts.with_cases_of_ascii):
            strings, rows = self._scan(texts.without_cases_of_ascii())
            chosen = self._ignore_case[strings]
            hits[self._owners[strings[chosen]], texts.with_cases_of_ascii[rows[chosen]]] = True
        return hits

    def _held(self, j: int, leaf: Leaf, texts: Texts, hits: NDArray[np.bool_]) -> NDArray[np.bool_]:
        if isinstance(leaf, Words):
            return self._lists[leaf].held(texts, hits)
        if isinstance(leaf, Matches):
            return self._matched(j, leaf, texts, hits)
        assert isinstance(leaf, Between)  # noqa: S101  there is no other kind
        return between(texts.characters if leaf.of == "characters" else texts.words, leaf)

    def _matched(self, j: int, leaf: Matches, texts: Texts, hits: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Where the pattern is found; `hits` are the texts with a string that it needs, if it needs one."""
        regex = linear_regex(leaf.regex, ignore_case=leaf.ignore_case)
        if regex.exact is not None and j not in self._digits:
            return hits
        if regex.exact is not None:
            held, chosen = hits, np.flatnonzero(~texts.ascii & ~hits)
        else:
            held = texts.empty if regex.in_empty else np.zeros(texts.n, dtype=np.bool_)
            if j in self._digits:
                hits = hits | ~texts.ascii
            chosen = np.flatnonzero(hits if j in self._sought else ~texts.empty)
        is_ascii = texts.ascii[chosen]
        for rows, ascii_only in ((chosen[is_ascii], True), (chosen[~is_ascii], False)):
            if len(rows):
                held[rows] = regex.found_in(texts.taken(rows), ascii_only=ascii_only)
        return held
