"""`labelkit init`."""

from __future__ import annotations

from pathlib import Path

import click

from labelkit.cli.options import debug_option
from labelkit.cli.show import talk


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
@debug_option
def init(folder: Path) -> int:
    """Start a project in DIR that runs at once: labelkit.toml, functions, expectations and a few records."""
    from labelkit.pipeline.init import init as scaffold

    made = scaffold(folder)
    for path in made:
        click.echo(path)
    talk(f"labelkit: now: {'' if folder == Path() else f'cd {folder} && '}labelkit apply && labelkit validate")
    return 0
