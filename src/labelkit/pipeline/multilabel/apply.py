"""`apply` to a multi-label project: class by class, and one labels.parquet of what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labelkit.errors import FunctionError, named, visible
from labelkit.files import make_folder, staged, timestamp
from labelkit.label_models import labels_content, write_labels
from labelkit.label_models.label_sets import joined_labels
from labelkit.lineage import Run, hash_file, versions_of
from labelkit.locks import project_lock
from labelkit.pipeline.apply import apply
from labelkit.pipeline.apply_report import ApplyReport
from labelkit.pipeline.casting import Progress
from labelkit.pipeline.events import announced
from labelkit.pipeline.recording import keep_run
from labelkit.project import ProjectFolder
from labelkit.settings import YES


@dataclass(frozen=True)
class MultilabelReport:
    """What `apply` did, class by class."""

    run: str  # id of the run that joined the labels
    classes: Mapping[str, ApplyReport]
    labelled: int  # records of which something is known
    several: int  # of them, with more than one class
    without: int  # of them, with no class

    @property
    def records(self) -> int:
        """How many records there are."""
        return next(iter(self.classes.values())).records

    @property
    def exit_code(self) -> int:
        """1 when the functions of some class have more faults than allowed, else 0."""
        return max(report.exit_code for report in self.classes.values())

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        plain = {**vars(self), "records": self.records}
        return plain | {"classes": {name: report.to_json() for name, report in self.classes.items()}}

    def __str__(self) -> str:
        from labelkit.pipeline.texts.multilabel import applied_text

        return applied_text(self)


@announced("apply")
def apply_to_all(
    project: ProjectFolder,
    *,
    max_faults: int | None = None,
    timeout: float | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> MultilabelReport:
    """Apply the functions of every class and publish labels.parquet.

    Faults are counted class by class. Raises FunctionError naming the classes that have no functions.
    """
    check_functions(project)
    make_folder(project.state)
    with project_lock(project.state / "lock", "apply"):
        started = timestamp()
        reports = {
            name: apply(member, max_faults=max_faults, timeout=timeout, workers=workers, progress=progress)
            for name, member in project.members.items()
        }
        return _published(project, reports, started)


def check_functions(project: ProjectFolder) -> None:
    """Raise FunctionError for a class without a folder of functions, and for a function that belongs to no class."""
    folder = project.functions_folder
    missing = [name for name, member in project.members.items() if not member.functions_folder.is_dir()]
    if missing:
        raise FunctionError(
            f"{folder.name}/{visible(missing[0])}/: no such folder; the functions of a class lie in a folder of "
            f"its name and vote 1 (yes) or 0 (no); missing are those of {named(missing)}"
        )
    loose = sorted(path.name for path in (*folder.glob("*.py"), *folder.glob("*.toml")))
    if loose:
        raise FunctionError(
            f"{folder.name}/{visible(loose[0])}: which class is it for? Move it to {folder.name}/<class>/; "
            "one for several classes goes into each of their folders"
        )


def _published(project: ProjectFolder, reports: Mapping[str, ApplyReport], started: str) -> MultilabelReport:
    """Join the labels of the classes. The file comes to its place last: it names the run, which names theirs."""
    import pyarrow.compute as pc

    contents = {name: labels_content(member.labels_path) for name, member in project.members.items()}
    run = Run(
        verb="apply",
        inputs={"labels_of_classes": {name: content.sha256 for name, content in contents.items()}},
        parameters={"classes": list(contents), "kind": project.settings.project.kind},
        versions=versions_of(("pyarrow",)),
        parents=tuple(report.run for report in reports.values()),
    ).identified()
    table = joined_labels({name: content.table() for name, content in contents.items()}, run.id)
    counts = {"records": table.num_rows, "labels": {name: each.class_totals[YES] for name, each in reports.items()}}
    with staged(project.labels_path) as path:
        with path.open("wb") as file:
            write_labels(table, file)
        keep_run(project, run, started=started, outputs={project.labels_path.name: hash_file(path)}, counts=counts)
    sizes = pc.list_value_length(table.column("labels")).drop_null().to_numpy()
    return MultilabelReport(run.id, dict(reports), len(sizes), int((sizes > 1).sum()), int((sizes == 0).sum()))
