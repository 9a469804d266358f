"""What executors need and need not have: labelkit itself, and the project's labeling functions, as archives.

An archive is named by its content, so that it is sent once per session. On an executor each is unpacked once per
process. What executors must have is what labelkit depends on: Python, NumPy, pyarrow, google-re2 and the like.
"""

from __future__ import annotations

import atexit
import hashlib
import io
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from labelkit.errors import FunctionError, visible
from labelkit.files import machine_errors
from labelkit.labeling import LabelingFunction, load_functions

FOLDER = "labeling_functions"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # as early as an archive can say: equal contents are equal archives


@dataclass(frozen=True)
class ShippedFunctions:
    """A folder of labeling functions on its way to executors."""

    archive: str  # name of the file that the session sends along
    fields: tuple[str, ...]
    classes: tuple[str, ...]
    fingerprints: tuple[tuple[str, str], ...]  # name and fingerprint of each function, as the driver loaded it

    def load(self) -> tuple[LabelingFunction, ...]:
        """The functions, on an executor. Raises FunctionError where they are not what the driver has."""
        return _loaded(self)


@dataclass(frozen=True)
class PickledFunctions:
    """Functions of a running program, sent by value with what they reach."""

    content: bytes

    def load(self) -> tuple[LabelingFunction, ...]:
        """The functions, on an executor."""
        from pyspark import cloudpickle

        return tuple(cloudpickle.loads(self.content))


Shipped = ShippedFunctions | PickledFunctions


def ship_labelkit(session: Any) -> None:
    """Give every executor this labelkit, whether or not it has one."""
    package = Path(__file__).parents[2]
    path = _archive("labelkit", package.parent, package)
    if _is_connect(session):
        session.addArtifacts(str(path), pyfile=True)
    else:
        session.sparkContext.addPyFile(str(path))


def ship_folder(
    session: Any, folder: Path, functions: Sequence[LabelingFunction], fields: Sequence[str], classes: Sequence[str]
) -> ShippedFunctions:
    """Give every executor a folder of labeling functions, from which the driver has loaded these."""
    with machine_errors(folder):
        path = _archive("functions", folder, folder)
    if _is_connect(session):
        session.addArtifacts(str(path), file=True)
    else:
        session.sparkContext.addFile(str(path))
    known = tuple((function.name, function.fingerprint) for function in functions)
    return ShippedFunctions(path.name, tuple(fields), tuple(classes), known)


def pickled(functions: Sequence[LabelingFunction]) -> PickledFunctions:
    """Functions that were not loaded from a folder, each with the module that defines it."""
    import inspect

    from pyspark import cloudpickle

    modules = {inspect.getmodule(function.vote) for function in functions}
    own = [module for module in modules if module is not None and not module.__name__.startswith("labelkit.")]
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        return PickledFunctions(cloudpickle.dumps(tuple(functions)))
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)


def _is_connect(session: Any) -> bool:
    """Whether a session speaks Spark Connect, and has no JVM beside it."""
    return not hasattr(session, "_jsparkSession")


def _archive(name: str, root: Path, folder: Path) -> Path:
    """A ZIP of the files below a folder, in a folder of this process, named by what is in it."""
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            about = zipfile.ZipInfo(path.relative_to(root).as_posix(), _EPOCH)
            about.external_attr = path.stat().st_mode << 16
            archive.writestr(about, path.read_bytes(), zipfile.ZIP_DEFLATED)
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    path = _workbench() / f"{name}-{digest[:32]}.zip"
    if not path.exists():
        path.write_bytes(content.getvalue())
    return path


@cache
def _workbench() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="labelkit-spark-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


_last: dict[ShippedFunctions, tuple[LabelingFunction, ...]] = {}  # of this process: the functions of one archive


def _loaded(shipped: ShippedFunctions) -> tuple[LabelingFunction, ...]:
    if shipped not in _last:
        from pyspark import SparkFiles

        folder = _workbench() / shipped.archive.removesuffix(".zip") / FOLDER
        with machine_errors(folder), zipfile.ZipFile(SparkFiles.get(shipped.archive)) as archive:
            archive.extractall(folder)
        functions = load_functions(folder, shipped.fields, shipped.classes)
        found = {function.name: function.fingerprint for function in functions}
        changed = [name for name, fingerprint in shipped.fingerprints if found.get(name) != fingerprint]
        if changed or len(found) != len(shipped.fingerprints):
            raise FunctionError(
                f'labeling function "{visible((changed or sorted(found))[0])}" is not the same on an executor as here: '
                "it reaches something outside labeling_functions/, or Python or a library has another version there"
            )
        _last.clear()
        _last[shipped] = functions
    return _last[shipped]
