"""Votes and what can be counted on them."""

from labelkit.matrix.analysis import FunctionFigures, LFSummary, lf_summary, wilson_interval
from labelkit.matrix.votes import ABSTAIN, FAULT, Fault, LabelMatrix, read_votes

__all__ = [
    "ABSTAIN",
    "FAULT",
    "Fault",
    "FunctionFigures",
    "LFSummary",
    "LabelMatrix",
    "lf_summary",
    "read_votes",
    "wilson_interval",
]
