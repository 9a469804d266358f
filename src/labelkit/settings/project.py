"""`[project]`: what is labelled, and which names its classes may have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from labelkit.errors import named
from labelkit.settings.base import Name, Section

MAX_CLASSES = 127
LONGEST_FOLDER = 255  # bytes of a folder's name
FOLDER_RULE = (
    "each class has a folder of its name; leave out / and \\, and a . at the start, and let names differ in more than "
    "upper and lower case"
)
NO, YES = "no", "yes"  # the classes of the project that one class of a multi-label project is


def unfit_for_folders(names: Sequence[str]) -> list[str]:
    """Those of the names that no folder can have, or not beside the others where upper and lower case are the same.

    >>> unfit_for_folders(["c++", "c/c++", ".net", "SQL", "sql"])
    ['c/c++', '.net', 'sql']
    """
    seen, unfit = set[str](), list[str]()
    for name in names:
        odd = set(name) & {"/", "\\", "\0"} or name.startswith(".") or name == "__pycache__"
        if odd or len(name.encode()) > LONGEST_FOLDER or name.casefold() in seen:
            unfit.append(name)
        seen.add(name.casefold())
    return unfit


class ProjectSection(Section):
    """`[project]`: what is labelled."""

    name: Name
    classes: list[Name] = Field(min_length=1, max_length=MAX_CLASSES)
    kind: Literal["multiclass", "multilabel"] = "multiclass"  # a record has one of the classes, or any of them

    @model_validator(mode="after")
    def _classes_are_distinct(self) -> ProjectSection:
        twice = sorted(name for name, times in Counter(self.classes).items() if times > 1)
        if twice:
            raise ValueError(f"{named(twice)} stands twice in classes; the names must differ from one another")
        return self

    @model_validator(mode="after")
    def _classes_fit_the_kind(self) -> ProjectSection:
        if self.kind == "multiclass" and len(self.classes) < 2:
            raise ValueError('classes must have at least 2 items; one class or more goes with kind = "multilabel"')
        bad = unfit_for_folders(self.classes)
        if self.kind == "multilabel" and bad:
            raise ValueError(f"{named(bad)}: {FOLDER_RULE}")
        return self
