"""Where a rule matched: the characters of a record that made it vote, from its definition alone.

A definition is plain values (`Condition.definition`), so no code of the project is needed to show what its rules saw.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from labelkit.labeling.rules.charsets import folded
from labelkit.labeling.rules.regex import linear_regex
from labelkit.labeling.rules.syntax import NotLinearError

Span: TypeAlias = tuple[str, int, int]  # field, first character, the one after the last

MOST_SPANS = 200  # of one leaf in one field
MOST_DEPTH = 50


def spans(definition: Any, fields: Mapping[str, object], depth: int = 0) -> Iterator[Span]:
    """Where the words and patterns of a condition are in the text fields of a record.

    What is not there, what must not be there, lengths and numbers have no place; neither has what is no definition.

    >>> definition = ["any", [["words", "text", ["free", "win"], True, "word"], ["matches", "text", "[0-9]+ %", False]]]
    >>> list(spans(definition, {"text": "Win 50 % freedom"}))
    [('text', 0, 3), ('text', 4, 8)]
    """
    match definition:
        case ["all" | "any", [*parts]] if depth < MOST_DEPTH:
            for part in parts:
                yield from spans(part, fields, depth + 1)
        case [[*rule], _] if depth < MOST_DEPTH:  # a rule within a combination: its condition, and its label
            yield from spans(rule, fields, depth + 1)
        case ["words", str(field), [*words], bool(ignore_case), str(at)] if isinstance(fields.get(field), str):
            found = _words(str(fields[field]), tuple(filter(_is_text, words)), ignore_case, at)
            yield from ((field, start, end) for start, end in itertools.islice(found, MOST_SPANS))
        case ["matches", str(field), str(regex), bool(ignore_case)] if isinstance(fields.get(field), str):
            found = _matches(str(fields[field]), regex, ignore_case)
            yield from ((field, start, end) for start, end in itertools.islice(found, MOST_SPANS))


def _is_text(word: object) -> bool:
    return isinstance(word, str) and word != ""


def _words(text: str, words: tuple[str, ...], ignore_case: bool, at: str) -> Iterator[tuple[int, int]]:  # noqa: FBT001
    plain = folded(text) if ignore_case else text
    there = [word for word in words if (folded(word) if ignore_case else word) in plain]
    if at == "all":
        return iter([(0, len(text))] if any(len(word) == len(text) for word in there) else [])
    if not there:
        return iter(())
    pattern = _alternatives(tuple(there), ignore_case, at == "word")
    return (match.span() for match in pattern.finditer(text))


@functools.lru_cache(maxsize=256)
def _alternatives(words: tuple[str, ...], ignore_case: bool, whole: bool) -> re.Pattern[str]:  # noqa: FBT001
    """Words that are in the text, the longest first."""
    listed = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    return re.compile(rf"(?<!\w)(?:{listed})(?!\w)" if whole else listed, re.IGNORECASE if ignore_case else 0)


def _matches(text: str, regex: str, ignore_case: bool) -> Iterator[tuple[int, int]]:  # noqa: FBT001
    try:
        pattern = linear_regex(regex, ignore_case=ignore_case)
    except (NotLinearError, re.error, RecursionError, OverflowError):
        return iter(())
    return pattern.spans(text)
