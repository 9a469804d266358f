"""Label models by name, and on disk as JSON and NPZ. Nothing here can run code: pickles are refused."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import ArtifactError, ModelError, named, visible
from labelkit.files import write_bytes, write_json
from labelkit.label_models.auto import AutoLabelModel
from labelkit.label_models.base import BaseLabelModel, LabelModel
from labelkit.label_models.dawid_skene import DawidSkeneLabelModel
from labelkit.label_models.ensemble import EnsembleLabelModel
from labelkit.label_models.majority import MajorityLabelModel
from labelkit.label_models.pooled import PooledLabelModel
from labelkit.label_models.snorkel import SnorkelLabelModel
from labelkit.label_models.weighted import WeightedLabelModel
from labelkit.lineage import hash_bytes, hash_json

SCHEMA_VERSION = 1
LABEL_MODELS: dict[str, type[BaseLabelModel]] = {
    model.name: model
    for model in (
        MajorityLabelModel,
        SnorkelLabelModel,
        DawidSkeneLabelModel,
        WeightedLabelModel,
        PooledLabelModel,
        EnsembleLabelModel,
        AutoLabelModel,
    )
}


@dataclass(frozen=True)
class Fitted:
    """A fitted label model on its way to executors: plain values and arrays, however it was fitted."""

    name: str
    about: dict[str, Any]
    arrays: dict[str, NDArray[np.float64]]

    @classmethod
    def of(cls, model: LabelModel) -> Self:
        """What a model knows."""
        return cls(model.name, *model.state())

    def model(self) -> LabelModel:
        """The model."""
        return LABEL_MODELS[self.name].from_state(self.about, self.arrays)


def make_model(name: str, classes: Sequence[str], seed: int) -> LabelModel:
    """A label model that is not fitted yet, by the name that labelkit.toml uses. Raises ModelError for another name."""
    if name not in LABEL_MODELS:
        raise ModelError(f'no label model is called "{visible(str(name))}"; there are {named(LABEL_MODELS)}')
    return LABEL_MODELS[name](classes, seed)


def save_model(model: LabelModel, folder: Path) -> None:
    """Write model.json and model.npz; equal models give equal bytes. The digest in model.json covers both."""
    about, arrays = model.state()
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]  # the stub takes allow_pickle for one of the arrays
    about = {"schema": SCHEMA_VERSION, "name": model.name, **about}
    write_bytes(folder / "model.npz", content.getvalue())
    write_json(folder / "model.json", {**about, "digest": _digest(about, content.getvalue())})


def load_model(folder: Path) -> LabelModel:
    """Read what `save_model` wrote. Raises ArtifactError when it is not whole, or was changed."""
    try:
        about = json.loads((folder / "model.json").read_bytes())
        content = (folder / "model.npz").read_bytes()
        if about["schema"] != SCHEMA_VERSION or about.pop("digest") != _digest(about, content):
            raise ValueError("changed, or of another version")
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return LABEL_MODELS[about["name"]].from_state(about, arrays)
    except Exception as error:
        raise ArtifactError(
            f"run {visible(folder.name)}: no whole label model in it; run `labelkit apply` again"
        ) from error


def _digest(about: dict[str, Any], content: bytes) -> str:
    return hash_json([about, hash_bytes(content)])
