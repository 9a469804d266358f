"""Votes on disk: an Arrow IPC file, one batch per chunk of records, written as the votes come and read as they go.

Columns are `id` (string) and one int8 column per function. Each batch carries the SHA-256 of its content and place, so
that a damaged, shortened or re-ordered file is found out; the file itself opens in anything that reads Feather.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import ArtifactError, visible
from labelkit.files import refusals

if TYPE_CHECKING:
    import pyarrow as pa

ABOUT = b"labelkit.votes"
DIGEST = "labelkit.digest"
END = "labelkit.end"


class VotesWriter:
    """Writes votes chunk by chunk; `close` makes the file whole."""

    def __init__(self, file: Any, names: Sequence[str], classes: Sequence[str]) -> None:
        import pyarrow as pa

        about = json.dumps({"functions": list(names), "classes": list(classes)})
        fields = [pa.field("id", pa.string()), *(pa.field(name, pa.int8()) for name in names)]
        self._schema = pa.schema(fields, metadata={ABOUT: about})
        self._digest = hashlib.sha256(about.encode())
        options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
        self._writer = pa.ipc.new_file(file, self._schema, options=options)

    def add(self, ids: pa.Array, votes: NDArray[np.int8]) -> None:
        """Append the next records: (n,) string ids and (n, m) int8 votes."""
        import pyarrow as pa

        columns = [np.ascontiguousarray(votes[:, j]) for j in range(votes.shape[1])]
        self._digest = chained(self._digest, ids, columns)
        batch = pa.RecordBatch.from_arrays([ids, *map(pa.array, columns)], schema=self._schema)
        self._writer.write_batch(batch, custom_metadata={DIGEST: self._digest.hexdigest()})

    def close(self) -> None:
        """Write the end mark and the footer."""
        self._writer.write_batch(_empty(self._schema), custom_metadata={END: self._digest.hexdigest()})
        self._writer.close()


class VotesFile:
    """A file that `VotesWriter` wrote, or a folder of such files in name order.

    Raises ArtifactError when it is not one, or was changed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts = sorted(path.glob("[!.]*.arrow")) if path.is_dir() else [path]
        with _artifact_errors(self._path):
            if not self._parts:
                raise ValueError("no file in it")
            self.names, self.classes = _about(self._parts[0])

    def __iter__(self) -> Iterator[tuple[pa.Array, NDArray[np.int8]]]:
        """(n,) string ids and (n, m) int8 votes, chunk by chunk, each proved to be as it was written."""
        if self._parts == [self._path]:
            yield from self._chunks()
            return
        for part in self._parts:
            file = VotesFile(part)
            if (file.names, file.classes) != (self.names, self.classes):
                with _artifact_errors(self._path):
                    raise ValueError("of other functions or classes")
            yield from file

    def _chunks(self) -> Iterator[tuple[pa.Array, NDArray[np.int8]]]:
        import pyarrow as pa

        with pa.OSFile(str(self._path)) as file:
            with _artifact_errors(self._path):
                reader = pa.ipc.open_file(file)
                digest = hashlib.sha256(reader.schema.metadata[ABOUT])
            for i in range(reader.num_record_batches):
                with _artifact_errors(self._path):
                    batch, about = reader.get_batch_with_custom_metadata(i)
                    metadata = dict(about or {})
                    if END.encode() in metadata:
                        if metadata[END.encode()].decode() != digest.hexdigest() or i != reader.num_record_batches - 1:
                            raise ValueError("not the end")
                        return
                    batch.validate(full=True)
                    if any(column.null_count for column in batch.columns):
                        raise ValueError("no id and no vote is null")
                    columns = [column.to_numpy(zero_copy_only=False) for column in batch.columns[1:]]
                    digest = chained(digest, batch.column(0), columns)
                    if metadata[DIGEST.encode()].decode() != digest.hexdigest():
                        raise ValueError("the votes are not those that were written")
                    votes = np.empty((batch.num_rows, len(columns)), dtype=np.int8, order="F")
                    for j, column in enumerate(columns):
                        votes[:, j] = column
                yield batch.column(0), votes
            with _artifact_errors(self._path):
                raise ValueError("no end")


def _about(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the functions and of the classes."""
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        about = json.loads(pa.ipc.open_file(file).schema.metadata[ABOUT])
    return tuple(str(name) for name in about["functions"]), tuple(str(name) for name in about["classes"])


def chained(digest: Any, ids: pa.Array, columns: Sequence[NDArray[np.int8]]) -> Any:
    """The digest of a chunk, which also stands for all chunks before it."""
    following = hashlib.sha256(digest.digest())
    following.update(f"{len(ids)}".encode())
    _, offsets, values = ids.buffers()
    if len(ids):
        ends = np.frombuffer(offsets, np.int32)[ids.offset : ids.offset + len(ids) + 1]
        following.update(np.ascontiguousarray(ends - ends[0]).data)
        following.update(memoryview(b"" if values is None else values)[int(ends[0]) : int(ends[-1])])
    for column in columns:
        following.update(column.data)
    return following


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


@contextlib.contextmanager
def _artifact_errors(path: Path) -> Iterator[None]:
    """Whatever goes wrong while the file is read means that it is not what labelkit wrote."""
    import pyarrow as pa

    try:
        with refusals(path):
            yield
    except (OSError, pa.ArrowException, LookupError, TypeError, ValueError, RecursionError, MemoryError) as error:
        name = visible(str(path))
        raise ArtifactError(f"{name}: not a vote file of labelkit; run `labelkit apply` again") from error
