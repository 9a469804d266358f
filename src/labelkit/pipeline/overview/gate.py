"""The last verdict as the page of a project shows it, and whether it still holds."""

from __future__ import annotations

from collections import Counter

from labelkit.errors import DataError
from labelkit.pipeline.background import last_background
from labelkit.pipeline.validate import VERDICT_FILE
from labelkit.pipeline.verify import kept_verdict, last_check, verify
from labelkit.project import ProjectFolder
from labelkit.reports import NOTHING, Background
from labelkit.reports.overview.content import Finding, Gate
from labelkit.reports.problems import Problem, blocking, tolerated
from labelkit.validation import Verdict

SHOWN_FINDINGS = 12


def gate_of(project: ProjectFolder, data: str | None) -> Gate | None:
    """The last check; None where nothing was ever validated. `data` is the records' fingerprint, where it is known.

    Raises ArtifactError for a verdict that cannot be read.
    """
    if not (project.state / VERDICT_FILE).is_file():
        return None
    run = last_check(project)
    verdict = kept_verdict(project, run)
    background = last_background(project) or NOTHING
    return Gate(
        status=verdict.status,
        headline=verdict.headline,
        run=run.id,
        time=run.finished,
        stale=_stale(project, verdict, data),
        suites=_suites(verdict),
        findings=_findings(verdict, background),
        history=background.history,
    )


def _stale(project: ProjectFolder, verdict: Verdict, data: str | None) -> tuple[str, ...]:
    """Why the verdict is not one on the labels, suites and records as they are."""
    try:
        reasons = verify(project, data=data).reasons
    except DataError as error:  # without records nothing can be said of them; of the verdict it can
        reasons = (str(error).partition("\n")[0],)
    return tuple(reason for reason in reasons if not reason.startswith(f"the verdict was {verdict.status}"))


def _suites(verdict: Verdict) -> tuple[tuple[str, tuple[tuple[str, int], ...]], ...]:
    """Each suite with how many of its expectations came to what."""
    softened = {id(outcome) for outcome in verdict.tolerated}
    found: dict[str, Counter[str]] = {}
    for outcome in verdict.outcomes:
        word = outcome.severity if id(outcome) in softened else outcome.status
        found.setdefault(outcome.suite, Counter())[word] += 1
    return tuple((suite, tuple(counts.items())) for suite, counts in found.items())


def _findings(verdict: Verdict, background: Background) -> tuple[Finding, ...]:
    problems: list[Problem] = [*blocking(verdict, background), *tolerated(verdict, background)]
    return tuple(Finding(item.word, item.title, item.found, item.since_when) for item in problems[:SHOWN_FINDINGS])
