"""Parquet: one file, or a folder of files read in name order. Page checksums are verified where a file has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, visible

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 65_536


@dataclass(frozen=True)
class ParquetSource:
    """A Parquet file or a folder of them."""

    path: Path

    @property
    def name(self) -> str:
        """The name of the file or folder."""
        return visible(self.path.name)

    def columns(self) -> list[str]:
        """Columns of the first file; the others must have the same."""
        with self._open(self._files()[0]) as file:
            return list(file.schema_arrow.names)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns, file by file."""
        for path in self._files():
            with self._open(path) as file:
                missing = [column for column in columns if column not in file.schema_arrow.names]
                if missing:
                    raise DataError(f'{self._named(path)}: no column "{visible(missing[0])}", which other files have')
                for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns)):
                    yield batch.select(list(columns))

    def place(self, index: int) -> str:
        """1-based row number over all files."""
        return f"row {index + 1}"

    def _files(self) -> list[Path]:
        if self.path.is_file():
            return [self.path]
        files = sorted(path for path in self.path.rglob("*.parquet") if not path.name.startswith(("_", ".")))
        if not files:
            raise DataError(f"{self.name}/: no .parquet file in this folder")
        return files

    def _named(self, path: Path) -> str:
        return visible(path.name) if path == self.path else f"{self.name}/{visible(str(path.relative_to(self.path)))}"

    @contextmanager
    def _open(self, path: Path) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                yield file
        except (pa.ArrowException, OSError) as error:
            said = visible((str(error).splitlines() or [""])[0][:200])
            raise DataError(f"{self._named(path)}: not a readable Parquet file: {said}") from error
