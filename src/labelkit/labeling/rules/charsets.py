r"""Sets of characters as Python's `re` sees them: classes, categories and case, as ranges of code points.

Nothing here is a copied table: what `\w` means is asked of `re` itself, so it is right for the Unicode of the Python
that runs. Case is Python's: under `re.IGNORECASE` two characters are the same when their simple lower case is
the same or when `re` lists both as cases of one letter ("i" and U+0131, "s" and U+017F). "k" is the same as U+212A and
"i" the same as U+0130, whose lower case they are.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]  # closed intervals of code points, ascending, apart from one another

LAST = sys.maxunicode
SURROGATES = (0xD800, 0xDFFF)  # never in a text that can be written as UTF-8
ASCII_TEXT = "".join(map(chr, range(128)))


@functools.cache
def every_character() -> str:
    """All 1,114,112 code points in order."""
    import numpy as np

    return np.arange(LAST + 1, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")


@functools.cache
def cased_characters() -> str:
    """The characters that have another case, in order."""
    return "".join(
        char
        for char in map(chr, range(0x1F000))  # no script beyond has cases
        if char.lower() != char or char.upper() != char or char.title() != char
    )


@functools.cache
def ranges_in(text: str, source: str, flags: int = 0) -> Ranges:
    r"""Code points of the ascending characters of `text` that one-character pattern `source` matches, asked of `re`.

    >>> ranges_in(ASCII_TEXT, r"\d")
    ((48, 57),)
    """
    return merged((ord(char), ord(char)) for char in re.findall(source, text, flags))


@functools.cache
def category(source: str) -> Ranges:
    r"""Code points of a category of `re`, such as `\w`, among all characters."""
    return tuple((ord(run[0][0]), ord(run[0][-1])) for run in re.finditer(f"{source}+", every_character()))


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The union, as ascending intervals apart from one another.

    >>> merged([(5, 9), (1, 2), (3, 4), (20, 20)])
    ((1, 9), (20, 20))
    """
    done: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if done and low <= done[-1][1] + 1:
            done[-1] = (done[-1][0], max(high, done[-1][1]))
        else:
            done.append((low, high))
    return tuple(done)


def complement(ranges: Ranges, last: int = LAST) -> Ranges:
    """Every other code point up to `last`.

    >>> complement(((0, 4), (10, 20)), last=30)
    ((5, 9), (21, 30))
    """
    gaps, start = [], 0
    for low, high in ranges:
        if low > start:
            gaps.append((start, low - 1))
        start = high + 1
    return tuple([*gaps, (start, last)] if start <= last else gaps)


def re2_class(ranges: Ranges) -> str:
    r"""A class of RE2 that matches exactly these code points, surrogates apart.

    >>> print(re2_class(((97, 122), (228, 228))))
    [\x{61}-\x{7a}\x{e4}]
    """
    parts = []
    for low, high in ranges:
        for first, final in ((low, min(high, SURROGATES[0] - 1)), (max(low, SURROGATES[1] + 1), high)):
            if first <= final:
                parts.append(f"\\x{{{first:x}}}" + (f"-\\x{{{final:x}}}" if final > first else ""))
    return f"[{''.join(parts)}]" if parts else r"[^\x00-\x{10ffff}]"


@functools.cache
def _same_letter() -> dict[int, int]:
    """Code point -> the one that stands for all its cases, for those where it is another."""
    import _sre  # type: ignore[import-not-found]  # the very functions that `re` compiles with
    from re._casefix import _EXTRA_CASES  # type: ignore[import-not-found]

    table = {}
    for char in cased_characters():
        lower: int = _sre.unicode_tolower(ord(char))
        chosen = min(lower, *_EXTRA_CASES.get(lower, (lower,)))
        if chosen != ord(char):
            table[ord(char)] = chosen
    return table


def folded(text: str) -> str:
    """The text with one character in place of all its cases; two texts are equal under `re.IGNORECASE` if these are.

    As long as the text itself, unlike `str.casefold` and `str.lower`.

    >>> folded("Kelvin \u212a, long \u017f, \u0130\u0131") == folded("KELVIN K, LONG S, II")
    True
    """
    return text.lower() if text.isascii() else text.translate(_same_letter())


@functools.cache
def cases_of(char: str) -> Ranges:
    r"""All characters that equal `char` under `re.IGNORECASE`.

    >>> [chr(low) for low, _ in cases_of("k")]
    ['K', 'k', '\u212a']
    """
    if char in ASCII_TEXT and char.upper() not in "IKS":
        return merged((ord(case), ord(case)) for case in (char.lower(), char.upper()))
    stands_for = folded(char)
    return merged((ord(case), ord(case)) for case in (char, *cased_characters()) if folded(case) == stands_for)
