r"""Regular expressions with the meaning of Python's `re.search`, matched in time linear in the text.

The tree of a pattern (`syntax`) is written down for RE2 [Cox 2010, https://swtch.com/~rsc/regexp/regexp3.html], every
set of characters as the code points that `re` matches, so that no two engines' ideas of `\s`, of case or of Unicode can
differ. There are two programs: one for texts in ASCII, where RE2's own `\b` is Python's, and one for all others. There,
`\b` becomes what it means where it stands: a neighbour that is a letter, or is none. Where that hangs on what else
matched, texts are given a mark at every word boundary, and the program reads the marks.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Literal

from labelkit.labeling.rules.charsets import ASCII_TEXT, Ranges, category, complement, merged, ranges_in, re2_class
from labelkit.labeling.rules.syntax import At, Chars, Either, Node, NotLinearError, Repeat, Sequence

BOUNDARY, INSIDE = "\ud800", "\ud801"  # marks; no text that can be written as UTF-8 holds them
Kinds = frozenset[str]  # what may stand beside a place: a character, another place, or "open" where the pattern ends
WORD, OTHER, PLACE, OPEN = (Kinds([kind]) for kind in ("word", "other", "place", "open"))
NATIVE = {
    "start": r"\A",
    "end": r"\z",
    "line start": "(?m:^)",
    "line end": "(?m:$)",
    "ascii boundary": r"\b",
    "ascii inside": r"\B",
}
NEVER = re2_class(())
MOST_COPIES = 4


class _HangsOnMatchError(Exception):
    """Whether a place is a word boundary hangs on what else matched: marks are needed."""


@dataclass(frozen=True)
class Program:
    """A pattern for RE2, and the marks that texts must be given before: where, and how many at each place."""

    pattern: str
    marks: Literal["", "boundaries", "everywhere"] = ""
    copies: int = 1


def write(tree: Sequence) -> Program:
    r"""The program of a tree. Raises NotLinearError where `$` or `\b` stand in a way that has no such program."""
    try:
        return Program(_Plain().write(tree))
    except _HangsOnMatchError:
        marks: Literal["boundaries", "everywhere"] = "everywhere" if _has(tree, "inside") else "boundaries"
        writer = _Marked(marks)
        pattern = writer.write(tree)
        return Program(pattern, marks, writer.copies)


def check(tree: Sequence) -> None:
    """Raise NotLinearError where a tree that has places of words cannot be written with marks."""
    if _has(tree, "boundary") or _has(tree, "inside"):
        _Marked("everywhere").write(tree)


def marked(text: str, program: Program) -> str:
    """The text, not empty, with the marks that a program reads."""
    text = re.sub(r"\b", BOUNDARY, text)
    if program.marks == "everywhere":
        text = re.sub(f"(?<!{BOUNDARY})(?!{BOUNDARY})", INSIDE, text)
    if program.copies > 1:
        text = re.sub(f"[{BOUNDARY}{INSIDE}]", lambda mark: mark[0] * program.copies, text)
    return text


def _has(tree: Sequence, place: str) -> bool:
    for node in tree:
        if isinstance(node, At) and node.place == place:
            return True
        inner = node.branches if isinstance(node, Either) else (node.body,) if isinstance(node, Repeat) else ()
        if any(_has(part, place) for part in inner):
            return True
    return False


def _count(node: Repeat) -> str:
    return f"{{{node.low},{'' if node.high is None else node.high}}}"


@functools.cache
def kinds_of(ranges: Ranges) -> Kinds:
    """Whether a set holds characters of words, others, or both."""
    word = category(r"\w") if not ranges or ranges[-1][1] > 127 else ranges_in(ASCII_TEXT, r"\w")
    others = complement(word)
    found = ("word", merged((*ranges, *others)) != others), ("other", merged((*ranges, *word)) != word)
    return Kinds(kind for kind, is_there in found if is_there)


def _edge(tree: Sequence, beyond: Kinds, *, first: bool) -> Kinds:
    """What the tree may begin with (`first`) or end with; `beyond` is what stands there if it matches nothing."""
    found = Kinds()
    for node in tree if first else reversed(tree):
        if isinstance(node, Chars):
            return found | kinds_of(node.ranges)
        if isinstance(node, At):
            outer = ("end", "last line end", "line end") if first else ("start", "line start")
            if node.place in outer:
                return found | OTHER  # the text ends here, or a line
            found |= PLACE
            continue
        inner = node.branches if isinstance(node, Either) else (node.body,)
        kinds = Kinds().union(*[_edge(part, Kinds(["through"]), first=first) for part in inner])
        through = "through" in kinds or (isinstance(node, Repeat) and node.low == 0)
        found |= kinds - {"through"}
        if not through:
            return found
    return found | beyond


class _Plain:
    """Writes a program that reads texts as they are. Methods return what was written, and what it may end with."""

    def write(self, tree: Sequence) -> str:
        return self._sequence(tree, OPEN, OPEN, last=True)[0]

    def _sequence(self, tree: Sequence, left: Kinds, right: Kinds, *, last: bool) -> tuple[str, Kinds]:
        written = []
        for position, node in enumerate(tree):
            rest = tree[position + 1 :]
            text, left = self._node(node, left, _edge(rest, right, first=True), last=last and not rest)
            written.append(text)
        return "".join(written), left

    def _node(self, node: Node, left: Kinds, right: Kinds, *, last: bool) -> tuple[str, Kinds]:
        if isinstance(node, Chars):
            return re2_class(node.ranges), kinds_of(node.ranges)
        if isinstance(node, At):
            return self._place(node, left, right, last=last)
        if isinstance(node, Either):
            parts = [self._sequence(branch, left, right, last=last) for branch in node.branches]
            return f"(?:{'|'.join(text for text, _ in parts)})", Kinds().union(*[kinds for _, kinds in parts])
        before, after, once = left, right, node.high is not None and node.high <= 1
        if not once:  # between two rounds stands what a round ends and begins with
            before |= _edge(node.body, Kinds(), first=False)
            after |= _edge(node.body, Kinds(), first=True)
        text, kinds = self._sequence(node.body, before, after, last=last and once)
        return f"(?:{text}){_count(node)}", kinds | (left if node.low == 0 else Kinds())

    def _place(self, node: At, left: Kinds, right: Kinds, *, last: bool) -> tuple[str, Kinds]:
        if node.place in ("boundary", "inside"):
            return self._boundary(left, right, differ=node.place == "boundary")
        if node.place == "last line end":
            if not last:
                raise NotLinearError("it goes on after $, which is not the end where a text ends in a newline")
            return r"\n?\z", left
        return NATIVE[node.place], OTHER if node.place in ("start", "line start") else left | PLACE

    def _boundary(self, left: Kinds, right: Kinds, *, differ: bool) -> tuple[str, Kinds]:
        r"""`\b` (`differ`) or `\B`: true, false, or a neighbour that is read where the pattern begins or ends."""
        if len(left) != 1 or len(right) != 1 or left == right == OPEN or "place" in left | right:
            raise _HangsOnMatchError
        if OPEN not in (left, right):
            return ("" if (left != right) == differ else NEVER), left
        inner = right if left == OPEN else left
        outer = inner if not differ else (OTHER if inner == WORD else WORD)
        word = category(r"\w")
        neighbour = re2_class(word if outer == WORD else complement(word))
        edge = r"\A" if left == OPEN else r"\z"
        text = f"(?:{edge}|{neighbour})" if outer == OTHER else neighbour
        return text, outer if left == OPEN else left


class _Marked:
    r"""Writes a program that reads texts with marks: as many before each character, and at the end, as `copies` says.

    Each `\b` reads one. Where several can stand at one place, as in `(\b\w+\b ?)+`, each needs a mark of its own.
    """

    def __init__(self, marks: Literal["boundaries", "everywhere"]) -> None:
        self._any = "[\\x{d800}\\x{d801}]" if marks == "everywhere" else "\\x{d800}"
        self._read = 0  # how many marks of the place where we stand may have been read
        self._ended = False  # whether an end of text or line may have been asked for at this place
        self.copies = 1

    def write(self, tree: Sequence) -> str:
        """The program. Written twice: only then it is known how many marks there must be."""
        self._sequence(tree, last=True)
        self._read, self._ended = 0, False
        return self._sequence(tree, last=True)

    @property
    def _may_skip(self) -> str:
        return f"{self._any}{{0,{self.copies}}}"

    def _sequence(self, tree: Sequence, *, last: bool) -> str:
        return "".join(self._node(node, last=last and not tree[at + 1 :]) for at, node in enumerate(tree))

    def _node(self, node: Node, *, last: bool) -> str:
        if isinstance(node, Chars):
            self._read, self._ended = 0, False
            return self._may_skip + re2_class(node.ranges)
        if isinstance(node, At):
            return self._place(node, last=last)
        if isinstance(node, Either):
            return self._either(node, last=last)
        before, once = (self._read, self._ended), node.high is not None and node.high <= 1
        text = self._sequence(node.body, last=last and once)
        if not once:
            for _ in range(MOST_COPIES):  # the next round begins where this one ended
                after = self._read
                self._sequence(node.body, last=False)
                if self._read <= after:
                    break
        if node.low == 0:
            self._read, self._ended = max(self._read, before[0]), self._ended or before[1]
        return f"(?:{text}){_count(node)}"

    def _either(self, node: Either, *, last: bool) -> str:
        before, after, written = (self._read, self._ended), (0, False), []
        for branch in node.branches:
            self._read, self._ended = before
            written.append(self._sequence(branch, last=last))
            after = max(self._read, after[0]), self._ended or after[1]
        self._read, self._ended = after
        return f"(?:{'|'.join(written)})"

    def _place(self, node: At, *, last: bool) -> str:
        if node.place in ("ascii boundary", "ascii inside"):
            raise NotLinearError(r"it has \b or \B both with and without the flag a (ASCII)")
        if node.place in ("boundary", "inside"):
            self._read += 1
            self.copies = max(self.copies, self._read)
            if self._ended or self._read > MOST_COPIES:
                raise NotLinearError(r"\b stands after $ or \Z, or many times at one place")
            return r"\x{d800}" if node.place == "boundary" else r"\x{d801}"
        if node.place in ("start", "line start"):
            if self._read or self._ended:
                raise NotLinearError(r"\b stands before ^ or \A without a character between them")
            return NATIVE[node.place]
        if node.place == "last line end" and not last:
            raise NotLinearError("it goes on after $, which is not the end where a text ends in a newline")
        self._ended = True
        end = rf"(?:{self._may_skip}\n)?{self._may_skip}\z"
        return end if node.place == "last line end" else self._may_skip + NATIVE[node.place]
