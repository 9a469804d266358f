"""What a page asks of people, and the little that it needs to know of a project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from labelkit.active.session import AnnotationSession, Question
from labelkit.annotations.annotation import PERSON, Role


@dataclass(frozen=True)
class Task:
    """What people are asked: the same for everybody at the page."""

    project: str
    id: str  # tells this project from others at the same address
    classes: tuple[str, ...]
    keys: Mapping[str, str]  # key -> class name
    guidelines: str = ""
    goal: int = 50  # answers of one round: what the progress bar shows
    budget: int | None = None  # answers that one person may give while the server runs
    role: Role = PERSON


@dataclass(frozen=True)
class Source:
    """Where records and figures come from."""

    open: Callable[[str, int], AnnotationSession]
    """Annotator and budget -> a session. Raises UsageError where there is nothing to ask."""

    recall: Callable[[str, str], Question]
    """Id of a record and strategy -> the question, asked before. Raises AnswerError for a record that people are not
    asked about."""

    dashboard: Callable[[], Mapping[str, Any]]
    """Figures about the people and the task, as plain values."""
