"""Fifteen functions on comments, in the style of Snorkel's spam tutorial: as Python functions and as the same rules.

Ten look for words or expressions in the text, two at its length, one at the author's name, two at numbers.
"""

import re

import labelkit as lk

CLASSES = ("ham", "spam")
FIELDS = ("text", "author", "likes", "stars", "polarity")
HAM, SPAM, ABSTAIN = 0, 1, -1
REGULARS = {"Ana", "Chloé", "Jürgen"}


SONG, PRAISE = ("song", "band"), ("love", "great", "best")
MY, PLEASE = re.compile(r"\b(?:my|mine)\b", re.I), re.compile(r"\b(?:please|plz)\b", re.I)
CHECK, LINK, MONEY = (
    re.compile(r"check.{0,20}out", re.I),
    re.compile(r"https?://|www\."),
    re.compile(r"\$ ?\d+|\d+ dollars"),
)
NUMBER = re.compile(r"\d\d")


def my(x):
    return SPAM if MY.search(x.text) else ABSTAIN


def please(x):
    return SPAM if PLEASE.search(x.text) else ABSTAIN


def song(x):
    return HAM if any(word in x.text.lower() for word in SONG) else ABSTAIN


def praise(x):
    return HAM if any(word in x.text.lower() for word in PRAISE) else ABSTAIN


def subscribe(x):
    return SPAM if "subscribe" in x.text or "channel" in x.text else ABSTAIN


def bad(x):
    return HAM if "problem" in x.text or "poor" in x.text or "return" in x.text else ABSTAIN


def check_out(x):
    return SPAM if CHECK.search(x.text) else ABSTAIN


def links(x):
    return SPAM if LINK.search(x.text) else ABSTAIN


def money(x):
    return SPAM if MONEY.search(x.text) else ABSTAIN


def numbers(x):
    return HAM if NUMBER.search(x.text) else ABSTAIN


def short(x):
    return HAM if len(x.text.split()) < 6 else ABSTAIN


def long(x):
    return SPAM if len(x.text) > 100 else ABSTAIN


def regular(x):
    return HAM if x.author.rstrip("0123456789") in REGULARS else ABSTAIN


def liked(x):
    return HAM if x.likes > 7 else ABSTAIN


def positive(x):
    return HAM if x.polarity > 0.45 else ABSTAIN


ROWS = [
    my,
    please,
    song,
    praise,
    subscribe,
    bad,
    check_out,
    links,
    money,
    numbers,
    short,
    long,
    regular,
    liked,
    positive,
]


def row_functions():
    """The functions as labelkit takes them."""
    return [lk.labeling_function()(function) for function in ROWS]


def snorkel_functions():
    """The functions as Snorkel takes them."""
    from snorkel.labeling import labeling_function

    return [labeling_function()(function) for function in ROWS]


def rules():
    """The same fifteen as rules."""
    r = lk.rules
    return [
        r.keywords("my", ["my", "mine"], field="text", label=SPAM),
        r.keywords("please", ["please", "plz"], field="text", label=SPAM),
        r.contains("song", SONG, field="text", label=HAM, ignore_case=True),
        r.contains("praise", PRAISE, field="text", label=HAM, ignore_case=True),
        r.contains("subscribe", ["subscribe", "channel"], field="text", label=SPAM, ignore_case=False),
        r.contains("bad", ["problem", "poor", "return"], field="text", label=HAM, ignore_case=False),
        r.pattern("check_out", r"check.{0,20}out", field="text", label=SPAM, ignore_case=True),
        r.pattern("links", LINK.pattern, field="text", label=SPAM),
        r.pattern("money", MONEY.pattern, field="text", label=SPAM),
        r.pattern("numbers", NUMBER.pattern, field="text", label=HAM),
        r.length("short", field="text", unit="words", below=6, label=HAM),
        r.length("long", field="text", above=100, label=SPAM),
        r.pattern("regular", r"(?a)\A(?:Ana|Chloé|Jürgen)\d*\Z", field="author", label=HAM),
        r.threshold("liked", field="likes", above=7, label=HAM),
        r.threshold("positive", field="polarity", above=0.45, label=HAM),
    ]
