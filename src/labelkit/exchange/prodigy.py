"""Prodigy: the JSONL of its textcat and choice interfaces, one line per answer.

Format: https://prodi.gy/docs/api-interfaces#choice. `accept` names the choices, `answer` is accept, reject or ignore,
`_annotator_id` and `_session_id` say who, `_timestamp` when; `meta` is shown below the text and kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labelkit.errors import DataError
from labelkit.exchange.items import About, Item, Opinion, as_json, as_text, text_of
from labelkit.exchange.json_files import object_in, objects_in, read_lines, write_lines
from labelkit.exchange.losses import Losses


def write(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write a line for each answer, and one with the model's choice for each record that nobody answered."""
    field = about.text_field
    return write_lines(path, (line for item in items for line in _lines(item, field, about, losses)))


def _lines(item: Item, field: str, about: About, losses: Losses) -> Iterator[dict[str, object]]:
    others = {name: as_json(value) for name, value in {**item.metadata, **item.fields}.items() if name != field}
    losses.add("probabilities", item.id, "a task has no place for them", len(item.probs) if item.model_label else 0)
    losses.add("votes of functions", item.id, "a task has no place for them; export votes beside it", len(item.votes))
    task: dict[str, object] = {
        "text": as_text(item.fields.get(field)),
        "meta": {about.id: item.id} | others,
        "options": [{"id": name, "text": name} for name in about.classes],
        "config": {"choice_style": "single"},
        "_view_id": "choice",
    }
    if not item.opinions:
        yield task | ({} if item.model_label is None else {"accept": [item.model_label]})
    for opinion in item.opinions:
        losses.add("roles of adjudicators", item.id, "an answer has none", int(opinion.role != "person"))
        yield task | _answered(opinion, about)


def _answered(opinion: Opinion, about: About) -> dict[str, object]:
    said: dict[str, object] = {
        "answer": "ignore" if opinion.label is None else "accept",
        "accept": [] if opinion.label is None else [opinion.label],
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
    if answer == "reject":
        losses.add("rejections", who, "they say what a record is not")
        return None
    label = None if answer == "ignore" else _accepted(line, who, place, losses)
    if label is None and answer == "accept":
        return None
    session = str(line.get("_annotator_id") or line.get("_session_id") or "")
    return Opinion(label, session.removeprefix(f"{about.name}-"), _time(line.get("_timestamp"), place))


def _accepted(line: Mapping[str, Any], who: str, place: str, losses: Losses) -> str | None:
    chosen = line.get("accept")
    if chosen is None and "label" in line:
        chosen = [line["label"]]
    if not isinstance(chosen, list):
        raise DataError(f'{place}: neither "accept" nor "label" says what was accepted')
    if len(chosen) != 1:
        losses.add("answers with several choices or none", who, "a record has one class")
        return None
    return text_of(chosen[0], "a choice", place)


def _time(value: object, place: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < 2**40:
        raise DataError(f'{place}: "_timestamp" must be seconds since 1970')
    return datetime.fromtimestamp(value, UTC).isoformat().replace("+00:00", "Z")
