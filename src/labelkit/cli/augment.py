"""`labelkit augment`."""

from __future__ import annotations

from collections.abc import Callable

import click

from labelkit.cli.options import Command, Place, debug_option, json_option, project_option
from labelkit.cli.show import print_report, progress, talk, talk_of_faults


def _count(name: str, what: str) -> Callable[[Command], Command]:
    """An option that is a number from 1 on."""
    return click.option(name, type=click.IntRange(1, 1000), default=1, show_default=True, metavar="N", help=what)


@click.command()
@project_option
@click.option(
    "--out", metavar="FILE", help="Where to write.  [default: augmented.parquet, or what labelkit.toml names]"
)
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Of all that is random.  [default: that of [model]]"
)
@click.option(
    "--policy",
    type=click.Choice(["random", "each", "all"]),
    help="Which functions make a record: some at random, each by itself, or all in order.  [default: a policy object "
    "in transformations/, else random]",
)
@_count("--per-record", "New records of each record.")
@_count("--length", "Functions, one after another, with --policy random.")
@json_option
@debug_option
def augment(
    place: Place,
    out: str | None,
    seed: int | None,
    policy: str | None,
    per_record: int,
    length: int,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Make more records to train on.

    Applies the transformation functions in transformations/ to the records on split train, and writes what came out:
    each new record with its parent, the functions that made it and its seed, on the split of its parent.
    """
    with progress("augmenting") as show:
        made = (place.whole() or place.open()).augment(
            out=out, seed=seed, policy=policy, per_record=per_record, length=length, progress=show
        )
    print_report(made, as_json=as_json)
    talk_of_faults(made.faults, made.fault_count)
    talk(f"labelkit: wrote {made.file} (run {made.run})")
    if not made.named:
        talk(f'labelkit: for the gate to look at it: augmented = "{made.file}" under [data]')
    return made.exit_code
