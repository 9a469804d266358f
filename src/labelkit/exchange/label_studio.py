"""Label Studio: its JSON of tasks, annotations and predictions, for one choice per task or several.

Format: the "Raw JSON" of Label Studio's import and export, https://labelstud.io/guide/tasks and /guide/export. Label
Studio keeps `data` as it is, the number of a task and who annotated it are its own; the id of a record therefore
travels in `data`, and who answered in the `meta` of the region. An import that names an annotator whom Label Studio
does not know is refused by it, so `completed_by` is read and not written. An annotation without any region, which is
no skip, says of several classes that the record has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from labelkit.errors import DataError
from labelkit.exchange.items import About, Item, Opinion, as_json, text_of, texts_of
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
    choice = "multiple" if about.several else "single"
    choices = [f"    <Choice value={quoteattr(name)}/>" for name in about.classes]
    return "\n".join(
        [
            "<View>",
            *texts,
            f'  <Choices name="{FROM}" toName="{TO}" choice="{choice}">',
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
    if item.model_labels is not None:
        result = [_region(item.model_labels)] if item.model_labels else []
        task["predictions"] = [{"model_version": about.run, "score": item.confidence, "result": result}]
        losses.add("probabilities of other classes", item.id, "a prediction has one score", item.others)
        losses.add(
            "undecided classes", item.id, "a prediction does not name them, as if it were no", len(item.undecided)
        )
    skips = sum(each.labels is None for each in item.opinions)
    nothing = sum(each.labels == () for each in item.opinions)
    losses.add("names of those who skipped", item.id, "Label Studio notes who imports them", skips)
    losses.add("names of those who chose no class", item.id, "without a choice there is no place for them", nothing)
    unasked = sum(len(each.undecided) for each in item.opinions if not each.labels)
    losses.add(
        "classes that a person was not asked about", item.id, "without a choice there is no place for them", unasked
    )
    losses.add("votes of functions", item.id, "a task has no place for them; export votes beside it", len(item.votes))
    return task


def _annotation(opinion: Opinion) -> dict[str, object]:
    who: dict[str, object] = {"annotator": opinion.annotator, "role": opinion.role, "strategy": opinion.strategy}
    who |= {"undecided": list(opinion.undecided)} if opinion.undecided else {}
    return {
        "unique_id": opinion.operation,
        "created_at": opinion.time,
        "was_cancelled": opinion.labels is None,
        "result": [_region(opinion.labels) | {"meta": who}] if opinion.labels else [],
    }


def _region(labels: tuple[str, ...]) -> dict[str, object]:
    return {"from_name": FROM, "to_name": TO, "type": "choices", "value": {"choices": list(labels)}}


def read(path: Path, about: About, losses: Losses) -> Iterator[Item]:
    """Read tasks. Annotations become opinions, the first prediction the model's labels, if they say one class.

    Where a record may have several classes, they may say any number of them.
    """
    for place, task in read_list(path):
        data = object_in(task, "data", place)
        if not data:
            raise DataError(f'{place}: no "data"; export the project as JSON, not as JSON-MIN')
        key = data.get(about.id)
        identity = str(key) if isinstance(key, (str, int)) else ""
        who = identity or place
        reader = _Reader(about, who, place, losses)
        labels, score = reader.predicted(objects_in(task, "predictions", place))
        yield Item(
            identity,
            {name: value for name, value in data.items() if name != about.id},
            labels=labels,
            confidence=score,
            source="none" if labels is None else "model",
            opinions=tuple(reader.opinions(objects_in(task, "annotations", place))),
            place=place,
        )


def _person(value: object) -> str:
    """Who completed an annotation: Label Studio writes a number, or an object with an address."""
    if isinstance(value, Mapping):
        value = value.get("email") or value.get("id")
    return "" if value is None else str(value)


@dataclass(frozen=True)
class _Reader:
    """Reads what is said of one task."""

    about: About
    who: str  # id of the record, for losses
    place: str
    losses: Losses

    def opinions(self, annotations: list[dict[str, Any]]) -> Iterator[Opinion]:
        """What people said."""
        for annotation in annotations:
            skipped = bool(annotation.get("was_cancelled"))
            region, labels = self._chosen(annotation)
            if labels is None and not skipped:
                continue
            told = object_in(region, "meta", self.place)
            role, strategy = told.get("role"), told.get("strategy")
            undecided = texts_of(told.get("undecided"), '"undecided"', self.place) if self.about.several else ()
            yield Opinion(
                None if skipped else labels,
                str(told.get("annotator") or _person(annotation.get("completed_by"))),
                str(annotation.get("created_at") or ""),
                "adjudicator" if role == "adjudicator" else "person",
                strategy if isinstance(strategy, str) else "",
                str(annotation.get("unique_id") or ""),
                undecided,
            )

    def predicted(self, predictions: list[dict[str, Any]]) -> tuple[tuple[str, ...] | None, float | None]:
        """What a model said, and its score."""
        why = "a record has one label of a model"
        self.losses.add("predictions after the first", self.who, why, max(len(predictions) - 1, 0))
        for prediction in predictions[:1]:
            labels, score = self._chosen(prediction)[1], prediction.get("score")
            return labels, float(score) if isinstance(score, (int, float)) else None
        return None, None

    def _chosen(self, answer: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...] | None]:
        """The region with the choices, and the choices; None where there are none, or too many."""
        regions = objects_in(answer, "result", self.place)
        choices = [region for region in regions if region.get("type") == "choices"]
        why = "labelkit knows choices only: no spans, boxes or ratings"
        self.losses.add("regions", self.who, why, len(regions) - len(choices))
        if not choices:
            return {}, () if self.about.several and not regions else None
        if self.about.several and len(choices) > 1:
            choices = [region for region in choices if region.get("from_name") == FROM]
        if self.about.several and len(choices) != 1:
            self.losses.add("answers to several questions", self.who, f'only one is read, or that called "{FROM}"')
            return {}, None
        names = object_in(choices[0], "value", self.place).get("choices")
        if not isinstance(names, list) or not names:
            raise DataError(f"{self.place}: a region of choices without a choice")
        if not self.about.several and len(names) + len(choices) > 2:
            self.losses.add("answers with several choices", self.who, "a record has one class")
            return {}, None
        return choices[0], tuple(dict.fromkeys(text_of(name, "a choice", self.place) for name in names))
