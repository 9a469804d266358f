"""What people write who like what they bought. Most of it is plain data: rules."""

import re

import labelkit as lk

NEGATIVE, POSITIVE = 0, 1

delighted = lk.rules.keywords(
    "delighted",
    [
        "amazing",
        "awesome",
        "excellent",
        "fantastic",
        "ideal",
        "perfect",
        "perfectly",
        "superb",
        "terrific",
        "wonderful",
    ],
    field="text",
    label=POSITIVE,
)

loves = lk.rules.keywords(
    "loves",
    ["enjoy", "enjoying", "love", "loved", "loves", "thrilled"],
    field="text",
    label=POSITIVE,
)

handy = lk.rules.keywords(
    "handy",
    ["compact", "handy", "light", "lightweight", "pocket", "portable", "sleek"],
    field="text",
    label=POSITIVE,
)

recommends = lk.rules.pattern(
    "recommends",
    r"\brecommend|\bworth (it|the|every)|well worth|(great|good|excellent|better) (value|buy|price|choice|deal)",
    field="text",
    label=POSITIVE,
    ignore_case=True,
)

works_well = lk.rules.pattern(
    "works_well",
    r"\b(works?|worked|working|runs?|plays?|performs?) (\w+ )?(great|well|fine|good|nicely|perfectly|everything)\b",
    field="text",
    label=POSITIVE,
    ignore_case=True,
)

compares_well = lk.rules.pattern(
    "compares_well",
    r"\bbest\b|\bbetter than\b|\bnicest\b",
    field="text",
    label=POSITIVE,
    ignore_case=True,
)


@lk.labeling_function(
    examples=[("I give it 4.5 stars", POSITIVE), ("2 stars at best", NEGATIVE), ("a night under the stars", lk.ABSTAIN)]
)
def stars(x):
    """A rating in words: "5 stars", "4.5 star"."""
    rating = re.search(r"([0-5](?:\.5)?)[ -]stars?\b", x.text.lower())
    if rating is None:
        return lk.ABSTAIN
    return POSITIVE if float(rating[1]) > 3 else NEGATIVE
