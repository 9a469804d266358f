"""What `[lineage] openlineage` asks for: every execution of a verb is told, when it begins and how it ends.

Nothing here can fail or hold up a verb: what goes wrong is said in a warning, and events that nobody takes wait for the
next run.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import logging
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from labelkit.errors import ConfigError, visible
from labelkit.files import timestamp
from labelkit.lineage import Run
from labelkit.lineage.openlineage import Event, Kind, Outbox, new_execution
from labelkit.lineage.openlineage.transports import to_file, to_url
from labelkit.pipeline.datasets import Places, code_of, read_by, written_by
from labelkit.project import ProjectFolder

OUTBOX = "openlineage"
"""Folder of .labelkit/ in which events wait."""

OFF = "OPENLINEAGE_DISABLED"
"""The environment variable that silences every OpenLineage client."""

_log = logging.getLogger("labelkit.openlineage")
_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass
class _Execution:
    """One execution of a verb, from its beginning."""

    project: ProjectFolder
    verb: str
    id: str
    run: Run | None = None  # as it was recorded


_current: ContextVar[_Execution | None] = ContextVar("labelkit_execution", default=None)


def announced(
    verb: str,
) -> Callable[[Callable[Concatenate[ProjectFolder, _P], _R]], Callable[Concatenate[ProjectFolder, _P], _R]]:
    """Tell of each call of a verb: START, then COMPLETE, FAIL or ABORT. Without the setting nothing happens.

    Raises ConfigError where the setting is there and the library is not.
    """

    def around(function: Callable[Concatenate[ProjectFolder, _P], _R]) -> Callable[Concatenate[ProjectFolder, _P], _R]:
        @functools.wraps(function)
        def telling(project: ProjectFolder, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
            if not _wanted(project):
                return function(project, *args, **kwargs)
            _check_library()
            with _told(project, verb):
                return function(project, *args, **kwargs)

        return telling

    return around


def kept(project: ProjectFolder, run: Run) -> None:
    """A run was recorded: it ends the execution that it belongs to, or was one of its own."""
    if not _wanted(project):
        return
    execution = _current.get()
    if execution is not None and execution.run is None and execution.verb == run.verb:
        execution.run = run
        return
    with _harmless():
        alone = _Execution(project, run.verb, new_execution(), run)
        _tell(alone, "START", time=run.started)
        _tell(alone, "COMPLETE", time=run.finished)
        _deliver(project)


@contextlib.contextmanager
def _told(project: ProjectFolder, verb: str) -> Iterator[None]:
    execution = _Execution(project, verb, new_execution())
    with _harmless():
        _tell(execution, "START")
    token = _current.set(execution)
    try:
        yield
    except BaseException as error:
        with _harmless():
            _tell(execution, "ABORT" if isinstance(error, (KeyboardInterrupt, SystemExit)) else "FAIL", error=error)
            _deliver(project)
        raise
    finally:
        _current.reset(token)
    with _harmless():
        _tell(execution, "COMPLETE")
        _deliver(project)


def _wanted(project: ProjectFolder) -> bool:
    off = os.environ.get(OFF, "").lower() in {"1", "true", "yes"}
    return project.settings.lineage.openlineage is not None and not off


def _check_library() -> None:
    if importlib.util.find_spec("openlineage") is None:
        raise ConfigError(
            "labelkit.toml: [lineage] openlineage is set, and openlineage-python is not installed; "
            "pip install 'labelkit[openlineage]', or remove the setting"
        )


def _tell(execution: _Execution, kind: Kind, *, time: str = "", error: BaseException | None = None) -> None:
    """Put an event into the outbox."""
    project = execution.project
    ended = execution.run if kind == "COMPLETE" else None
    places = Places(project, ended)
    event = Event(
        kind=kind,
        time=time or timestamp(),
        execution=execution.id,
        namespace=project.settings.lineage.namespace,
        job=f"{project.settings.project.name}.{execution.verb}",
        verb=execution.verb,
        inputs=read_by(execution.verb, places),
        outputs=written_by(execution.verb, places) if kind in {"START", "COMPLETE"} else (),
        run={} if ended is None else {name: getattr(ended, name) for name in ("id", "parents", "inputs", "counts")},
        code=None if ended is None else code_of(project, ended),
        error="" if error is None else type(error).__name__,
    )
    Outbox(project.state / OUTBOX).add(event)


def _deliver(project: ProjectFolder) -> None:
    """Send what waits, and say what could not be sent."""
    target = project.settings.lineage.openlineage or ""
    is_url = "://" in target
    left = Outbox(project.state / OUTBOX).deliver(lambda: to_url(target) if is_url else to_file(project.root / target))
    if left is not None and left.waiting:
        _warn(f"{visible(target)} did not take {left.waiting:,} events ({left.reason}); they go out with the next run")
    if left is not None and left.refused:
        _warn(f"{visible(target)} refused {left.refused:,} events; they are kept in .labelkit/{OUTBOX}/*.refused")


@contextlib.contextmanager
def _harmless() -> Iterator[None]:
    """Turn whatever goes wrong in the block into a warning."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  the verb has done its work, or is about to: telling of it is extra
        _warn(f"an event was not kept ({type(error).__name__})")


def _warn(said: str) -> None:
    _log.warning("labelkit: warning: OpenLineage: %s", said)
