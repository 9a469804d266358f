"""WRENCH: the JSON of its benchmark, with the votes of functions as weak labels.

Format: https://github.com/JieyuZ2/wrench, one object of records by number, each with `label` (class index, -1 where it
is not known), `weak_labels` (class indices, -1 for an abstention) and `data`; `label.json` beside it names the classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from labelkit.errors import DataError, visible
from labelkit.exchange.items import About, Item, Vote, as_json
from labelkit.exchange.json_files import as_object, object_in, read_whole
from labelkit.exchange.losses import Losses
from labelkit.files import atomic_write, write_json

NAMES = "label.json"
_ABSTAIN = -1
_SHARDS = {"dev": "valid", "validation": "valid", "valid": "valid", "test": "test"}


def write(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write train.json, valid.json, test.json (by the project's split) and label.json into the folder `path`."""
    import json

    shards: dict[str, dict[str, object]] = {"train": {}, "valid": {}, "test": {}}
    index = {name: number for number, name in enumerate(about.classes)}
    for item in items:
        shard = shards[_SHARDS.get(str(item.metadata.get(about.split)), "train")]
        losses.add("faults", item.id, "WRENCH knows votes and abstentions", sum(v.label is None for v in item.votes))
        losses.add("probabilities and answers", item.id, "WRENCH has one label per record")
        votes = {vote.source: _ABSTAIN if vote.label is None else index[vote.label] for vote in item.votes}
        gold = item.metadata.get(about.gold)
        label = gold if isinstance(gold, int) else index.get(str(gold), _ABSTAIN)
        shard[str(len(shard))] = {
            "label": index.get(item.label or "", _ABSTAIN) if gold is None or label == _ABSTAIN else label,
            "weak_labels": [votes.get(name, _ABSTAIN) for name in about.functions],
            "data": {about.id: item.id} | {name: as_json(value) for name, value in item.fields.items()},
        }
    for name, records in shards.items():
        with atomic_write(path / f"{name}.json") as file:
            file.write(json.dumps(records, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace"))
    write_json(path / NAMES, {str(number): name for name, number in index.items()})
    return sum(map(len, shards.values()))


def read(path: Path, about: About, losses: Losses) -> Iterator[Item]:
    """Read a folder of WRENCH, or one of its files; its labels become gold, weak labels votes of lf_0, lf_1, ..."""
    folder = path if path.is_dir() else path.parent
    names = {str(key): str(name) for key, name in as_object(read_whole(folder / NAMES), NAMES).items()}
    files = [folder / f"{name}.json" for name in ("train", "valid", "test")] if path.is_dir() else [path]
    for file in (each for each in files if each.is_file()):
        for number, value in as_object(read_whole(file), visible(file.name)).items():
            place = f'{visible(file.name)}: record "{visible(number[:40])}"'
            record = as_object(value, place)
            data = object_in(record, "data", place)
            identity = str(data.get(about.id) or f"{file.stem}-{number}")
            gold = _class_of(record.get("label", _ABSTAIN), names, f'{place}, "label"')
            weak = record.get("weak_labels") or []
            if not isinstance(weak, list):
                raise DataError(f'{place}: "weak_labels" must be a list')
            labels = [_class_of(each, names, f'{place}, "weak_labels"') for each in weak]
            votes = [Vote(f"lf_{i}", "", "", label) for i, label in enumerate(labels) if label is not None]
            fields = {name: each for name, each in data.items() if name != about.id}
            metadata = {about.split or "split": file.stem, about.gold or "gold": gold}
            yield Item(identity, fields, metadata, votes=tuple(votes), place=place)


def _class_of(value: object, names: dict[str, str], place: str) -> str | None:
    if value == _ABSTAIN:
        return None
    if not isinstance(value, int) or str(value) not in names:
        raise DataError(f"{place}: {visible(repr(value)[:40])} is no class of {NAMES}")
    return names[str(value)]
