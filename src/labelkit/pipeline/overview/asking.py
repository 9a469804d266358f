"""Whether more answers would help, as the learner beside `annotate` has it."""

from __future__ import annotations

from labelkit.pipeline.curve import learning_curve
from labelkit.pipeline.truth import Answered
from labelkit.project import ProjectFolder
from labelkit.reports.overview.content import Asking, AskingPoint, Share

FEWEST = 20
"""Answers before which a learner says nothing."""

MOST = 50_000
"""Records of which the answers are still replayed for the page: of more, it would take minutes."""


def asking_of(project: ProjectFolder, answers: Answered, records: int) -> Asking | None:
    """The answers replayed; None with too few answers, or too many records to wait for it."""
    if len(answers.labels) < FEWEST or records > MOST:
        return None
    curve = learning_curve(project)
    if curve.answers < FEWEST:  # the others are of records that nobody is asked about
        return None
    points = tuple(
        AskingPoint(point.answers, point.changed, Share(point.agreed, point.asked) if point.asked else None)
        for point in curve.points
    )
    return Asking(points, curve.advice.why, curve.advice.stop)
