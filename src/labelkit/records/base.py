"""Records: a re-iterable source of Arrow batches with a unique string id per record and a fingerprint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from labelkit.errors import SHOWN_PROBLEMS, DataError, listed, named, shortened, visible
from labelkit.lineage import CHUNK_ROWS, DataFingerprint, canonical_column
from labelkit.records.ids import BadId, bad_ids, ids_as_text
from labelkit.records.seen import SeenIds

if TYPE_CHECKING:
    import pyarrow as pa

PANDAS_INDEX = "__index_level_"  # pandas hands over, and stores, an index without a name under such a column


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
        """The named columns, in batches of any size, in the same order and of the same types each time."""
        ...

    def places(self, indices: Sequence[int]) -> list[str]:
        """Where a person finds the records with these 0-based indices: "row 17"."""
        ...


@runtime_checkable
class SeekableSource(Source, Protocol):
    """A reader that can start anywhere, so that several processes can share the work."""

    def rows(self) -> int:
        """Number of records."""
        ...

    def batches_from(self, columns: Sequence[str], start: int) -> Iterator[pa.RecordBatch]:
        """As `batches`, without the first `start` records."""
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

        Text is large_string, whole numbers int64 (or uint64), other numbers float64, whatever the source has.
        Raises DataError on a null, empty or repeated id, naming where it stands; of a repeated one beyond a million
        records perhaps not before the end.
        """
        wanted = self._wanted(columns)
        seen = SeenIds()
        for chunk in rechunk(self._parts(wanted)):
            if not seen.add(chunk.column(0)):
                self.refuse_bad_ids()
            yield chunk
        if not seen.all_differ():
            self.refuse_bad_ids()

    def row_count(self) -> int | None:
        """Number of records, where the source can be read from anywhere; else None."""
        return self.source.rows() if isinstance(self.source, SeekableSource) else None

    def chunk_count(self) -> int | None:
        """Number of chunks, where the source can be read from anywhere; else None."""
        rows = self.row_count()
        return None if rows is None else -(-rows // CHUNK_ROWS)

    def chunks(self, first: int = 0) -> Iterator[pa.RecordBatch]:
        """As `batches`, from chunk `first` on, ids not compared: for those who share the work and then compare them."""
        return rechunk(self._parts(self.columns, first * CHUNK_ROWS))

    def to_table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All records in one Arrow table."""
        import pyarrow as pa

        chunks = list(self.batches(columns))
        if chunks:
            return pa.Table.from_batches(chunks)
        wanted = self._wanted(columns)
        kinds = [pa.string(), *[pa.large_string()] * (len(wanted) - 1)]
        return pa.schema(list(zip(wanted, kinds, strict=True))).empty_table()

    def fingerprint(self) -> str:
        """SHA-256 over the records' columns, chunk by chunk; independent of the file format."""
        fingerprint = DataFingerprint()
        for chunk in self.batches():
            fingerprint.add(chunk)
        return fingerprint.hexdigest()

    def _wanted(self, columns: Sequence[str] | None) -> list[str]:
        """The id and the named columns, each of them once."""
        wanted = list(dict.fromkeys([self.id, *(self.columns if columns is None else columns)]))
        check_columns(wanted, self.columns, self.source.name)
        return wanted

    def _parts(self, wanted: Sequence[str], first: int = 0) -> Iterator[pa.RecordBatch]:
        """Batches of at most CHUNK_ROWS rows, whole and in canonical types, from record `first` on."""
        import pyarrow as pa

        source = self.source
        if first and not isinstance(source, SeekableSource):
            raise ValueError("this source can only be read from its start")
        batches = source.batches_from(wanted, first) if isinstance(source, SeekableSource) else source.batches(wanted)
        for batch in batches:
            for start in range(0, batch.num_rows, CHUNK_ROWS):
                part = batch.slice(start, CHUNK_ROWS)
                self._check_whole(part, wanted, first)
                ids = ids_as_text(part.column(0), self.source.name, self.id)
                columns = [ids, *(canonical_column(column) for column in part.columns[1:])]
                yield pa.RecordBatch.from_arrays(columns, names=list(wanted))
                first += part.num_rows

    def _check_whole(self, part: pa.RecordBatch, names: Sequence[str], first: int) -> None:
        """Raise DataError for text that is not UTF-8 and the like, which Arrow hands on as it is."""
        import pyarrow as pa

        for name, column in zip(names, part.columns, strict=True):
            try:
                column.validate(full=True)
            except pa.ArrowInvalid as error:
                place = self.source.places([first + _first_broken(column)])[0]
                what = "is not UTF-8 text" if "UTF8" in str(error) else f"is damaged: {visible(str(error))}"
                raise DataError(f'{self.source.name}: {place}, column "{shortened(name)}": the value {what}') from error

    def refuse_bad_ids(self) -> None:
        """Raise DataError naming the records without an id of their own, if there are any."""
        bad = list(bad_ids(lambda: (chunk.column(0) for chunk in self._parts([self.id]))))
        self.refuse_ids(bad[:SHOWN_PROBLEMS], len(bad))

    def refuse_ids(self, shown: Sequence[BadId], total: int) -> None:
        """Raise DataError naming the first of `total` records without an id of their own, if there are any."""
        indices = [index for each in shown for index in (each.index, each.first) if index is not None]
        places = dict(zip(indices, self.source.places(indices), strict=True))
        where = f'column "{shortened(self.id)}"'
        problems = [f"{self.source.name}: {places[each.index]}, {where}: {each.problem(places)}" for each in shown]
        if problems:
            raise DataError(listed(problems, total=total))


def _first_broken(column: pa.Array) -> int:
    """Index of the first value that does not hold what its type says."""
    import pyarrow as pa

    for i in range(len(column)):
        try:
            column.slice(i, 1).validate(full=True)
        except pa.ArrowInvalid:
            return i
    return 0


def rechunk(batches: Iterable[pa.RecordBatch], rows: int = CHUNK_ROWS) -> Iterator[pa.RecordBatch]:
    """Batches of exactly `rows` rows, the last one shorter, whatever the size of those that come in."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        start = 0
        while count + batch.num_rows - start >= rows:
            part = batch.slice(start, rows - count)
            yield _joined([*held, part])
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


def check_columns(wanted: Iterable[str], present: Sequence[str], source: str) -> None:
    """Raise DataError for the first wanted column that is not there."""
    for column in wanted:
        if column not in present:
            raise DataError(f'{source}: no column "{shortened(column)}"; columns are {named(present)}')
