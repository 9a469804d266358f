"""Where functions matched in a record, as people see it while they answer.

`apply` keeps the definitions of its rules beside the votes of its run: plain values, so nothing of the project is
imported to show what they saw. Functions written in Python tell nobody what they looked at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labelkit.labeling import LabelingFunction
from labelkit.labeling.rules.highlight import spans
from labelkit.lineage import Run
from labelkit.pipeline.current import check_as_written
from labelkit.pipeline.recording import run_store
from labelkit.project import ProjectFolder

if TYPE_CHECKING:  # `apply` needs no queue
    from labelkit.active import QueueItem
    from labelkit.active.session import Fields, Spans

RULES_FILE = "rules.json"
MANY = 20  # places from which on a function is asked whether it matches nearly everything


def rules_of(functions: tuple[LabelingFunction, ...]) -> dict[str, list[Any]]:
    """Function name -> definition of its condition, of functions that are rules: what a run keeps in RULES_FILE."""
    return {one.name: one.rule.condition.definition() for one in functions if one.rule is not None}


class Highlights:
    """Where the rules of a run matched."""

    def __init__(self, rules: Mapping[str, Any]) -> None:
        self.rules = rules  # function name -> definition of its condition

    @classmethod
    def of_run(cls, project: ProjectFolder, run: Run) -> Highlights:
        """Those of a run; none where it kept no rules. Raises ArtifactError for rules that it did not keep so."""
        path = run_store(project).path(run.id) / RULES_FILE
        if not path.is_file():
            return cls({})
        check_as_written(project, run, path)
        rules = json.loads(path.read_bytes())
        return cls(rules if isinstance(rules, dict) else {})

    def __call__(self, item: QueueItem, fields: Fields) -> Spans:
        """Field -> (start, end, function) of the characters that made functions vote.

        >>> from labelkit.active import QueueItem
        >>> item = QueueItem("c7", "margin", 0.0, "undecided", None, {"money": "spam"})
        >>> Highlights({"money": ["words", "text", ["win"], True, "word"]})(item, {"text": "Win it"})
        {'text': [(0, 3, 'money')]}
        """
        found: dict[str, list[tuple[int, int, str]]] = {}
        for function in item.votes:
            seen: dict[str, list[tuple[int, int]]] = {}
            for field, start, end in spans(self.rules.get(function), fields):
                seen.setdefault(field, []).append((start, end))
            for field, places in seen.items():
                if not _is_everywhere(places):
                    found.setdefault(field, []).extend((start, end, function) for start, end in places)
        return found


def _is_everywhere(places: list[tuple[int, int]]) -> bool:
    """Whether many marks would cover most of a text, as far as they go, and say nothing."""
    return len(places) > MANY and sum(end - start for start, end in places) > places[-1][1] / 2
