"""JSON lines: one object per record, with every answer of a person, every vote and every probability."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from labelkit.errors import DataError, UsageError
from labelkit.exchange.items import About, Item, Opinion, Vote, as_json, certainty, texts_of
from labelkit.exchange.json_files import objects_in, read_lines, write_lines
from labelkit.exchange.losses import Losses
from labelkit.exchange.rows import own_columns, row_of, schema_of
from labelkit.label_models.labels import probability_column

_OPINION = ("annotator", "time", "role", "strategy", "operation")
_VOTE = ("source", "kind", "version", "label")


def write(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write everything that is known of each record."""
    taken = sorted({"answers", "votes"} & {*schema_of(about).names})
    if taken:
        raise UsageError(f'the lines have an "{taken[0]}" of their own; name the column of the records otherwise')
    return write_lines(path, (_line(item, about) for item in items))


def _line(item: Item, about: About) -> dict[str, object]:
    row = {name: as_json(value) for name, value in row_of(item, about).items()}
    return row | {
        "answers": [_said(each, about) | {name: getattr(each, name) for name in _OPINION} for each in item.opinions],
        "votes": [_cast(each, about) | {name: getattr(each, name) for name in _VOTE} for each in item.votes],
    }


def _said(opinion: Opinion, about: About) -> dict[str, object]:
    labels = None if opinion.labels is None else list(opinion.labels)
    return {"labels": labels, "undecided": list(opinion.undecided)} if about.several else {"label": opinion.label}


def _cast(vote: Vote, about: About) -> dict[str, object]:
    return {"class": vote.of_class} if about.several else {}


def read(path: Path, about: About, losses: Losses) -> Iterator[Item]:
    """Read what `write` wrote."""
    for place, line in read_lines(path):
        confidence, source = line.get("confidence"), line.get("source", "none")
        if source not in ("human", "model", "none"):
            raise DataError(f'{place}: "source" must be human, model or none')
        own = {about.id, "answers", "votes", *own_columns(about), *(name for name in line if name.startswith("p_"))}
        probs = _probs(line, about)
        yield Item(
            str(line.get(about.id) or ""),
            {name: value for name, value in line.items() if name not in own},
            labels=_labels(line, about, place),
            confidence=certainty(probs) if about.several else confidence if isinstance(confidence, float) else None,
            probs=probs,
            source=source,
            undecided=_classes(line, "undecided", about, place),
            settled=_classes(line, "settled", about, place),
            opinions=tuple(_opinion(each, line, about, place) for each in objects_in(line, "answers", place)),
            votes=tuple(_vote(each, about, place) for each in objects_in(line, "votes", place)),
            place=place,
        )


def _labels(said: dict[str, Any], about: About, place: str) -> tuple[str, ...] | None:
    """The labels of a record or an answer. Raises DataError for a file of the other kind of project."""
    key, other = ("labels", "label") if about.several else ("label", "labels")
    if key not in said and other in said:
        many, few = ("several", "one label") if about.several else ("one", "several labels")
        raise DataError(f'{place}: "{other}" is of a project with {few} per record, and this one has {many}')
    if about.several:
        return None if said.get(key) is None else texts_of(said[key], '"labels"', place)
    name = _name(said.get(key), place)
    return None if name is None else (name,)


def _classes(said: dict[str, Any], key: str, about: About, place: str) -> tuple[str, ...]:
    return texts_of(said.get(key), f'"{key}"', place) if about.several else ()


def _probs(line: dict[str, Any], about: About) -> tuple[float | None, ...]:
    """What is said of each class; nothing where all are missing or, where a record has one class, some."""
    values = [line.get(probability_column(name)) for name in about.classes]
    probs = tuple(float(p) if isinstance(p, (int, float)) else None for p in values)
    if about.several:
        return probs if any(p is not None for p in probs) else ()
    return () if None in values else tuple(p for p in probs if p is not None)


def _name(value: object, place: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise DataError(f"{place}: a label must be the name of a class")
    return value


def _opinion(said: dict[str, Any], line: dict[str, Any], about: About, place: str) -> Opinion:
    texts = {name: str(said.get(name) or "") for name in ("annotator", "time", "strategy", "operation")}
    role = "adjudicator" if said.get("role") == "adjudicator" else "person"
    undecided = (*_classes(said, "undecided", about, place), *_joined_since(line, about))
    return Opinion(_labels(said, about, place), role=role, undecided=undecided, **texts)  # type: ignore[arg-type]


def _joined_since(line: dict[str, Any], about: About) -> tuple[str, ...]:
    """Of several classes those that there were not when the line was written: it has a column of each other one."""
    missing = tuple(name for name in about.classes if probability_column(name) not in line)
    return missing if about.several and len(missing) < len(about.classes) else ()


def _vote(cast: dict[str, Any], about: About, place: str) -> Vote:
    source, kind, version = (str(cast.get(name) or "") for name in _VOTE[:3])
    of_class = str(cast.get("class") or "") if about.several else ""
    return Vote(source, kind, version, _name(cast.get("label"), place), of_class)
