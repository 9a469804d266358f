"""Prodigy: the JSONL of its textcat and choice interfaces, one line per answer.

Format: https://prodi.gy/docs/api-interfaces#choice. `accept` names the choices, `answer` is accept, reject or ignore,
`_annotator_id` and `_session_id` say who, `_timestamp` when; `meta` is shown below the text and kept. Where a record
may have several classes, a line with one `label` that is accepted or rejected says yes or no of this class alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labelkit.errors import DataError
from labelkit.exchange.items import About, Item, Opinion, as_json, as_text, fitting, text_of
from labelkit.exchange.json_files import object_in, objects_in, read_lines, write_lines
from labelkit.exchange.losses import Losses


def write(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write a line for each answer, and one with the model's choice for each record that nobody answered."""
    field = about.text_field
    return write_lines(path, (line for item in items for line in _lines(item, field, about, losses)))


def _lines(item: Item, field: str, about: About, losses: Losses) -> Iterator[dict[str, object]]:
    others = {name: as_json(value) for name, value in {**item.metadata, **item.fields}.items() if name != field}
    losses.add("probabilities", item.id, "a task has no place for them", len(item.probs) if item.model_labels else 0)
    losses.add("votes of functions", item.id, "a task has no place for them; export votes beside it", len(item.votes))
    hidden = len(item.undecided) if item.model_labels is not None and not item.opinions else 0
    losses.add("undecided classes", item.id, "what is not chosen beforehand looks like no", hidden)
    options = [{"id": name, "text": name} for name in about.classes]
    task: dict[str, object] = {
        "text": as_text(item.fields.get(field)),
        "meta": {about.id: item.id} | others,
        "options": options,
        "config": {"choice_style": "multiple" if about.several else "single"},
        "_view_id": "choice",
    }
    if not item.opinions:
        yield task | ({} if item.model_labels is None else {"accept": list(item.model_labels)})
    for opinion in item.opinions:
        losses.add("roles of adjudicators", item.id, "an answer has none", int(opinion.role != "person"))
        asked = [option for option in options if option["id"] not in opinion.undecided]
        yield task | {"options": asked} | _answered(opinion, about)


def _answered(opinion: Opinion, about: About) -> dict[str, object]:
    said: dict[str, object] = {
        "answer": "ignore" if opinion.labels is None else "accept",
        "accept": list(opinion.labels or ()),
        "_annotator_id": f"{about.name}-{opinion.annotator}",
        "_session_id": f"{about.name}-{opinion.annotator}",
    }
    if opinion.time:
        said["_timestamp"] = int(datetime.fromisoformat(opinion.time).timestamp())
    return said


def read(path: Path, about: About, losses: Losses) -> Iterator[Item]:
    """Read answers: of choices (`accept`), or of one label that was accepted (`label`)."""
    for place, line in read_lines(path):
        meta = object_in(line, "meta", place)
        key = meta.get(about.id)
        identity = str(key) if isinstance(key, (str, int)) else ""
        text = text_of(line.get("text"), '"text"', place)
        opinion = _opinion(line, identity or place, about, place, losses)
        yield Item(
            identity,
            {about.text or "text": text},
            {name: value for name, value in meta.items() if name != about.id},
            opinions=() if opinion is None else (opinion,),
            place=place,
        )


def _opinion(line: Mapping[str, Any], who: str, about: About, place: str, losses: Losses) -> Opinion | None:
    answer = line.get("answer")
    if answer is None:
        return None
    if answer not in ("accept", "reject", "ignore"):
        raise DataError(f'{place}: "answer" must be accept, reject or ignore')
    losses.add("spans", who, "labelkit knows classes of whole records only", len(objects_in(line, "spans", place)))
    if about.several and line.get("accept") is None and "label" in line:
        labels, undecided = _alone(line, who, about, place, losses)
    elif answer == "reject":
        losses.add("rejections", who, "they say what a record is not")
        return None
    else:
        labels = None if answer == "ignore" else _accepted(line, who, about, place, losses)
        undecided = _not_offered(line, about, place) if labels is not None else ()
    if labels is None and answer != "ignore":
        return None
    session = str(line.get("_annotator_id") or line.get("_session_id") or "")
    who_answered = session.removeprefix(f"{about.name}-")
    return Opinion(labels, who_answered, _time(line.get("_timestamp"), place), undecided=undecided)


def _alone(
    line: Mapping[str, Any], who: str, about: About, place: str, losses: Losses
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """What an answer about one of several classes says, and the classes of which it says nothing."""
    name = text_of(line["label"], '"label"', place)
    if line["answer"] == "ignore":
        return None, ()
    if not about.classes:
        losses.add("answers about one class", who, "of the other classes they say nothing")
        return None, ()
    rejected = line["answer"] == "reject" and name in about.classes
    return () if rejected else (name,), tuple(each for each in about.classes if each != name)


def _not_offered(line: Mapping[str, Any], about: About, place: str) -> tuple[str, ...]:
    """Of several classes those that the person could not choose."""
    offered = [option.get("id") for option in objects_in(line, "options", place)] if about.several else []
    return tuple(name for name in about.classes if offered and name not in offered)


def _accepted(line: Mapping[str, Any], who: str, about: About, place: str, losses: Losses) -> tuple[str, ...] | None:
    """The classes that an answer is about; None where they do not fit the project."""
    chosen = line.get("accept")
    if chosen is None and "label" in line:
        chosen = [line["label"]]
    if not isinstance(chosen, list):
        raise DataError(f'{place}: neither "accept" nor "label" says what was accepted')
    labels = fitting([text_of(name, "a choice", place) for name in chosen], about)
    if labels is None:
        losses.add("answers with several choices or none", who, "a record has one class")
    return labels


def _time(value: object, place: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < 2**40:
        raise DataError(f'{place}: "_timestamp" must be seconds since 1970')
    return datetime.fromtimestamp(value, UTC).isoformat().replace("+00:00", "Z")
