"""`labelkit annotate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from labelkit.cli.options import debug_option, json_option, project_option
from labelkit.cli.show import print_json, talk
from labelkit.errors import UsageError

if TYPE_CHECKING:
    from labelkit.pipeline.annotate import AnnotateReport


@click.command()
@project_option
@click.option("--strategy", metavar="NAME", help="margin, entropy, least_confidence, conflict, random or uncovered.")
@click.option("--budget", type=click.IntRange(min=1), metavar="N", help="Ask about N records at most.")
@click.option("--annotator", metavar="NAME", envvar="LABELKIT_ANNOTATOR", help="Who answers.  [default: login name]")
@click.option("--queue", "questions", type=click.IntRange(min=1), metavar="N", help="Write N questions to --out.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Where --queue writes.")
@click.option(
    "--answers", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Store the answers of a file."
)
@json_option
@debug_option
def annotate(
    folder: str,
    strategy: str | None,
    budget: int | None,
    annotator: str | None,
    questions: int | None,
    out: Path | None,
    answers: Path | None,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Ask a person about the records where an answer is worth most.

    At a terminal one key answers and goes on; every answer is on disk before the next record is shown. Without a
    terminal, `--queue N --out FILE` writes questions as JSON lines and `--answers FILE` reads them back, each with
    `"label": "<class>"` or `"skip": true` added. The next `labelkit apply` uses the answers.
    """
    from labelkit.pipeline import annotate as verb
    from labelkit.project import find_project

    if (questions is None) != (out is None):
        raise UsageError("--queue N and --out FILE go together")
    if questions is not None and answers is not None:
        raise UsageError("--queue and --answers are two steps; give one of them")
    project, who = find_project(Path(folder)), annotator or _login_name()
    if questions is not None and out is not None:
        report = verb.export_queue(project, questions, out, annotator=who, strategy=strategy)
        said = f"wrote {report.asked:,} questions to {out}"
    elif answers is not None:
        report = verb.import_answers(project, answers, annotator=who)
        said = _summary(report)
    else:
        report = verb.annotate_at_terminal(project, annotator=who, strategy=strategy, budget=budget)
        said = _summary(report)
    if as_json:
        print_json(report.to_json())
    talk(f"labelkit: {said}")
    return 0


def _summary(report: AnnotateReport) -> str:
    undone = f", took back {report.undone:,}" if report.undone else ""
    return f"stored {report.labelled:,} answers and {report.skipped:,} skips{undone}; `labelkit apply` uses them"


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
