"""What a page asks of people, and the little that it needs to know of a project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from labelkit.active.session import AnnotationSession, Question
from labelkit.annotations.annotation import PERSON, Role
from labelkit.annotations.label_sets import checked_label, set_in, set_text, speaks_of_all
from labelkit.errors import AnswerError


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
    several: bool = False  # a record may have several classes: an answer says of each whether the record has it

    def label_of(self, said: str | Mapping[str, bool] | None) -> str | None:
        """What the store keeps of an answer as the page sends it; None is a skip. Raises AnswerError.

        A set names the classes that the person saw. One that joined the project since is left out of it.
        """
        if said is None:
            return None
        if isinstance(said, str) == self.several:
            wanted = "an object of classes and true or false" if self.several else "the name of one class"
            raise AnswerError(f"an answer to a record of this project is {wanted}")
        if isinstance(said, str):
            return checked_label(said, self.classes, several=False)
        known = set_in(set_text(said, self.classes))  # refuses a class that does not exist
        return set_text([name for name in said if said[name]], [name for name in known if name in said])

    def is_whole(self, label: str | None) -> bool:
        """Whether an answer is about all classes: what a person said before some joined leaves a record to be asked."""
        try:
            return not self.several or speaks_of_all(label, self.classes)
        except AnswerError:  # of a project whose records had one class
            return True


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
