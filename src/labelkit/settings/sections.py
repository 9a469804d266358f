"""The other sections of labelkit.toml."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from labelkit.settings.base import Name, Section


class ApplySection(Section):
    """`[apply]`: how votes are cast."""

    workers: int = Field(default=0, ge=0, le=256)  # processes; 0 means one per processor
    max_faults: int = Field(default=0, ge=0)
    timeout: float = Field(default=60.0, ge=0, le=86_400)  # seconds that one call of a function may take; 0: no limit
    memory: int = Field(default=0, ge=0, le=2**24)  # megabytes that it may take; 0: no limit


class ModelSection(Section):
    """`[model]`: how votes are combined."""

    name: Literal["snorkel", "majority", "dawid_skene", "weighted", "pooled", "ensemble", "auto"] = "snorkel"
    seed: int = Field(default=0, ge=0, lt=2**31)


class LearnerSection(Section):
    """`[learner]`: the end model that is trained beside the people."""

    model: str = Field(default="linear", max_length=200)
    kinds: dict[Name, Literal["text", "category", "number", "embedding"]] = Field(default_factory=dict)  # of fields

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
    keys: dict[Name, Name] = Field(default_factory=dict)
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
