"""Verbs on a multi-label project as a whole: each class is a project of its own, and here they come together."""

from labelkit.pipeline.multilabel.project import MultilabelProject

__all__ = ["MultilabelProject"]
