"""Labeling functions of a project: every .py and .toml file of labeling_functions/, loaded by path in name order.

A TOML file holds rules (see `rules.rule_files`). A file whose name begins with an underscore is a helper for the others
and is not searched for functions. Any .py file can import any other at its top: `from _words import PRAISE`, or
`from ._words import PRAISE`. The folder comes last on the path while files are loaded, so that no file hides an
installed module.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from labelkit.errors import FunctionError, MachineError, listed, visible
from labelkit.labeling.faults import first_line, in_folder, innermost
from labelkit.labeling.fingerprints import fingerprint_of
from labelkit.labeling.functions import LabelingFunction, as_labeling_function, checked_functions, is_slicing
from labelkit.labeling.places import place_of
from labelkit.labeling.prompts.declare import check_prompt
from labelkit.labeling.rules import check_rule
from labelkit.labeling.rules.rule_files import read_rules
from labelkit.lineage import hash_tree

PACKAGE = "labelkit_project"  # what the folder is as a package

_modules_of_last_load: set[str] = set()


def load_functions(
    folder: Path, fields: Sequence[str], classes: Sequence[str], *, slices: bool = False
) -> tuple[LabelingFunction, ...]:
    """All labeling functions of the folder, in order of file name and definition.

    `slices`: Snorkel's slicing functions are taken as well; among labeling functions they are an error.
    Raises FunctionError, naming file and line, when a file cannot be imported, a name stands twice, a rule asks for a
    field or class that is not there, or there is no function at all.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        where = visible(folder.name)
        raise FunctionError(f"{where}/: no such folder; labeling functions are .py and .toml files in it")
    problems: list[str] = []
    functions: list[LabelingFunction] = []
    with _importable(folder):
        for path in sorted((*folder.glob("*.py"), *folder.glob("*.toml"))):
            if not path.name.startswith(("_", ".")):
                try:
                    functions += _functions_of(_load(path), slices) if path.suffix == ".py" else _rules_of(path)
                except FunctionError as error:
                    problems.append(str(error))
    if problems:
        raise FunctionError(listed(problems))
    if not functions:
        raise FunctionError(f"{visible(folder.name)}/: no labeling function in any .py or .toml file of it")
    checked = _with_data_files(checked_functions(list(_once(functions))), folder)
    for function in checked:
        if function.rule is not None:
            check_rule(function.rule, fields, classes)
        check_prompt(function, fields, classes)
    return checked


def load_modules(folder: Path) -> list[ModuleType]:
    """The .py files of a folder, imported as those of labeling functions are. Raises FunctionError as these do."""
    problems, modules = list[str](), list[ModuleType]()
    folder = folder.absolute()
    with _importable(folder):
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith(("_", ".")):
                try:
                    modules.append(_load(path))
                except FunctionError as error:
                    problems.append(str(error))
    if problems:
        raise FunctionError(listed(problems))
    return modules


def _with_data_files(functions: Sequence[LabelingFunction], folder: Path) -> tuple[LabelingFunction, ...]:
    """The functions, their fingerprints including the folder's data files: any of them may be read while voting."""
    files = {name: digest for name, digest in hash_tree(folder, ["*"]).items() if not name.endswith((".py", ".toml"))}
    if not files:
        return tuple(functions)
    return tuple(  # a rule or prompt has read its file when it was declared, and holds what was in it
        each if each.kind in {"rule", "prompt"} else replace(each, fingerprint=fingerprint_of(each.fingerprint, files))
        for each in functions
    )


def _load(path: Path) -> ModuleType:
    """Import one file by its path, and say precisely where it fails."""
    name = f"{PACKAGE}.{path.stem}"
    if name in sys.modules:  # another file of this load imported it
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FunctionError(f"{path.parent.name}/{visible(path.name)}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses and pickle look for it
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, OSError) and _is_of(path.parent, error.filename):
            raise MachineError(f"{visible(str(error.filename))}: {visible(error.strerror or str(error))}") from error
        raise FunctionError(_import_failure(path, error)) from error
    return module


def _is_of(folder: Path, file: object) -> bool:
    """Whether it was a Python file of the folder itself that could not be read."""
    return isinstance(file, str) and file.endswith(".py") and Path(file).parent == folder


def _import_failure(path: Path, error: BaseException) -> str:
    """Where in the folder an import failed, and what was said."""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).parent == path.parent:
        where = place_of(error.filename, error.lineno or 1)
        return f"{visible(where)}: {visible(error.msg)}"
    where = innermost(error, in_folder(path.parent)) or f"{path.parent.name}/{path.name}"
    kind = "" if isinstance(error, FunctionError) else f"{type(error).__name__}: "
    return f"{visible(where)}: {kind}{visible(first_line(error))}"


def _functions_of(module: ModuleType, slices: bool) -> Iterator[LabelingFunction]:  # noqa: FBT001
    """Labeling functions at the top level of a module, in order of definition."""
    for value in vars(module).values():
        function = as_labeling_function(value)
        if function is not None:
            if is_slicing(value) and not slices:
                raise FunctionError(
                    f'{function.place}: "{visible(function.name)}" is a slicing function, which votes for no class; '
                    "move it into the folder slices/"
                )
            yield function


def _rules_of(path: Path) -> Iterator[LabelingFunction]:
    """The rules of a TOML file, in its order."""
    for rule in read_rules(path):
        function = as_labeling_function(rule)
        if function is not None:
            yield function


def _once(functions: Sequence[LabelingFunction]) -> Iterator[LabelingFunction]:
    """Each function once: it may be bound to two names, or imported by another file."""
    seen = set()
    for function in functions:
        same = function.name, function.place, function.fingerprint
        if same not in seen or not function.place:
            seen.add(same)
            yield function


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let the files of the folder import one another, freshly, and leave no bytecode behind.

    What was loaded stays in `sys.modules` until the next load: functions may import and pickle while they run.
    """
    for name in _modules_of_last_load:
        sys.modules.pop(name, None)
    _modules_of_last_load.clear()
    importlib.invalidate_caches()
    before, writes = set(sys.modules), sys.dont_write_bytecode
    package = ModuleType(PACKAGE)
    package.__path__, package.__file__ = [str(folder)], str(folder / "__init__.py")
    sys.modules[PACKAGE] = package
    sys.path.append(str(folder))
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = writes
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(folder):
                _modules_of_last_load.add(name)
