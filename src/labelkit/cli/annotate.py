"""`labelkit annotate`."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labelkit.cli.options import Place, debug_option, engine_options, json_option, login_name, project_option
from labelkit.cli.show import print_json, talk
from labelkit.errors import UsageError

if TYPE_CHECKING:
    from labelkit.pipeline.annotate import AnnotateReport
    from labelkit.project import ProjectFolder
    from labelkit.settings import EngineSection


@click.command()
@project_option
@click.option(
    "--strategy",
    metavar="NAME",
    help="margin, entropy, least_confidence, conflict, random, answers, uncovered, explore, rare, committee, ranked, "
    "diverse; several with weights, such as margin:0.7,random:0.3; hybrid, mixed; or package.module.function.",
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
@engine_options
@json_option
@debug_option
def annotate(**given: Any) -> int:
    """Ask a person about the records where an answer is worth most.

    At a terminal one key answers and goes on; every answer is on disk before the next record is shown. Without a
    terminal, `--queue N --out FILE` writes questions as JSON lines and `--answers FILE` reads them back, each with
    `"label": "<class>"` or `"skip": true` added. The next `labelkit apply` uses the answers. Where a record may have
    several classes, keys choose them and Enter answers; in a file it is `"labels": ["<class>", ...]`.

    Several people may annotate one project at the same time: nobody gets the same record twice, and each record goes to
    `[annotate] overlap` people.
    """
    options = AnnotateOptions(**given)
    options.check()
    project = options.place.find()
    if options.agreement:
        from labelkit.cli.agreement import show_agreement

        return show_agreement(project, as_json=options.as_json)
    if options.place.of_class is not None:
        raise UsageError("people are asked about all classes of a record at once; leave --class out")
    if project.multilabel and options.where(project).name != "local":
        raise UsageError("the engine spark is for projects whose records have one class; use local here")
    if options.web:
        from labelkit.cli.web import annotate_on_page

        return annotate_on_page(project, options)
    report, said = _asked(project, options)
    if options.as_json:
        print_json(report.to_json())
    talk(f"labelkit: {said}")
    return 0


@dataclass(frozen=True)
class AnnotateOptions:
    """What was given on the command line."""

    place: Place
    strategy: str | None
    budget: int | None
    annotator: str | None
    web: bool
    host: str | None
    port: int | None
    url: str | None
    questions: int | None
    out: Path | None
    answers: Path | None
    adjudicate: bool
    agreement: bool
    simulate: str | None
    engine: str | None
    master: str | None
    remote: str | None
    as_json: bool

    @property
    def who(self) -> str:
        """Who answers; several names, separated by commas, on the page."""
        return self.annotator or login_name()

    def where(self, project: ProjectFolder) -> EngineSection:
        """Where questions are drawn."""
        return project.settings.engine.or_else(self.engine, self.master, self.remote)

    def check(self) -> None:
        """Refuse options that want different things. Raises UsageError."""
        if (self.questions is None) != (self.out is None):
            raise UsageError("--queue N and --out FILE go together")
        if self.questions is not None and self.answers is not None:
            raise UsageError("--queue and --answers are two steps; give one of them")
        files = {"--queue": self.questions, "--answers": self.answers, "--simulate": self.simulate}
        decides, looks = {"--adjudicate": self.adjudicate or None}, {"--agreement": self.agreement or None}
        ways = _there({**files, **decides, **looks})
        if len(ways) > 1:
            raise UsageError(f"{' and '.join(ways)} do different things; give one of them")
        of_page = _there({"--host": self.host, "--port": self.port, "--url": self.url})
        if of_page and not self.web:
            raise UsageError(f"{' and '.join(of_page)} {_be(of_page)} for --web")
        of_engine = _there({"--engine": self.engine, "--master": self.master, "--remote": self.remote})
        if of_engine and _there({"--answers": self.answers, "--simulate": self.simulate, **looks}):
            raise UsageError(
                f"{' and '.join(of_engine)} {_be(of_engine)} for drawing questions; "
                "--answers, --simulate and --agreement ask nobody"
            )
        if self.web and _there({**files, **looks}):
            raise UsageError("--web asks people on a page; --queue, --answers, --simulate and --agreement do not")


def _there(options: Mapping[str, object]) -> list[str]:
    """The options that were given."""
    return [name for name, value in options.items() if value is not None]


def _be(names: Sized) -> str:
    return "is" if len(names) == 1 else "are"


def _asked(project: ProjectFolder, options: AnnotateOptions) -> tuple[AnnotateReport, str]:
    """Ask in the way that was wanted; what came of it, and in words."""
    from labelkit.pipeline import annotate as verb

    if options.questions is not None and options.out is not None:
        report = verb.export_queue(
            project,
            options.questions,
            options.out,
            annotator=options.who,
            strategy=options.strategy,
            engine=options.where(project),
        )
        return report, f"wrote {report.asked:,} questions to {options.out}"
    if options.answers is not None:
        report = verb.import_answers(project, options.answers, annotator=options.who)
    elif options.simulate is not None:
        return _simulated(project, options.simulate, options)
    else:
        report = verb.annotate_at_terminal(
            project,
            annotator=options.who,
            strategy=options.strategy,
            budget=options.budget,
            adjudicate=options.adjudicate,
            engine=options.where(project),
        )
    return report, str(report)


def _simulated(project: ProjectFolder, column: str, options: AnnotateOptions) -> tuple[AnnotateReport, str]:
    from labelkit.pipeline.agreement import SIMULATED
    from labelkit.pipeline.simulation import simulate

    if options.annotator not in (None, SIMULATED):
        raise UsageError(f'simulated answers are those of "{SIMULATED}" and of nobody else; drop --annotator')
    report = simulate(project, column, strategy=options.strategy, budget=options.budget)
    return report, f'nobody was asked: column "{column}" answered as "{SIMULATED}"; {report}'
