"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def project_option(command: Command) -> Command:
    """`--project DIR`: the project to work in."""
    return click.option(
        "-C",
        "--project",
        "folder",
        default=".",
        type=click.Path(exists=True, file_okay=False),
        metavar="DIR",
        help="The project's folder, or one inside it.  [default: .]",
    )(command)


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
