"""`[engine]`: where the work is done."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field, field_validator, model_validator

from labelkit.errors import UsageError, visible
from labelkit.settings.base import Section


class EngineSection(Section):
    """`[engine]`: where votes are cast and labels are predicted."""

    name: Literal["local", "spark"] = "local"
    master: str = Field(default="", max_length=1_000)  # Spark's master, such as "local[4]" or "yarn"
    remote: str = Field(default="", max_length=1_000)  # a server of Spark Connect: sc://host:port
    partitions: int = Field(default=0, ge=0, le=100_000)  # tasks that share the work; 0: one per 524,288 records
    spark: dict[str, str] = Field(default_factory=dict)  # settings of Spark's session

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
