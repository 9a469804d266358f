"""Records: a re-iterable source of Arrow batches with a unique string id per record and a fingerprint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from labelkit.errors import SHOWN_PROBLEMS, DataError, listed, named, visible
from labelkit.lineage import CHUNK_ROWS, DataFingerprint

if TYPE_CHECKING:
    import pyarrow as pa


class Source(Protocol):
    """One format's reader."""

    @property
    def name(self) -> str:
        """What messages call it, such as the file's name."""
        ...

    def columns(self) -> list[str]:
        """Column names, in order."""
        ...

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns, in batches of any size, in the same order each time."""
        ...

    def place(self, index: int) -> str:
        """Where a person finds the record with this 0-based index: "row 17"."""
        ...


@dataclass(frozen=True)
class Records:
    """Records of one source. Iterate as often as you like; each pass reads the source again.

    >>> from labelkit.records import read
    >>> import pyarrow as pa
    >>> records = read(pa.table({"key": ["a", "b"], "text": ["hi", "ho"]}), id="key")
    >>> records.columns, records.to_table().num_rows
    (('key', 'text'), 2)
    """

    source: Source
    id: str  # column of record ids
    columns: tuple[str, ...]  # columns of a pass: the id first

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Chunks of 65,536 rows (the last one shorter): the id column as string, then the other columns.

        Raises DataError on a null, empty or repeated id, naming where it stands.
        """
        wanted = list(self.columns) if columns is None else [self.id, *(c for c in columns if c != self.id)]
        missing = [column for column in wanted if column not in self.columns]
        if missing:
            raise DataError(no_column(self.source.name, missing[0], self.columns))
        seen: dict[str, int] = {}
        first = 0
        for chunk in rechunk(self._with_text_ids(wanted)):
            self._check_ids(chunk.column(0).to_pylist(), seen, first)
            first += chunk.num_rows
            yield chunk

    def to_table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All records in one Arrow table."""
        import pyarrow as pa

        chunks = list(self.batches(columns))
        return pa.Table.from_batches(chunks) if chunks else self._no_rows(columns)

    def fingerprint(self) -> str:
        """SHA-256 over the records' columns, chunk by chunk; independent of the file format."""
        fingerprint = DataFingerprint()
        for chunk in self.batches():
            fingerprint.add(chunk)
        return fingerprint.hexdigest()

    def _no_rows(self, columns: Sequence[str] | None) -> pa.Table:
        import pyarrow as pa

        names = list(self.columns) if columns is None else [self.id, *(c for c in columns if c != self.id)]
        return pa.table({name: pa.array([], pa.string()) for name in names})

    def _with_text_ids(self, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for batch in self.source.batches(wanted):
            ids = _ids_as_text(batch.column(0), self.source.name, self.id)
            yield pa.RecordBatch.from_arrays([ids, *batch.columns[1:]], names=wanted)

    def _check_ids(self, ids: list[str | None], seen: dict[str, int], first: int) -> None:
        problems = []
        for i, record in enumerate(ids, start=first):
            if not record:
                what = "null" if record is None else "empty"
                problems.append(f"{self._where(i)}: the id is {what}; every record needs one")
            elif record in seen:
                there = self.source.place(seen[record])
                problems.append(f'{self._where(i)}: id "{visible(record[:80])}" stands already at {there}')
            else:
                seen[record] = i
            if len(problems) > SHOWN_PROBLEMS:
                break
        if problems:
            raise DataError(listed(problems))

    def _where(self, index: int) -> str:
        return f'{self.source.name}: {self.source.place(index)}, column "{visible(self.id)}"'


def _ids_as_text(column: pa.Array, source: str, name: str) -> pa.Array:
    """Ids as string: text as it is, whole numbers in decimal. Raises DataError for anything that would be rounded."""
    import pyarrow as pa

    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_integer(kind) or pa.types.is_null(kind) or _is_text(kind):
        return column.cast(pa.string())
    raise DataError(
        f'{source}: column "{visible(name)}": ids are text or whole numbers, and this column is {kind}; '
        "name another column as id"
    )


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def rechunk(batches: Iterator[pa.RecordBatch], rows: int = CHUNK_ROWS) -> Iterator[pa.RecordBatch]:
    """Batches of exactly `rows` rows, the last one shorter, whatever the size of those that come in."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        start = 0
        while count + batch.num_rows - start >= rows:
            part = batch.slice(start, rows - count)
            yield _joined([*held, part]) if held else part
            start += part.num_rows
            held, count = [], 0
        if start < batch.num_rows:
            held.append(batch.slice(start))
            count += batch.num_rows - start
    if held:
        yield _joined(held)


def _joined(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    import pyarrow as pa

    return parts[0] if len(parts) == 1 else pa.concat_batches(parts)


def no_column(source: str, column: str, columns: Sequence[str]) -> str:
    """Message for a column that is not there."""
    return f'{source}: no column "{visible(column)}"; columns are {named(columns)}'
