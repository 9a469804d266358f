"""What people write who regret what they bought. Patterns catch word stems and misspellings."""

import labelkit as lk

NEGATIVE = 0

junk = lk.rules.keywords(
    "junk",
    ["crap", "garbage", "junk", "stinks", "stupid", "suck", "sucks", "trash", "useless", "worthless"],
    field="text",
    label=NEGATIVE,
)

awful = lk.rules.keywords(
    "awful",
    ["annoying", "awful", "bad", "hate", "horrible", "inferior", "poor", "poorly", "terrible", "worst"],
    field="text",
    label=NEGATIVE,
)

warns_others = lk.rules.pattern(
    "warns_others",
    r"\b(do not|don'?t|never) (buy|purchase|waste)|\b(save|wast\w+|lose) (your )?(money|time)|\bavoid|\bstay away",
    field="text",
    label=NEGATIVE,
    ignore_case=True,
)

fails = lk.rules.pattern(
    "fails",
    r"(n't|nt|\bnot|\bcannot) (\w+ )?(work|play|read|load|recognize|fit|turn on|connect|support|find|close|even)",
    field="text",
    label=NEGATIVE,
    ignore_case=True,
)

breaks = lk.rules.pattern(
    "breaks",
    r"\b(broken?|crash\w*|defect\w*|died?|dies|errors?|fail\w*|freez\w+|froze|lock(s|ed) up|skip\w*|stop+ed)\b",
    field="text",
    label=NEGATIVE,
    ignore_case=True,
)

goes_back = lk.rules.pattern(
    "goes_back",
    r"\b(return\w*|refund\w*|exchange|replacement|warranty)\b|\b(sen[dt]|sending|take|taking|took|mail) .*\bback\b",
    field="text",
    label=NEGATIVE,
    ignore_case=True,
)

calls_support = lk.rules.pattern(
    "calls_support",
    r"\b(customer|tech|technical) (service|support)|\b(called|calling|contact|contacted|e-?mailing|e-?mailed)\b",
    field="text",
    label=NEGATIVE,
    ignore_case=True,
)

let_down = lk.rules.pattern(
    "let_down",
    r"\b(dis+ap+oint|frustrat|unfortunat|irritat|inconvenien)|\bonly (\w+ )?(complaint|problem|con|flaw)|\bflaw",
    field="text",
    label=NEGATIVE,
    ignore_case=True,
)

wishes = lk.rules.pattern(
    "wishes",
    r"\bi wish\b|\bif only\b|\b(should|would|could) have\b|\bwould be (nice|good|better)\b",
    field="text",
    label=NEGATIVE,
    ignore_case=True,
)

too_much = lk.rules.pattern(
    "too_much",
    r"\btoo (small|big|slow|short|hard|much|many|low|heavy|loud)\b|\b(difficult|hard|tough) to\b|\b(slow|noisy)\b",
    field="text",
    label=NEGATIVE,
    ignore_case=True,
)
