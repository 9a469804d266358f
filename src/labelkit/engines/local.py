"""The local engine: one machine, chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from labelkit.engines.base import Cast, Progress
from labelkit.errors import UsageError, named, visible
from labelkit.labeling import LabelingFunction, cast_votes
from labelkit.labeling.functions import checked_functions
from labelkit.labeling.rules import check_rule
from labelkit.lineage import DataFingerprint
from labelkit.matrix import MAX_CLASSES, Fault, LabelMatrix, checked_classes, default_classes
from labelkit.records import Records, read

CHUNK_OF_ROWS = 8_192


class LocalEngine:
    """Runs in this process."""

    def cast(
        self,
        functions: Sequence[LabelingFunction],
        records: Records,
        fields: Sequence[str],
        classes: Sequence[str],
        progress: Progress | None = None,
    ) -> Cast:
        """Votes of all functions on all records, in record order, and the records' fingerprint of the same pass."""
        import pyarrow as pa

        fingerprint = DataFingerprint()
        parts, ids, faults, done = [np.empty((0, len(functions)), np.int8)], [], list[Fault](), 0
        for chunk in records.batches():
            fingerprint.add(chunk)
            visible_columns = chunk.select(list(fields))
            ids.append(chunk.column(0))
            for start in range(0, chunk.num_rows, CHUNK_OF_ROWS):
                rows = visible_columns.slice(start, CHUNK_OF_ROWS)
                votes, failed = cast_votes(functions, chunk.column(0).slice(start, CHUNK_OF_ROWS), rows, classes)
                parts.append(votes)
                faults += failed
                done += len(votes)
                if progress is not None:
                    progress(done)
        matrix = LabelMatrix(
            votes=np.concatenate(parts),
            ids=pa.concat_arrays(ids) if ids else pa.array([], pa.string()),
            names=tuple(function.name for function in functions),
            classes=tuple(classes),
            faults=tuple(faults),
        )
        return Cast(matrix, fingerprint.hexdigest())


def apply_lfs(
    functions: Sequence[object],
    records: object,
    *,
    classes: Sequence[str] | None = None,
    fields: Sequence[str] | None = None,
) -> LabelMatrix:
    """Apply labeling functions to records. Snorkel's functions and labelkit's can be mixed.

    `records` is what `labelkit.read` gives, or anything that it takes. `fields` are the columns that functions see
    (all but the id, by default); `classes` names the classes ("0", "1", ... by default, as many as the votes need).
    A function that fails on a record leaves a FAULT in its cell, and the details in `.faults`.

    >>> import pyarrow as pa
    >>> from labelkit.labeling import rules
    >>> comments = pa.table({"id": ["a", "b"], "text": ["see http://x.y", "nice"]})
    >>> apply_lfs([rules.pattern("links", "https?://", field="text", label=1)], comments).votes
    array([[ 1],
           [-1]], dtype=int8)
    """
    made = checked_functions(functions)
    source = records if isinstance(records, Records) else read(records)
    seen = _seen(source, fields)
    names = default_classes(MAX_CLASSES) if classes is None else checked_classes(classes)
    for function in made:
        if function.rule is not None:
            if classes is None:
                _check_numbered(function)
            check_rule(function.rule, seen, names)
    votes = LocalEngine().cast(made, source, seen, names).votes
    if classes is not None:
        return votes
    needed = max(2, int(votes.votes.max(initial=0)) + 1)
    return replace(votes, classes=names[:needed])


def _seen(source: Records, fields: Sequence[str] | None) -> list[str]:
    """The columns that functions see. Raises UsageError for the id, or for a column that is not there."""
    others = [column for column in source.columns if column != source.id]
    if fields is None:
        return others
    wanted = [fields] if isinstance(fields, str) else list(dict.fromkeys(fields))
    for column in wanted:
        if column == source.id:
            raise UsageError(f'fields: "{visible(column)}" is the id, which labeling functions do not see')
        if column not in others:
            raise UsageError(f'fields: no column "{visible(str(column))}"; columns are {named(others)}')
    return wanted


def _check_numbered(function: LabelingFunction) -> None:
    """Raise UsageError when a rule votes for a class by name and the classes have none."""
    if function.rule is not None and isinstance(function.rule.label, str):
        raise UsageError(
            f'rule "{visible(function.name)}" votes for "{visible(function.rule.label)}"; '
            "name the classes: apply_lfs(..., classes=[...])"
        )
