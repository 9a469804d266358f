"""Parquet: one file, or a folder of files read in name order. Page checksums are verified where a file has them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, shortened, visible
from labelkit.files import machine_errors, refusals
from labelkit.lineage import canonical_column, canonical_type
from labelkit.records.base import PANDAS_INDEX, Records
from labelkit.records.gold_sets import SeekableGoldSource

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 65_536


@dataclass(frozen=True)
class Footers:
    """What the footers of all files say, read once for many who read parts."""

    rows: tuple[tuple[Path, int], ...]  # per file, in order
    types: Mapping[str, pa.DataType]  # canonical, of the wanted columns


def located(records: Records) -> Records:
    """The records for readers of parts: each opens only the files that its part is in."""
    source = _located(records.source, records.columns)
    return records if source is records.source else replace(records, source=source)


def _located(source: Any, columns: Sequence[str]) -> Any:
    if isinstance(source, SeekableGoldSource):
        inner = _located(source.inner, columns)
        return source if inner is source.inner else replace(source, inner=inner)
    return source.located(columns) if isinstance(source, ParquetSource) else source


@dataclass(frozen=True)
class ParquetSource:
    """A Parquet file or a folder of them."""

    path: Path
    footers: Footers | None = None

    def located(self, columns: Sequence[str]) -> ParquetSource:
        """The same, with what the footers say of these columns."""
        files, rows = self._files(), list[tuple[Path, int]]()
        for path in files:
            with self._open(path) as file:
                rows.append((path, file.metadata.num_rows))
        return replace(self, footers=Footers(tuple(rows), self._types(files, columns)))

    @property
    def name(self) -> str:
        """The name of the file or folder."""
        return visible(self.path.name)

    def columns(self) -> list[str]:
        """Every column that any of the files has, in order of first appearance."""
        names: dict[str, None] = {}
        for path in self._files():
            with self._open(path) as file:
                names |= dict.fromkeys(self._schema(path, file).names)
        return [name for name in names if not name.startswith(PANDAS_INDEX)]

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns, file by file, each of one type in all of them."""
        return self.batches_from(columns, 0)

    def rows(self) -> int:
        """Number of records, from the files' footers."""
        if self.footers is not None:
            return sum(rows for _, rows in self.footers.rows)
        count = 0
        for path in self._files():
            with self._open(path) as file:
                count += file.metadata.num_rows
        return count

    def batches_from(self, columns: Sequence[str], start: int) -> Iterator[pa.RecordBatch]:
        """As `batches`, without the first `start` records: row groups before them are not read."""
        import pyarrow as pa

        files, types, start = self._part(columns, start)
        for path in files:
            with self._open(path) as file:
                self._check_same(path, file.metadata.num_rows)
                groups = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
                self._check_rows(path, sum(groups), file.metadata.num_rows)
                wanted, read = [], 0
                for i, rows in enumerate(groups):
                    if start >= rows:
                        start -= rows
                    else:
                        wanted = list(range(i, len(groups)))
                        break
                for batch in file.iter_batches(batch_size=BATCH_ROWS, row_groups=wanted, columns=list(columns)):
                    rest = batch.slice(start)
                    start = max(0, start - batch.num_rows)
                    arrays = [_as_type(rest.column(name), types[name]) for name in columns]
                    yield pa.RecordBatch.from_arrays(arrays, names=list(columns))
                    read += batch.num_rows
                self._check_rows(path, read, sum(groups[i] for i in wanted))

    def places(self, indices: Sequence[int]) -> list[str]:
        """1-based row numbers; in a folder, of which file."""
        if self.path.is_file():
            return [f"row {index + 1}" for index in indices]
        starts, start = [], 0
        for path in self._files():
            with self._open(path) as file:
                if file.metadata.num_rows:
                    starts.append((start, visible(str(path.relative_to(self.path)))))
                start += file.metadata.num_rows
        last = [max(pair for pair in starts if pair[0] <= index) for index in indices]
        return [f"row {index - begin + 1} of {name}" for index, (begin, name) in zip(indices, last, strict=True)]

    def _files(self) -> list[Path]:
        if self.path.is_file():
            return [self.path]
        with machine_errors(self.path):
            found = sorted(path for path in self.path.rglob("*.parquet") if path.is_file())
        files = [path for path in found if not re.search(r"(^|/)[._]", path.relative_to(self.path).as_posix())]
        if not files:
            raise DataError(f"{self.name}/: no .parquet file in this folder")
        return files

    def _types(self, files: Sequence[Path], columns: Sequence[str]) -> dict[str, pa.DataType]:
        """Canonical type of each column. Raises DataError for files that do not agree; a column of nulls agrees."""
        import pyarrow as pa

        types: dict[str, pa.DataType] = {}
        for path in files:
            with self._open(path) as file:
                schema = self._schema(path, file)
                for column in columns:
                    if column not in schema.names:
                        raise DataError(f'{self._named(path)}: no column "{shortened(column)}", which other files have')
                    kind = schema.field(column).type
                    if pa.types.is_null(kind):
                        continue
                    if types.setdefault(column, canonical_type(kind)) != canonical_type(kind):
                        raise DataError(
                            f'{self._named(path)}: column "{shortened(column)}" is {kind}, '
                            f"but {types[column]} in the files before; write all files with the same types"
                        )
        return {column: types.get(column, pa.large_string()) for column in columns}

    def _part(self, columns: Sequence[str], start: int) -> tuple[list[Path], Mapping[str, pa.DataType], int]:
        """Files to be read, the columns' types, and the rows of the first file that are not wanted."""
        if self.footers is None:
            files = self._files()
            return files, self._types(files, columns), start
        rest = list(self.footers.rows)
        while rest and start >= rest[0][1]:
            start -= rest.pop(0)[1]
        return [path for path, _ in rest], self.footers.types, start

    def _check_same(self, path: Path, rows: int) -> None:
        """Raise DataError for a file that is not the one whose footer was read: its rows would be others'."""
        if self.footers is not None and dict(self.footers.rows)[path] != rows:
            raise DataError(f"{self._named(path)}: changed while it was read; try again")

    def _check_rows(self, path: Path, found: int, expected: int) -> None:
        """Raise DataError for rows that a damaged file hides: Arrow takes a page it does not know for the end."""
        if found != expected:
            raise DataError(f"{self._named(path)}: damaged: it holds {found:,} rows and should hold {expected:,}")

    def _schema(self, path: Path, file: Any) -> pa.Schema:
        schema = file.schema_arrow
        column, times = Counter(schema.names).most_common(1)[0] if schema.names else ("", 1)
        if times > 1:
            raise DataError(f'{self._named(path)}: {times} columns are called "{shortened(column)}"')
        return schema

    def _named(self, path: Path) -> str:
        return visible(path.name) if path == self.path else f"{self.name}/{visible(str(path.relative_to(self.path)))}"

    @contextmanager
    def _open(self, path: Path) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with machine_errors(path):
                path.open("rb").close()
            with refusals(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
                yield file
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last one for a damaged column name
            said = shortened((str(error).splitlines() or [""])[0], 200)
            raise DataError(f"{self._named(path)}: not a readable Parquet file: {said}") from error


def _as_type(column: pa.Array, kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    return pa.nulls(len(column), kind) if pa.types.is_null(column.type) else canonical_column(column)
