"""Labeling functions: what they are, where they are found, and the one kernel that casts their votes."""

from labelkit.labeling import rules
from labelkit.labeling.batch import batch_labeling_function
from labelkit.labeling.functions import LabelingFunction, as_labeling_function, labeling_function
from labelkit.labeling.kernel import VoteCaster, cast_votes
from labelkit.labeling.loader import load_functions
from labelkit.labeling.preprocessors import Preprocessor, preprocessor
from labelkit.labeling.rows import Row

__all__ = [
    "LabelingFunction",
    "Preprocessor",
    "Row",
    "VoteCaster",
    "as_labeling_function",
    "batch_labeling_function",
    "cast_votes",
    "labeling_function",
    "load_functions",
    "preprocessor",
    "rules",
]
