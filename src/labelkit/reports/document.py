"""A verdict as one JSON document for machines. docs/validate.md explains it, `schema.json` defines it."""

from __future__ import annotations

import importlib.resources
import json
from dataclasses import asdict
from typing import Any

from labelkit.reports.background import NOTHING, Background, keyed
from labelkit.validation import Verdict

SCHEMA: dict[str, Any] = json.loads(
    importlib.resources.files("labelkit.reports").joinpath("schema.json").read_text(encoding="utf-8")
)
"""The JSON Schema (draft 2020-12) of what `to_json` gives."""


def to_json(verdict: Verdict, background: Background = NOTHING) -> dict[str, Any]:
    """The verdict with every outcome in full: whether it blocks, and since when it has not passed."""
    document = verdict.to_json()
    blocking = {id(outcome) for outcome in verdict.blocking}
    for (key, outcome), entry in zip(keyed(verdict.outcomes), document["outcomes"], strict=True):
        since = background.since.get(key)
        entry["blocks"] = id(outcome) in blocking
        entry["since"] = None if since is None else asdict(since)
    about = {"project": background.project, "run": background.run, "time": background.time}
    return {**document, **about, "labels_sha256": background.labels, "data_fingerprint": background.data}
