"""How results are said: data on stdout, talk on stderr, colour only where a terminal is there."""

from __future__ import annotations

import json
import sys
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
def progress(what: str) -> Iterator[Callable[[int, int | None], None] | None]:
    """A progress bar on stderr with rate and time left; None where no terminal is there.

    It is drawn when it is told of progress and by no thread of its own, so that a process may fork beneath it.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task(what, total=None, rate="")

        def show(done: int, total: int | None) -> None:
            elapsed = bar.tasks[0].elapsed or 1e-9
            rate = f"{done:,} records, {done / elapsed:,.0f} a second"
            bar.update(task, completed=done, total=total, rate=rate, refresh=True)

        yield show
