"""What `labelkit annotate --web` says and asks for before it serves the page."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from labelkit.cli.show import print_json, talk, talk_of_bug
from labelkit.errors import UsageError, visible

if TYPE_CHECKING:
    from labelkit.cli.annotate import AnnotateOptions
    from labelkit.project import ProjectFolder


def annotate_on_page(project: ProjectFolder, options: AnnotateOptions) -> int:
    """Serve the page until Ctrl-C; print the link of each person."""
    _check_installed()
    from labelkit.pipeline.annotate_web import annotate_in_browser
    from labelkit.ui.web import DEFAULT_PORT, LOCAL

    host = LOCAL if options.host is None else options.host
    _check_others(host, options)
    reports = annotate_in_browser(
        project,
        _names(options.who),
        _announce,
        talk_of_bug,
        strategy=options.strategy,
        budget=options.budget,
        adjudicate=options.adjudicate,
        host=host,
        port=DEFAULT_PORT if options.port is None else options.port,
        url=options.url,
        engine=options.where(project),
    )
    if options.as_json:
        print_json({"sessions": [report.to_json() for report in reports]})
    labelled, skipped = (sum(getattr(report, name) for report in reports) for name in ("labelled", "skipped"))
    talk(f"labelkit: stored {labelled:,} answers and {skipped:,} skips; `labelkit apply` uses them")
    return 0


def _check_others(host: str, options: AnnotateOptions) -> None:
    """Where others than whoever sits here may come: refuse people without names, warn of a network without TLS."""
    from labelkit.ui.web import is_local

    if options.url is None and is_local(host):
        return
    if options.annotator is None:
        raise UsageError("--host and --url let others in: name each of them, such as --annotator ana,ben")
    if not (options.url or "").startswith("https://"):
        talk(
            "labelkit: warning: this page goes over the network without TLS: whoever can listen there can read it and "
            "answer in your people's names; put it behind a reverse proxy with https and give --url"
        )


def _check_installed() -> None:
    if any(importlib.util.find_spec(name) is None for name in ("starlette", "uvicorn")):
        raise UsageError('--web needs two more packages: pip install "labelkit[web]"')


def _names(people: str) -> list[str]:
    """The names given, separated by commas."""
    names = [name.strip() for name in people.split(",")]
    if "" in names or len(set(names)) < len(names):
        raise UsageError(f'--annotator "{visible(people)}": write each name once, separated by commas')
    return names


def _announce(links: Mapping[str, str]) -> None:
    """Print each person's link, on stdout; a link opens the page once."""
    for person, link in links.items():
        click.echo(f"{visible(person)}: {link}")
    talk("labelkit: each link opens the page once, in one browser; Ctrl-C ends the server, answers are stored already")
