"""`explain` of a multi-label project: where what is said of one record comes from, class by class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from labelkit.pipeline.explain import Explanation, explain
from labelkit.pipeline.multilabel.members import about_class
from labelkit.project import ProjectFolder


@dataclass(frozen=True)
class Explanations(Mapping[str, Explanation]):
    """Class -> everything that led to its yes or no, in the project's order."""

    of_classes: Mapping[str, Explanation]

    def __getitem__(self, name: str) -> Explanation:
        return self.of_classes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.of_classes)

    def __len__(self) -> int:
        return len(self.of_classes)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, by class."""
        return {name: one.to_json() for name, one in self.items()}

    def __str__(self) -> str:
        from labelkit.pipeline.texts.multilabel import explained_text

        return explained_text(self)


def explain_all(project: ProjectFolder, record: str) -> Explanations:
    """Explain what the current run of each class says of a record. Raises as `explain`, naming the class."""
    found = dict[str, Explanation]()
    for name, member in project.members.items():
        with about_class(name):
            found[name] = explain(member, record)
    return Explanations(found)
