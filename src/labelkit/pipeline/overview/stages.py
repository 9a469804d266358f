"""How far the project is: apply, annotate, validate, and what to do next."""

from __future__ import annotations

from labelkit.lineage import Run
from labelkit.pipeline.compute import decisive_settings, function_files
from labelkit.pipeline.truth import Answered
from labelkit.project import ProjectFolder
from labelkit.reports.overview.content import Overview, Stage


def out_of_date(
    project: ProjectFolder, run: Run | None, answers: Answered | None, overview: Overview
) -> tuple[str, ...]:
    """What has changed since the run that wrote the labels; empty where there are no labels, too.

    `answers` is None where they cannot be read.
    """
    if overview.labels is None or run is None:
        return ()
    found = []
    if function_files(project) != run.inputs.get("files"):
        found.append("the functions have changed since")
    if overview.data is not None and overview.data.fingerprint != run.inputs.get("data"):
        found.append("the data has changed since")
    if any(run.parameters.get(name) != value for name, value in decisive_settings(project).items()):
        found.append("labelkit.toml has changed since")
    if answers is not None and answers.fingerprint != run.inputs.get("answers"):
        found.append("people have answered since")
    return tuple(found)


def stages(overview: Overview, outdated: tuple[str, ...]) -> tuple[Stage, ...]:
    """The three verbs, each with the one number to look at."""
    return (_apply(overview, outdated), _annotate(overview), _validate(overview))


def following(overview: Overview, outdated: tuple[str, ...]) -> str:
    """The next step."""
    if overview.labels is None:
        return "`labelkit apply` makes the labels."
    if outdated:
        return f"`labelkit apply`, for {' and '.join(outdated)}."
    gate = overview.gate
    if gate is None or gate.stale:
        return "`labelkit validate` tells whether these labels may train a model."
    if gate.status == "pass":
        enough = overview.asking is not None and overview.asking.stop
        more = "" if enough else "; `labelkit annotate` makes the labels better"
        return f"training may run, on `Project.training_set()`{more}."
    return "see what blocks, below; then `labelkit apply` or a change of the suites, and `labelkit validate` again."


def _apply(overview: Overview, outdated: tuple[str, ...]) -> Stage:
    labels = overview.labels
    if labels is None:
        return Stage("apply", "none", "no labels yet", ())
    labelled = labels.records - labels.unlabelled
    by = f"{len(overview.functions)} functions, {labels.model}" if overview.functions else labels.model
    said = (f"{labelled:,} of {labels.records:,} records", *([by] if by else []), *outdated)
    share = labelled / max(labels.records, 1)
    return Stage("apply", "waiting" if outdated else "good", f"{share:.1%} labelled".replace("%", " %"), said)


def _annotate(overview: Overview) -> Stage:
    people = overview.people
    if people is None:
        return Stage("annotate", "none", "no answers yet", ())
    persons = len(people.persons)
    said = [f"by {persons} {'person' if persons == 1 else 'people'}"] if persons else []
    said += [f"{people.simulated:,} simulated by a column"] if people.simulated else []
    said += [f"{people.disputed:,} to decide"] if people.disputed else []
    return Stage("annotate", "waiting" if people.disputed else "good", f"{people.answers:,} answers", tuple(said))


def _validate(overview: Overview) -> Stage:
    gate = overview.gate
    if gate is None:
        return Stage("validate", "none", "not checked yet", ())
    passed = gate.status == "pass"
    said = (gate.headline.partition(": ")[2],)
    if gate.stale:
        return Stage("validate", "waiting", "out of date", (f"it had {'passed' if passed else 'been blocked'}", *said))
    return Stage("validate", "good" if passed else "bad", "passed" if passed else "blocked", said)
