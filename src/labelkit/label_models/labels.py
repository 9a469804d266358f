"""The labels table: one row per record, saying what the label is and who decided it.

Columns, in this order: `id` string, `label` string, `confidence` float64, one `p_<class>` float64 per class,
`source` string (human, model or none), `run` string. A record that nobody voted on and nobody answered has source
none and nulls for label, confidence and p. A human answer has confidence 1 and a one-hot row.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from labelkit.errors import ArtifactError, visible
from labelkit.files import machine_errors
from labelkit.label_models.posterior import Posterior, hard_labels
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


def labels_table(posterior: Posterior, answers: Answers | None = None, run: str | None = None) -> pa.Table:
    """Join a posterior and people's answers into the labels table. An answer outranks the model.

    >>> import pyarrow as pa
    >>> posterior = Posterior(
    ...     np.array([[0.9, 0.1], [0.5, 0.5]]), np.array([True, False]), pa.array(["a", "b"]), ("ham", "spam"))
    >>> labels_table(posterior, answers={"a": 1}).select(["id", "label", "source"]).to_pylist()
    [{'id': 'a', 'label': 'spam', 'source': 'human'}, {'id': 'b', 'label': None, 'source': 'none'}]
    """
    import pyarrow as pa

    n, k = posterior.probs.shape
    answered = np.full(n, -1)
    if answers:
        answered = np.array([answers.get(record, -1) for record in posterior.ids.to_pylist()], dtype=np.int64)
        checked_gold(answered, n, k)
    human, settled = answered >= 0, (answered >= 0) | posterior.covered
    probs = np.where(human[:, None], np.eye(k)[answered], posterior.probs)
    chosen = np.where(human, answered, hard_labels(probs))
    unknown = ~settled
    label = pa.DictionaryArray.from_arrays(
        pa.array(chosen.astype(np.int32), mask=unknown), pa.array(posterior.classes)
    ).cast(pa.string())
    source = np.select([human, posterior.covered], [0, 1], 2).astype(np.int32)
    columns = {
        "id": posterior.ids,
        "label": label,
        "confidence": pa.array(probs[np.arange(n), chosen], mask=unknown),
        **{probability_column(name): pa.array(probs[:, c], mask=unknown) for c, name in enumerate(posterior.classes)},
        "source": pa.DictionaryArray.from_arrays(pa.array(source), pa.array([HUMAN, MODEL, NONE])).cast(pa.string()),
        "run": pa.array([run] * n, pa.string()),
    }
    return pa.table(columns).replace_schema_metadata({RUN_KEY: run or ""})


def write_labels(table: pa.Table, file: io.IOBase | Any) -> None:
    """Write the labels table as Parquet with page checksums."""
    import pyarrow.parquet as pq

    pq.write_table(table, file, compression="zstd", write_page_checksum=True)


def read_labels(path: Path) -> pa.Table:
    """Read a labels file, damaged contents included: judging them is the gate's work.

    Raises ArtifactError when it is no readable Parquet file.
    """
    return labels_from(labels_bytes(path), path.name)


def labels_bytes(path: Path) -> bytes:
    """The labels file as it is on disk. Raises ArtifactError when there is none."""
    if not path.is_file():
        raise ArtifactError(f"{visible(path.name)}: no such file; make it with `labelkit apply`")
    with machine_errors(path):
        return path.read_bytes()


def labels_from(content: bytes, name: str) -> pa.Table:
    """The labels table in a file's bytes; `name` is what messages call the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(io.BytesIO(content), page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise ArtifactError(
            f"{visible(name)}: not a readable Parquet file; make it again with `labelkit apply`"
        ) from error


def run_of(table: pa.Table) -> str | None:
    """Id of the run that wrote the table, from its metadata."""
    raw = (table.schema.metadata or {}).get(RUN_KEY, b"")
    return raw.decode("utf-8", "replace") or None
