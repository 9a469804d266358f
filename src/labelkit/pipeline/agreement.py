"""How far the people of a project agree, and what they disagree on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.active import QueueItem
from labelkit.annotations import Annotation, disputed
from labelkit.annotations.agreement import (
    RatingTable,
    cohen_kappa,
    confusion,
    human_level,
    krippendorff_alpha,
    rating_counts,
    rating_table,
)
from labelkit.annotations.annotation import opinions
from labelkit.annotations.label_sets import set_in, set_text, shown_set
from labelkit.errors import UsageError, visible
from labelkit.matrix import wilson_interval
from labelkit.pipeline.truth import has_answers, store_of
from labelkit.project import ProjectFolder

SIMULATED = "simulated"
"""Annotator of answers that a column gave in place of a person: no figure about people counts them."""


@dataclass(frozen=True)
class Person:
    """One annotator beside the others."""

    name: str
    answers: int
    compared: int  # of them, on records on which the others are clear
    agreed: int  # of these, as most of the others
    confused: dict[str, int]  # "others' class -> their class": how often, where the two differ


@dataclass(frozen=True)
class AgreementReport:
    """What the answers of people say about the people and the task."""

    records: int  # with at least one answer
    overlapping: int  # with answers of two people or more
    alpha: float | None  # Krippendorff's, nominal; None where it is undefined
    alpha_ordinal: float | None  # the same, the order of the classes counted
    kappas: dict[str, float | None]  # "ana / ben": Cohen's kappa
    human_level: float | None  # how often a person says what most of the others say
    human_level_interval: tuple[float, float] | None  # 95 %, Wilson
    people: list[Person]
    disputed: list[str]  # ids of records that want an adjudicator
    flagged: dict[str, list[str]]  # id -> who flagged it
    notes: list[dict[str, str]]  # record, annotator, text

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def __str__(self) -> str:
        from labelkit.pipeline.texts.agreement import agreement_text

        return agreement_text(self)


def agreement(project: ProjectFolder) -> AgreementReport:
    """Compare what people said, of a multi-label project whole answers. Raises UsageError where nobody has answered."""
    if not has_answers(project):
        raise UsageError("nobody has answered yet; `labelkit annotate` asks")
    store, classes = store_of(project), project.settings.project.classes
    history = of_people(store.history())
    if project.multilabel:  # whole answers compare: two people agree who give a record the very same classes
        history = comparable(history, classes)
        history = [entry if entry.label is None else replace(entry, label=shown_set(entry.label)) for entry in history]
        classes = sorted({entry.label for entry in history if entry.label is not None})
    table = rating_table(history, classes)
    level = human_level(table.ratings)
    return AgreementReport(
        records=len(table.records),
        overlapping=int((rating_counts(table.ratings).sum(axis=1) > 1).sum()),
        alpha=_number(krippendorff_alpha(table.ratings)),
        alpha_ordinal=None if project.multilabel else _number(krippendorff_alpha(table.ratings, "ordinal")),
        kappas=_kappas(table),
        human_level=_number(level.accuracy),
        human_level_interval=wilson_interval(round(level.agreed), level.answers) if level.answers else None,
        people=_people(table, classes),
        disputed=list(disputed(history)),
        flagged=store.remarks.flagged(),
        notes=[
            {"record": remark.record, "annotator": remark.annotator, "text": remark.text}
            for remark in store.remarks.history()
            if remark.kind == "note"
        ],
    )


def of_people(history: Iterable[Annotation]) -> list[Annotation]:
    """The entries that somebody gave, not a simulation."""
    return [entry for entry in history if entry.annotator != SIMULATED]


def comparable(history: Iterable[Annotation], classes: Sequence[str]) -> list[Annotation]:
    """The entries of a multi-label project, so that who says the same has the same label.

    Sets are of these classes, in this order, whatever classes there were when the answer was given. People who
    contradict one another in no class agree: what one was not asked is taken from the others.
    """
    entries, said, divided = list(history), dict[str, dict[str, bool]](), set[str]()
    for entry in opinions(entries):
        known = said.setdefault(entry.record, {})
        for name, chosen in set_in(str(entry.label)).items():
            if name in classes and known.setdefault(name, chosen) != chosen:
                divided.add(entry.record)
    return [_alike(entry, None if entry.record in divided else said.get(entry.record), classes) for entry in entries]


def _alike(entry: Annotation, agreed: Mapping[str, bool] | None, classes: Sequence[str]) -> Annotation:
    if entry.label is None:
        return entry
    said = set_in(entry.label) if agreed is None else agreed
    asked = [name for name in classes if name in said]
    return replace(entry, label=set_text([name for name in asked if said[name]], asked))


def disputes(
    history: Iterable[Annotation],
    votes_on: Callable[[str], Mapping[str, str] | None],
    shown: Callable[[str], str] = str,
) -> Iterator[QueueItem]:
    """The adjudication queue: records that people disagree on, the most divided first, each saying who said what.

    `votes_on` gives what functions say of a record, `shown` a label as people read it.
    """
    queue = sorted(disputed(of_people(history)).items(), key=lambda dispute: -_division(dispute[1]))
    for record, given in queue:
        said = "; ".join(f"{visible(entry.annotator)} says {visible(shown(str(entry.label)))}" for entry in given)
        functions = votes_on(record) or {}
        yield QueueItem(record, "adjudicate", _division(given), said, _most(given), functions)


def _division(given: list[Annotation]) -> float:
    """The share of people who do not hold the most frequent opinion."""
    return 1 - Counter(entry.label for entry in given).most_common(1)[0][1] / len(given)


def _most(given: list[Annotation]) -> str | None:
    """The label of the most people, where there is a single one."""
    (first, count), *others = Counter(entry.label for entry in given).most_common()
    return None if others and others[0][1] == count else first


def _kappas(table: RatingTable) -> dict[str, float | None]:
    """Cohen's kappa of every two people who answered a record both; at most those of the first 20 people."""
    names, ratings = table.annotators[:20], table.ratings
    return {
        f"{first} / {second}": _number(cohen_kappa(ratings[:, i], ratings[:, j]))
        for i, first in enumerate(names)
        for j, second in enumerate(names)
        if i < j and bool(((ratings[:, i] >= 0) & (ratings[:, j] >= 0)).any())
    }


def _people(table: RatingTable, classes: list[str]) -> list[Person]:
    tables = confusion(table.ratings, len(classes))
    answers = (table.ratings >= 0).sum(axis=0)
    return [
        Person(name, int(answers[i]), int(tables[i].sum()), int(np.trace(tables[i])), _confused(tables[i], classes))
        for i, name in enumerate(table.annotators)
    ]


def _confused(counts: NDArray[np.int64], classes: list[str]) -> dict[str, int]:
    """What was taken for what, the most frequent first."""
    pairs = {f"{classes[i]} -> {classes[j]}": int(counts[i, j]) for i, j in np.argwhere(counts).tolist() if i != j}
    return dict(sorted(pairs.items(), key=lambda pair: -pair[1]))


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
