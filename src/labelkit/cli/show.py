"""How results are said: data on stdout, talk on stderr, colour only where a terminal is there."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import click

from labelkit import __version__
from labelkit.errors import SHOWN_PROBLEMS, visible

if TYPE_CHECKING:
    from labelkit.matrix import Fault


class Report(Protocol):
    """What a command found: its text is what people read, its plain values what machines do."""

    def to_json(self) -> Any:
        """Plain JSON values."""
        ...


def print_report(report: Report, *, as_json: bool) -> None:
    """Print a report on stdout, in its own words or as JSON."""
    if as_json:
        print_json(report.to_json())
    else:
        click.echo(str(report))


def print_json(value: Any) -> None:
    """Print JSON on stdout; what would steer or mislead a terminal is written as JSON's own escapes."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    if visible(text, keep="\n") != text:
        text = "".join(char if char == "\n" or visible(char) == char else f"\\u{ord(char):04x}" for char in text)
    click.echo(text)


def talk_of_bug(error: Exception) -> str:
    """Keep the traceback for a report, and keep it out of the face of the person. Returns its text."""
    text = "".join(traceback.format_exception(error))
    try:
        handle, path = tempfile.mkstemp(prefix="labelkit-crash-", suffix=".txt", text=True)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"labelkit {__version__}, Python {sys.version}\n\n{text}")
    except OSError:
        path = "what --debug shows"
    click.echo(f"labelkit: this is a bug in labelkit ({type(error).__name__}); please report it with {path}", err=True)
    return text


def talk(message: str) -> None:
    """Say something to the person, on stderr."""
    click.echo(visible(message, keep="\n"), err=True)


def talk_of_faults(faults: Sequence[Fault], count: int) -> None:
    """Name the first of `count` faults: function, record, what was raised, and where."""
    for fault in faults[:SHOWN_PROBLEMS]:
        place = f" ({fault.place})" if fault.place else ""
        said = f": {visible(fault.message)}" if fault.message else ""
        talk(f'labelkit: fault: {fault.function}, record "{visible(fault.record)}": {fault.exception}{said}{place}')
    if count > SHOWN_PROBLEMS:
        talk(f"labelkit: and {count - SHOWN_PROBLEMS:,} more faults")
    if any("'NoneType'" in fault.message for fault in faults):
        talk("labelkit: a null field is None in a function; let it begin with: if x.<field> is None: return lk.ABSTAIN")


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
