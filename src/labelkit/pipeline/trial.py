"""Labels from functions that are not those of the working tree, or of an earlier run: computed in another process.

The functions of a revision are files in a temporary folder. A process of its own loads them, so that they share no
module with others, and leaves its result in that folder; of the project only the cache of votes is written to.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from labelkit import errors
from labelkit.engines import Limits, LocalEngine, VoteCache
from labelkit.errors import LabelkitError, MachineError
from labelkit.files import machine_errors, write_bytes, write_json
from labelkit.lineage import Run
from labelkit.parents import die_with
from labelkit.pipeline.compute import compute
from labelkit.pipeline.passes import LocalPasses, passes_on
from labelkit.pipeline.truth import read_answers
from labelkit.project import ProjectFolder, one_class, read_project
from labelkit.settings import EngineSection

RESULT = "trial.json"

Talk = Callable[[str], None]
"""Hears, in words, what takes time."""


@contextmanager
def workshop(place: Path | None = None) -> Iterator[Path]:
    """A temporary folder for trials; in `place`, where others have to see it."""
    with machine_errors(Path("temporary folder")), TemporaryDirectory(prefix="labelkit-", dir=place) as folder:
        yield Path(folder)


def laid_out(files: Mapping[str, bytes], folder: Path) -> Path:
    """A folder of labeling functions made of files by relative path."""
    functions = folder / "labeling_functions"
    for name, content in files.items():
        write_bytes(functions / name, content)
    return functions


def try_out(
    project: ProjectFolder,
    functions: Path,
    folder: Path,
    what: str,
    *,
    like: Run | None = None,
    workers: int | None = None,
    engine: EngineSection | None = None,
) -> Run:
    """Compute labels with the functions of a folder, and leave them, votes and model in `folder`.

    With `like`, the settings, answers and id are those of an earlier run, and no vote comes from the cache. `what` says
    in errors whose functions these are, `engine` where the work is done, if not here. Raises what `apply` would raise.
    """
    with machine_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    task = {
        "root": str(project.root),
        "of_class": project.of_class,
        "functions": str(functions),
        "folder": str(folder),
        "like": None if like is None else asdict(like),
        "workers": project.settings.apply.workers if workers is None else workers,
        "engine": (engine or EngineSection()).model_dump(),
        "parent": os.getpid(),
    }
    with machine_errors(Path(sys.executable)):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "labelkit.pipeline.trial"],
            input=json.dumps(task).encode(),
            stdout=subprocess.DEVNULL,  # what functions print past Python is no data of ours
            cwd=project.root,
            check=False,
        )
    return _result(folder / RESULT, what, done.returncode)


def _result(path: Path, what: str, code: int) -> Run:
    """The run in what the other process left. Raises the error that it left."""
    if code or not path.is_file():
        raise MachineError(f"{what}: the process that cast the votes ended with exit code {code}")
    content = json.loads(path.read_bytes())
    if "bug" in content:
        raise RuntimeError(f"{what}: {content['bug']}")
    if "error" in content:
        kind = getattr(errors, content["error"], LabelkitError)
        lines = (f"{what}: {line}" for line in str(content["message"]).splitlines())
        raise kind("\n".join(lines))
    return Run(**{**content, "parents": tuple(content["parents"])})


def main() -> None:
    """Do what standard input asks for, and leave a run or an error in the folder."""
    task = json.load(sys.stdin)
    die_with(task["parent"])
    try:
        result = asdict(_tried(task))
    except LabelkitError as error:
        result = {"error": type(error).__name__, "message": str(error)}
    except KeyboardInterrupt:  # whoever waits for us was interrupted as well, and will say so
        sys.exit(130)
    except Exception:  # noqa: BLE001  whoever waits for us makes a crash report of it
        result = {"bug": traceback.format_exc()}
    write_json(Path(task["folder"]) / RESULT, result)


def _tried(task: Mapping[str, Any]) -> Run:
    project, folder = one_class(read_project(Path(task["root"])), task["of_class"]), Path(task["folder"])
    limits = Limits(project.settings.apply.timeout, project.settings.apply.memory)
    like, functions = task["like"], Path(task["functions"])
    if like is None:
        passes = LocalPasses(LocalEngine(task["workers"], VoteCache(project.state / "cache" / "votes"), limits))
        limit = project.settings.apply.max_faults
        return compute(project, passes, read_answers(project), folder, max_faults=limit, functions_folder=functions).run
    project = with_parameters(project, like["parameters"])
    return compute(
        project,
        passes_on(EngineSection(**task["engine"]), task["workers"], limits),
        read_answers(project, until=like["about"].get("answers_sequence", 0)),
        folder,
        max_faults=like["parameters"]["max_faults"],
        functions_folder=functions,
        run_id=like["id"],
    ).run


def with_parameters(project: ProjectFolder, parameters: Mapping[str, Any]) -> ProjectFolder:
    """The project with the settings of an earlier run, wherever those decide what the labels are."""
    settings = project.settings
    changes: dict[str, Any] = {
        "project": settings.project.model_copy(update={"classes": parameters["classes"]}),
        "data": settings.data.model_copy(update={"id": parameters["id"], "fields": parameters["fields"]}),
        "model": settings.model.model_copy(update={"name": parameters["model"], "seed": parameters["seed"]}),
    }
    if "prompt_model" in parameters:
        changes["prompt"] = settings.prompt.model_copy(update={"model": parameters["prompt_model"]})
    return replace(project, settings=settings.model_copy(update=changes))


if __name__ == "__main__":
    main()
