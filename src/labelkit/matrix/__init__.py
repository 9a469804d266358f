"""Votes and what can be counted on them."""

from labelkit.matrix.analysis import FunctionFigures, LFSummary, summary_of, wilson_interval, worse_than_chance
from labelkit.matrix.figures import FigureCounts
from labelkit.matrix.votes import (
    ABSTAIN,
    FAULT,
    MAX_CLASSES,
    Fault,
    LabelMatrix,
    checked_classes,
    checked_gold,
    default_classes,
    default_names,
    read_votes,
)
from labelkit.matrix.votes_file import VotesFile, VotesWriter

__all__ = [
    "ABSTAIN",
    "FAULT",
    "MAX_CLASSES",
    "Fault",
    "FigureCounts",
    "FunctionFigures",
    "LFSummary",
    "LabelMatrix",
    "VotesFile",
    "VotesWriter",
    "checked_classes",
    "checked_gold",
    "default_classes",
    "default_names",
    "read_votes",
    "summary_of",
    "wilson_interval",
    "worse_than_chance",
]
