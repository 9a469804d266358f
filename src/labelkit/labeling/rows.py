"""The record as a labeling function sees it: light, read by attribute or by key, and holding the fields only.

All functions of a chunk share one frozen row per record. A function that sets, deletes or replaces an attribute is run
again on rows of its own, so that nothing it does reaches the next function.
"""

from __future__ import annotations

import copy
import functools
import gc
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from labelkit.errors import named

if TYPE_CHECKING:
    import pyarrow as pa


class Row(SimpleNamespace):
    """One record that belongs to whoever has it. `x.text` and `x["text"]` both work, as on a pandas Series.

    >>> x = Row(text="Hello")
    >>> x.text, x["text"]
    ('Hello', 'Hello')
    >>> x.id
    Traceback (most recent call last):
    AttributeError: a labeling function sees only "text", not "id"
    """

    def __getattr__(self, name: str) -> Any:
        # Reached only when the record has no such field.
        raise AttributeError(_unseen(vars(self), name))

    def __getitem__(self, name: str) -> Any:
        if name not in vars(self):
            raise KeyError(_unseen(vars(self), name))
        return vars(self)[name]

    def __setitem__(self, name: str, value: Any) -> None:
        vars(self)[name] = value

    def __delitem__(self, name: str) -> None:
        del vars(self)[name]

    def __contains__(self, name: object) -> bool:
        return name in vars(self)

    def __iter__(self) -> Iterator[str]:
        return iter(vars(self))

    def get(self, name: str, default: Any = None) -> Any:
        """The field's value, or `default` when the record has no such field."""
        return vars(self).get(name, default)


class RowChanged(BaseException):
    """A function tried to change a row that others share. No `except Exception` of the function's may swallow it."""


class Watch:
    """Whether somebody tried to change a shared row."""

    touched = False


class SharedRow(tuple[Any, ...]):
    """One record of a chunk, shared by all functions and therefore frozen. A copy of it is a `Row`.

    Its own names have underscores all around, so that a field may have any other.
    """

    __slots__ = ()
    __fields__: ClassVar[tuple[str, ...]] = ()
    __watch__: ClassVar[Watch] = Watch()

    def __own__(self) -> Row:
        """A copy that may be changed."""
        return Row(**dict(zip(self.__fields__, tuple.__iter__(self), strict=True)))

    def get(self, name: str, default: Any = None) -> Any:
        """The field's value, or `default` when the record has no such field."""
        return self[name] if name in self.__fields__ else default

    def __getattr__(self, name: str) -> Any:
        # Reached only when the record has no such field, or one whose name Python uses itself.
        if name in self:
            return self[name]
        raise AttributeError(_unseen(self.__fields__, name))

    def __getitem__(self, name: Any) -> Any:
        if name not in self:
            raise KeyError(_unseen(self.__fields__, name))
        return tuple.__getitem__(self, self.__fields__.index(name))

    def __contains__(self, name: object) -> bool:
        return name in self.__fields__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__fields__)

    def __refuse__(self, *_: Any) -> NoReturn:
        self.__watch__.touched = True
        raise RowChanged

    __setattr__ = __delattr__ = __setitem__ = __delitem__ = __refuse__

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and tuple.__eq__(self, other)

    def __hash__(self) -> int:
        # Snorkel's mappers look rows up by their content.
        try:
            return tuple.__hash__(self)
        except TypeError:
            return hash(tuple.__repr__(self))

    def __copy__(self) -> Row:
        return self.__own__()

    def __reduce__(self) -> tuple[Any, ...]:
        return Row, (), vars(self.__own__())

    def __repr__(self) -> str:
        return repr(self.__own__())


def own_row(x: Any) -> Any:
    """A shared row as a row of one's own; anything else as it is."""
    return x.__own__() if isinstance(x, SharedRow) else x


def shared_row_class(fields: tuple[str, ...], watch: Watch) -> type[SharedRow]:
    """The class of rows with these fields: attributes are read as fast as those of a named tuple.

    >>> Comment = shared_row_class(("text", "stars"), Watch())
    >>> x = tuple.__new__(Comment, ("Hello", 5))
    >>> x.text, x["stars"]
    ('Hello', 5)
    """
    readers = _readers(len(fields))
    members = {name: reader for name, reader in zip(fields, readers, strict=True) if not name.startswith("__")}
    # vars(x) could be changed unseen, so that whoever asks for it gets a row of its own.
    own = {"__slots__": (), "__fields__": fields, "__watch__": watch, "__dict__": property(SharedRow.__refuse__)}
    return type("Row", (SharedRow,), {**members, **own})


@functools.cache
def _readers(n: int) -> tuple[Any, ...]:
    """Descriptors of the first n items of a tuple, those of a named tuple being Python's fastest."""
    names = [f"f{i}" for i in range(n)]
    made = namedtuple("Readers", names)  # type: ignore[misc]  # noqa: PYI024
    return tuple(vars(made)[name] for name in names)


class Rows:
    """The rows of a chunk.

    >>> import pyarrow as pa
    >>> rows = Rows(pa.record_batch({"text": ["a", "b"], "stars": [1, 5]}))
    >>> next(iter(rows.shared())).stars, next(iter(rows.own())).text
    (1, 'a')
    """

    def __init__(self, fields: pa.RecordBatch) -> None:
        self.watch = Watch()
        self._fields = fields
        self._class = shared_row_class(tuple(fields.schema.names), self.watch)
        # Values that cannot change in place are decoded once; lists and the like are decoded anew for each function.
        self._shared = self._decoded() if all(_immutable(kind) for kind in fields.schema.types) else None

    def part(self, start: int, stop: int) -> Rows:
        """Some of the rows, which are not decoded again."""
        part = copy.copy(self)
        part._fields = self._fields.slice(start, stop - start)
        part._shared = None if self._shared is None else self._shared[start:stop]
        return part

    def shared(self) -> list[SharedRow]:
        """Frozen rows."""
        return self._decoded() if self._shared is None else self._shared

    def own(self) -> Iterator[Row]:
        """Rows that a function may change as it likes."""
        return map(own_row, self.shared())

    def _decoded(self) -> list[SharedRow]:
        columns = [column.to_pylist() for column in self._fields.columns]
        values = zip(*columns, strict=True) if columns else repeat((), self._fields.num_rows)
        with _gc_paused():
            return list(map(tuple.__new__, repeat(self._class), values))


@contextmanager
def _gc_paused() -> Iterator[None]:
    """Building many small objects is three times faster without the cycle collector looking at them."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _unseen(fields: Any, name: object) -> str:
    return f"a labeling function sees only {named(fields)}, not {named([str(name)])}"


def _immutable(kind: pa.DataType) -> bool:
    """Whether a column of this type decodes to Python values that cannot change in place."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _immutable(kind.value_type)
    tests = (
        pa.types.is_primitive,  # numbers, booleans, dates, times
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_fixed_size_binary,
        pa.types.is_decimal,
        pa.types.is_null,
    )
    return any(test(kind) for test in tests)
