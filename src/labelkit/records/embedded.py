"""Records with an embedding each, which comes from a file of ids and vectors, or is a column of their own.

The file is Parquet with the columns `id` and `embedding`, as `labelkit embed` writes it. Records and vectors are
matched by id; where both come in the same order nothing is looked up, and the file is read beside the records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit.errors import DataError, shortened, visible
from labelkit.files import refusals
from labelkit.records.base import SeekableSource, Source, check_columns
from labelkit.records.ids import ids_as_text
from labelkit.records.vectors import VectorError, is_vectors, vectors_of
from labelkit.settings import EMBEDDING

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

_AGAIN = "run `labelkit embed` again"


def with_embeddings(source: Source, key: str, column: str, path: Path | None) -> Source:
    """The source whose column of embeddings is checked and, with `path`, comes from that file. `key` holds the ids."""
    vectors = None if path is None else VectorFile(path)
    if isinstance(source, SeekableSource):
        return SeekableEmbeddedSource(source, key, column, vectors)
    return EmbeddedSource(source, key, column, vectors)


@dataclass(frozen=True)
class VectorFile:
    """A Parquet file of ids and embeddings."""

    path: Path
    _last: dict[tuple[int, ...], pa.Table] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The name of the file."""
        return visible(self.path.name)

    @cached_property
    def ids(self) -> pa.Array:
        """(n,) string: the ids, in the file's order. Raises DataError for a file that holds no embeddings."""
        import pyarrow as pa

        if not self.path.is_file():
            raise DataError(f"{self.name}: no such file; `labelkit embed` makes it")
        table = self._read(lambda file: file.read(columns=["id"]), check=True)
        column = table.column(0)
        ids = ids_as_text(pa.concat_arrays([pa.array([], column.type), *column.chunks]), self.name, "id")
        if ids.null_count or len(ids.unique()) < len(ids):
            raise DataError(f"{self.name}: an id is null or stands twice; {_AGAIN}")
        return ids

    def vectors(self, ids: pa.Array, start: int) -> pa.Array:
        """The embeddings of some ids, guessed to stand from row `start` on. Raises DataError for an id without one."""
        import pyarrow as pa

        rows = self._rows(ids, start)
        groups = self._groups(rows)
        if groups not in self._last:
            self._last.clear()
            self._last[groups] = self._read(lambda file: file.read_row_groups(list(groups), columns=[EMBEDDING]))
        begins = np.cumsum([0, *(self._sizes[group] for group in groups)])
        if not len(rows):
            return pa.nulls(0, self._last[groups].schema.field(0).type)
        within = rows - self._starts[np.searchsorted(self._starts, rows, side="right") - 1]
        place = np.searchsorted(groups, np.searchsorted(self._starts, rows, side="right") - 1)
        taken = self._last[groups].column(0).take(pa.array(begins[place] + within))
        return pa.concat_arrays([pa.array([], taken.type), *taken.chunks])

    def _rows(self, ids: pa.Array, start: int) -> NDArray[np.int64]:
        import pyarrow.compute as pc

        if self.ids.slice(start, len(ids)).equals(ids):
            return np.arange(start, start + len(ids))
        found = pc.index_in(ids, value_set=self.ids)
        if found.null_count:
            first = shortened(ids.filter(found.is_null())[0].as_py())
            more = f" and {found.null_count - 1:,} more" if found.null_count > 1 else ""
            raise DataError(f'{self.name}: no embedding of record "{first}"{more}; {_AGAIN}')
        return np.asarray(found.to_numpy(), dtype=np.int64)

    def _groups(self, rows: NDArray[np.int64]) -> tuple[int, ...]:
        return tuple(np.unique(np.searchsorted(self._starts, rows, side="right") - 1).tolist())

    @cached_property
    def _sizes(self) -> list[int]:
        sizes = self._read(lambda file: [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)])
        return list(sizes)

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """First row of each row group."""
        return np.concatenate([[0], np.cumsum(self._sizes)[:-1]]).astype(np.int64)

    def _read(self, look: Callable[[Any], Any], *, check: bool = False) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with refusals(self.path), pq.ParquetFile(self.path, page_checksum_verification=True) as file:
                if check:
                    check_columns(["id", EMBEDDING], file.schema_arrow.names, self.name)
                    kind = file.schema_arrow.field(EMBEDDING).type
                    if not is_vectors(kind):
                        raise DataError(f'{self.name}: column "{EMBEDDING}" is {kind}, not lists of numbers')
                return look(file)
        except (pa.ArrowException, OSError) as error:
            said = shortened((str(error).splitlines() or [""])[0], 200)
            raise DataError(f"{self.name}: not a readable Parquet file: {said}") from error


@dataclass(frozen=True)
class EmbeddedSource:
    """A source with a checked column of embeddings."""

    inner: Source
    key: str  # column of ids
    column: str
    file: VectorFile | None  # None: the column is the source's own
    size: dict[str, int] = field(default_factory=dict, repr=False, compare=False)  # numbers of an embedding, once known

    @property
    def name(self) -> str:
        """The source's name."""
        return self.inner.name

    def columns(self) -> list[str]:
        """The source's columns, and the embedding."""
        own = self.inner.columns()
        if self.file is None:
            return own
        if self.column in own:
            raise DataError(
                f'{self.name}: has a column "{self.column}" of its own; name it as embedding under [data], or no file'
            )
        return [*own, self.column]

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns."""
        return self._with(self.inner.batches(self._asked(columns)), columns, 0)

    def places(self, indices: Sequence[int]) -> list[str]:
        """Where a person finds the records."""
        return self.inner.places(indices)

    def _asked(self, columns: Sequence[str]) -> list[str]:
        """What the source itself is asked for."""
        if self.column not in columns or self.file is None:
            return list(columns)
        return list(dict.fromkeys([self.key, *(name for name in columns if name != self.column)]))

    def _with(self, batches: Iterator[pa.RecordBatch], columns: Sequence[str], start: int) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for batch in batches:
            if self.column not in columns:
                yield batch
                continue
            if self.file is None:
                vectors = batch.column(self.column)
            else:
                ids = ids_as_text(batch.column(self.key), self.name, self.key)
                vectors = self.file.vectors(ids, start)
            self._check(vectors, start)
            start += batch.num_rows
            arrays = [vectors if name == self.column else batch.column(name) for name in columns]
            yield pa.RecordBatch.from_arrays(arrays, names=list(columns))

    def _check(self, vectors: pa.Array, start: int) -> None:
        """Raise DataError for the first value that is no embedding like the others."""
        import pyarrow as pa

        if pa.types.is_null(vectors.type):
            return
        if not is_vectors(vectors.type):
            raise DataError(f'{self.name}: column "{shortened(self.column)}" is {vectors.type}, not lists of numbers')
        try:
            found, known = vectors_of(vectors, self.size.get("", 0))
        except VectorError as error:
            place = self.inner.places([start + error.row])[0]
            raise DataError(f'{self.name}: {place}, column "{shortened(self.column)}": {error}') from None
        if known.any():
            self.size[""] = found.shape[1]


@dataclass(frozen=True)
class SeekableEmbeddedSource(EmbeddedSource):
    """The same of a source that can be read from anywhere."""

    inner: SeekableSource

    def rows(self) -> int:
        """Number of records."""
        return self.inner.rows()

    def batches_from(self, columns: Sequence[str], start: int) -> Iterator[pa.RecordBatch]:
        """As `batches`, without the first `start` records."""
        return self._with(self.inner.batches_from(self._asked(columns), start), columns, start)
