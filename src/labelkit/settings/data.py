"""`[data]`: where the records are, and what their columns mean."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from pydantic import Field, model_validator

from labelkit.errors import named
from labelkit.settings.base import Name, Section

EMBEDDING = "embedding"  # the field that a file of embeddings becomes
AUGMENTED_FROM = "augmented_from"  # the column of an augmented record that names its parent
ColumnType = Literal["string", "int64", "float64", "bool"]
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
    gold_columns: dict[Name, Name] = Field(default_factory=dict)  # in place of gold: class -> column of 1 and 0
    split: Name | None = None
    metadata: list[Name] = Field(default_factory=list)
    reference: Name | None = None
    embedding: Name | None = None  # a field that is one, or a Parquet file of ids and embeddings, which become one
    augmented: Name | None = None  # the file of `labelkit augment`, for the gate to look at
    encoding: Name = "utf-8"
    types: dict[Name, ColumnType] = Field(default_factory=dict)

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
