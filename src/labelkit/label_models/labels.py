"""The labels table: one row per record, saying what the label is and who decided it.

Columns, in this order: `id` string, `label` string, `confidence` float64, one `p_<class>` float64 per class,
`source` string (human, model or none), `run` string. A record that nobody voted on and nobody answered has source
none and nulls for label, confidence and p. A human answer has confidence 1 and a one-hot row.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import ArtifactError, visible
from labelkit.files import machine_errors
from labelkit.label_models.posterior import Posterior, hard_labels
from labelkit.lineage import hash_bytes, hash_parts
from labelkit.matrix import checked_gold

if TYPE_CHECKING:
    import pyarrow as pa

HUMAN, MODEL, NONE = "human", "model", "none"
RUN_KEY = b"labelkit.run"

Answers: TypeAlias = Mapping[str, int]
"""Record id -> class index that people settled on."""


def probability_column(class_name: str) -> str:
    """Name of the column that holds a class's probability."""
    return f"p_{class_name}"


def labels_table(
    posterior: Posterior, answers: Answers | NDArray[np.int64] | None = None, run: str | None = None
) -> pa.Table:
    """Join a posterior and people's answers into the labels table. An answer outranks the model.

    `answers` says by record id, or for each record in order ((n,) int64, -1 for none), which class people settled on.

    >>> import pyarrow as pa
    >>> posterior = Posterior(
    ...     np.array([[0.9, 0.1], [0.5, 0.5]]), np.array([True, False]), pa.array(["a", "b"]), ("ham", "spam"))
    >>> labels_table(posterior, answers={"a": 1}).select(["id", "label", "source"]).to_pylist()
    [{'id': 'a', 'label': 'spam', 'source': 'human'}, {'id': 'b', 'label': None, 'source': 'none'}]
    """
    import pyarrow as pa

    coded = coded_labels(posterior, _in_order(answers, posterior), run)
    plain = [column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column for column in coded.columns]
    return pa.table(plain, names=coded.schema.names).replace_schema_metadata({RUN_KEY: run or ""})


def coded_labels(posterior: Posterior, answered: NDArray[np.int64], run: str | None) -> pa.RecordBatch:
    """The rows of the labels table, with label, source and run as dictionaries, which Parquet takes as they are.

    `answered` is (n,) int64: the class index that people settled on, or -1.
    """
    import pyarrow as pa

    n, k = posterior.probs.shape
    human = answered >= 0
    unknown = ~(human | posterior.covered)
    probs = posterior.probs
    chosen = hard_labels(probs)
    if human.any():
        probs, chosen = np.where(human[:, None], np.eye(k)[answered], probs), np.where(human, answered, chosen)
    source = np.where(human, 0, np.where(posterior.covered, 1, 2)).astype(np.int8)
    columns = {
        "id": posterior.ids,
        "label": _names(pa.array(chosen.astype(np.int8), mask=unknown), posterior.classes),
        "confidence": pa.array(probs[np.arange(n), chosen], mask=unknown),
        **{probability_column(name): pa.array(probs[:, c], mask=unknown) for c, name in enumerate(posterior.classes)},
        "source": _names(pa.array(source), (HUMAN, MODEL, NONE)),
        "run": _names(pa.array(np.zeros(n, np.int8), mask=np.full(n, run is None)), [run or ""]),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _in_order(answers: Answers | NDArray[np.int64] | None, posterior: Posterior) -> NDArray[np.int64]:
    """(n,) int64: the class index that people settled on, or -1. Raises ValueError for what is no class."""
    n, k = posterior.probs.shape
    if isinstance(answers, Mapping):
        answers = np.array([answers.get(record, -1) for record in posterior.ids.to_pylist()], dtype=np.int64)
    checked = checked_gold(answers, n, k)
    return np.full(n, -1) if checked is None else checked


def _names(indices: pa.Array, names: Sequence[str]) -> pa.Array:
    """Indices as a dictionary column of names."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))


class LabelsWriter:
    """Writes the labels table chunk by chunk, as Parquet with page checksums; ids alone are not dictionary-encoded."""

    def __init__(self, file: Any, classes: Sequence[str], run: str | None = None) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        nothing = Posterior(np.empty((0, len(classes))), np.empty(0, bool), pa.array([], pa.string()), tuple(classes))
        self._run = run
        rows = coded_labels(nothing, np.empty(0, np.int64), run)
        others = [name for name in rows.schema.names if name != "id"]
        self._writer = pq.ParquetWriter(
            file,
            rows.schema,
            compression="zstd",
            use_dictionary=others,
            write_page_checksum=True,
            write_statistics=False,
            store_schema=False,  # readers shall get text, not dictionaries
        )

    def add(self, posterior: Posterior, answered: NDArray[np.int64]) -> None:
        """Append the next records; `answered` is (n,) int64, the class index that people settled on, or -1."""
        self._writer.write_batch(coded_labels(posterior, answered, self._run))

    def close(self) -> None:
        """Write the footer, which names the run."""
        self._writer.add_key_value_metadata({RUN_KEY.decode(): self._run or ""})
        self._writer.close()


def write_labels(table: pa.Table, file: io.IOBase | Any) -> None:
    """Write a labels table that is at hand as a whole."""
    import pyarrow.parquet as pq

    pq.write_table(table, file, compression="zstd", write_page_checksum=True)


@dataclass(frozen=True)
class LabelsContent:
    """The labels as they are on disk, read once: what is hashed is what is used."""

    name: str  # what messages call them
    parts: Mapping[str, bytes]  # the files of a folder in name order; a file alone is called ""

    @property
    def sha256(self) -> str:
        """As `hash_file` of the file or folder."""
        if "" in self.parts:
            return hash_bytes(self.parts[""])
        return hash_parts({name: hash_bytes(content) for name, content in self.parts.items()})

    def table(self) -> pa.Table:
        """The labels, damaged ones included: judging them is the gate's work. Raises ArtifactError for no Parquet."""
        import pyarrow as pa

        try:
            return pa.concat_tables([_parquet(content) for content in self.parts.values()])
        except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
            raise ArtifactError(
                f"{visible(self.name)}: not a readable Parquet file; make it again with `labelkit apply`"
            ) from error


def read_labels(path: Path) -> pa.Table:
    """Read labels, a file or a folder of files, damaged contents included: judging them is the gate's work.

    Raises ArtifactError when they are not readable Parquet.
    """
    return labels_content(path).table()


def labels_content(path: Path) -> LabelsContent:
    """The labels as they are on disk. Raises ArtifactError when there are none."""
    files = labels_files(path)
    if not files:
        raise ArtifactError(f"{visible(path.name)}: no such file; make it with `labelkit apply`")
    with machine_errors(path):
        parts = {file.relative_to(path).as_posix() if file != path else "": file.read_bytes() for file in files}
    return LabelsContent(path.name, parts)


def labels_files(path: Path) -> list[Path]:
    """The files that labels are in, in record order; empty where there are none."""
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    return [path] if path.is_file() else []


def _parquet(content: bytes) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # In memory of Arrow's own: what is Python's, one of its threads could let go of when Python has just ended.
    copied = pa.BufferOutputStream()
    copied.write(content)
    table = pq.read_table(copied.getvalue(), page_checksum_verification=True)
    table.schema.names  # noqa: B018  Arrow looks only now whether they are text
    return table


def run_of(table: pa.Table) -> str | None:
    """Id of the run that wrote the table, from its metadata."""
    raw = (table.schema.metadata or {}).get(RUN_KEY, b"")
    return raw.decode("utf-8", "replace") or None
