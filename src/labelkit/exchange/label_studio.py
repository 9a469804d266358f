"""Label Studio: its JSON of tasks, annotations and predictions, for one choice per task.

Format: the "Raw JSON" of Label Studio's import and export, https://labelstud.io/guide/tasks and /guide/export. Label
Studio keeps `data` as it is, the number of a task and who annotated it are its own; the id of a record therefore
travels in `data`, and who answered in the `meta` of the region. An import that names an annotator whom Label Studio
does not know is refused by it, so `completed_by` is read and not written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from labelkit.errors import DataError
from labelkit.exchange.items import About, Item, Opinion, as_json, text_of
from labelkit.exchange.json_files import object_in, objects_in, read_list, write_list
from labelkit.exchange.losses import Losses

FROM, TO = "label", "record"


def labeling_interface(about: About) -> str:
    """The labeling interface that the tasks are written for, as Label Studio's XML.

    >>> print(labeling_interface(About(classes=("ham", "spam"), fields=("text",))))
    <View>
      <Text name="record" value="$text"/>
      <Choices name="label" toName="record" choice="single">
        <Choice value="ham"/>
        <Choice value="spam"/>
      </Choices>
    </View>
    """
    texts = [
        f'  <Text name="{TO if i == 0 else f"{TO}_{i}"}" value={quoteattr(f"${name}")}/>'
        for i, name in enumerate(about.fields)
    ]
    choices = [f"    <Choice value={quoteattr(name)}/>" for name in about.classes]
    return "\n".join(
        [
            "<View>",
            *texts,
            f'  <Choices name="{FROM}" toName="{TO}" choice="single">',
            *choices,
            "  </Choices>",
            "</View>",
        ]
    )


def write(items: Iterable[Item], path: Path, about: About, losses: Losses) -> int:
    """Write tasks: people's answers as annotations, the model's label as a prediction with its score."""
    return write_list(path, (_task(item, about, losses) for item in items))


def _task(item: Item, about: About, losses: Losses) -> dict[str, object]:
    data = {about.id: item.id} | {name: as_json(value) for name, value in {**item.metadata, **item.fields}.items()}
    task: dict[str, object] = {"data": data, "annotations": [_annotation(each) for each in item.opinions]}
    if item.model_label is not None:
        prediction = {"model_version": about.run, "score": item.confidence, "result": [_region(item.model_label)]}
        task["predictions"] = [prediction]
        losses.add("probabilities of other classes", item.id, "a prediction has one score", len(item.probs) - 1)
    skips = sum(each.label is None for each in item.opinions)
    losses.add("names of those who skipped", item.id, "Label Studio notes who imports them", skips)
    losses.add("votes of functions", item.id, "a task has no place for them; export votes beside it", len(item.votes))
    return task


def _annotation(opinion: Opinion) -> dict[str, object]:
    who = {"annotator": opinion.annotator, "role": opinion.role, "strategy": opinion.strategy}
    return {
        "unique_id": opinion.operation,
        "created_at": opinion.time,
        "was_cancelled": opinion.label is None,
        "result": [] if opinion.label is None else [_region(opinion.label) | {"meta": who}],
    }


def _region(label: str) -> dict[str, object]:
    return {"from_name": FROM, "to_name": TO, "type": "choices", "value": {"choices": [label]}}


def read(path: Path, about: About, losses: Losses) -> Iterator[Item]:
    """Read tasks. Annotations with one choice become opinions, the first prediction with one the model's label."""
    for place, task in read_list(path):
        data = object_in(task, "data", place)
        if not data:
            raise DataError(f'{place}: no "data"; export the project as JSON, not as JSON-MIN')
        key = data.get(about.id)
        identity = str(key) if isinstance(key, (str, int)) else ""
        who = identity or place
        label, score = _predicted(objects_in(task, "predictions", place), who, place, losses)
        yield Item(
            identity,
            {name: value for name, value in data.items() if name != about.id},
            label=label,
            confidence=score,
            source="none" if label is None else "model",
            opinions=tuple(_opinions(objects_in(task, "annotations", place), who, place, losses)),
            place=place,
        )


def _opinions(annotations: list[dict[str, Any]], who: str, place: str, losses: Losses) -> Iterator[Opinion]:
    for annotation in annotations:
        skipped = bool(annotation.get("was_cancelled"))
        region, label = _choice(annotation, who, place, losses)
        if label is None and not skipped:
            continue
        told = object_in(region, "meta", place)
        role, strategy = told.get("role"), told.get("strategy")
        yield Opinion(
            None if skipped else label,
            str(told.get("annotator") or _person(annotation.get("completed_by"))),
            str(annotation.get("created_at") or ""),
            "adjudicator" if role == "adjudicator" else "person",
            strategy if isinstance(strategy, str) else "",
            str(annotation.get("unique_id") or ""),
        )


def _person(value: object) -> str:
    """Who completed an annotation: Label Studio writes a number, or an object with an address."""
    if isinstance(value, Mapping):
        value = value.get("email") or value.get("id")
    return "" if value is None else str(value)


def _predicted(
    predictions: list[dict[str, Any]], who: str, place: str, losses: Losses
) -> tuple[str | None, float | None]:
    losses.add("predictions after the first", who, "a record has one label of a model", len(predictions) - 1)
    for prediction in predictions[:1]:
        label, score = _choice(prediction, who, place, losses)[1], prediction.get("score")
        return label, float(score) if isinstance(score, (int, float)) else None
    return None, None


def _choice(answer: Mapping[str, Any], who: str, place: str, losses: Losses) -> tuple[dict[str, Any], str | None]:
    """The region with the one choice, and the choice; None where there is none, or several."""
    regions = objects_in(answer, "result", place)
    choices = [region for region in regions if region.get("type") == "choices"]
    losses.add("regions", who, "labelkit knows choices only: no spans, boxes or ratings", len(regions) - len(choices))
    if not choices:
        return {}, None
    names = object_in(choices[0], "value", place).get("choices")
    if not isinstance(names, list) or not names:
        raise DataError(f"{place}: a region of choices without a choice")
    if len(names) + len(choices) > 2:
        losses.add("answers with several choices", who, "a record has one class")
        return {}, None
    return choices[0], text_of(names[0], "a choice", place)
