"""Entry point: the group of commands, and what becomes of every way in which one can end."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from types import FrameType
from typing import NoReturn

import click

from labelkit import __version__
from labelkit.cli.annotate import annotate
from labelkit.cli.apply import apply
from labelkit.cli.augment import augment
from labelkit.cli.embed import embed
from labelkit.cli.exchange import export, import_
from labelkit.cli.explain import explain
from labelkit.cli.init import init
from labelkit.cli.lf import lf
from labelkit.cli.replay import replay
from labelkit.cli.report import report
from labelkit.cli.runs import runs
from labelkit.cli.show import talk_of_bug
from labelkit.cli.store import store
from labelkit.cli.validate import validate
from labelkit.errors import BUG_EXIT_CODE, LabelkitError, MachineError, visible

SIGINT_EXIT_CODE, SIGTERM_EXIT_CODE, SIGPIPE_EXIT_CODE = 130, 143, 141


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived: unwind as on Ctrl-C, so that locks and temporary files go."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="labelkit", message="%(prog)s %(version)s")
def labelkit() -> None:
    """Labels you can trust, from labeling functions, people and expectations.

    \b
    labelkit apply      records x labeling functions -> votes -> probabilistic labels
    labelkit annotate   ask people about the records where an answer is worth most
    labelkit validate   refuse to hand bad labels to training

    Start a project with `labelkit init`. Exit codes: 0 done, 1 the answer is no, 2 you must change something,
    3 the machine failed, 4 the project is busy.
    """  # noqa: D301  click wants the character itself


for command in (
    init,
    apply,
    annotate,
    validate,
    lf,
    embed,
    augment,
    explain,
    runs,
    replay,
    report,
    export,
    import_,
    store,
):
    labelkit.add_command(command)


def run() -> NoReturn:
    """Run the command line and exit with the code that tells the truth."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(_exit_code(sys.argv[1:]))


def _exit_code(arguments: list[str]) -> int:
    try:
        code = labelkit.main(arguments, prog_name="labelkit", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except LabelkitError as error:
        return _deliberate(error, arguments)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (KeyboardInterrupt, click.Abort) as error:  # click turns the one into the other
        terminated = isinstance(error, Terminated) or isinstance(error.__cause__, Terminated)
        click.echo(f"labelkit: {'terminated' if terminated else 'interrupted'}", err=True)
        return SIGTERM_EXIT_CODE if terminated else SIGINT_EXIT_CODE
    except (BrokenPipeError, SystemExit):
        # Whoever read our output has gone (click turns that into an exit of its own kind). Nothing more can be said to
        # them, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return SIGPIPE_EXIT_CODE
    except OSError as error:
        return _machine_failed(error, arguments)
    except Exception as error:  # noqa: BLE001  the one place where a bug is caught
        return _bug(error, arguments)


def _deliberate(error: LabelkitError, arguments: list[str]) -> int:
    for line in str(error).splitlines() or [""]:
        click.echo(f"labelkit: error: {visible(line)}", err=True)
    if "--json" in arguments:
        problem = {"code": error.exit_code, "kind": type(error).__name__, "message": str(error)}
        click.echo(json.dumps({"error": problem}))
    if "--debug" in arguments:
        traceback.print_exception(error)
    return error.exit_code


def _machine_failed(error: OSError, arguments: list[str]) -> int:
    """What the machine refused, and nobody closer to it has explained."""
    try:
        sys.stdout.flush()
        what = str(error.filename or "input or output")
    except OSError:
        what = "standard output"
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), 1
        )  # or Python would fail once more at its exit, with a code of its own
    reason = error.strerror or str(error)
    return _deliberate(MachineError(f"{visible(what)}: {reason[:1].lower()}{visible(reason[1:])}"), arguments)


def _bug(error: Exception, arguments: list[str]) -> int:
    text = talk_of_bug(error)
    if "--debug" in arguments:
        click.echo(visible(text, keep="\n"), err=True)
    return BUG_EXIT_CODE


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated
