"""Which records of a multi-label project people are asked about: those of each class in turn.

Alternating selection: every class ranks the records by itself, and each has its turn to name the next one. Source:
R. Reichart, K. Tomanek, U. Hahn, A. Rappoport, "Multi-Task Active Learning for Linguistic Annotations", ACL 2008.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from labelkit.active import Learned, QueueItem, needs_learner
from labelkit.annotations.label_sets import set_text
from labelkit.errors import ArtifactError, ModelError, UsageError, visible
from labelkit.pipeline.highlights import Highlights
from labelkit.pipeline.learning import PoolLearner, field_table, pool_learner
from labelkit.pipeline.questions import UNTIL_LEARNED, Wanted, strategy_of
from labelkit.pipeline.retraining import Reranked
from labelkit.pipeline.truth import store_of
from labelkit.project import ProjectFolder
from labelkit.settings import YES


class WantedOfClasses:
    """The records of a multi-label project that people may be asked about. Raises ArtifactError where classes differ.

    What it gives of a record speaks of all classes: the suggestion is the answer that is most probable class by class,
    and a function is called "<class>: <its name>", its vote yes or no.
    """

    def __init__(self, project: ProjectFolder) -> None:
        self._project = project
        self._of_class = {name: Wanted(member) for name, member in project.members.items()}
        self._first = next(iter(self._of_class.values()))
        for name, wanted in self._of_class.items():
            if not wanted.votes.ids.equals(self._first.votes.ids):
                raise ArtifactError(f'votes on class "{visible(name)}": of other records; run `labelkit apply` again')

    def strategy(self, given: str | None) -> str:
        """The strategy that is given, or else the project's. Raises ConfigError where the project names code."""
        return strategy_of(self._project, given)

    def ranked(
        self,
        strategy: str | None,
        *,
        annotator: str | None = None,
        seed: int | None = None,
        most: int | None = None,
        learned: Mapping[str, Learned] | None = None,
    ) -> Iterator[QueueItem]:
        """Records that want an answer of this person, each class in turn naming the one it wants most.

        `learned` is what is known of classes; those that are not in it rank by margin where others ask a learner.
        """
        name_of = self.strategy(strategy)
        learned = {} if learned is None else learned
        queues = {
            name: wanted.ranked(
                name_of if name in learned or not needs_learner(name_of) else UNTIL_LEARNED,
                annotator=annotator,
                seed=seed,
                most=most,
                learned=learned.get(name),
            )
            for name, wanted in self._of_class.items()
        }
        return self._alternating(queues, learned, most)

    def _alternating(
        self, queues: dict[str, Iterator[QueueItem]], learned: Mapping[str, Learned], most: int | None
    ) -> Iterator[QueueItem]:
        given = set[str]()
        while queues and (most is None or len(given) < most):
            for name, queue in list(queues.items()):
                item = next((item for item in queue if item.record not in given), None)
                if item is None:
                    del queues[name]
                elif most is None or len(given) < most:
                    given.add(item.record)
                    yield self._about_all(item, name, learned)

    def _about_all(self, item: QueueItem, name: str, learned: Mapping[str, Learned]) -> QueueItem:
        """The item of one class as a question about all of them."""
        row = self._first.row_of(item.record)
        suggestion = self._suggested(row, learned)
        return replace(item, reason=f"{name}: {item.reason}", suggestion=suggestion, votes=self._votes_at(row))

    def _suggested(self, row: int, learned: Mapping[str, Learned]) -> str | None:
        """The most probable answer; None where nothing is known of any class."""
        known = {
            name: float(learned.get(name, wanted.posterior).probs[row, wanted.posterior.classes.index(YES)])
            for name, wanted in self._of_class.items()
            if name in learned or wanted.posterior.covered[row]
        }
        return set_text([name for name, p in known.items() if p > 1 / 2], list(self._of_class)) if known else None

    def votes_on(self, record: str) -> dict[str, str] | None:
        """What functions say of a record; None for one that people are not asked about."""
        row = self._first.row_of(record)
        return None if row < 0 else self._votes_at(row)

    def _votes_at(self, row: int) -> dict[str, str]:
        found = {name: wanted.votes_at(row) for name, wanted in self._of_class.items()}
        return {_called(name, function): vote for name, votes in found.items() for function, vote in votes.items()}

    def highlights(self) -> Highlights:
        """Where the rules of the classes matched."""
        rules = {name: wanted.highlights().rules for name, wanted in self._of_class.items()}
        return Highlights(
            {_called(name, function): rule for name, of in rules.items() for function, rule in of.items()}
        )

    def learned(self) -> Mapping[str, Learned]:
        """What a learner of each class makes of the records after all answers."""
        return self.learners().learned()

    def learners(self) -> LearnersOfClasses:
        """A learner of each class. Raises ModelError where nothing can be learned of any."""
        return LearnersOfClasses(self._project, self._of_class)


def _called(name: str, function: str) -> str:
    return f"{name}: {function}"


class LearnersOfClasses:
    """A learner of each class of which something can be learned, over records read once."""

    def __init__(self, project: ProjectFolder, of_class: Mapping[str, Wanted]) -> None:
        self._stores = {name: store_of(member) for name, member in project.members.items()}
        first = next(iter(of_class.values()))
        self._table = field_table(project, first.posterior)
        self._learners: dict[str, PoolLearner] = {}
        failure = ModelError("nothing can be learned")
        for name, member in project.members.items():
            try:
                self._learners[name] = pool_learner(member, self._table, of_class[name].posterior)
            except (ModelError, UsageError) as error:
                failure = ModelError(f"{name}: {error}")
        if not self._learners:
            raise failure

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """Record -> its row among those that people may be asked about."""
        return next(iter(self._learners.values())).rows

    def learned(self) -> Mapping[str, Learned]:
        """What they make of the records after all answers."""
        return {
            name: learner.learned(learner.given(self._stores[name].history()))
            for name, learner in self._learners.items()
        }

    def reranked(self, wanted: WantedOfClasses, strategy: str, most: int) -> Reranked:
        """The records that are wanted most after all answers, with their fields."""
        learned = self.learned()
        items = list(wanted.ranked(strategy, most=most, learned=learned))
        shown = self._table.take([self.rows[item.record] for item in items]).to_pylist()
        answers = max(len(learner.given(self._stores[name].history())) for name, learner in self._learners.items())
        return Reranked(items, {item.record: fields for item, fields in zip(items, shown, strict=True)}, answers)
