"""`labelkit validate`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from labelkit.cli.options import Place, debug_option, engine_options, json_option, project_option
from labelkit.cli.show import print_json, print_report, talk
from labelkit.errors import LabelkitError, UsageError, visible
from labelkit.files import machine_errors

if TYPE_CHECKING:
    from labelkit.pipeline import Project
    from labelkit.pipeline.multilabel import MultilabelProject
    from labelkit.project import ProjectFolder

    Judged: TypeAlias = Project | MultilabelProject

_SUFFIXES = {"html": ".html", "junit": ".xml", "markdown": ".md"}


def _report_option(name: str, what: str) -> Callable[[Any], Any]:
    path = click.Path(dir_okay=False, path_type=Path)
    return click.option(f"--{name}", type=path, metavar="FILE", help=f"Write {what} to FILE (*{_SUFFIXES[name]}).")


@click.command()
@project_option
@click.option("--strict", is_flag=True, help="Every failure blocks, also one that a suite calls a warning.")
@click.option("--verify-only", is_flag=True, help="Only tell whether labels.parquet is the file that passed.")
@click.option("--infer", is_flag=True, help="Only guess suites and a reference profile from the records.")
@_report_option("html", "the report")
@_report_option("junit", "JUnit XML")
@_report_option("markdown", "Markdown for a pull request")
@click.option("--github", is_flag=True, help="Print annotations for GitHub Actions as well.")
@engine_options
@json_option
@debug_option
def validate(
    place: Place,
    *,
    strict: bool,
    verify_only: bool,
    infer: bool,
    html: Path | None,
    junit: Path | None,
    markdown: Path | None,
    github: bool,
    engine: str | None,
    master: str | None,
    remote: str | None,
    as_json: bool,
) -> int:
    """Judge records, labels and lineage by the suites in expectations/.

    Exits with 0 only when every suite passed and none of them passed by accident; a training job may run then.
    The report is kept as report.html in the folder of the run. A project whose records may have several classes passes
    when every class does.
    """
    files = {name: path for name, path in (("html", html), ("junit", junit), ("markdown", markdown)) if path}
    _check(
        files, github=github, as_json=as_json, unjudged="--infer" if infer else "--verify-only" if verify_only else ""
    )
    if infer:
        return _infer(place.find())
    project = place.whole() or place.open()
    if verify_only:
        return _verify(project, strict=strict, as_json=as_json)
    where = {name: said for name, said in (("engine", engine), ("master", master), ("remote", remote)) if said}
    if where and project.folder.multilabel:
        raise UsageError(f"--{next(iter(where))} is for one class; name it with --class")
    for path in files.values():
        with machine_errors(path):
            path.unlink(missing_ok=True)  # should there be no verdict, none of an earlier check stands in for it
    try:
        return _judge(project, files, where, strict=strict, github=github, as_json=as_json)
    except LabelkitError as error:
        if github:
            from labelkit.reports.annotations import refusal

            click.echo(refusal(str(error)))
        raise


def _check(files: Mapping[str, Path], *, github: bool, as_json: bool, unjudged: str) -> None:
    for name, path in files.items():
        if path.suffix != _SUFFIXES[name]:
            raise UsageError(f"--{name} {visible(str(path))}: give a file name that ends in {_SUFFIXES[name]}")
    if github and as_json:
        raise UsageError("--github and --json both write to stdout; choose one of them")
    if unjudged and (files or github):
        raise UsageError(f"{unjudged} judges nothing, so there is nothing to report; leave the other options out")


def _infer(project: ProjectFolder) -> int:
    from labelkit.pipeline.first_files import REFERENCE_FILE
    from labelkit.pipeline.infer import infer

    for path in infer(project):
        click.echo(path)
    if project.settings.data.reference is None:
        talk(f'labelkit: now add reference = "{REFERENCE_FILE}" under [data] in labelkit.toml, and read the suites')
    return 0


def _verify(project: Judged, *, strict: bool, as_json: bool) -> int:
    verification = project.verify(strict=strict)
    print_report(verification, as_json=as_json)
    return verification.exit_code


def _judge(
    project: Judged,
    files: Mapping[str, Path],
    where: Mapping[str, str],
    *,
    strict: bool,
    github: bool,
    as_json: bool,
) -> int:
    from labelkit import reports
    from labelkit.files import write_bytes
    from labelkit.reports.annotations import fenced

    verdict = project.validate(strict=strict, **where)
    background = project.background()
    for name, path in files.items():
        write_bytes(path, getattr(reports, name)(verdict, background).encode())
    if as_json:
        print_json(reports.to_json(verdict, background))
    elif github:
        click.echo(fenced(str(verdict)))
        annotations = reports.github(verdict, background)
        click.echo(annotations, nl=bool(annotations))
    else:
        click.echo(str(verdict))
    report = project.folder.state / "runs" / background.run / "report.html"
    talk(f"labelkit: the report is {visible(project.folder.relative(report))}")
    return verdict.exit_code
