"""labelkit.toml and the folders beside it.

labelkit.toml            what this module reads
labeling_functions/      labeling functions, loaded by path in name order
slices/                  slicing functions, likewise
transformations/         transformation functions, likewise
expectations/            Great Expectations suites
labels.parquet           the current labels
.labelkit/               runs/<id>/, annotations.db, verdict.json, lock

In a multi-label project each class is a project of its own, with answers no and yes, over the same records and people:

labeling_functions/<class>/
expectations/<class>/           suites for this class, beside those for all
.labelkit/classes/<class>/      labels.parquet, runs/<id>/, verdict.json, lock
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from labelkit.errors import ConfigError, UsageError, named, visible
from labelkit.files import machine_errors
from labelkit.settings import FILE_NAME, Settings
from labelkit.settings_file import read_settings

DEV, TRAIN = "dev", "train"
"""Values of the split column with a meaning: dev records were looked at while functions were written and stay out of
every accuracy figure; people are asked about train records, and a model is trained on them."""


@dataclass(frozen=True)
class ProjectFolder:
    """A project on disk: its root and its settings."""

    root: Path
    settings: Settings
    drawn: Path | None = None  # the folder of candidates that stand in for all records; see pipeline.drawn
    part_of: ProjectFolder | None = None  # the multi-label project of which this is one class
    of_class: str | None = None  # that class

    @property
    def whole(self) -> ProjectFolder:
        """The multi-label project of which this is one class; else the project itself."""
        return self.part_of or self

    @property
    def multilabel(self) -> bool:
        """Whether a record may have several classes, each of which is a project of its own."""
        return self.settings.project.kind == "multilabel"

    def member(self, name: str) -> ProjectFolder:
        """The project that one class of a multi-label project is. Raises UsageError where there is none of the name."""
        classes = self.settings.project.classes
        if not self.multilabel:
            raise UsageError(f'no project of class "{visible(name)}" alone: a record has one of {named(classes)}')
        if name not in classes:
            raise UsageError(f'no class "{visible(name)}"; classes are {named(classes)}')
        return replace(self, settings=self.settings.of_class(name), part_of=self, of_class=name)

    @property
    def members(self) -> dict[str, ProjectFolder]:
        """Class -> its project, of a multi-label project."""
        return {name: self.member(name) for name in self.settings.project.classes}

    @property
    def data_path(self) -> Path:
        """The records: a file or a folder."""
        return self.root / self.settings.data.path

    @property
    def snapshot_path(self) -> Path:
        """What Spark gave to the query of the records, where `[data] url` names it."""
        return self.shared_state / "records"

    @property
    def functions_folder(self) -> Path:
        """Where labeling functions are."""
        return self.root / "labeling_functions" / (self.of_class or "")

    @property
    def slices_folder(self) -> Path:
        """Where slicing functions are."""
        return self.root / "slices"

    @property
    def transformations_folder(self) -> Path:
        """Where transformation functions are."""
        return self.root / "transformations"

    @property
    def suites_folder(self) -> Path:
        """Where expectation suites are."""
        return self.root / "expectations"

    @property
    def labels_path(self) -> Path:
        """The current labels."""
        return (self.root if self.of_class is None else self.state) / "labels.parquet"

    @property
    def state(self) -> Path:
        """Everything that labelkit keeps for itself."""
        return self.shared_state if self.of_class is None else self.shared_state / "classes" / self.of_class

    @property
    def shared_state(self) -> Path:
        """What of it the classes of a multi-label project share: answers, replies to prompts."""
        return self.root / ".labelkit"

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of the annotation store."""
        return self.rooted(self.settings.store.url or f"sqlite:///{self.shared_state / 'annotations.db'}")

    def rooted(self, url: str) -> str:
        """A database URL; the file of a relative SQLite URL lies in the project, wherever labelkit is called from."""
        start = "sqlite:///"
        file = url.removeprefix(start)
        relative = url.startswith(start) and file not in {"", ":memory:"} and not Path(file).is_absolute()
        return f"{start}{self.root / file}" if relative else url

    def output_path(self, name: str | Path) -> Path:
        """Where a command writes a file. Raises UsageError for the records and the labels: they are not to be lost."""
        path = self.root / name
        target = path.resolve()
        for kept, what in ((self.data_path.resolve(), "records"), (self.labels_path.resolve(), "labels")):
            if kept in (target, *target.parents):
                raise UsageError(f"{visible(str(name))}: the project has its {what} there; write to another file")
        return path

    def relative(self, path: Path) -> str:
        """The path as messages and run records name it: relative to the project where it lies inside."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


def find_project(start: Path) -> ProjectFolder:
    """Find labelkit.toml in `start` or the nearest folder above it, and read it.

    Raises ConfigError when there is none or it does not hold.
    """
    with machine_errors(start):
        try:
            folder = start.resolve(strict=True)
        except PermissionError:
            raise
        except (OSError, RuntimeError, ValueError) as error:  # not there; a loop of links; a NUL in the path
            raise ConfigError(f"{visible(str(start))}: no such folder") from error
    for root in (folder, *folder.parents):
        with machine_errors(root):
            found = (root / FILE_NAME).is_file()
        if found:
            return read_project(root)
    raise ConfigError(f"no {FILE_NAME} in {visible(str(folder))} or above; start a project with `labelkit init`")


def read_project(root: Path) -> ProjectFolder:
    """Read labelkit.toml of the folder `root`. Raises ConfigError when it does not hold."""
    return ProjectFolder(root, read_settings(root / FILE_NAME))


def one_class(project: ProjectFolder, name: str | None) -> ProjectFolder:
    """The project or, of a multi-label project, that of the class named. Raises UsageError unless it is just one."""
    if name is not None:
        return project.member(name)
    if project.multilabel:
        raise UsageError(
            "a record of this project may have several classes, and this is for one of them: name it with --class, or "
            f"as of_class in Python; classes are {named(project.settings.project.classes)}"
        )
    return project
