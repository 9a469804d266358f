"""Argilla: the JSON list that `dataset.records.to_json` writes and `rg.Record.from_dict` reads.

Format: https://docs.argilla.io (Argilla 2): fields, metadata, suggestions and responses of the question "label": a
LabelQuestion or, where a record may have several classes, a MultiLabelQuestion, whose value is a list that Argilla's
server refuses when it is empty. A person is a UUID in Argilla; a name that is none becomes one made of it, and travels
in the metadata.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from labelkit.exchange.items import About, Item, Opinion, as_json, as_text
from labelkit.exchange.json_files import object_in, objects_in, read_list, write_list
from labelkit.exchange.losses import Losses

QUESTION = "label"
_PEOPLE = uuid.UUID("6f0e7c1e-8a6b-5c0f-9d59-0a6f2a1c7d11")  # in which names become UUIDs
_NAME = "annotator_"


def user_id(annotator: str) -> str:
    """The UUID that stands for a person.

    >>> user_id("ana") == user_id("ana") != user_id("ben")
    True
    """
    try:
        return str(uuid.UUID(annotator))
    except ValueError:
        return str(uuid.uuid5(_PEOPLE, annotator))


def write(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write records: people's answers as responses, the model's label as a suggestion with its score."""
    return write_list(path, (_record(item, about, losses) for item in items))


def _record(item: Item, about: About, losses: Losses) -> dict[str, object]:
    losses.add("votes of functions", item.id, "a record has no place for them; export votes beside", len(item.votes))
    losses.add("skips", item.id, "a response that was discarded holds no value", _skips(item))
    losses.add("times of answers", item.id, "a response has none", len(item.opinions) - _skips(item))
    names = {f"{_NAME}{user_id(each.annotator)}": each.annotator for each in item.opinions}
    responses = [
        {"value": _value(each.labels, about), "user_id": user_id(each.annotator)}
        for each in item.opinions
        if each.labels
    ]
    empty = sum(labels == () for labels in (item.model_labels, *(each.labels for each in item.opinions)))
    losses.add("answers and suggestions of no class", item.id, "Argilla takes no empty list", empty)
    unasked = sum(len(each.undecided) for each in item.opinions if each.labels)
    losses.add("classes that a person was not asked about", item.id, "a response does not name them", unasked)
    suggestion = _suggestion(item, about, losses)
    return {
        "id": item.id,
        "fields": {name: as_text(value) for name, value in item.fields.items()},
        "metadata": {name: as_json(value) for name, value in item.metadata.items() if value is not None} | names,
        "suggestions": {QUESTION: suggestion} if suggestion else {},
        "responses": {QUESTION: responses} if responses else {},
        "vectors": {},
        "status": "completed" if responses else "pending",
        "_server_id": None,
    }


def _skips(item: Item) -> int:
    return sum(opinion.labels is None for opinion in item.opinions)


def _value(labels: tuple[str, ...], about: About) -> object:
    return list(labels) if about.several else labels[0]


def _suggestion(item: Item, about: About, losses: Losses) -> dict[str, object]:
    """What the model believes; of several classes each has its score."""
    if not item.model_labels:
        return {}
    unscored = item.others + 1 - len(item.model_labels)
    losses.add("probabilities of other classes", item.id, "a suggestion scores what it names", max(unscored, 0))
    why = "a suggestion does not name them, as if it were no"
    losses.add("undecided classes", item.id, why, len(item.undecided))
    probs = dict(zip(about.classes, item.probs, strict=False))
    scores = [probs.get(name) for name in item.model_labels] if about.several else item.confidence
    return {"value": _value(item.model_labels, about), "score": scores, "agent": about.run}


def read(path: Path, about: About, losses: Losses) -> Iterator[Item]:
    """Read records; of several questions the one called "label", or the only one."""
    for place, record in read_list(path):
        identity = str(record.get("id") or "")
        metadata = object_in(record, "metadata", place)
        suggestion = _answered(object_in(record, "suggestions", place), identity or place, losses)
        said = object_in({"it": suggestion}, "it", place)
        labels = _names(said.get("value"), about)
        yield Item(
            identity,
            object_in(record, "fields", place),
            {name: value for name, value in metadata.items() if not name.startswith(_NAME)},
            labels=labels,
            confidence=None if labels is None else _least(said.get("score")),
            source="none" if labels is None else "model",
            opinions=tuple(_opinions(record, metadata, identity or place, about, place, losses)),
            place=place,
        )


def _names(value: object, about: About) -> tuple[str, ...] | None:
    """The classes that a value names; None where it is no answer to a question of this kind."""
    names = value if about.several else [value]
    return tuple(names) if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def _least(score: object) -> float | None:
    """The score, of several the least."""
    scores = [each for each in (score if isinstance(score, list) else [score]) if isinstance(each, (int, float))]
    return float(min(scores)) if scores else None


def _opinions(
    record: dict[str, Any], metadata: dict[str, Any], who: str, about: About, place: str, losses: Losses
) -> Iterator[Opinion]:
    responses = _answered(object_in(record, "responses", place), who, losses)
    for response in objects_in({"responses": responses}, "responses", place):
        labels = _names(response.get("value"), about)
        if labels is None:
            why = "labelkit knows lists of classes here" if about.several else "labelkit knows one class per record"
            losses.add("responses that name no class", who, why)
            continue
        person = str(response.get("user_id") or "")
        name = metadata.get(f"{_NAME}{person}", person)
        yield Opinion(labels, str(name))


def _answered(questions: dict[str, Any], who: str, losses: Losses) -> Any:
    """What is said to the question; other questions are counted as lost."""
    key = QUESTION if QUESTION in questions else next(iter(questions), None)
    losses.add("answers to other questions", who, f'only "{key}" is read', max(len(questions) - 1, 0))
    return None if key is None else questions[key]
