"""labelkit.toml and the folders beside it.

labelkit.toml            what this module reads
labeling_functions/      labeling functions, loaded by path in name order
expectations/            Great Expectations suites
labels.parquet           the current labels
.labelkit/               runs/<id>/, annotations.db, verdict.json, lock
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from labelkit.errors import ConfigError, listed, named, visible

FILE_NAME = "labelkit.toml"
MAX_CLASSES = 127

DEV, TRAIN = "dev", "train"
"""Values of the split column with a meaning: dev records were looked at while functions were written and stay out of
every accuracy figure; people are asked about train records, and a model is trained on them."""

Name = Annotated[str, Field(min_length=1, max_length=200)]
ColumnType = Literal["string", "int64", "float64", "bool"]


class Section(BaseModel):
    """A table of labelkit.toml: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ProjectSection(Section):
    """`[project]`: what is labelled."""

    name: Name
    classes: list[Name] = Field(min_length=2, max_length=MAX_CLASSES)

    @model_validator(mode="after")
    def _classes_are_distinct(self) -> ProjectSection:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("the class names must differ from one another")
        return self


class DataSection(Section):
    """`[data]`: where the records are and what labeling functions may see of them."""

    path: Name
    id: Name = "id"
    fields: list[Name] = Field(min_length=1)
    gold: Name | None = None
    split: Name | None = None
    encoding: Name = "utf-8"
    types: dict[Name, ColumnType] = {}

    @model_validator(mode="after")
    def _columns_have_one_role(self) -> DataSection:
        roles = [*self.fields, self.id] + [name for name in (self.gold, self.split) if name]
        twice = {name for name in roles if roles.count(name) > 1}
        if twice:
            raise ValueError(f"{named(sorted(twice))} is named twice; a column is id, field, gold or split")
        return self


class ApplySection(Section):
    """`[apply]`: how votes are cast."""

    workers: int = Field(default=1, ge=1, le=256)
    max_faults: int = Field(default=0, ge=0)


class ModelSection(Section):
    """`[model]`: how votes are combined."""

    name: Literal["snorkel", "majority"] = "snorkel"
    seed: int = Field(default=0, ge=0, lt=2**31)


class AnnotateSection(Section):
    """`[annotate]`: whom and how many people are asked."""

    strategy: Name = "margin"
    budget: int = Field(default=50, ge=1)


class StoreSection(Section):
    """`[store]`: where answers are kept; SQLite under .labelkit/ unless a URL is given."""

    url: str | None = None


class Settings(Section):
    """The whole of labelkit.toml."""

    project: ProjectSection
    data: DataSection
    apply: ApplySection = ApplySection()
    model: ModelSection = ModelSection()
    annotate: AnnotateSection = AnnotateSection()
    store: StoreSection = StoreSection()


@dataclass(frozen=True)
class ProjectFolder:
    """A project on disk: its root and its settings."""

    root: Path
    settings: Settings

    @property
    def data_path(self) -> Path:
        """The records: a file or a folder."""
        return self.root / self.settings.data.path

    @property
    def functions_folder(self) -> Path:
        """Where labeling functions are."""
        return self.root / "labeling_functions"

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
        return self.settings.store.url or f"sqlite:///{self.state / 'annotations.db'}"

    def relative(self, path: Path) -> str:
        """The path as messages and run records name it: relative to the project where it lies inside."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


def find_project(start: Path) -> ProjectFolder:
    """Find labelkit.toml in `start` or the nearest folder above it, and read it.

    Raises ConfigError when there is none or it does not hold.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return read_project(folder)
    raise ConfigError(f"no {FILE_NAME} in {visible(str(start))} or above; start a project with `labelkit init`")


def read_project(root: Path) -> ProjectFolder:
    """Read labelkit.toml of the folder `root`."""
    path = root / FILE_NAME
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{FILE_NAME}: not UTF-8: byte 0x{error.object[error.start]:02X}") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{FILE_NAME}: not TOML: {visible(str(error))}") from error
    except OSError as error:
        raise ConfigError(f"{visible(str(path))}: {error.strerror}") from error
    try:
        return ProjectFolder(root, Settings.model_validate(content))
    except ValidationError as error:
        raise ConfigError(listed([_explained(problem) for problem in error.errors()])) from error


def _explained(problem: Any) -> str:
    """One pydantic problem in the words of labelkit.toml."""
    place = [str(part) for part in problem["loc"]]
    where = f"{FILE_NAME}: [{visible(place[0])}]" + "".join(f" {visible(part)}" for part in place[1:])
    if problem["type"] == "missing":
        return f"{where}: missing"
    if problem["type"] == "extra_forbidden":
        known = _known_keys(place[:-1])
        near = difflib.get_close_matches(place[-1], known, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"known are {named(known)}"
        return f"{where}: unknown key; {hint}"
    message = problem["msg"].removeprefix("Value error, ")
    value = problem["input"]
    said = f" (it says {visible(repr(value))})" if isinstance(value, (str, int, float, bool)) else ""
    return f"{where}: {message[:1].lower()}{message[1:]}{said}"


def _known_keys(place: list[str]) -> list[str]:
    model: Any = Settings
    for part in place:
        model = model.model_fields[part].annotation
    return list(model.model_fields)
