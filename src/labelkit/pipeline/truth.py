"""What is known to be true of the records: gold labels and people's answers, and which records a figure may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.annotations import AnnotationStore
from labelkit.errors import AnswerError, DataError, named, visible
from labelkit.label_models import Posterior
from labelkit.lineage import hash_json
from labelkit.matrix import wilson_interval
from labelkit.project import DEV, ProjectFolder
from labelkit.records import Records


@dataclass(frozen=True)
class Answered:
    """What people said, as it stands."""

    labels: Mapping[str, int]  # record id -> class index
    fingerprint: str
    sequence: int  # of the last entry in the store


@dataclass(frozen=True)
class Truth:
    """The yardstick of a run: labels to compare with, and where they are from."""

    labels: NDArray[np.int64]  # (n,): class index, or -1 where nothing is known or the record may not be used
    basis: str  # in words, such as "gold outside split dev"
    split: list[str | None] | None  # (n,): value of the split column


@dataclass(frozen=True)
class Agreement:
    """How often a source of labels is right."""

    name: str
    records: int
    accuracy: float  # a tie between t classes, the right one among them, counts 1 / t
    interval: tuple[float, float]  # 95 %, Wilson


def read_answers(project: ProjectFolder) -> Answered:
    """Standing answers of people. A project that nobody annotated has none, and no store is created."""
    if not has_answers(project):
        return Answered({}, "", 0)
    store = AnnotationStore.open(project.store_url)
    sequence = store.last_sequence  # before the answers: one that comes between is counted as newer, never lost
    classes = project.settings.project.classes
    standing = {record: str(answer.label) for record, answer in store.answers().items()}
    unknown = sorted({label for label in standing.values() if label not in classes})
    if unknown:
        raise AnswerError(
            f"people answered {named(unknown)}, which [project] classes does not list "
            f"({named(classes)}); add the class again, or undo these answers"
        )
    indices = {record: classes.index(label) for record, label in standing.items()}
    return Answered(indices, hash_json(sorted(standing.items())), sequence)


def has_answers(project: ProjectFolder) -> bool:
    """Whether there is a store of answers; asking creates none."""
    return project.settings.store.url is not None or (project.state / "annotations.db").exists()


def read_truth(project: ProjectFolder, records: Records, answers: Mapping[str, int]) -> Truth:
    """Gold of the records that a figure may use; where the project has no gold, people's answers."""
    data = project.settings.data
    table = records.to_table([column for column in (data.gold, data.split) if column])
    ids = table.column(data.id).to_pylist()
    split = table.column(data.split).to_pylist() if data.split else None
    answered = np.array([answers.get(record, -1) for record in ids], dtype=np.int64)
    if data.gold is None:
        return Truth(answered, f"answers of people ({len(answers):,})", split)
    gold = _gold_indices(project, records, table.column(data.gold).to_pylist())
    outside = ""
    if split is not None and DEV in split:
        gold[np.array([value == DEV for value in split], dtype=bool)] = -1
        outside = f" outside split {DEV}"
    if answers:
        gold[answered >= 0] = -1
        outside += " of records nobody was asked about"
    return Truth(gold, f"gold{outside}", split)


def _gold_indices(project: ProjectFolder, records: Records, values: list[Any]) -> NDArray[np.int64]:
    classes = project.settings.project.classes
    index: dict[Any, int] = {None: -1, "": -1, **{name: c for c, name in enumerate(classes)}}
    out = np.empty(len(values), dtype=np.int64)
    for i, value in enumerate(values):
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(classes):
            out[i] = value
        elif isinstance(value, (str, type(None))) and value in index:
            out[i] = index[value]
        else:
            column = visible(str(project.settings.data.gold))
            raise DataError(
                f'{records.source.name}: {records.source.places([i])[0]}, column "{column}": '
                f"{visible(repr(value)[:60])} is no class; classes are {named(classes)}"
            )
    return out


def agreement(name: str, posterior: Posterior, truth: NDArray[np.int64]) -> Agreement | None:
    """Accuracy on the records that have a vote and a known truth; None when there are none."""
    judged = posterior.covered & (truth >= 0)
    if not judged.any():
        return None
    probs, right = posterior.probs[judged], truth[judged]
    best = probs >= probs.max(axis=1, keepdims=True) - 1e-9
    credit = float((best[np.arange(len(right)), right] / best.sum(axis=1)).sum())
    interval = wilson_interval(round(credit), len(right))
    return Agreement(name, len(right), credit / len(right), interval)
