"""`labelkit init`."""

from __future__ import annotations

from pathlib import Path

import click

from labelkit.cli.options import debug_option
from labelkit.cli.show import talk
from labelkit.errors import UsageError


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--data",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Build the project around these records: guess id, fields and types, and expectations from what they hold.",
)
@click.option("--gold", metavar="COLUMN", help="With --data: the column of true classes, which functions do not see.")
@click.option("--number", is_flag=True, help="With --data: number records that have no ids, in a copy.")
@click.option("--multilabel", is_flag=True, help="With --data: a record may have several classes.")
@debug_option
def init(folder: Path, *, data: Path | None, gold: str | None, number: bool, multilabel: bool) -> int:
    """Start a project in DIR that runs at once: labelkit.toml, functions, expectations and a few records."""
    if data is None and (gold is not None or number or multilabel):
        raise UsageError("--gold, --number and --multilabel are about the records of --data")
    if data is None:
        from labelkit.pipeline.init import init as scaffold

        made = scaffold(folder)
    else:
        from labelkit.pipeline.infer import init_from

        made = init_from(folder, data, gold=gold, number=number, multilabel=multilabel)
    for path in made:
        click.echo(path)
    talk(f"labelkit: now: {'' if folder == Path() else f'cd {folder} && '}labelkit apply && labelkit validate")
    return 0
