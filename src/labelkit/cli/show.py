"""How results are said: data on stdout, talk on stderr, colour only where a terminal is there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from labelkit.errors import visible


def print_json(value: Any) -> None:
    """Print JSON on stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def talk(message: str) -> None:
    """Say something to the person, on stderr."""
    click.echo(visible(message, keep="\n"), err=True)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int], None] | None]:
    """A progress counter on stderr; None where no terminal is there."""
    if not click.get_text_stream("stderr").isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, rate="")

        def show(done: int) -> None:
            elapsed = bar.tasks[0].elapsed or 1e-9
            bar.update(task, description=f"{what}: {done:,} records", rate=f"{done / elapsed:,.0f} a second")

        yield show
