"""The record as a labeling function sees it: light, read by attribute or by key, and holding the fields only."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from labelkit.errors import named

if TYPE_CHECKING:
    import pyarrow as pa


class Row(SimpleNamespace):
    """One record. `x.text` and `x["text"]` both work, as on a pandas Series.

    Every function gets a row of its own: what it sets, deletes or changes in place, no other function sees.

    >>> x = Row(text="Hello")
    >>> x.text, x["text"]
    ('Hello', 'Hello')
    >>> x.id
    Traceback (most recent call last):
    AttributeError: a labeling function sees only "text", not "id"
    """

    def __getattr__(self, name: str) -> Any:
        # Reached only when the record has no such field.
        raise AttributeError(self._unseen(name))

    def __getitem__(self, name: str) -> Any:
        if name not in vars(self):
            raise KeyError(self._unseen(name))
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

    def _unseen(self, name: object) -> str:
        return f"a labeling function sees only {named(vars(self))}, not {named([str(name)])}"


class Rows:
    """The rows of a chunk, each new on every pass: one pass per function.

    >>> import pyarrow as pa
    >>> rows = Rows(pa.record_batch({"text": ["a", "b"], "stars": [1, 5]}))
    >>> next(iter(rows)) == next(iter(rows)), next(iter(rows)) is next(iter(rows))
    (True, False)
    """

    def __init__(self, fields: pa.RecordBatch) -> None:
        self._fields = fields
        fixed = all(_immutable(kind) for kind in fields.schema.types)
        # Values that cannot change in place are decoded once; lists and the like are decoded anew for each pass.
        self._records: list[dict[str, Any]] | None = fields.to_pylist() if fixed else None

    def __iter__(self) -> Iterator[Row]:
        for record in self._fields.to_pylist() if self._records is None else self._records:
            yield Row(**record)


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
