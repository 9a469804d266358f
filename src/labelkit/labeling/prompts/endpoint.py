"""Where prompt functions ask: an OpenAI-compatible endpoint, its limits, and the folder that keeps what it said."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from labelkit.errors import ConfigError, FunctionError, UsageError, listed, visible
from labelkit.labeling.functions import LabelingFunction
from labelkit.settings import FILE_NAME, PromptSection
from labelkit.settings_file import explained


@dataclass(frozen=True)
class Endpoint:
    """What `[prompt]` says, and where replies and spendings are kept; without a folder they last for one call."""

    settings: PromptSection
    folder: Path | None = None  # .labelkit of a project

    @property
    def ledger(self) -> Path | None:
        """The file of everything that was spent."""
        return None if self.folder is None else self.folder / "spending.jsonl"

    def replies(self, series: str) -> Path | None:
        """The file of the replies to one function's requests."""
        return None if self.folder is None else self.folder / "cache" / "prompts" / f"{series}.jsonl"

    def model_of(self, function: LabelingFunction) -> str:
        """The model that a function asks. Raises FunctionError where none is named."""
        model = (function.prompt.model if function.prompt else "") or self.settings.model
        if not model:
            raise FunctionError(
                f'{function.place}: prompt "{visible(function.name)}" names no model, and neither does [prompt] model'
            )
        return model

    def secret(self) -> str:
        """The key, from the environment; "" where there is none. Raises ConfigError for one that cannot be sent."""
        name = self.settings.key
        key = os.environ.get(name, "").strip() if name else ""
        if not key:
            return ""
        if not key.isascii() or not key.isprintable():
            raise ConfigError(f"the key in the variable {visible(name)} holds characters that no header can carry")
        parts = urlsplit(self.settings.base_url)
        if parts.scheme == "http" and not _is_here(parts.hostname or ""):
            raise ConfigError(
                f"[prompt] base_url is plain http, and would show the key in {visible(name)} to everyone on the way; "
                'use https, or set key = "" where the endpoint wants none'
            )
        return key


def endpoint(base_url: str, *, folder: str | Path | None = None, **settings: Any) -> Endpoint:
    """The endpoint that `apply_lfs` asks for prompt functions; keywords are the keys of `[prompt]` in labelkit.toml.

    `folder` keeps replies and spendings; in a project it is .labelkit. The key comes from the environment variable that
    `key` names (OPENAI_API_KEY). Raises UsageError for settings that do not hold.

    >>> endpoint("http://127.0.0.1:8000/v1", model="small", budget_requests=100).settings.budget_requests
    100
    """
    from pydantic import ValidationError

    try:
        section = PromptSection.model_validate({"base_url": base_url, **settings})
    except ValidationError as error:
        problems = (explained({**problem, "loc": ("prompt", *problem["loc"])}) for problem in error.errors())
        raise UsageError(listed([f"endpoint: {said.removeprefix(f'{FILE_NAME}: ')}" for said in problems])) from None
    return Endpoint(section, None if folder is None else Path(folder))


def _is_here(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
