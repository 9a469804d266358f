"""`labelkit annotate --agreement`: what people agree on, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelkit.cli.show import print_report

if TYPE_CHECKING:
    from labelkit.project import ProjectFolder


def show_agreement(project: ProjectFolder, *, as_json: bool) -> int:
    """Print how far people agree, and what they disagree on, flagged or noted."""
    from labelkit.pipeline.agreement import agreement

    print_report(agreement(project), as_json=as_json)
    return 0
