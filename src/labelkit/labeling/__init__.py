"""Labeling functions: what they are, where they are found, and the one kernel that casts their votes."""

from labelkit.labeling import rules
from labelkit.labeling.batch import batch_labeling_function
from labelkit.labeling.functions import LabelingFunction, as_labeling_function, labeling_function
from labelkit.labeling.kernel import VoteCaster, cast_votes
from labelkit.labeling.loader import load_functions
from labelkit.labeling.preprocessors import Preprocessor, preprocessor
from labelkit.labeling.prompts.asking import Asked, answered
from labelkit.labeling.prompts.declare import prompt
from labelkit.labeling.prompts.endpoint import Endpoint, endpoint
from labelkit.labeling.rows import Row
from labelkit.labeling.transformations import TransformationFunction, transformation_function

__all__ = [
    "Asked",
    "Endpoint",
    "LabelingFunction",
    "Preprocessor",
    "Row",
    "TransformationFunction",
    "VoteCaster",
    "answered",
    "as_labeling_function",
    "batch_labeling_function",
    "cast_votes",
    "endpoint",
    "labeling_function",
    "load_functions",
    "preprocessor",
    "prompt",
    "rules",
    "transformation_function",
]
