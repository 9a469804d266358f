"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from labelkit.pipeline import Project
    from labelkit.pipeline.multilabel import MultilabelProject
    from labelkit.project import ProjectFolder

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Place:
    """The project to work in, as it was named on the command line."""

    folder: str
    of_class: str | None

    def open(self) -> Project:
        """The project. Raises ConfigError where there is none, UsageError for a class that it does not have."""
        from labelkit.pipeline import Project

        return Project(self.folder, of_class=self.of_class)

    def whole(self) -> MultilabelProject | None:
        """The project, where it is a multi-label project and no class of it was named."""
        if self.of_class is not None or not self.find().multilabel:
            return None
        from labelkit.pipeline.multilabel import MultilabelProject

        return MultilabelProject(self.folder)

    def find(self) -> ProjectFolder:
        """The project on disk, the whole of it where no class is named."""
        from labelkit.project import find_project

        found = find_project(Path(self.folder))
        return found if self.of_class is None else found.member(self.of_class)


def project_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--project DIR` and `--class NAME`: the project to work in, which the command gets as `place`."""

    @functools.wraps(command)
    def placed(*, folder: str, of_class: str | None, **given: Any) -> Any:
        return command(place=Place(folder, of_class), **given)

    one_class = click.option(
        "--class", "of_class", metavar="NAME", help="Of a project with several labels per record, one class."
    )
    return click.option(
        "-C",
        "--project",
        "folder",
        default=".",
        type=click.Path(exists=True, file_okay=False),
        metavar="DIR",
        help="The project's folder, or one inside it.  [default: .]",
    )(one_class(placed))


def engine_options(command: Command) -> Command:
    """`--engine`, `--master` and `--remote`: where the work is done."""
    return click.option(
        "--engine", type=click.Choice(["local", "spark"]), help="Where the work is done.  [default: local]"
    )(place_options(command))


def place_options(command: Command) -> Command:
    """`--master` and `--remote`: where Spark is."""
    remote = click.option("--remote", metavar="URL", help="A server of Spark Connect: sc://host:port.")
    return click.option("--master", metavar="MASTER", help="Where Spark runs, such as local[4] or yarn.")(
        remote(command)
    )


def json_option(command: Command) -> Command:
    """`--json`: machine-readable output."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(command)


def debug_option(command: Command) -> Command:
    """`--debug`: tracebacks. The entry point looks for it; commands need not know."""
    return click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")(command)


def login_name() -> str:
    """Who is at the terminal, where nobody says it."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
