"""`labelkit lf`: labeling functions, one by one."""

from __future__ import annotations

import click

from labelkit.cli.functions import errors, list_, prune, show
from labelkit.cli.options import Place, debug_option, json_option, project_option
from labelkit.cli.show import print_report, talk
from labelkit.cli.suggest import suggest


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
def test(place: Place, names: tuple[str, ...], as_json: bool) -> int:  # noqa: FBT001
    """Check the examples that functions carry.

    An example is a record and the vote on it: `@lk.labeling_function(examples=[("free cash", SPAM)])`, and likewise for
    batch functions and rules. Each function votes on its examples as it would on records. Exits with 1 when an example
    does not hold, and when there is none.
    """
    done = place.open().test_functions(names)
    print_report(done, as_json=as_json)
    if done.without and not as_json:
        talk(f"labelkit: {len(done.without):,} functions carry no example: {', '.join(done.without)}")
    return done.exit_code
