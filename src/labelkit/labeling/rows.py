"""The record as a labeling function sees it: light, read by attribute or by key, and holding the fields only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

from labelkit.errors import named


class Row(SimpleNamespace):
    """One record. `x.text` and `x["text"]` both work, as on a pandas Series.

    A function may set attributes; the next function does not see them.

    >>> x = Row(text="Hello")
    >>> x.text, x["text"]
    ('Hello', 'Hello')
    """

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __getattr__(self, name: str) -> Any:
        # Reached only when the record has no such field.
        raise AttributeError(f'a labeling function sees only {named(vars(self))}, not "{name}"')

    def __contains__(self, name: object) -> bool:
        return name in vars(self)

    def __iter__(self) -> Iterator[str]:
        return iter(vars(self))

    def get(self, name: str, default: Any = None) -> Any:
        """The field's value, or `default` when the record has no such field."""
        return vars(self).get(name, default)


class SharedRow(Row):
    """The row that all functions of a chunk share: changes are noted here, and undone after each function."""

    touched: list[tuple[SharedRow, dict[str, Any]]] = []  # noqa: RUF012  shared by every row, on purpose

    def __setattr__(self, name: str, value: Any) -> None:
        self.touched.append((self, dict(vars(self))))
        super().__setattr__(name, value)

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __delattr__(self, name: str) -> None:
        self.touched.append((self, dict(vars(self))))
        super().__delattr__(name)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy belongs to whoever made it (a preprocessor): it is a plain row.
        return Row, (), dict(vars(self))

    def __copy__(self) -> Row:
        return Row(**vars(self))


def undo_changes() -> None:
    """Give every shared row back the values it had before a function changed it."""
    while SharedRow.touched:
        row, before = SharedRow.touched.pop()
        vars(row).clear()
        vars(row).update(before)


def build_rows(columns: Sequence[str], values: Sequence[Sequence[Any]]) -> list[SharedRow]:
    """Rows from columns of Python values.

    >>> build_rows(["text", "stars"], [["a", "b"], [1, 5]])[1]
    SharedRow(text='b', stars=5)
    """
    return [SharedRow(**dict(zip(columns, row, strict=True))) for row in zip(*values, strict=True)]
