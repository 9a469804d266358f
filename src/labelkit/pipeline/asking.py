"""What the project's prompt functions ask: whom, what it took, and what it would take (`apply --dry-run`)."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from labelkit.labeling import Asked, Endpoint, load_functions
from labelkit.labeling.prompts.asking import Estimate, estimated
from labelkit.labeling.prompts.budget import Spending
from labelkit.project import ProjectFolder
from labelkit.records import open_records


@dataclass(frozen=True)
class DryRun:
    """What `apply` would ask."""

    functions: tuple[Estimate, ...]
    passed: str  # the limit of the budget that it would pass; "" for none

    @property
    def total(self) -> Spending:
        """What all of it would cost, more or less."""
        return sum((each.cost for each in self.functions), Spending())

    @property
    def exit_code(self) -> int:
        """1 when it would pass a limit, else 0."""
        return int(bool(self.passed))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "functions": [asdict(each) for each in self.functions],
            "total": asdict(self.total),
            "passes": self.passed or None,
        }

    def __str__(self) -> str:
        from labelkit.pipeline.texts.apply import dry_run_text

        return dry_run_text(self)


def dry_run(project: ProjectFolder) -> DryRun:
    """Count what prompt functions would ask, and asks nobody.

    Raises what `apply` raises for functions and records that do not hold.
    """
    settings, records = project.settings, open_records(project)
    classes = tuple(settings.project.classes)
    with contextlib.redirect_stdout(sys.stderr):  # what functions print is talk, not data
        functions = load_functions(project.functions_folder, settings.data.fields, classes)
    made, passed = estimated(functions, records.batches, classes, endpoint_of(project))
    return DryRun(tuple(made), passed)


def endpoint_of(project: ProjectFolder) -> Endpoint | None:
    """The endpoint that labelkit.toml names, if it does."""
    settings = project.settings.prompt
    return Endpoint(settings, project.shared_state) if settings.base_url else None


def notes_on(asked: Asked) -> tuple[str, ...]:
    """What a person wants to know of what was asked."""
    if not asked.models:
        return ()
    failed = f", {asked.failed:,} without a reply" if asked.failed else ""
    return (f"prompt functions: {asked.kept:,} replies were kept, {asked.asked:,} are new{failed}; {asked.spent}",)


def about(asked: Asked) -> Mapping[str, Any]:
    """The same for the record of the run: models and figures, no address and no key."""
    if not asked.models:
        return {}
    figures = {"kept": asked.kept, "asked": asked.asked, "failed": asked.failed, "spent": asdict(asked.spent)}
    return {"prompts": {"models": dict(asked.models), **figures}}
