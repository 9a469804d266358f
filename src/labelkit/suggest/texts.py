r"""Candidates on text: words and pairs of words, patterns that often matter, and lengths."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from labelkit.suggest.candidates import Candidate, counted, has_words, matches

WORD = re.compile(r"\w+(?:'\w+)*")
PHRASE = 2  # words in a phrase at most
LEAST_RECORDS, LEAST_SHARE = 5, 0.002  # of the records that a word stands in
MOST_WORDS = 2_000  # candidates that are words, the most frequent among the answers and then everywhere
LENGTHS = 8  # limits that are tried

PATTERNS = {
    "has a link": r"(?:https?://|www\.)\S",
    "has a domain": r"\w\.(?:com|net|org|co|uk|de|ru|tv|ly|me|info)\b",
    "has an e-mail address": r"\w@\w+\.\w",
    "has a digit": r"\d",
    "has a number of five digits or more": r"\d{5,}",
    "has a money amount": r"[$£€]\s?\d|\d\s?[$£€]",
    "has a percentage": r"\d\s?%",
    "has a time of day": r"\b\d{1,2}(?::\d\d|\s?[ap]m)\b",
    "has a word in capitals": r"\b[A-Z]{3,}\b",
    "has two words in capitals": r"\b[A-Z]{3,}\b.*\b[A-Z]{3,}\b",
    "has an exclamation mark": r"!",
    "has exclamation marks in a row": r"!!",
    "has a question mark": r"\?",
    "has dots in a row": r"\.\.",
    "has a hashtag": r"(?:^|\s)#\w",
    "has a mention": r"(?:^|\s)@\w",
    "has a smiley": r"[:;=]-?[()DPp]|<3|[☀-➿\U0001F300-\U0001FAFF]",
    "has a letter three times in a row": "|".join(f"{letter}{{3}}" for letter in "abcdefghijklmnopqrstuvxyz"),
    "has markup": r"<\w+|&\w+;",
    "starts with a small letter": r"^[a-z]",
    "starts with a capital letter": r"^[A-Z]",
    "ends with a full stop": r"\.\s*$",
}
"""What tells texts apart beside their words. Each is matched in linear time."""


def text_candidates(field: str, texts: Sequence[str | None], answered: Sequence[int]) -> Iterator[Candidate]:
    """All candidates on a text field; `answered` are the places of texts that somebody answered.

    >>> found = text_candidates("text", ["win cash now", "win it", "a song"] * 5, range(6))
    >>> [one.title for one in found][:3]
    ['has "win"', 'has "a"', 'has "a song"']
    """
    known = ["" if text is None else text for text in texts]
    yield from (has_words(field, phrase) for phrase in _frequent(known, answered))
    yield from (matches(field, regex, title) for title, regex in PATTERNS.items())
    for unit, sizes in (("characters", map(len, known)), ("words", (len(text.split()) for text in known))):
        for limit in cuts(list(sizes), LENGTHS):
            yield counted(field, unit, above=limit)
            yield counted(field, unit, below=limit)


def phrases(text: str) -> set[str]:
    """The words of a text and the pairs of them with one space between, in lower case.

    >>> sorted(phrases("Don't click, win NOW"))
    ['click', "don't", "don't click", 'now', 'win', 'win now']
    """
    lowered = text.lower()
    spans = [(found.start(), found.end()) for found in WORD.finditer(lowered)]
    out = {lowered[start:end] for start, end in spans}
    for (first, end), (start, last) in itertools.pairwise(spans):
        if lowered[end:start] == " ":
            out.add(lowered[first:last])
    return out


def cuts(values: Iterable[float], most: int) -> list[float]:
    """Limits that cut values into parts of about equal size, rising, the ends left out.

    >>> cuts([1, 2, 3, 4, 5, 6, 7, 8], 3)
    [2, 4, 6]
    """
    array = np.asarray(list(values))
    if not len(array):
        return []
    quantiles = np.quantile(array, np.arange(1, most + 1) / (most + 1), method="inverted_cdf")
    return [value for value in np.unique(quantiles).tolist() if array.min() < value < array.max()]


def _frequent(texts: Sequence[str], answered: Sequence[int]) -> list[str]:
    """Phrases that stand in enough records: first those that stand in answered ones, the most frequent first."""
    counts = Counter[str]()
    for text in texts:
        counts.update(phrases(text))
    among = Counter[str]()
    for place in answered:
        among.update(phrases(texts[place]))
    least = max(LEAST_RECORDS, LEAST_SHARE * len(texts))
    kept = [phrase for phrase, count in counts.items() if count >= least]
    return sorted(kept, key=lambda phrase: (-among[phrase], -counts[phrase], phrase))[:MOST_WORDS]
