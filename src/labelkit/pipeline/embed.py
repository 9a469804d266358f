"""`embed`: a vector for each record's text, in a Parquet file that `[data] embedding` can name.

Beside id and vector each row holds a hash of its text. Where the file is there already, and made by the same model, a
text that it knows is not embedded again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from labelkit.errors import UsageError, named, visible
from labelkit.files import atomic_write, timestamp
from labelkit.lineage import Run, hash_file, versions_of
from labelkit.locks import project_lock
from labelkit.pipeline.casting import Progress
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

    def __str__(self) -> str:
        without = f", {self.missing:,} have no text" if self.missing else ""
        return (
            f"{self.records:,} records: {self.kept:,} texts were known{without}; "
            f"{self.numbers:,} numbers each, by {self.model}"
        )


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
    path = project.output_path(out or data.embedding_file or DEFAULT)
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
    return replace(project, settings=settings.model_copy(update={"data": data}))


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

        schema = pa.schema(
            [("id", pa.string()), (EMBEDDING, pa.list_(pa.float32())), ("content", pa.binary(16))], {MODEL: maker}
        )
        with atomic_write(path) as file, pq.ParquetWriter(file, schema) as writer:
            for ids, texts in self._parts():
                writer.write_table(self._table(ids, texts, schema))
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

    def _table(self, ids: pa.Array, texts: list[str | None], schema: pa.Schema) -> pa.Table:
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
        self._numbers = self._numbers or max((len(one) for one in found.values() if one is not None), default=0)
        vectors = [None if content is None else found[content] for content in contents]
        return pa.Table.from_arrays(
            [ids, pa.array(vectors, schema.types[1]), pa.array(contents, schema.types[2])], schema=schema
        )

    def _count(self, contents: list[bytes | None], new: dict[bytes, str]) -> None:
        self._done += len(contents)
        self._missing += sum(content is None for content in contents)
        self._kept += sum(content is not None and content not in new for content in contents)
        if self._progress is not None:
            self._progress(self._done, self._records.row_count())
