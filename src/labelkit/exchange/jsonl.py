"""JSON lines: one object per record, with every answer of a person, every vote and every probability."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from labelkit.errors import DataError
from labelkit.exchange.items import About, Item, Opinion, Vote, as_json
from labelkit.exchange.json_files import objects_in, read_lines, write_lines
from labelkit.exchange.losses import Losses
from labelkit.exchange.rows import row_of, schema_of
from labelkit.label_models.labels import probability_column

_OPINION = ("label", "annotator", "time", "role", "strategy", "operation")
_VOTE = ("source", "kind", "version", "label")


def write(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write everything that is known of each record."""
    schema_of(about)
    return write_lines(path, (_line(item, about) for item in items))


def _line(item: Item, about: About) -> dict[str, object]:
    row = {name: as_json(value) for name, value in row_of(item, about).items()}
    answers = [{name: getattr(each, name) for name in _OPINION} for each in item.opinions]
    return row | {"answers": answers, "votes": [{name: getattr(each, name) for name in _VOTE} for each in item.votes]}


def read(path: Path, about: About, losses: Losses) -> Iterator[Item]:
    """Read what `write` wrote."""
    for place, line in read_lines(path):
        label, confidence, source = line.get("label"), line.get("confidence"), line.get("source", "none")
        if source not in ("human", "model", "none"):
            raise DataError(f'{place}: "source" must be human, model or none')
        probs = [line.get(probability_column(name)) for name in about.classes]
        own = {about.id, "label", "confidence", "source", "answers", "votes"}
        own |= {name for name in line if name.startswith("p_")}
        yield Item(
            str(line.get(about.id) or ""),
            {name: value for name, value in line.items() if name not in own},
            label=_name(label, place),
            confidence=confidence if isinstance(confidence, float) else None,
            probs=tuple(float(p) for p in probs if isinstance(p, (int, float))) if None not in probs else (),
            source=source,
            opinions=tuple(_opinion(each, place) for each in objects_in(line, "answers", place)),
            votes=tuple(_vote(each, place) for each in objects_in(line, "votes", place)),
            place=place,
        )


def _name(value: object, place: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise DataError(f"{place}: a label must be the name of a class")
    return value


def _opinion(said: dict[str, Any], place: str) -> Opinion:
    texts = {name: str(said.get(name) or "") for name in ("annotator", "time", "strategy", "operation")}
    role = "adjudicator" if said.get("role") == "adjudicator" else "person"
    return Opinion(_name(said.get("label"), place), role=role, **texts)  # type: ignore[arg-type]


def _vote(cast: dict[str, Any], place: str) -> Vote:
    source, kind, version = (str(cast.get(name) or "") for name in _VOTE[:3])
    return Vote(source, kind, version, _name(cast.get("label"), place))
