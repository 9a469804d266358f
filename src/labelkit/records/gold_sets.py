"""Gold of several classes per record, seen by one of them: the column says yes, no or nothing of that class.

The column names a record's classes, as text with a separator between the names, as a JSON list, or as a list; or it is
about this class alone and says 1 or 0, yes or no, true or false.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, named, shortened, visible
from labelkit.records.base import SeekableSource, Source
from labelkit.settings import NO, YES

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATORS = (",", ";", "|")  # that a file is thought to use
_YES, _NO = frozenset({"1", "yes", "true"}), frozenset({"0", "no", "false"})


@dataclass(frozen=True)
class GoldSets:
    """How a column of gold is to be read."""

    column: str
    of_class: str
    classes: tuple[str, ...]  # all that a record may have
    separator: str
    alone: bool  # whether the column is about this class only

    def seen(self, value: Any) -> str | None:
        """YES, NO, or None where the value says nothing. Raises ValueError for one that is no gold.

        >>> tags = GoldSets("tags", "pandas", ("pandas", "regex"), ",", alone=False)
        >>> [tags.seen(value) for value in ("regex, pandas", "regex", "[]", " ", None)]
        ['yes', 'no', 'no', None, None]
        """
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if self.alone:
            return _yes_or_no(value)
        names = names_in(value, self.separator)
        unknown = [name for name in names if name not in self.classes]
        if unknown:
            said = named([shortened(str(name), 60) for name in unknown])
            raise ValueError(f"{said} is no class; classes are {named(self.classes)}")
        return YES if self.of_class in names else NO


def _yes_or_no(value: Any) -> str:
    said = str(value).strip().lower() if isinstance(value, (str, bool, int)) else ""
    if said not in _YES | _NO:
        raise ValueError(f"{visible(repr(value)[:60])} is neither 1 nor 0, yes nor no, true nor false")
    return YES if said in _YES else NO


def names_in(value: Any, separator: str) -> list[str]:
    """The classes that a value names. Raises ValueError for one that names none.

    >>> names_in("regex; pandas", ";"), names_in('["regex"]', ";")
    (['regex', 'pandas'], ['regex'])
    """
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{visible(repr(value)[:60])} begins like a JSON list and is none") from error
    if isinstance(value, str):
        return [name for part in value.split(separator) if (name := part.strip())]
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"{visible(repr(value)[:60])} names no classes; write them as text")
    return value


def likely_separator(values: Iterable[Any]) -> str:
    """The separator that most of these values hold; a comma where none does.

    >>> likely_separator(["regex;pandas", "sql", None])
    ';'
    """
    texts = [value for value in values if isinstance(value, str) and not value.lstrip().startswith("[")]
    return max(SEPARATORS, key=lambda separator: sum(separator in text for text in texts))


def with_gold_of_class(source: Source, gold: GoldSets) -> Source:
    """The source whose column of gold says yes or no of one class."""
    kind = SeekableGoldSource if isinstance(source, SeekableSource) else GoldSource
    return kind(source, gold)  # type: ignore[arg-type]


@dataclass(frozen=True)
class GoldSource:
    """A source whose column of gold is about one class."""

    inner: Source
    gold: GoldSets

    @property
    def name(self) -> str:
        """The source's name."""
        return self.inner.name

    def columns(self) -> list[str]:
        """The source's columns."""
        return self.inner.columns()

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns."""
        return self._with(self.inner.batches(columns), 0)

    def places(self, indices: Sequence[int]) -> list[str]:
        """Where a person finds the records."""
        return self.inner.places(indices)

    def _with(self, batches: Iterator[pa.RecordBatch], start: int) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            place = batch.schema.get_field_index(self.gold.column)
            if place >= 0:
                batch = batch.set_column(place, self.gold.column, self._seen(batch.column(place), start))  # noqa: PLW2901
            start += batch.num_rows
            yield batch

    def _seen(self, column: pa.Array, start: int) -> pa.Array:
        """What the values say; each different one is looked at once, where they can be told apart."""
        import pyarrow as pa
        import pyarrow.compute as pc

        coded = None if pa.types.is_nested(column.type) else column.dictionary_encode()
        found: list[str | None] = []
        for place, value in enumerate((column if coded is None else coded.dictionary).to_pylist()):
            try:
                found.append(self.gold.seen(value))
            except ValueError as error:
                row = place if coded is None else pc.index(coded.indices, pa.scalar(place, coded.indices.type)).as_py()
                where = self.inner.places([start + row])[0]
                raise DataError(f'{self.name}: {where}, column "{shortened(self.gold.column)}": {error}') from None
        said = pa.array(found, pa.large_string())
        return said if coded is None else said.take(coded.indices)


@dataclass(frozen=True)
class SeekableGoldSource(GoldSource):
    """The same of a source that can be read from anywhere."""

    inner: SeekableSource

    def rows(self) -> int:
        """Number of records."""
        return self.inner.rows()

    def batches_from(self, columns: Sequence[str], start: int) -> Iterator[pa.RecordBatch]:
        """As `batches`, without the first `start` records."""
        return self._with(self.inner.batches_from(columns, start), start)
