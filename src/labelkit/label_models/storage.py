"""Label models by name, and on disk as JSON and NPZ. Nothing here can run code: pickles are refused."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from labelkit.errors import ArtifactError
from labelkit.files import write_bytes, write_json
from labelkit.label_models.base import LabelModel
from labelkit.label_models.majority import MajorityLabelModel
from labelkit.label_models.snorkel import SnorkelLabelModel

SCHEMA_VERSION = 1
LABEL_MODELS: dict[str, type[MajorityLabelModel | SnorkelLabelModel]] = {
    model.name: model for model in (MajorityLabelModel, SnorkelLabelModel)
}


def make_model(name: str, classes: Sequence[str], seed: int) -> LabelModel:
    """A label model that is not fitted yet, by the name that labelkit.toml uses."""
    return LABEL_MODELS[name](classes, seed)


def save_model(model: LabelModel, folder: Path) -> None:
    """Write model.json and model.npz; equal models give equal bytes."""
    about, arrays = model.state()
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]  # the stub takes allow_pickle for one of the arrays
    write_bytes(folder / "model.npz", content.getvalue())
    write_json(folder / "model.json", {"schema": SCHEMA_VERSION, "name": model.name, **about})


def load_model(folder: Path) -> LabelModel:
    """Read what `save_model` wrote. Raises ArtifactError when it is not whole."""
    try:
        about = json.loads((folder / "model.json").read_bytes())
        if about["schema"] != SCHEMA_VERSION:
            raise ValueError("another schema version")
        with np.load(folder / "model.npz", allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return LABEL_MODELS[about["name"]].from_state(about, arrays)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, RecursionError) as error:
        raise ArtifactError(f"run {folder.name}: no whole label model in it; run `labelkit apply` again") from error
