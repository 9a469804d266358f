"""`labelkit lf`: labeling functions, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from labelkit.cli.functions import errors, list_, prune, show
from labelkit.cli.options import debug_option, json_option, project_option
from labelkit.cli.show import print_json, talk
from labelkit.cli.suggest import suggest
from labelkit.errors import shortened
from labelkit.tables import table

if TYPE_CHECKING:
    from labelkit.pipeline.function_tests import CheckedExample, FunctionTests

LONGEST_RECORD = 60  # characters of an example that are shown


@click.group()
def lf() -> None:
    """Labeling functions, one by one."""


for command in (list_, show, errors, suggest, prune):
    lf.add_command(command)


@lf.command()
@project_option
@click.argument("names", nargs=-1, metavar="[NAME]...")
@json_option
@debug_option
def test(folder: str, names: tuple[str, ...], as_json: bool) -> int:  # noqa: FBT001
    """Check the examples that functions carry.

    An example is a record and the vote on it: `@lk.labeling_function(examples=[("free cash", SPAM)])`, and likewise for
    batch functions and rules. Each function votes on its examples as it would on records. Exits with 1 when an example
    does not hold, and when there is none.
    """
    from labelkit.pipeline import Project

    done = Project(folder).test_functions(names)
    if as_json:
        print_json(done.to_json())
        return done.exit_code
    failed = done.failed
    if failed:
        header = ["function", "example", "record", "expected", "got", "place"]
        click.echo(table(header, map(_row, failed), left=6) + "\n")
    count = f"{len(done.examples):,} examples"
    click.echo(f"{len(failed):,} of {count} do not hold" if failed else f"{count} hold" if done.examples else _none())
    _talk(done)
    return done.exit_code


def _row(example: CheckedExample) -> list[str]:
    got = shortened(example.fault, LONGEST_RECORD) if example.fault else example.got or "(silent)"
    record = shortened(example.record, LONGEST_RECORD)
    return [example.function, str(example.number), record, example.expected or "(silent)", got, example.place]


def _none() -> str:
    return "no function carries an example: nothing was checked"


def _talk(done: FunctionTests) -> None:
    if done.without:
        talk(f"labelkit: {len(done.without):,} functions carry no example: {', '.join(done.without)}")
