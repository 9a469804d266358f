"""What a page gets to show, as plain values. Text of data goes through `visible`; the page only ever sets text."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from typing import Any

from labelkit.active import QueueItem
from labelkit.active.session import Question
from labelkit.errors import visible
from labelkit.ui.label_sets import said_classes, suggested_classes, votes_by_class
from labelkit.ui.web.desk import Asked, Desk
from labelkit.ui.web.task import Task

LONGEST_VALUE = 100_000  # characters of a field that are shown
SHORT_VALUE = 24  # characters of a value that may stand beside another one
LINE_BREAKS = "\n\t"


def task_view(task: Task, annotator: str) -> dict[str, Any]:
    """Everything about the task that stays the same."""
    keys = {name: key for key, name in task.keys.items()}
    return {
        "project": visible(task.project),
        "id": task.id,
        "desk": desk_id(task, annotator),
        "annotator": visible(annotator),
        "role": task.role,
        "classes": [{"label": name, "name": visible(name), "key": keys[name]} for name in task.classes],
        "guidelines": visible(task.guidelines, keep=LINE_BREAKS),
        "goal": task.goal,
        "budget": task.budget,
        "several": task.several,
    }


def desk_id(task: Task, annotator: str) -> str:
    """What tells the page of one person at one task from every other: no secret, only a name."""
    return hashlib.sha256(f"{task.id}\0{task.role}\0{annotator}".encode()).hexdigest()[:16]


def asked_view(asked: Asked, desk: Desk) -> dict[str, Any]:
    """One record to answer."""
    item, task = asked.question.item, desk.task
    about = _about_set(asked, task) if task.several else {"suggestion": item.suggestion, "votes": _votes(item)}
    return {
        "record": asked.question.record,
        "name": visible(asked.question.record),
        "operation": asked.operation,
        "strategy": visible(item.strategy),
        "reason": visible(item.reason),
        **about,
        "fields": [_field(asked.question, name) for name in asked.question.fields],
        "flagged": desk.is_flagged(asked.question.record),
    }


def _votes(item: QueueItem) -> list[dict[str, Any]]:
    """Each class that was voted for, and by which functions."""
    sides: dict[str, list[str]] = {}
    for function, label in item.votes.items():
        sides.setdefault(label, []).append(visible(function))
    return [{"label": label, "functions": names} for label, names in sorted(sides.items(), key=lambda s: -len(s[1]))]


def _about_set(asked: Asked, task: Task) -> dict[str, Any]:
    """What is suggested, voted and was said of a record that may have several classes; `functions` vote for theirs."""
    item = asked.question.item
    return {
        "suggestion": suggested_classes(item.suggestion, task.classes),
        "chosen": said_classes(asked.before, task.classes),
        "votes": [
            {"label": one.name, "functions": list(map(visible, one.yes)), "against": list(map(visible, one.no))}
            for one in votes_by_class(item.votes, task.classes)
        ],
    }


def _field(question: Question, name: str) -> dict[str, Any]:
    value = question.fields[name]
    text = "" if value is None else str(value)
    hidden = max(len(text) - LONGEST_VALUE, 0)
    return {
        "name": visible(name),
        "parts": parts(text[:LONGEST_VALUE], question.highlights.get(name, ())),
        "empty": "nothing" if value is None else "" if text else "empty",
        "short": len(text) <= SHORT_VALUE and "\n" not in text,
        "hidden": hidden,
    }


def parts(text: str, spans: Sequence[tuple[int, int, str]]) -> list[dict[str, Any]]:
    """Cut a text where functions matched: each part with the functions that matched there.

    >>> parts("win free cash", [(0, 8, "a"), (4, 13, "b")])
    [{'text': 'win ', 'by': ['a']}, {'text': 'free', 'by': ['a', 'b']}, {'text': ' cash', 'by': ['b']}]
    """
    cuts = sorted({0, len(text), *(min(cut, len(text)) for span in spans for cut in span[:2])})
    out = []
    for start, end in itertools.pairwise(cuts):
        by = sorted({visible(by) for first, last, by in spans if first <= start and end <= last})
        shown = text[start:end].replace("\r\n", "\n")
        out.append({"text": visible(shown, keep=LINE_BREAKS), "by": by})
    return out
