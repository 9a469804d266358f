"""Who answered, and how far they agree."""

from __future__ import annotations

from labelkit.annotations.agreement import human_level, rating_table
from labelkit.pipeline.agreement import SIMULATED, AgreementReport, agreement, of_people
from labelkit.pipeline.truth import has_answers, store_of
from labelkit.project import ProjectFolder
from labelkit.reports.overview.content import People, Person, Share

SHOWN_PAIRS = 12
SHOWN_CONFUSIONS = 3


def people_of(project: ProjectFolder) -> People | None:
    """The people of a project; None where nobody has answered. Raises MachineError for a store out of reach."""
    if not has_answers(project):
        return None
    store, classes = store_of(project), project.settings.project.classes
    standing = store.answers()
    if not standing:
        return None
    report = agreement(project)
    level = human_level(rating_table(of_people(store.history()), classes).ratings)
    return People(
        answers=len(standing),
        simulated=sum(entry.annotator == SIMULATED for entry in standing.values()),
        overlapping=report.overlapping,
        alpha=report.alpha,
        level=Share(level.agreed, level.answers) if level.answers else None,
        persons=_persons(report),
        kappas=_kappas(report),
        disputed=len(report.disputed),
    )


def _persons(report: AgreementReport) -> tuple[Person, ...]:
    """The people, the busiest first."""
    return tuple(
        Person(
            name=person.name,
            answers=person.answers,
            agreed=Share(person.agreed, person.compared) if person.compared else None,
            confused=tuple(person.confused.items())[:SHOWN_CONFUSIONS],
        )
        for person in sorted(report.people, key=lambda person: -person.answers)
    )


def _kappas(report: AgreementReport) -> tuple[tuple[str, str, float | None], ...]:
    """Pairs of people, those who agree least first."""
    found = []
    for pair, value in report.kappas.items():
        first, _, second = pair.partition(" / ")
        found.append((first, second, value))
    return tuple(sorted(found, key=lambda entry: 2.0 if entry[2] is None else entry[2])[:SHOWN_PAIRS])
