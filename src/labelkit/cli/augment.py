"""`labelkit augment`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from labelkit.cli.options import debug_option, json_option, project_option
from labelkit.cli.show import print_json, progress, talk, talk_of_faults
from labelkit.tables import table

if TYPE_CHECKING:
    from labelkit.pipeline.augment import AugmentReport


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
@click.option(
    "--per-record",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    metavar="N",
    help="New records of each record.",
)
@click.option(
    "--length",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    metavar="N",
    help="Functions, one after another, with --policy random.",
)
@json_option
@debug_option
def augment(
    folder: str,
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
    from labelkit.pipeline import Project

    with progress("augmenting") as show:
        made = Project(folder).augment(
            out=out, seed=seed, policy=policy, per_record=per_record, length=length, progress=show
        )
    if as_json:
        print_json(made.to_json())
    else:
        rows = [[name, f"{count:,}"] for name, count in made.by_function.items()]
        click.echo(table(["function", "new records"], rows) + "\n")
        click.echo(
            f"{made.records:,} new records of {made.parents:,}; {made.unchanged:,} attempts changed nothing, or gave "
            "what was there already"
        )
    _talk(made)
    return made.exit_code


def _talk(made: AugmentReport) -> None:
    talk_of_faults(made.faults, made.fault_count)
    talk(f"labelkit: wrote {made.file} (run {made.run})")
    if not made.named:
        talk(f'labelkit: for the gate to look at it: augmented = "{made.file}" under [data]')
