"""The labels table of a multi-label project: what was decided class by class, a row per record.

Columns, in this order: `id` string, `labels` list of string (the classes that the record has, in the project's order),
`undecided` list of string (the classes of which nothing is known), one `p_<class>` float64 per class, `source` string,
`run` string. Source is human where people settled every class, none where nothing is known of any (labels is null
then), else model. `p_<class>` is null where the class is undecided.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import ArtifactError, named, visible
from labelkit.label_models.labels import HUMAN, MODEL, NONE, RUN_KEY, probability_column
from labelkit.settings import YES

if TYPE_CHECKING:
    import pyarrow as pa


def joined_labels(of_classes: Mapping[str, pa.Table], run: str) -> pa.Table:
    """One table of the labels tables of the classes, each of which says yes or no of the same records.

    Raises ArtifactError where they are of different records, or are no labels of one class.

    >>> import pyarrow as pa
    >>> def said(label, p):
    ...     return pa.table({"id": ["a"], "label": [label], "p_yes": pa.array([p], pa.float64()),
    ...                      "source": ["none" if label is None else "model"]})
    >>> joined_labels({"pandas": said("yes", 0.9), "regex": said("no", 0.2), "sql": said(None, None)}, "r").to_pylist()
    ... # doctest: +NORMALIZE_WHITESPACE
    [{'id': 'a', 'labels': ['pandas'], 'undecided': ['sql'], 'p_pandas': 0.9, 'p_regex': 0.2, 'p_sql': None,
      'source': 'model', 'run': 'r'}]
    """
    import pyarrow as pa

    for name, table in of_classes.items():
        gone = [column for column in ("id", "label", "source", f"p_{YES}") if table.schema.names.count(column) != 1]
        if gone:
            raise ArtifactError(
                f'labels of class "{visible(name)}": not one column {named(gone)}; run `labelkit apply` again'
            )
    ids = next(iter(of_classes.values())).column("id")
    for name, table in of_classes.items():
        if not table.column("id").equals(ids):
            raise ArtifactError(f'labels of class "{visible(name)}": of other records; run `labelkit apply` again')
    chosen = _cells(of_classes, "label", YES)
    unknown, human = _cells(of_classes, "source", NONE), _cells(of_classes, "source", HUMAN)
    nothing = np.asarray(unknown.all(axis=1))
    sources = np.where(nothing, NONE, np.where(human.all(axis=1), HUMAN, MODEL))
    names = list(of_classes)
    columns = {
        "id": ids,
        "labels": _lists(chosen, names, nothing),
        "undecided": _lists(unknown, names, np.zeros_like(nothing)),
        **{probability_column(name): table.column(f"p_{YES}") for name, table in of_classes.items()},
        "source": pa.array(sources.tolist(), pa.string()),
        "run": pa.array([run] * len(ids), pa.string()),
    }
    return pa.table(columns).replace_schema_metadata({RUN_KEY: run})


def _cells(of_classes: Mapping[str, pa.Table], column: str, value: str) -> NDArray[np.bool_]:
    """(n, k) bool: where the labels of a class hold a value."""
    import pyarrow.compute as pc

    cells = [
        pc.fill_null(pc.equal(table.column(column), value), fill_value=False).to_numpy()
        for table in of_classes.values()
    ]
    return np.asarray(np.stack(cells, axis=1))


def _lists(cells: NDArray[np.bool_], names: list[str], missing: NDArray[np.bool_]) -> pa.Array:
    """A row of names for each row of cells; null where it is missing."""
    import pyarrow as pa

    offsets = np.concatenate([[0], np.cumsum(cells.sum(axis=1))]).astype(np.int32)
    values = pa.array(names, pa.string()).take(pa.array(np.nonzero(cells)[1]))
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(missing))
