"""doccano: the JSONL of its text classification.

Format: https://doccano.github.io/doccano/tutorial: `text`, `label` (a list of names) and any further column, which
doccano keeps as metadata of the example. `id` is doccano's own number, so the id of a record travels as `record_id`.
Whatever stands under `label` is somebody's answer; what the model believes goes along as metadata. Without a label a
record is one that nobody labelled: doccano has no other word for one that has none of the classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from labelkit.errors import DataError
from labelkit.exchange.items import About, Item, Opinion, as_json, as_text, fitting, text_of
from labelkit.exchange.json_files import read_lines, write_lines
from labelkit.exchange.losses import Losses

RECORD = "record_id"
_MODEL = ("model_label", "confidence")
_OWN = {"id", "text", "data", "label", "labels", "Comments", "comments", RECORD, *_MODEL}


def write(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write one line per record, with the answer that stands."""
    return write_lines(path, (_line(item, about, losses) for item in items))


def _line(item: Item, about: About, losses: Losses) -> dict[str, object]:
    answers = sum(each.labels is not None for each in item.opinions)
    human = item.labels or () if item.source == "human" else ()
    losses.add("probabilities of other classes", item.id, "the confidence goes along", item.others)
    losses.add("answers beside the standing one", item.id, "a record has one answer", max(answers - 1, 0))
    losses.add("skips", item.id, "doccano knows labels only", len(item.opinions) - answers)
    nothing = int(item.source == "human" and not human)
    losses.add("answers that name no class", item.id, "a record without a label is one that nobody labelled", nothing)
    partly = len(item.settled) if item.source == "model" else 0
    losses.add("answers about some of the classes", item.id, "the model's labels go along with them", partly)
    hidden = len(item.undecided) if item.model_labels is not None else 0
    losses.add("undecided classes", item.id, "the model's labels do not name them, as if it were no", hidden)
    losses.add("votes of functions", item.id, "doccano has no place for them; export votes beside", len(item.votes))
    others = {
        name: as_json(value) for name, value in {**item.metadata, **item.fields}.items() if name != about.text_field
    }
    taken = sorted(_OWN & others.keys())
    if taken:
        raise DataError(f'doccano uses the name "{taken[0]}" for itself; name the column otherwise')
    labels = None if item.model_labels is None else list(item.model_labels) if about.several else item.label
    model = {} if labels is None else dict(zip(_MODEL, (labels, item.confidence), strict=True))
    return {"text": as_text(item.fields.get(about.text_field)), "label": list(human), RECORD: item.id} | model | others


def read(path: Path, about: About, losses: Losses) -> Iterator[Item]:
    """Read what doccano exports: each label is an answer of somebody it does not name."""
    for place, line in read_lines(path):
        key = line.get(RECORD)
        identity = str(key) if isinstance(key, (str, int)) else ""
        text = text_of(line.get("text", line.get("data")), '"text"', place)
        labels = _labels(line, identity or place, about, place, losses)
        yield Item(
            identity,
            {about.text or "text": text},
            {name: value for name, value in line.items() if name not in _OWN},
            opinions=() if labels is None else (Opinion(labels, ""),),
            place=place,
        )


def _labels(line: Mapping[str, Any], who: str, about: About, place: str, losses: Losses) -> tuple[str, ...] | None:
    """The labels of a line; spans, and second labels where a record has one class, are counted as lost."""
    labels = line.get("label", line.get("labels"))
    labels = [] if labels is None else [labels] if isinstance(labels, str) else labels
    if not isinstance(labels, list):
        raise DataError(f'{place}: "label" must be a list of names')
    names = [each for each in labels if isinstance(each, str)]
    losses.add("spans", who, "labelkit knows classes of whole records only", len(labels) - len(names))
    kept = fitting(names, about) if names else None
    if names and kept is None:
        losses.add("records with several labels", who, "a record has one class")
    return kept
