"""`labelkit validate`."""

from __future__ import annotations

import click

from labelkit.cli.options import debug_option, json_option, project_option
from labelkit.cli.show import print_json


@click.command()
@project_option
@json_option
@debug_option
def validate(folder: str, as_json: bool) -> int:  # noqa: FBT001
    """Judge records, labels and lineage by the suites in expectations/.

    Exits with 0 only when every suite passed and none of them passed by accident; a training job may run then.
    """
    from labelkit.pipeline import Project

    verdict = Project(folder).validate()
    if as_json:
        print_json(verdict.to_json())
    else:
        click.echo(str(verdict))
    return verdict.exit_code
