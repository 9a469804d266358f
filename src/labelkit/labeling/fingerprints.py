"""Fingerprints of labeling functions: what decides a vote, hashed, the same in every process.

A function of the user is its compiled code, its defaults, what it closes over, and the globals that its code names:
word lists, helpers, other functions, in this file or another, with all that those name in turn. A class or a module of
the user's is the whole text of its file. A function of an installed library is its name and its compiled code.
Absolute paths among the globals are left out, so that a project may be moved. A needless change is cheap, a missed one
is not: where code can reach more than it names, the whole file counts.
"""

from __future__ import annotations

import copyreg
import functools
import hashlib
import sys
import sysconfig
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

MAX_DEPTH = 100
DYNAMIC = {"__import__", "compile", "eval", "exec", "getattr", "globals", "import_module", "locals", "setattr", "vars"}
"""Names by which code may reach what its text does not name: it then stands for the whole text of its file."""

CACHES = {"_cache", "_memo"}  # attributes in which mappers keep results, Snorkel's and labelkit's


def fingerprint_of(*parts: object) -> str:
    """SHA-256 over any mix of plain values, functions, preprocessors and objects.

    Sets and dictionaries count without regard to order, objects by what they would be pickled with.

    >>> fingerprint_of("a", {"x": {1, 2}}) == fingerprint_of("a", {"x": {2, 1}})
    True
    """
    return _Digests().of(parts).hex()


class _Digests:
    """SHA-256 digests of values. An object is looked at once; met again inside itself, it is only marked."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}  # by id
        self._kept: list[object] = []  # so that no id is given twice
        self._depth = 0

    def of(self, value: object) -> bytes:
        plain = _plain(value)
        if plain is not None:
            return _combined(*plain)
        key = id(value)
        if key not in self._known:
            self._kept.append(value)
            self._known[key] = _combined("again")
            self._depth += 1
            self._known[key] = self._looked_at(value) if self._depth < MAX_DEPTH else _combined("deep")
            self._depth -= 1
        return self._known[key]

    def _looked_at(self, value: Any) -> bytes:
        for kinds, look in self._ways():
            if isinstance(value, kinds):
                return look(value)
        if hasattr(value, "detach") and hasattr(value, "numpy"):  # a tensor of torch
            value = value.detach().cpu().numpy()
        if hasattr(value, "tobytes") and hasattr(value, "dtype"):
            return self._array(value)
        return self._object(value)

    def _ways(self) -> Iterator[tuple[type | tuple[type, ...], Callable[[Any], bytes]]]:
        yield OrderedDict, lambda value: self._all("odict", value.items())
        yield dict, lambda value: _combined("dict", *sorted(self.of(item) for item in value.items()))
        yield (set, frozenset), lambda value: _combined(type(value).__name__, *sorted(self.of(item) for item in value))
        yield (list, tuple), lambda value: self._all(type(value).__name__, value)
        yield CodeType, self._code
        yield FunctionType, self._function
        yield (
            (MethodType, BuiltinFunctionType),
            lambda value: self._all("method", [value.__name__, value.__self__, getattr(value, "__func__", None)]),
        )
        yield functools.partial, lambda value: self._all("partial", [value.func, value.args, value.keywords])
        yield type, self._class
        yield ModuleType, self._module

    def _all(self, kind: str, values: Iterable[object]) -> bytes:
        return _combined(kind, *[self.of(value) for value in values])

    def _array(self, value: Any) -> bytes:
        content = value.tolist() if value.dtype.hasobject else value.tobytes()
        return self._all("array", [str(value.dtype), tuple(getattr(value, "shape", ())), content])

    def _code(self, code: CodeType) -> bytes:
        return self._all("code", [code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_consts])

    def _function(self, function: FunctionType) -> bytes:
        own = _is_own(function.__code__.co_filename)
        cells = [cell.cell_contents for cell in function.__closure__ or () if _is_set(cell)]
        given = [function.__defaults__, function.__kwdefaults__, cells, vars(function)]
        outside: list[object] = [_named_globals(function)] if own else []
        if own and _names(function.__code__) & DYNAMIC:
            outside.append(_text(function.__code__.co_filename))
        return self._all("function", [function.__qualname__, function.__code__, given, outside])

    def _module(self, module: ModuleType) -> bytes:
        """A module of the user's is its text and the modules of the user's that it imports; another is its name."""
        file = getattr(module, "__file__", None) or ""
        if not _is_own(file):
            return _combined("module", module.__name__.encode())
        values = list(vars(module).values())
        homes = [sys.modules.get(str(getattr(value, "__module__", ""))) for value in values]
        others = {id(each): each for each in [*values, *homes] if isinstance(each, ModuleType) and each is not module}
        return self._all("module", [_text(file), sorted(self.of(each) for each in others.values())])

    def _class(self, value: type) -> bytes:
        file = getattr(sys.modules.get(value.__module__), "__file__", None) or ""
        text = _text(file) if _is_own(file) else b""
        return self._all("class", [value.__module__, value.__qualname__, text])

    def _object(self, value: Any) -> bytes:
        """Any other object: its class and its state as `pickle` would ask for it; the class alone if it refuses."""
        registered = copyreg.dispatch_table.get(type(value))
        try:
            parts = registered(value) if registered else value.__reduce_ex__(4)
        except Exception:  # noqa: BLE001  a lock, a connection, an open file
            return self.of(type(value))
        if isinstance(parts, str):
            return self._all("object", [type(value), parts, getattr(value, "__dict__", None)])
        made, arguments, state, items, pairs = (*parts, None, None, None)[:5]
        if isinstance(state, dict):
            state = {name: item for name, item in state.items() if name not in CACHES}
        return self._all("object", [type(value), made, arguments, state, list(items or ()), list(pairs or ())])


def _plain(value: object) -> tuple[str, bytes] | None:
    """Kind and bytes of a value without parts. An enumeration's member counts as the number or text that it is."""
    if value is None or value is Ellipsis:
        return str(value), b""
    if isinstance(value, bool):
        return "bool", b"1" if value else b"0"
    if isinstance(value, int):
        return "int", int.__format__(value, "x").encode()
    if isinstance(value, float):
        return "float", float.hex(value).encode()
    if isinstance(value, str):
        return "str", str.encode(value, "utf-8", "surrogatepass")
    if isinstance(value, (bytes, bytearray)):
        return "bytes", bytes(value)
    return None


def _combined(kind: str, *parts: bytes) -> bytes:
    digest = hashlib.sha256(f"{kind} {len(parts)}".encode())
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def _named_globals(function: FunctionType) -> dict[str, object]:
    """The globals that a function's code may read."""
    found = {}
    for name in _names(function.__code__):
        value = function.__globals__.get(name)
        absolute = isinstance(value, (str, PurePath)) and PurePath(value).is_absolute()
        if name in function.__globals__ and not absolute:
            found[name] = value
    return found


def _names(code: CodeType) -> set[str]:
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


def _is_set(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018  reading it is the test
    except ValueError:
        return False
    return True


@functools.cache
def _libraries() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    return tuple(Path(paths[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def _is_own(file: str) -> bool:
    """Whether a file is the user's: not Python's, not of an installed library, not labelkit's."""
    path = Path(file)
    if not file or file.startswith("<frozen") or {"site-packages", "dist-packages"} & set(path.parts):
        return False
    return not any(path.is_relative_to(folder) for folder in (*_libraries(), Path(__file__).parents[1]))


def _text(file: str) -> bytes:
    """What is in a source file; nothing when there is none, as in an interactive session."""
    try:
        return Path(file).read_bytes()
    except (OSError, ValueError):
        return b""
