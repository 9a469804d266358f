"""`labelkit annotate --agreement`: what people agree on, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from labelkit.cli.show import print_json

if TYPE_CHECKING:
    from labelkit.project import ProjectFolder


def show_agreement(project: ProjectFolder, *, as_json: bool) -> int:
    """Print how far people agree, and what they disagree on, flagged or noted."""
    from labelkit.pipeline.agreement import agreement

    report = agreement(project)
    if as_json:
        print_json(report.to_json())
        return 0
    click.echo(str(report))
    return 0
