"""Slices: a row per slicing function, with how many records it is about and how often their labels are right.

What the slicing functions said is kept by the run that wrote the labels; none of them is run here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit.matrix import FAULT, wilson_interval
from labelkit.validation.facts.counts import truth_of_votes
from labelkit.validation.facts.evidence import Evidence, places
from labelkit.validation.frames import named_by
from labelkit.validation.texts import texts_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

KINDS = {
    "slice": "string",
    "records": "int64",
    "share": "float64",
    "labelled": "int64",
    "labelled_share": "float64",
    "judged": "int64",
    "accuracy": "float64",
    "accuracy_low": "float64",
    "accuracy_high": "float64",
    "faults": "int64",
}


def slice_table(evidence: Evidence) -> pa.Table:
    """One row per slice; none where the run kept no slices.

    Accuracy is that of the label model, on records with a vote and a known class: gold where the project has it and
    nobody was asked, else people's answers.
    """
    import pyarrow as pa

    members = evidence.slices()
    rows: list[dict[str, Any]] = []
    if members is not None:
        ids = texts_of(pa.table({"id": members.ids}), "id")
        labelled, right = _labelled(evidence, ids), _right(evidence, ids)
        for j, name in enumerate(members.names):
            rows.append(_row(name, members.votes[:, j], labelled, right))
    columns = {name: pa.array([row[name] for row in rows], kind) for name, kind in KINDS.items()}
    return named_by(pa.table(columns), "slice")


def _row(name: str, votes: NDArray[np.int8], labelled: NDArray[np.bool_], right: NDArray[np.int64]) -> dict[str, Any]:
    """Figures of one slice. `right` is (n,): 1 right, 0 wrong, -1 not known."""
    inside = votes == 1
    records, known = int(inside.sum()), right[inside & (right >= 0)]
    hits, judged = int(known.sum()), len(known)
    low, high = wilson_interval(hits, judged) if judged else (None, None)
    return {
        "slice": name,
        "records": records,
        "share": records / max(len(votes), 1),
        "labelled": int(labelled[inside].sum()),
        "labelled_share": float(labelled[inside].mean()) if records else None,
        "judged": judged,
        "accuracy": hits / judged if judged else None,
        "accuracy_low": low,
        "accuracy_high": high,
        "faults": int((votes == FAULT).sum()),
    }


def _labelled(evidence: Evidence, ids: pa.Array) -> NDArray[np.bool_]:
    """(n,) bool: whether labels.parquet has a label of each id."""
    row = places(ids, texts_of(evidence.labels, "id"))
    return np.append(evidence.label_codes >= 0, False)[row]


def _right(evidence: Evidence, ids: pa.Array) -> NDArray[np.int64]:
    """(n,) int64: 1 where the label model is right about an id, 0 where not, -1 where that is not known."""
    import pyarrow as pa
    import pyarrow.compute as pc

    truth, model = truth_of_votes(evidence), evidence.model_labels()
    nothing = np.full(len(ids), -1, dtype=np.int64)
    if truth is None or model is None or evidence.votes is None:
        return nothing
    names = texts_of(model, "label")
    index = pc.fill_null(pc.index_in(names, value_set=pa.array(evidence.classes, pa.string()), skip_nulls=True), -1)
    said = np.append(np.asarray(index.to_numpy(), dtype=np.int64), -1)[places(ids, texts_of(model, "id"))]
    voted = texts_of(pa.table({"id": evidence.votes.ids}), "id")
    known = np.append(truth, -1)[places(ids, voted)]
    return np.where((said >= 0) & (known >= 0), (said == known).astype(np.int64), nothing)
