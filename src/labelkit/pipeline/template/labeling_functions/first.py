"""Your first labeling functions. Each looks at one record and votes for a class, or abstains.

`labelkit apply` prints what each of them does. Write many, and let the label model find out how far to trust them.
`labelkit lf test` checks the examples that some of them carry.
"""

import labelkit as lk

HAM, SPAM = 0, 1


@lk.labeling_function()
def shouts(x):
    letters = [char for char in x.text if char.isalpha()]
    return SPAM if len(letters) > 10 and sum(char.isupper() for char in letters) > len(letters) / 2 else lk.ABSTAIN


@lk.labeling_function(examples=[("is this a cover?", HAM), ("more at http://win.example?", lk.ABSTAIN)])
def asks_something(x):
    return HAM if x.text.endswith("?") and "http" not in x.text else lk.ABSTAIN


@lk.labeling_function(resources={"calls": ("subscribe", "check out", "follow", "click", "visit")})
def wants_something(x, calls):
    return SPAM if any(call in x.text.lower() for call in calls) else lk.ABSTAIN


# Rules are functions without Python: words, regular expressions, numbers.
links = lk.rules.pattern("links", r"https?://|www\.", field="text", label="spam")
money = lk.rules.keywords("money", ["free", "win", "cash", "dollars", "giveaway"], field="text", label="spam")
thanks = lk.rules.keywords("thanks", ["thank you", "thanks", "love this", "great video"], field="text", label="ham")
talks_about_it = lk.rules.keywords(
    "talks_about_it", ["song", "singer", "lyrics", "guitar", "chorus", "album", "voice"], field="text", label="ham"
)
