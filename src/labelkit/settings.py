"""What labelkit.toml says: its sections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from labelkit.errors import UsageError, named, visible

FILE_NAME = "labelkit.toml"
MAX_CLASSES = 127
LONGEST_FOLDER = 255  # bytes of a folder's name
FOLDER_RULE = (
    "each class has a folder of its name; leave out / and \\, and a . at the start, and let names differ in more than "
    "upper and lower case"
)
NO, YES = "no", "yes"  # the classes of the project that one class of a multi-label project is
EMBEDDING = "embedding"  # the field that a file of embeddings becomes
AUGMENTED_FROM = "augmented_from"  # the column of an augmented record that names its parent

Name = Annotated[str, Field(min_length=1, max_length=200)]
ColumnType = Literal["string", "int64", "float64", "bool"]


class Section(BaseModel):
    """A table of labelkit.toml: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def unfit_for_folders(names: Sequence[str]) -> list[str]:
    """Those of the names that no folder can have, or not beside the others where upper and lower case are the same.

    >>> unfit_for_folders(["c++", "c/c++", ".net", "SQL", "sql"])
    ['c/c++', '.net', 'sql']
    """
    seen, unfit = set[str](), list[str]()
    for name in names:
        odd = set(name) & {"/", "\\", "\0"} or name.startswith(".") or name == "__pycache__"
        if odd or len(name.encode()) > LONGEST_FOLDER or name.casefold() in seen:
            unfit.append(name)
        seen.add(name.casefold())
    return unfit


class ProjectSection(Section):
    """`[project]`: what is labelled."""

    name: Name
    classes: list[Name] = Field(min_length=1, max_length=MAX_CLASSES)
    kind: Literal["multiclass", "multilabel"] = "multiclass"  # a record has one of the classes, or any of them

    @model_validator(mode="after")
    def _classes_are_distinct(self) -> ProjectSection:
        twice = sorted(name for name, times in Counter(self.classes).items() if times > 1)
        if twice:
            raise ValueError(f"{named(twice)} stands twice in classes; the names must differ from one another")
        return self

    @model_validator(mode="after")
    def _classes_fit_the_kind(self) -> ProjectSection:
        if self.kind == "multiclass" and len(self.classes) < 2:
            raise ValueError('classes must have at least 2 items; one class or more goes with kind = "multilabel"')
        bad = unfit_for_folders(self.classes)
        if self.kind == "multilabel" and bad:
            raise ValueError(f"{named(bad)}: {FOLDER_RULE}")
        return self


SPARK = "spark"
"""`[data] url` of a query that Spark answers itself, from its tables or any format that it reads."""


class DataSection(Section):
    """`[data]`: where the records are and what labeling functions may see of them."""

    path: Name  # a file or folder of records, or a .sql file that holds one query
    url: Name | None = None  # the database that a .sql file asks, as SQLAlchemy writes it, or "spark"
    id: Name = "id"
    fields: list[Name] = Field(min_length=1)
    gold: Name | None = None  # of a multi-label project: the names of a record's classes, or a list of them
    separator: str = Field(default=",", min_length=1, max_length=10)  # between these names
    gold_columns: dict[Name, Name] = {}  # in place of gold: class -> column that says yes or no, 1 or 0
    split: Name | None = None
    metadata: list[Name] = []
    reference: Name | None = None
    embedding: Name | None = None  # a field that is one, or a Parquet file of ids and embeddings, which become one
    augmented: Name | None = None  # the file of `labelkit augment`, for the gate to look at
    encoding: Name = "utf-8"
    types: dict[Name, ColumnType] = {}

    @model_validator(mode="after")
    def _queries_have_a_database(self) -> DataSection:
        if self.path.endswith(".sql") != (self.url is not None):
            raise ValueError("path = a .sql file and url = the database it asks go together")
        return self

    @property
    def embedding_file(self) -> str | None:
        """The file that the embeddings are in, if they are in one."""
        return self.embedding if self.embedding is not None and self.embedding.endswith(".parquet") else None

    @property
    def embedding_field(self) -> str | None:
        """The field that is the embedding, if there is one."""
        return self.embedding if self.embedding_file is None else EMBEDDING

    @property
    def shown(self) -> list[str]:
        """The fields that people are shown: an embedding tells them nothing."""
        return [name for name in self.fields if name != self.embedding_field]

    @model_validator(mode="after")
    def _embeddings_are_seen(self) -> DataSection:
        if self.embedding_field is not None and self.embedding_field not in self.fields:
            raise ValueError(f'embedding: name "{self.embedding_field}" among the fields, which is what it becomes')
        if self.fields and not self.shown:
            raise ValueError("fields: an embedding alone shows nobody what a record says")
        return self

    @model_validator(mode="after")
    def _columns_have_one_role(self) -> DataSection:
        roles = [*self.fields, *self.metadata, *self.gold_columns.values(), self.id]
        roles += [name for name in (self.gold, self.split) if name]
        twice = sorted(name for name, times in Counter(roles).items() if times > 1)
        if twice:
            hint = "; functions see a copy of the id, under another name" if self.id in twice else ""
            raise ValueError(f"{named(twice)} is named twice; a column is id, field, gold, split or metadata{hint}")
        return self


class ApplySection(Section):
    """`[apply]`: how votes are cast."""

    workers: int = Field(default=0, ge=0, le=256)  # processes; 0 means one per processor
    max_faults: int = Field(default=0, ge=0)
    timeout: float = Field(default=60.0, ge=0, le=86_400)  # seconds that one call of a function may take; 0: no limit
    memory: int = Field(default=0, ge=0, le=2**24)  # megabytes that it may take; 0: no limit


class EngineSection(Section):
    """`[engine]`: where votes are cast and labels are predicted."""

    name: Literal["local", "spark"] = "local"
    master: str = Field(default="", max_length=1_000)  # Spark's master, such as "local[4]" or "yarn"
    remote: str = Field(default="", max_length=1_000)  # a server of Spark Connect: sc://host:port
    partitions: int = Field(default=0, ge=0, le=100_000)  # tasks that share the work; 0: one per 524,288 records
    spark: dict[str, str] = {}  # settings of Spark's session

    @field_validator("spark", mode="before")
    @classmethod
    def _settings_are_flat(cls, value: object) -> object:
        return _flat("spark", value) if isinstance(value, dict) else value

    @field_validator("remote")
    @classmethod
    def _is_a_server(cls, value: str) -> str:
        if value and not value.startswith("sc://"):
            raise ValueError("must begin with sc://")
        return value

    @model_validator(mode="after")
    def _runs_in_one_place(self) -> EngineSection:
        if self.master and self.remote:
            raise ValueError("master and remote are two places; name one")
        return self

    def or_else(self, name: str | None = None, master: str | None = None, remote: str | None = None) -> EngineSection:
        """What a caller said goes before what is written here. Raises UsageError for what does not go together."""
        chosen = self.name if name is None else name
        if chosen not in get_args(EngineSection.model_fields["name"].annotation):
            raise UsageError(f'no engine is called "{visible(chosen)}"; there are "local" and "spark"')
        if (master or remote) and chosen != "spark":
            raise UsageError("master and remote say where Spark runs; choose the engine spark, too")
        if master and remote:
            raise UsageError(f"{visible(master)} and {visible(remote)} are two places for Spark; name one")
        if remote and not remote.startswith("sc://"):
            raise UsageError(f'"{visible(remote)}" is no server of Spark Connect; such an address begins with sc://')
        place = {"master": master or "", "remote": remote or ""} if master or remote else {}
        return self.model_copy(update={"name": chosen, **place})


def _flat(name: str, value: object) -> dict[str, str]:
    """Spark's dotted names, whether they were written in quotes or as tables in tables."""
    if isinstance(value, dict):
        parts = (_flat(_full_name(name, key), each) for key, each in value.items())
        return {key: each for part in parts for key, each in part.items()}
    if not isinstance(value, (str, int, float)):
        raise ValueError(f"{name} must be a text, a number, true or false")
    return {name: str(value).lower() if isinstance(value, bool) else str(value)}


def _full_name(prefix: str, key: str) -> str:
    return key if key == "spark" or key.startswith("spark.") else f"{prefix}.{key}"


class ModelSection(Section):
    """`[model]`: how votes are combined."""

    name: Literal["snorkel", "majority", "dawid_skene", "weighted", "pooled", "ensemble", "auto"] = "snorkel"
    seed: int = Field(default=0, ge=0, lt=2**31)


class LearnerSection(Section):
    """`[learner]`: the end model that is trained beside the people."""

    model: str = Field(default="linear", max_length=200)
    kinds: dict[Name, Literal["text", "category", "number", "embedding"]] = {}  # of fields

    @field_validator("model")
    @classmethod
    def _is_no_code(cls, value: str) -> str:
        if value not in {"linear", "boosted"}:
            code = "; it cannot be code of yours: give that to weak_learner in Python" if "." in value else ""
            raise ValueError(f'must be "linear" or "boosted"{code}')
        return value


class AnnotateSection(Section):
    """`[annotate]`: whom and how many people are asked."""

    strategy: Name = "hybrid"
    budget: int = Field(default=50, ge=1)
    overlap: int = Field(default=1, ge=1, le=100)
    lease: int = Field(default=600, ge=10, le=86_400)
    retrain: bool = True  # a learner beside the people ranks the queue anew as answers come
    keys: dict[Name, Name] = {}
    guidelines: str = Field(default="", max_length=50_000)  # plain text, shown beside the records on the page


class RunsSection(Section):
    """`[runs]`: how much is kept of earlier runs."""

    keep: int = Field(default=10, ge=1)  # runs of apply whose votes and labels stay; records of runs stay for ever


def _check_address(url: str, variable: str) -> None:
    """Refuse what is no plain address, and one with a login: a key goes into an environment variable."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must begin with http:// or https:// and hold no query")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"must not hold a login; a key goes into the variable {variable}")


class LineageSection(Section):
    """`[lineage]`: who is told of runs, beside their records."""

    openlineage: Name | None = None  # a file of JSON lines in the project, or the URL of a receiver
    namespace: Name = "labelkit"  # of the project's jobs

    @field_validator("openlineage")
    @classmethod
    def _goes_to_one_place(cls, value: str | None) -> str | None:
        if value is not None and "://" not in value:
            path = PurePosixPath(value)
            if path.suffix != ".jsonl" or path.is_absolute() or ".." in path.parts:
                raise ValueError("must be the URL of a receiver, or a file in the project that ends in .jsonl")
        elif value is not None:
            _check_address(value, "OPENLINEAGE_API_KEY")
        return value


class PromptSection(Section):
    """`[prompt]`: whom prompt functions ask, and what that may cost."""

    base_url: str = Field(default="", max_length=2_000)  # of an OpenAI-compatible endpoint; "": nobody is asked
    model: str = Field(default="", max_length=200)  # for functions that name none
    key: str = Field(default="OPENAI_API_KEY", max_length=200)  # the environment variable that holds the key; "": none
    concurrency: int = Field(default=4, ge=1, le=64)  # requests under way at once
    timeout: float = Field(default=60.0, gt=0, le=3_600)  # seconds for one answer
    retries: int = Field(default=4, ge=0, le=20)  # attempts after the first
    backoff: float = Field(default=1.0, ge=0, le=60)  # seconds before the first of them, doubled for each further one
    offline: bool = False  # only replies that are kept; a missing one is an error
    budget_requests: int | None = Field(default=10_000, ge=0)  # limits of all that this project ever spends
    budget_tokens: int | None = Field(default=None, ge=0)
    budget_cost: float | None = Field(default=None, ge=0)
    price_in: float = Field(default=0.0, ge=0)  # of a million tokens, in any currency
    price_out: float = Field(default=0.0, ge=0)

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        _check_address(value, "that [prompt] key names")
        return value

    @model_validator(mode="after")
    def _money_has_prices(self) -> PromptSection:
        if self.budget_cost is not None and not (self.price_in or self.price_out):
            raise ValueError("budget_cost needs price_in and price_out, the prices of a million tokens")
        return self


class StoreSection(Section):
    """`[store]`: where answers are kept; SQLite under .labelkit/ unless a URL is given."""

    url: str | None = None


_OF_MULTILABEL = 'goes with kind = "multilabel" under [project]'


class Settings(Section):
    """The whole of labelkit.toml."""

    project: ProjectSection
    data: DataSection
    apply: ApplySection = ApplySection()
    engine: EngineSection = EngineSection()
    model: ModelSection = ModelSection()
    learner: LearnerSection = LearnerSection()
    annotate: AnnotateSection = AnnotateSection()
    runs: RunsSection = RunsSection()
    lineage: LineageSection = LineageSection()
    store: StoreSection = StoreSection()
    prompt: PromptSection = PromptSection()

    @model_validator(mode="after")
    def _gold_fits_the_kind(self) -> Settings:
        columns, classes = self.data.gold_columns, self.project.classes
        if columns and self.project.kind != "multilabel":
            raise ValueError(f"gold_columns under [data] {_OF_MULTILABEL}; name one column as gold")
        if columns and self.data.gold is not None:
            raise ValueError("gold and gold_columns under [data] are two ways to say the same; keep one")
        unknown = [name for name in columns if name not in classes]
        if unknown:
            raise ValueError(f"gold_columns under [data]: {named(unknown)} is no class; classes are {named(classes)}")
        if self.project.kind == "multilabel" and self.engine.name == "spark":
            raise ValueError('[engine] name = "spark" is for projects whose records have one class; use "local" here')
        return self

    def of_class(self, name: str) -> Settings:
        """The settings of the yes-or-no project that one class of a multi-label project is."""
        data, classes = self.data, [NO, YES]
        gold = data.gold_columns.get(name) if data.gold_columns else data.gold
        return self.model_copy(
            update={
                "project": self.project.model_copy(
                    update={"name": f"{self.project.name}.{name}", "classes": classes, "kind": "multiclass"}
                ),
                "data": data.model_copy(update={"gold": gold, "gold_columns": {}}),
                "engine": EngineSection(),
                "annotate": self.annotate.model_copy(update={"keys": {}}),
            }
        )
