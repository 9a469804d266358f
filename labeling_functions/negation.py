"""Functions that mind the word "not": "good" praises, "not very good" complains."""

import re
from pathlib import Path

import labelkit as lk

NEGATIVE, POSITIVE = 0, 1

NEGATIONS = {"no", "not", "never", "nothing", "none", "without", "cannot", "cant", "dont", "doesnt", "didnt", "wont"}
REACH = 3  # words after a negation that it turns round
EASY = {"easy", "easily", "easier", "ease", "simple", "intuitive", "friendly", "breeze"}
TROUBLE = {"complaint", "complaints", "issue", "issues", "problem", "problems", "regret", "regrets", "trouble"}


def word_list(name):
    """The words of a file beside this one."""
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    return {line for line in lines if not line.startswith("#")}


@lk.preprocessor(memoize=True)
def split_by_negation(x):
    """Set x.plain and x.negated: the words out of and within the reach of a negation."""
    x.plain, x.negated = set(), set()
    for clause in re.split(r"[.,;:!?()]|\bbut\b", x.text.lower()):
        reach = 0
        for word in re.findall(r"[a-z']+", clause):
            if word in NEGATIONS or word.endswith("n't"):
                reach = REACH
            else:
                (x.negated if reach else x.plain).add(word)
                reach = max(reach - 1, 0)
    return x


@lk.labeling_function(resources={"words": word_list("words_praise.txt")}, pre=[split_by_negation])
def praises(x, words):
    return POSITIVE if x.plain & words else lk.ABSTAIN


@lk.labeling_function(
    resources={"words": word_list("words_praise.txt")},
    pre=[split_by_negation],
    examples=[("not a great camera", NEGATIVE), ("no problem, and a great camera", lk.ABSTAIN)],
)
def denies_praise(x, words):
    return NEGATIVE if x.negated & words else lk.ABSTAIN


@lk.labeling_function(
    pre=[split_by_negation],
    examples=[("it is easy to use", POSITIVE), ("it isn't easy to use", NEGATIVE), ("it is small", lk.ABSTAIN)],
)
def easy_or_not(x):
    if x.negated & EASY:
        return NEGATIVE
    return POSITIVE if x.plain & EASY else lk.ABSTAIN


@lk.labeling_function(pre=[split_by_negation])
def reports_trouble(x):
    return NEGATIVE if x.plain & TROUBLE else lk.ABSTAIN


@lk.labeling_function(pre=[split_by_negation])
def denies_trouble(x):
    return POSITIVE if x.negated & TROUBLE else lk.ABSTAIN
