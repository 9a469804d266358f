"""`init`: a project that runs at once, made of the files in `template/`."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from labelkit.errors import UsageError, named
from labelkit.files import machine_errors, timestamp, write_bytes
from labelkit.lineage import Run, versions_of
from labelkit.pipeline.recording import file_hashes, keep_run
from labelkit.project import read_project

TEMPLATE = "template"


def init(folder: Path) -> list[str]:
    """Write the template into the folder. Returns the paths written, relative to it.

    Nothing is overwritten: raises UsageError when one of the files is there already.
    """
    started, files = timestamp(), dict(_files(resources.files("labelkit.pipeline") / TEMPLATE, ""))
    present = [name for name in files if (folder / name).exists()]
    if present:
        raise UsageError(f"{folder}: {named(present)} is there already; choose another folder or move it away")
    with machine_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_bytes(folder / name, content)
    run = Run("init", inputs={}, parameters={}, versions=versions_of(()), outputs=file_hashes(folder, files))
    keep_run(read_project(folder.resolve()), run, started=started)
    return list(files)


def _files(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    """(relative path, content) of every file of the template, in name order."""
    found: list[tuple[str, bytes]] = []
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        name = prefix + item.name.replace("dot-", ".")
        if item.is_dir():
            if item.name != "__pycache__":
                found += _files(item, f"{name}/")
        else:
            found.append((name, item.read_bytes()))
    return found
