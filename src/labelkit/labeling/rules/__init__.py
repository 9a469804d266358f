"""Rules: labeling functions that are data. They need no Python beyond the call that declares them, or a TOML file.

    links = rules.pattern("links", r"https?://", field="text", label=SPAM)
    thanks = rules.keywords("thanks", ["thank you", "love this"], field="text", label=HAM)
    minor = rules.threshold("minor", field="age", below=18, label=CHILD)
    begging = rules.nearest("begging", ids=["c17", "c80"], file="../embeddings.parquet", above=0.6, label=SPAM)

A rule votes its label where it matches and abstains elsewhere, null fields included.
"""

from labelkit.labeling.rules.conditions import Condition
from labelkit.labeling.rules.declare import combine, contains, keywords, length, lookup, nearest, pattern, threshold
from labelkit.labeling.rules.plan import RulePlan
from labelkit.labeling.rules.rule import Rule, check_columns, check_rule

__all__ = [
    "Condition",
    "Rule",
    "RulePlan",
    "check_columns",
    "check_rule",
    "combine",
    "contains",
    "keywords",
    "length",
    "lookup",
    "nearest",
    "pattern",
    "threshold",
]
