"""Rules that people's answers suggest: sought among many, tested on answers held out, ranked by what they add."""

from labelkit.suggest.belief import Answers
from labelkit.suggest.candidates import Candidate
from labelkit.suggest.nearness import EmbeddingFile
from labelkit.suggest.proposals import Suggestion, Suggestions, suggested

__all__ = ["Answers", "Candidate", "EmbeddingFile", "Suggestion", "Suggestions", "suggested"]
