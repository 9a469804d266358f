"""Whether a project needs more labels: its answers replayed, with the learner that `annotate` has beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from labelkit.active.curve import LearningCurve, Replay
from labelkit.annotations import Annotation
from labelkit.annotations.agreement import human_level, rating_table
from labelkit.errors import UsageError
from labelkit.pipeline.agreement import of_people
from labelkit.pipeline.learning import PoolLearner
from labelkit.pipeline.questions import Wanted
from labelkit.pipeline.truth import has_answers, store_of
from labelkit.project import ProjectFolder

FEWEST_COMPARED = 30  # opinions beside those of others, before which they say nothing about people


def learning_curve(project: ProjectFolder) -> LearningCurve:
    """Replay what people answered. Raises UsageError where nobody has answered yet.

    Takes seconds, and with a million records minutes: the learner is trained on the weak labels first.
    """
    if not has_answers(project):
        raise UsageError("nobody has answered yet; `labelkit annotate` asks")
    wanted = Wanted(project)
    history = store_of(project).history()
    return Curves(wanted.learner(), wanted.posterior.classes).of(history)


class Curves:
    """The learning curves of one learner, as answers come."""

    def __init__(self, learner: PoolLearner, classes: Sequence[str]) -> None:
        self._learner, self._classes = learner, list(classes)
        self._replay = Replay(learner.refit, learner.sample)

    def of(self, history: Iterable[Annotation]) -> LearningCurve:
        """The curve after the answers of a history."""
        history = list(history)
        given = self._learner.given(history)
        curve = self._replay.curve(given, _human_level(history, self._classes))
        return replace(curve, trust=self._learner.trust(given))


def _human_level(history: Iterable[Annotation], classes: Sequence[str]) -> float | None:
    """How often a person says what most of the others say, where enough records have several answers."""
    people = of_people(history)
    if not people:
        return None
    level = human_level(rating_table(people, classes).ratings)
    return level.accuracy if level.answers >= FEWEST_COMPARED else None
