"""`embed`: a vector for each record's text, in a Parquet file that `[data] embedding` can name.

Beside id and vector each row holds a hash of its text. Where the file is there already, and made by the same model, a
text that it knows is not embedded again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from labelkit.errors import UsageError, named, visible
from labelkit.files import atomic_write, project_lock, timestamp
from labelkit.lineage import Run, hash_file, versions_of
from labelkit.pipeline.events import announced
from labelkit.pipeline.recording import keep_run
from labelkit.project import ProjectFolder
from labelkit.records import Records, open_records
from labelkit.records.vectors import vectors_of
from labelkit.settings import EMBEDDING

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

DEFAULT = "embeddings.parquet"
AT_ONCE = 4_096  # texts between two words of progress, and rows of a row group
MODEL = b"labelkit.model"  # in the file's metadata: fingerprint of the model
LIBRARIES = ("sentence-transformers", "torch", "transformers")

Progress = Callable[[int, int | None], None]


class TextModel(Protocol):
    """What makes vectors of texts."""

    name: str

    def fingerprint(self) -> str:
        """Whatever decides its vectors, hashed."""
        ...

    def vectors(self, texts: list[str]) -> NDArray[np.float32]:
        """(n, d) float32."""
        ...


@dataclass(frozen=True)
class EmbedReport:
    """What `embed` did."""

    file: str  # relative to the project where it lies inside
    field: str
    model: str
    records: int
    kept: int  # whose text the file knew
    missing: int  # whose field is null, and who have no vector
    numbers: int  # of a vector; 0 where there is none
    named: bool  # whether labelkit.toml names the file

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@announced("embed")
def embed(
    project: ProjectFolder,
    *,
    field: str | None = None,
    model: str | Path | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> EmbedReport:
    """Write the vectors of the records' texts. The model is the bundled one, or that of a folder; the field the first.

    Raises UsageError for a field that is no text and a folder that holds no model, MachineError where nothing is
    installed that could do it.
    """
    from labelkit.learner.embedding import SentenceModel

    return embed_with(project, SentenceModel(None if model is None else Path(model)), field, out, progress)


def embed_with(
    project: ProjectFolder,
    model: TextModel,
    field: str | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> EmbedReport:
    """The same with a model of one's own."""
    data = project.settings.data
    field = data.shown[0] if field is None else field
    if field not in data.shown:
        raise UsageError(f'no field "{visible(field)}"; fields are {named(data.shown)}')
    path = project.root / (out or data.embedding_file or DEFAULT)
    records = open_records(_plain(project, field))
    with project_lock(project.state / "lock", "embed"):
        started, maker = timestamp(), model.fingerprint()
        work = _Work(records, field, model, _Known(path, maker), progress)
        report = work.write(path, maker)
        name = project.relative(path)
        made = EmbedReport(name, field, model.name, **report, named=data.embedding_file == name)
        run = Run(
            verb="embed",
            inputs={"data": records.fingerprint()},
            parameters={"fields": [field], "model": model.name},
            versions=versions_of(LIBRARIES),
            outputs={name: hash_file(path)},
        )
        keep_run(project, run.with_(started=started), counts={"records": made.records}, about={"data": data.path})
    return made


def _plain(project: ProjectFolder, field: str) -> ProjectFolder:
    """The project without embeddings: the file that is to be made cannot be read yet."""
    settings = project.settings
    data = settings.data.model_copy(update={"embedding": None, "fields": [field], "gold": None, "split": None})
    return ProjectFolder(project.root, settings.model_copy(update={"data": data}))


class _Known:
    """The vectors of texts that an earlier run embedded with the same model."""

    def __init__(self, path: Path, maker: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._rows: dict[bytes, int] = {}
        self._vectors: NDArray[np.float32] = np.empty((0, 0), np.float32)
        try:
            metadata = pq.read_schema(path).metadata or {}
            if metadata.get(MODEL) != maker.encode():
                return
            table = pq.read_table(path, columns=["content", EMBEDDING])
            vectors, there = vectors_of(table.column(EMBEDDING))
        except (OSError, pa.ArrowException, ValueError):  # not there, or not what we write: it is made anew
            return
        self._vectors = vectors.astype(np.float32)
        contents = table.column("content").to_pylist()
        self._rows = {content: row for row, content in enumerate(contents) if content is not None and there[row]}

    def of(self, content: bytes) -> NDArray[np.float32] | None:
        row = self._rows.get(content)
        return None if row is None else self._vectors[row]


class _Work:
    """One pass over the records."""

    def __init__(
        self, records: Records, field: str, model: TextModel, known: _Known, progress: Progress | None
    ) -> None:
        self._records, self._field, self._model, self._known, self._progress = records, field, model, known, progress
        self._done = self._kept = self._missing = self._numbers = 0

    def write(self, path: Path, maker: str) -> dict[str, int]:
        """Write the file, whole or not at all; the figures."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        with atomic_write(path) as file:
            writer: Any = None
            for ids, texts in self._parts():
                part = self._table(ids, texts)
                if writer is None:
                    writer = pq.ParquetWriter(file, part.schema.with_metadata({MODEL: maker}))
                writer.write_table(part)
            if writer is None:
                schema = pa.schema(
                    [("id", pa.string()), (EMBEDDING, pa.list_(pa.float32())), ("content", pa.binary(16))]
                )
                writer = pq.ParquetWriter(file, schema)
            writer.close()
        return {"records": self._done, "kept": self._kept, "missing": self._missing, "numbers": self._numbers}

    def _parts(self) -> Iterator[tuple[pa.Array, list[str | None]]]:
        import pyarrow as pa

        for batch in self._records.batches([self._field]):
            if not pa.types.is_large_string(batch.schema.types[1]):
                raise UsageError(
                    f'field "{visible(self._field)}" is {batch.schema.types[1]}, not text; name one with --field'
                )
            for start in range(0, batch.num_rows, AT_ONCE):
                part = batch.slice(start, AT_ONCE)
                yield part.column(0), part.column(1).to_pylist()

    def _table(self, ids: pa.Array, texts: list[str | None]) -> pa.Table:
        """Rows of the file."""
        import pyarrow as pa

        contents = [None if text is None else hashlib.sha256(text.encode()).digest()[:16] for text in texts]
        found = {content: self._known.of(content) for content in dict.fromkeys(contents) if content is not None}
        new = {
            c: text
            for c, text in zip(contents, texts, strict=True)
            if c is not None and found[c] is None and text is not None
        }
        if new:
            found |= dict(zip(new, self._model.vectors(list(new.values())), strict=True))
        self._count(contents, new)
        some = next((vector for vector in found.values() if vector is not None), None)
        self._numbers = self._numbers or (0 if some is None else len(some))
        nothing = np.zeros(self._numbers, np.float32)
        rows = [nothing if content is None else found[content] for content in contents]
        mask = pa.array([content is None for content in contents])
        flat = pa.array(np.concatenate([np.empty(0, np.float32), *(row for row in rows if row is not None)]))
        vectors = pa.FixedSizeListArray.from_arrays(flat, self._numbers, mask=mask)
        return pa.table({"id": ids, EMBEDDING: vectors, "content": pa.array(contents, pa.binary(16))})

    def _count(self, contents: list[bytes | None], new: dict[bytes, str]) -> None:
        self._done += len(contents)
        self._missing += sum(content is None for content in contents)
        self._kept += sum(content is not None and content not in new for content in contents)
        if self._progress is not None:
            self._progress(self._done, self._records.row_count())
