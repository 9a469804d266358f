"""A hundred rules on comments, and the same in Python."""

import collections
import random
import re

import labelkit as lk

TEXT = {"field": "text"}


PATTERNS = (
    r"check.{0,20}out", r"https?://", r"\bfree\b", r"\d+ dollars", r"(win|won) .*(prize|money)", r"\bI\b", r"!{2,}",
    r"^\w+$", r"so+ good", r"lov(e|ed|ing) (it|this|her)", r"my (new )?(video|channel|page)", r"[A-Z]{5,}", r"[?]\s*$",
)  # fmt: skip
NUMBERS = (("likes", 2), ("stars", 3), ("polarity", 0.1))


def hundred(texts, seed=5):
    """(rules, Python functions): 75 of three words each, 13 patterns, 12 thresholds.

    The words are drawn from the 1,200 that are most frequent in `texts`, the first 40 left out.
    """
    counts = collections.Counter(word for text in texts for word in re.findall(r"[a-z]{3,}", text.lower()))
    vocabulary = [word for word, _ in counts.most_common(1_200)][40:]
    rng, rules, functions = random.Random(seed), [], []

    def add(rule, function):
        rules.append(rule)
        functions.append(function)

    for i in range(75):
        words = rng.sample(vocabulary, 3)
        find = re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE).search
        add(lk.rules.keywords(f"words{i}", words, **TEXT, label=1), lambda x, find=find: 1 if find(x.text) else -1)
    for i, regex in enumerate(PATTERNS):
        find = re.compile(regex).search
        add(lk.rules.pattern(f"pattern{i}", regex, **TEXT, label=1), lambda x, find=find: 1 if find(x.text) else -1)
    for i in range(12):
        field, limit = NUMBERS[i % 3]
        limit += i / 10
        add(
            lk.rules.threshold(f"number{i}", field=field, above=limit, label=1),
            lambda x, field=field, limit=limit: 1 if getattr(x, field) > limit else -1,
        )
    return rules, functions
