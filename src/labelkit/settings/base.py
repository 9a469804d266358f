"""What every section of labelkit.toml is."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

FILE_NAME = "labelkit.toml"
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Section(BaseModel):
    """A table of labelkit.toml: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
