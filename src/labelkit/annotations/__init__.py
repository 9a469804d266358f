"""Answers of people: what was said, and which answer stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelkit.annotations.annotation import Annotation, Answer, disputed, standing
from labelkit.annotations.answers_file import read_answers, write_queue

if TYPE_CHECKING:
    from labelkit.annotations.store import AnnotationStore

__all__ = ["Annotation", "AnnotationStore", "Answer", "disputed", "read_answers", "standing", "write_queue"]


def __getattr__(name: str) -> Any:
    """Load the store, and SQLAlchemy with it, when somebody asks for it."""
    if name == "AnnotationStore":
        from labelkit.annotations.store import AnnotationStore

        return AnnotationStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
