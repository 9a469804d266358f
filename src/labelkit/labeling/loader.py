"""Labeling functions of a project: every .py file of labeling_functions/, loaded by path in name order.

A file whose name begins with an underscore is a helper for the others and is not searched for functions.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from labelkit.errors import FunctionError, listed, visible
from labelkit.labeling.functions import LabelingFunction, as_labeling_function, checked_functions
from labelkit.labeling.rules import check_rule


def load_functions(folder: Path, fields: Sequence[str], classes: Sequence[str]) -> tuple[LabelingFunction, ...]:
    """All labeling functions of the folder, in order of file name and definition.

    Raises FunctionError, naming file and line, when a file cannot be imported, a name stands twice, a rule asks for a
    field or class that is not there, or there is no function at all.
    """
    if not folder.is_dir():
        raise FunctionError(f"{visible(folder.name)}/: no such folder; labeling functions are .py files in it")
    problems: list[str] = []
    functions: list[LabelingFunction] = []
    with _importable(folder):
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith("_"):
                try:
                    functions += _functions_of(_load(path, folder))
                except FunctionError as error:
                    problems.append(str(error))
    if problems:
        raise FunctionError(listed(problems))
    if not functions:
        raise FunctionError(f"{visible(folder.name)}/: no labeling function in any .py file of it")
    for function in checked_functions(functions):
        if function.rule is not None:
            check_rule(function.rule, fields, classes)
    return tuple(functions)


def _load(path: Path, folder: Path) -> ModuleType:
    """Import one file by its path, and say precisely where it fails."""
    name = f"labelkit_project.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FunctionError(f"{folder.name}/{visible(path.name)}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except SyntaxError as error:
        file = Path(error.filename or path).name
        raise FunctionError(f"{folder.name}/{visible(file)}:{error.lineno}: {error.msg}") from error
    except BaseException as error:
        raise FunctionError(_import_failure(path, folder, error)) from error
    return module


def _import_failure(path: Path, folder: Path, error: BaseException) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    where = f"{folder.name}/{visible(path.name)}" + (f":{lines[-1]}" if lines else "")
    said = (str(error).splitlines() or [""])[0]
    kind = "" if isinstance(error, FunctionError) else f"{type(error).__name__}: "
    return f"{where}: {kind}{visible(said)}"


def _functions_of(module: ModuleType) -> Iterator[LabelingFunction]:
    """Labeling functions at the top level of a module, each once, in order of definition."""
    seen: set[int] = set()
    for value in vars(module).values():
        if id(value) not in seen:
            seen.add(id(value))
            function = as_labeling_function(value)
            if function is not None:
                yield function


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let the files of the folder import one another, freshly, and leave no bytecode behind."""
    before, writes = set(sys.modules), sys.dont_write_bytecode
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = writes
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(folder):
                del sys.modules[name]
