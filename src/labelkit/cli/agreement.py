"""`labelkit annotate --agreement`: what people agree on, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from labelkit.cli.show import print_json, print_report
from labelkit.errors import visible

if TYPE_CHECKING:
    from labelkit.project import ProjectFolder


def show_agreement(project: ProjectFolder, *, as_json: bool) -> int:
    """Print how far people agree, and what they disagree on, flagged or noted; class by class, where there are more."""
    from labelkit.pipeline.agreement import agreement

    if not project.multilabel:
        print_report(agreement(project), as_json=as_json)
        return 0
    whole, of_class = agreement(project), {name: agreement(member) for name, member in project.members.items()}
    if as_json:
        print_json({**whole.to_json(), "classes": {name: report.to_json() for name, report in of_class.items()}})
    else:
        parts = [f"class {visible(name)}:\n{report}" for name, report in of_class.items()]
        click.echo("\n\n".join([f"all classes of a record together:\n{whole}", *parts]))
    return 0
