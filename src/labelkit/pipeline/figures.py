"""Figures about the people and the task while they work: nothing that one person said about one record."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from labelkit.active.curve import LearningCurve
from labelkit.annotations import Annotation
from labelkit.annotations.annotation import LABEL, SKIP, not_undone
from labelkit.annotations.label_sets import classes_in
from labelkit.errors import visible
from labelkit.pipeline.agreement import AgreementReport, agreement, of_people
from labelkit.pipeline.sessions import Sessions
from labelkit.pipeline.truth import store_of
from labelkit.project import ProjectFolder

POINTS = 60  # of the line of answers over time
RESTS = 5  # times as long as the figures took, nobody computes them: people who answer go first


class Figures:
    """The figures of one project, computed anew when somebody has said something. Threads may share it."""

    def __init__(self, project: ProjectFolder, sessions: Sessions) -> None:
        self._project, self._sessions = project, sessions
        self._store = store_of(project)
        self._lock = threading.Lock()
        self._sequence, self._figures = -1, dict[str, Any]()
        self._not_before = 0.0  # by a monotonic clock: when the figures may be computed again

    def now(self) -> dict[str, Any]:
        """Plain values; empty where nobody has answered yet."""
        with self._lock:
            started, sequence = time.monotonic(), self._store.last_sequence
            if sequence != self._sequence and started >= self._not_before:
                self._figures, self._sequence = self._computed(), sequence
                done = time.monotonic()
                self._not_before = done + RESTS * (done - started)
            return {**self._figures, **_curve(self._sessions.curve)} if self._figures else {}

    def _computed(self) -> dict[str, Any]:
        history = of_people(self._store.history())
        said = not_undone(history)
        labels = [entry for entry in said if entry.kind == LABEL]
        if not labels:
            return {}
        report = agreement(self._project)
        several = self._project.multilabel
        given = [classes_in(str(entry.label)) if several else [str(entry.label)] for entry in labels]
        counts = Counter(name for names in given for name in names)
        return {
            "answers": len(labels),
            "skips": sum(entry.kind == SKIP for entry in said),
            "shares": [
                {"label": name, "name": visible(name), "answers": counts[name]}
                for name in self._project.settings.project.classes
            ],
            "timeline": timeline(labels),
            **_plain(report),
        }


def _plain(report: AgreementReport) -> dict[str, Any]:
    """The report without what one person said about one record."""
    people = [
        {
            **asdict(person),
            "name": visible(person.name),
            "confused": [[visible(what), times] for what, times in list(person.confused.items())[:3]],
        }
        for person in report.people
    ]
    return {
        "records": report.records,
        "overlapping": report.overlapping,
        "alpha": report.alpha,
        "human_level": report.human_level,
        "human_level_interval": report.human_level_interval,
        "kappas": [[visible(pair), value] for pair, value in report.kappas.items()],
        "people": people,
        "disputed": len(report.disputed),
        "flagged": len(report.flagged),
        "notes": len(report.notes),
    }


def _curve(curve: LearningCurve | None) -> dict[str, Any]:
    """How much the learner still changes its mind, and whether more answers are worth their while."""
    if curve is None:
        return {}
    points = [[point.answers, point.changed] for point in curve.points if point.changed is not None]
    return {"curve": {"points": points, "said": curve.advice.why, "stop": curve.advice.stop}}


def timeline(labels: Sequence[Annotation]) -> list[tuple[float, int]]:
    """Answers given up to POINTS moments, the last one included: (seconds since the first answer, how many).

    >>> from labelkit.annotations import Annotation
    >>> times = ["2026-11-20T09:00:00.000Z", "2026-11-20T09:00:30.000Z"]
    >>> timeline([Annotation("c1", "ham", "ana", time, "", "op", 1, "label") for time in times])[::30]
    [(0.0, 1), (15.0, 1), (30.0, 2)]
    """
    if not labels:
        return []
    moments = sorted(datetime.fromisoformat(entry.time).timestamp() for entry in labels)
    since = [moment - moments[0] for moment in moments]
    out, given = [], 0
    for step in range(POINTS + 1):
        moment = since[-1] * step / POINTS
        while given < len(since) and since[given] <= moment:
            given += 1
        out.append((round(moment, 1), given if step < POINTS else len(since)))
    return out
