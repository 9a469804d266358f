"""`labelkit annotate`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labelkit.cli.options import debug_option, json_option, login_name, project_option
from labelkit.cli.show import print_json, talk
from labelkit.errors import UsageError, visible

if TYPE_CHECKING:
    from labelkit.pipeline.agreement import AgreementReport
    from labelkit.pipeline.annotate import AnnotateReport
    from labelkit.project import ProjectFolder


@click.command()
@project_option
@click.option(
    "--strategy",
    metavar="NAME",
    help="margin, entropy, least_confidence, conflict, random, uncovered, rare, committee, ranked, diverse; several "
    "with weights, such as margin:0.7,random:0.3; hybrid, mixed; or package.module.function.",
)
@click.option("--budget", type=click.IntRange(min=1), metavar="N", help="Ask for N answers at most.")
@click.option(
    "--annotator",
    metavar="NAME",
    envvar="LABELKIT_ANNOTATOR",
    help="Who answers; with --web several, separated by commas.  [default: login name]",
)
@click.option("--web", is_flag=True, help="Ask on a page in the browser, served by this machine.")
@click.option("--host", metavar="ADDRESS", help="With --web: where to listen.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="With --web: the port.  [default: 8477]")
@click.option("--url", metavar="URL", help="With --web: the address people use, such as that of a reverse proxy.")
@click.option("--queue", "questions", type=click.IntRange(min=1), metavar="N", help="Write N questions to --out.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Where --queue writes.")
@click.option(
    "--answers", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Store the answers of a file."
)
@click.option("--adjudicate", is_flag=True, help="Decide what people disagree on; it outranks what they said.")
@click.option("--agreement", is_flag=True, help="Ask nobody; show how far people agree, flags and notes.")
@click.option("--simulate", metavar="FIELD", help="For experiments: take the answers from a column, nobody is asked.")
@json_option
@debug_option
def annotate(
    folder: str,
    strategy: str | None,
    budget: int | None,
    annotator: str | None,
    web: bool,  # noqa: FBT001
    host: str | None,
    port: int | None,
    url: str | None,
    questions: int | None,
    out: Path | None,
    answers: Path | None,
    adjudicate: bool,  # noqa: FBT001
    agreement: bool,  # noqa: FBT001
    simulate: str | None,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Ask a person about the records where an answer is worth most.

    At a terminal one key answers and goes on; every answer is on disk before the next record is shown. Without a
    terminal, `--queue N --out FILE` writes questions as JSON lines and `--answers FILE` reads them back, each with
    `"label": "<class>"` or `"skip": true` added. The next `labelkit apply` uses the answers.

    Several people may annotate one project at the same time: nobody gets the same record twice, and each record goes to
    `[annotate] overlap` people.
    """
    from labelkit.pipeline import annotate as verb
    from labelkit.pipeline.agreement import SIMULATED
    from labelkit.pipeline.simulation import simulate as simulated
    from labelkit.project import find_project

    _check_one_way(questions, out, answers, simulate, adjudicate=adjudicate, agreement=agreement)
    _check_web(
        web=web,
        only_with={"--host": host, "--port": port, "--url": url},
        other=questions or answers or simulate or agreement,
    )
    project, who = find_project(Path(folder)), annotator or login_name()
    if agreement:
        return _show_agreement(project, as_json=as_json)
    if web:
        from labelkit.cli.web import annotate_on_page

        return annotate_on_page(
            project,
            who,
            named=annotator is not None,
            strategy=strategy,
            budget=budget,
            adjudicate=adjudicate,
            host=host,
            port=port,
            url=url,
            as_json=as_json,
        )
    if questions is not None and out is not None:
        report = verb.export_queue(project, questions, out, annotator=who, strategy=strategy)
        said = f"wrote {report.asked:,} questions to {out}"
    elif answers is not None:
        report = verb.import_answers(project, answers, annotator=who)
        said = _summary(report)
    elif simulate is not None:
        if annotator is not None and annotator != SIMULATED:
            raise UsageError(f'simulated answers are those of "{SIMULATED}" and of nobody else; drop --annotator')
        report = simulated(project, simulate, strategy=strategy, budget=budget)
        said = f'nobody was asked: column "{simulate}" answered as "{SIMULATED}"; {_summary(report)}'
    else:
        report = verb.annotate_at_terminal(
            project, annotator=who, strategy=strategy, budget=budget, adjudicate=adjudicate
        )
        said = _summary(report)
    if as_json:
        print_json(report.to_json())
    talk(f"labelkit: {said}")
    return 0


def _check_one_way(
    questions: int | None,
    out: Path | None,
    answers: Path | None,
    simulate: str | None,
    *,
    adjudicate: bool,
    agreement: bool,
) -> None:
    """Refuse options that want different things."""
    if (questions is None) != (out is None):
        raise UsageError("--queue N and --out FILE go together")
    if questions is not None and answers is not None:
        raise UsageError("--queue and --answers are two steps; give one of them")
    ways = {
        "--queue": questions is not None,
        "--answers": answers is not None,
        "--simulate": simulate is not None,
        "--adjudicate": adjudicate,
        "--agreement": agreement,
    }
    given = [name for name, there in ways.items() if there]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} do different things; give one of them")


def _check_web(*, web: bool, only_with: Mapping[str, object], other: object) -> None:
    """Refuse options of the page without the page, and the page with what asks nobody."""
    given = [name for name, value in only_with.items() if value is not None]
    if given and not web:
        raise UsageError(f"{' and '.join(given)} {'is' if len(given) == 1 else 'are'} for --web")
    if web and other:
        raise UsageError("--web asks people on a page; --queue, --answers, --simulate and --agreement do not")


def _show_agreement(project: ProjectFolder, *, as_json: bool) -> int:
    from labelkit.pipeline.agreement import agreement

    report = agreement(project)
    if as_json:
        print_json(report.to_json())
        return 0
    click.echo("\n".join(_agreement_lines(report)))
    return 0


def _agreement_lines(report: AgreementReport) -> list[str]:
    """The report as text, whatever people or classes are called."""
    level = "undefined: no record has answers of two people"
    if report.human_level is not None and report.human_level_interval is not None:
        low, high = report.human_level_interval
        level = f"{report.human_level:.1%} [{low:.1%}, {high:.1%}]"
    lines = [
        f"records answered       {report.records:,}, of them {report.overlapping:,} by two people or more",
        f"Krippendorff's alpha   {_coefficient(report.alpha)} nominal, {_coefficient(report.alpha_ordinal)} ordinal",
        f"human level            {level}",
        *(f"Cohen's kappa          {_coefficient(value)}  {visible(who)}" for who, value in report.kappas.items()),
    ]
    for person in report.people:
        confused = ", ".join(f"{visible(what)} {times:,}" for what, times in list(person.confused.items())[:3])
        against = f", {person.agreed:,} of {person.compared:,} as most of the others" if person.compared else ""
        said = f"{person.answers:,} answers{against}"
        lines.append(f"{visible(person.name)}: {said}" + (f" ({confused})" if confused else ""))
    lines.append(f"to adjudicate          {len(report.disputed):,} (labelkit annotate --adjudicate)")
    for record, people in report.flagged.items():
        lines.append(f"flagged                {visible(record)} by {visible(', '.join(people))}")
    for note in report.notes:
        record, who, text = (visible(note[key]) for key in ("record", "annotator", "text"))
        lines.append(f"note                   {record}, {who}: {text}")
    return lines


def _coefficient(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _summary(report: AnnotateReport) -> str:
    undone = f", took back {report.undone:,}" if report.undone else ""
    return f"stored {report.labelled:,} answers and {report.skipped:,} skips{undone}; `labelkit apply` uses them"
