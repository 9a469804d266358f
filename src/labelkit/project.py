"""labelkit.toml and the folders beside it.

labelkit.toml            what this module reads
labeling_functions/      labeling functions, loaded by path in name order
slices/                  slicing functions, likewise
transformations/         transformation functions, likewise
expectations/            Great Expectations suites
labels.parquet           the current labels
.labelkit/               runs/<id>/, annotations.db, verdict.json, lock
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labelkit.errors import ConfigError, UsageError, visible
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

    @property
    def data_path(self) -> Path:
        """The records: a file or a folder."""
        return self.root / self.settings.data.path

    @property
    def snapshot_path(self) -> Path:
        """What Spark gave to the query of the records, where `[data] url` names it."""
        return self.state / "records"

    @property
    def functions_folder(self) -> Path:
        """Where labeling functions are."""
        return self.root / "labeling_functions"

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
        return self.root / "labels.parquet"

    @property
    def state(self) -> Path:
        """Everything that labelkit keeps for itself."""
        return self.root / ".labelkit"

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of the annotation store."""
        return self.rooted(self.settings.store.url or f"sqlite:///{self.state / 'annotations.db'}")

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
