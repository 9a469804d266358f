"""What functions, the label models and people say of records that may have several classes, for `export`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.annotations.annotation import LABEL, Annotation, not_undone, standing
from labelkit.annotations.label_sets import said_of, set_in
from labelkit.exchange import Item, Opinion
from labelkit.exchange.items import certainty
from labelkit.label_models import labels_content
from labelkit.label_models.labels import HUMAN, NONE, probability_column
from labelkit.lineage import Run
from labelkit.pipeline.multilabel.members import about_class
from labelkit.pipeline.recording import run_store
from labelkit.pipeline.sheet import CastVotes, last_said, opinion_of
from labelkit.project import ProjectFolder
from labelkit.settings import NO, YES

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class OfClass:
    """What is known of one class beside its column in labels.parquet."""

    standing: Mapping[str, str]  # record id -> yes or no, as people's answers stand now
    settled: NDArray[np.bool_] | None  # (n,) where people had settled it when labels were made; None: nobody knows
    cast: CastVotes


class LabelSets:
    """A record may have several classes; each was voted on, and is settled, by itself."""

    def __init__(self, project: ProjectFolder, run: Run | None, history: list[Annotation], *, judged: bool) -> None:
        answers = [] if judged else history
        runs = {} if run is None else dict(zip(run.parameters.get("classes", ()), run.parents, strict=False))
        self._of_classes: dict[str, OfClass] = {}
        for name, member in project.members.items():
            with about_class(name):
                cast = CastVotes(member, _kept_run(member, runs.get(name)), name)
                self._of_classes[name] = OfClass(_standing(answers, name), _settled(member, run), cast)
        self._said: defaultdict[str, list[Opinion]] = defaultdict(list)
        for record, opinion in _opinions(history, tuple(self._of_classes)):
            self._said[record].append(opinion)

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of the functions that voted on some class; two classes may have functions of one name."""
        return tuple(dict.fromkeys(name for each in self._of_classes.values() for name in each.cast.names))

    @property
    def ids(self) -> Sequence[pa.Array]:
        """The ids of the records that were voted on, class by class."""
        return [ids for each in self._of_classes.values() for ids in each.cast.ids]

    def told(self, item: Item, label: Mapping[str, Any], index: int) -> Item:
        """The item with what stands of each class: people's answer, else what the model says, else nothing."""
        votes = tuple(vote for each in self._of_classes.values() for vote in each.cast.on(index, (NO, YES)))
        item = replace(item, opinions=tuple(self._said.get(item.id, ())), votes=votes)
        probs, settled, chosen = dict[str, float | None](), list[str](), list[str]()
        for name, known in self._of_classes.items():
            answer, p = known.standing.get(item.id), _probability(label, name)
            if answer is not None:
                p = float(answer == YES)
            if answer is not None or (p is not None and known.settled is not None and known.settled[index]):
                settled.append(name)
            yes = answer == YES if answer is not None else name in (label.get("labels") or ())
            chosen += [name] if yes and p is not None else []
            probs[name] = p
        undecided = tuple(name for name, p in probs.items() if p is None)
        if len(undecided) == len(probs):
            return replace(item, undecided=undecided)
        return replace(
            item,
            labels=tuple(chosen),
            confidence=certainty(probs.values()),
            probs=tuple(probs.values()),
            source="human" if len(settled) == len(probs) else "model",
            undecided=undecided,
            settled=tuple(settled),
        )


def _probability(label: Mapping[str, Any], name: str) -> float | None:
    """What labels.parquet says of a class; nothing of one that joined the project later."""
    return None if label.get("source", NONE) == NONE else label.get(probability_column(name))


def _kept_run(member: ProjectFolder, run: str | None) -> Run | None:
    store = run_store(member)
    return store.read(run) if run is not None and store.exists(run) else None


def _settled(member: ProjectFolder, run: Run | None) -> NDArray[np.bool_] | None:
    """Which records people had settled of a class, if its labels are those that were joined."""
    import pyarrow.compute as pc

    joined = {} if run is None else run.inputs.get("labels_of_classes", {})
    if not member.labels_path.exists():
        return None
    content = labels_content(member.labels_path)
    if content.sha256 != joined.get(member.of_class):
        return None
    return np.asarray(pc.equal(content.table().column("source"), HUMAN).to_numpy())


def _standing(history: list[Annotation], name: str) -> dict[str, str]:
    """Record id -> what people's answers say of a class."""
    said = ((entry, None if entry.label is None else said_of(entry.label, name)) for entry in history)
    about = [replace(entry, label=label) for entry, label in said if label is not None or entry.label is None]
    return {record: str(entry.label) for record, entry in standing(about).items()}


def _opinions(history: list[Annotation], classes: tuple[str, ...]) -> Iterator[tuple[str, Opinion]]:
    """What each person last said of each record, class by class, and what they skipped, oldest first.

    Who spoke of some classes in one answer and of others in another has one opinion; it names no operation.
    """
    said: defaultdict[tuple[str, str, str], dict[str, bool]] = defaultdict(dict)
    for entry in not_undone(history):
        if entry.kind == LABEL and entry.label is not None:
            said[entry.record, entry.annotator, entry.role] |= set_in(entry.label)
    for entry in last_said(history):
        chosen = said[entry.record, entry.annotator, entry.role] if entry.kind == LABEL else {}
        asked = [name for name in classes if name in chosen]
        if entry.kind == LABEL and not asked:
            continue  # of classes that the project has no more
        opinion = opinion_of(entry, tuple(name for name in asked if chosen[name]))
        if asked:
            opinion = replace(opinion, undecided=tuple(name for name in classes if name not in chosen))
        if entry.label is not None and chosen.keys() - set_in(entry.label).keys():
            opinion = replace(opinion, operation="")
        yield entry.record, opinion
