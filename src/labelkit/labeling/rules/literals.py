"""Strings without which a pattern cannot match: the scan looks for them, and only texts that hold one are matched."""

from __future__ import annotations

from typing import NamedTuple

from labelkit.labeling.rules.scan import DIGIT
from labelkit.labeling.rules.syntax import At, Chars, Either, Node, Repeat, Sequence

COMMON, LETTERS = frozenset(" etaoinsr"), frozenset("abcdefghijklmnopqrstuvwxyz")
ENOUGH_BITS = 6.0  # a set of strings that is met less than once in 64 places is worth looking for
DIGITS = ((0x30, 0x39),)


class Literal(NamedTuple):
    """A string of ASCII and DIGIT, as it stands in the text or, with `ignore_case`, in any case."""

    text: str
    ignore_case: bool


def required_literals(tree: Sequence) -> frozenset[Literal]:
    r"""A set of strings one of which is in every match, the rarest known; empty if none is worth looking for.

    This holds for texts in ASCII. In others, an "i", "k" or "s" under IGNORECASE or a digit may be another one.

    >>> from labelkit.labeling.rules.syntax import read
    >>> sorted(literal.text for literal in required_literals(read(r"\bbuy\s+(gold|silver)|www\.", "ascii")))
    ['gold', 'silver', 'www.']
    """
    best = _best(tree)
    return best if best and _bits(best) >= ENOUGH_BITS else frozenset()


MOST_STRINGS = 64


class Exact(NamedTuple):
    """A pattern that says no more than: one of these strings, and with `whole` no letter, digit or `_` touches it."""

    strings: frozenset[Literal]
    whole: bool


def exact_strings(tree: Sequence) -> Exact | None:
    r"""The pattern as a list of strings, where it is one: `https?://|www\.` or `\b(?:my|mine)\b`; else None.

    The same holds as for `required_literals`.

    >>> from labelkit.labeling.rules.syntax import read
    >>> sorted(literal.text for literal in exact_strings(read(r"https?://|www\.", "ascii")).strings)
    ['http://', 'https://', 'www.']
    """
    whole = len(tree) > 2 and tree[0] == tree[-1] == At("ascii boundary")
    expanded = _expanded(tree[1:-1] if whole else tree)
    if not expanded or () in expanded:
        return None
    letters = [char for string in expanded for char in string if _char(char).isalpha()]
    ignore_case = any(len(char.ranges) > 1 for char in letters)
    if ignore_case and not all(len(char.ranges) > 1 for char in letters):
        return None
    texts = ["".join(map(_char, string)) for string in expanded]
    if whole and not all(_in_word(text[0]) and _in_word(text[-1]) for text in texts):
        return None
    return Exact(frozenset(Literal(text, ignore_case) for text in texts), whole)


def _in_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _expanded(tree: Sequence) -> set[tuple[Chars, ...]]:
    """All strings that the sequence matches; none if there are too many, or it is not made of known characters."""
    strings: set[tuple[Chars, ...]] = {()}
    for node in tree:
        if isinstance(node, Chars) and _char(node):
            following: set[tuple[Chars, ...]] = {(node,)}
        elif isinstance(node, Either):
            parts = [_expanded(branch) for branch in node.branches]
            following = set[tuple[Chars, ...]]().union(*parts) if all(parts) else set()
        elif isinstance(node, Repeat) and (node.low, node.high) in ((0, 1), (1, 1)):
            following = _expanded(node.body)
            if following and not node.low:
                following.add(())
        else:
            following = set()
        strings = {one + other for one in strings for other in following}
        if not 0 < len(strings) <= MOST_STRINGS:
            return set()
    return strings


def _best(tree: Sequence) -> frozenset[Literal]:
    """The rarest set among those that every match of the sequence holds; empty if none is known."""
    found: list[frozenset[Literal]] = []
    run: list[Chars] = []
    for node in (*tree, None):
        if isinstance(node, Chars) and _char(node):
            run.append(node)
        elif not isinstance(node, At):  # a place between two characters does not part them
            if run:
                ignore_case = any(len(char.ranges) > 1 for char in run)
                found.append(frozenset([Literal("".join(map(_char, run)), ignore_case)]))
                run = []
            if node is not None:
                found.append(_inside(node))
    return max(found, key=_bits, default=frozenset())


def _char(node: Chars) -> str:
    """The one character that it is, or DIGIT; empty for any other set."""
    if node.ranges == DIGITS:
        return DIGIT
    return node.literal if node.literal.isascii() else ""


def _inside(node: Node) -> frozenset[Literal]:
    if isinstance(node, Either):
        parts = [_best(branch) for branch in node.branches]
        return frozenset[Literal]().union(*parts) if all(parts) else frozenset()
    if isinstance(node, Repeat) and node.low:
        return _best(node.body)
    return frozenset()


def _bits(literals: frozenset[Literal]) -> float:
    """How rare the set is in English text, roughly: -log2 of the share of places where one of the strings begins."""
    if not literals:
        return 0.0
    return min(_rarity(literal.text) for literal in literals) - 0.5 * (len(literals) - 1).bit_length()


def _rarity(text: str) -> float:
    return sum(3 if char in COMMON else 5 if char in LETTERS or char == DIGIT else 8 for char in text.lower())
