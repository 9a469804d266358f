"""doccano: the JSONL of its text classification.

Format: https://doccano.github.io/doccano/tutorial: `text`, `label` (a list of names) and any further column, which
doccano keeps as metadata of the example. `id` is doccano's own number, so the id of a record travels as `record_id`.
Whatever stands under `label` is somebody's answer; what the model believes goes along as metadata.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from labelkit.errors import DataError
from labelkit.exchange.items import About, Item, Opinion, as_json, as_text, text_of
from labelkit.exchange.json_files import read_lines, write_lines
from labelkit.exchange.losses import Losses

RECORD = "record_id"
_MODEL = ("model_label", "confidence")
_OWN = {"id", "text", "data", "label", "labels", "Comments", "comments", RECORD, *_MODEL}


def write(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write one line per record, with the answer that stands."""
    field = about.text_field
    return write_lines(path, (_line(item, field, losses) for item in items))


def _line(item: Item, field: str, losses: Losses) -> dict[str, object]:
    labels = sum(each.label is not None for each in item.opinions)
    losses.add("probabilities of other classes", item.id, "the confidence goes along", max(len(item.probs) - 1, 0))
    losses.add("answers beside the standing one", item.id, "a record has one label", max(labels - 1, 0))
    losses.add("skips", item.id, "doccano knows labels only", len(item.opinions) - labels)
    losses.add("votes of functions", item.id, "doccano has no place for them; export votes beside", len(item.votes))
    others = {name: as_json(value) for name, value in {**item.metadata, **item.fields}.items() if name != field}
    taken = sorted(_OWN & others.keys())
    if taken:
        raise DataError(f'doccano uses the name "{taken[0]}" for itself; name the column otherwise')
    label = [item.label] if item.source == "human" else []
    model = {} if item.model_label is None else dict(zip(_MODEL, (item.model_label, item.confidence), strict=True))
    return {"text": as_text(item.fields.get(field)), "label": label, RECORD: item.id} | model | others


def read(path: Path, about: About, losses: Losses) -> Iterator[Item]:
    """Read what doccano exports: each label is an answer of somebody it does not name."""
    for place, line in read_lines(path):
        key = line.get(RECORD)
        identity = str(key) if isinstance(key, (str, int)) else ""
        text = text_of(line.get("text", line.get("data")), '"text"', place)
        label = _label(line, identity or place, place, losses)
        yield Item(
            identity,
            {about.text or "text": text},
            {name: value for name, value in line.items() if name not in _OWN},
            opinions=() if label is None else (Opinion(label, ""),),
            place=place,
        )


def _label(line: Mapping[str, Any], who: str, place: str, losses: Losses) -> str | None:
    """The one label of a line; spans and second labels are counted as lost."""
    labels = line.get("label", line.get("labels"))
    labels = [] if labels is None else [labels] if isinstance(labels, str) else labels
    if not isinstance(labels, list):
        raise DataError(f'{place}: "label" must be a list of names')
    names = [each for each in labels if isinstance(each, str)]
    losses.add("spans", who, "labelkit knows classes of whole records only", len(labels) - len(names))
    if len(names) > 1:
        losses.add("records with several labels", who, "a record has one class")
        return None
    return names[0] if names else None
