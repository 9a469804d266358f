"""The local engine: one machine, chunk by chunk, in one process or several."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from labelkit.engines.base import ChunkVotes
from labelkit.engines.cache import VoteCache
from labelkit.engines.chunks import ChunkCaster
from labelkit.engines.limits import Limits
from labelkit.engines.workers import cast_with_workers
from labelkit.errors import UsageError, named, visible
from labelkit.labeling import Endpoint, LabelingFunction, answered
from labelkit.labeling.functions import checked_functions
from labelkit.labeling.prompts.declare import check_prompt
from labelkit.labeling.rules import check_rule
from labelkit.matrix import MAX_CLASSES, LabelMatrix, checked_classes, default_classes
from labelkit.records import Records, read
from labelkit.records.parquet import located
from labelkit.records.seen import SeenIds


class LocalEngine:
    """Runs on this machine. `workers` processes share the chunks; 0 means one per processor.

    With `limits`, functions never run in this process: what ends or stops the process they run in is a fault.
    """

    def __init__(self, workers: int = 1, cache: VoteCache | None = None, limits: Limits | None = None) -> None:
        self.workers = workers or os.cpu_count() or 1
        self.cache = cache
        self.limits = limits

    def cast(
        self,
        functions: Sequence[LabelingFunction],
        records: Records,
        fields: Sequence[str],
        classes: Sequence[str],
    ) -> Iterator[ChunkVotes]:
        """Votes of all functions, chunk by chunk in record order. See `Engine.cast`."""
        caster, records = ChunkCaster(functions, fields, classes, self.cache), located(records)
        count = records.chunk_count()
        if self.workers > 1 or self.limits is not None:
            workers = self.workers if count is None else max(1, min(self.workers, count))  # of no records, too
            return cast_with_workers(caster, records, workers, self.limits or Limits())
        return (caster.cast(index, chunk) for index, chunk in enumerate(records.chunks()))


def apply_lfs(
    functions: Sequence[object],
    records: object,
    *,
    classes: Sequence[str] | None = None,
    fields: Sequence[str] | None = None,
    workers: int = 1,
    timeout: float | None = None,
    memory: int | None = None,
    endpoint: Endpoint | None = None,
) -> LabelMatrix:
    """Apply labeling functions to records. Snorkel's functions and labelkit's can be mixed.

    `records` is what `labelkit.read` gives, or anything that it takes. `fields` are the columns that functions see
    (all but the id, by default); `classes` names the classes ("0", "1", ... by default, as many as the votes need);
    `workers` is the number of processes; with 1 functions run in this process, unless there is a limit: `timeout`, the
    seconds that a call may take, or `memory`, the megabytes. A function that fails on a record, or breaks a limit,
    leaves a FAULT in its cell, and the details in `.faults`. Prompt functions ask the `endpoint` before votes are cast.

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
        if classes is None:
            _check_numbered(function)
        if function.rule is not None:
            check_rule(function.rule, seen, names)
        check_prompt(function, seen, names)
    made = answered(made, source.batches, names, endpoint).functions
    limits = None if timeout is None and memory is None else Limits(timeout or 0.0, memory or 0)
    chunks = _of_unique_ids(LocalEngine(workers, limits=limits).cast(made, source, seen, names), source)
    return _matrix(list(chunks), made, None if classes is None else names)


def _of_unique_ids(chunks: Iterable[ChunkVotes], source: Records) -> Iterator[ChunkVotes]:
    """The chunks as they come. Raises DataError for an id that is no id, or was in one of them before."""
    known = SeenIds()
    for chunk in chunks:
        if not known.add_hashes(chunk.id_hashes):
            source.refuse_bad_ids()
        yield chunk
    if not known.all_differ():
        source.refuse_bad_ids()


def _matrix(
    chunks: Sequence[ChunkVotes], functions: Sequence[LabelingFunction], classes: tuple[str, ...] | None
) -> LabelMatrix:
    """The votes of all chunks together; without classes, of as many as the votes need."""
    import pyarrow as pa

    votes = np.concatenate([np.empty((0, len(functions)), np.int8), *(chunk.votes for chunk in chunks)])
    ids = pa.concat_arrays([chunk.ids for chunk in chunks]) if chunks else pa.array([], pa.string())
    faults = tuple(fault for chunk in chunks for fault in chunk.faults)
    names = classes or default_classes(max(2, int(votes.max(initial=0)) + 1))
    return LabelMatrix(votes, ids, tuple(function.name for function in functions), names, faults)


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
    """Raise UsageError when a rule or prompt votes for a class by name and the classes have none."""
    if function.prompt is not None and (
        function.prompt.labels is None or any(isinstance(vote, str) for vote in function.prompt.labels.values())
    ):
        raise UsageError(
            f'prompt "{visible(function.name)}" votes for classes by name; '
            "name the classes: apply_lfs(..., classes=[...])"
        )
    if function.rule is not None and isinstance(function.rule.label, str):
        raise UsageError(
            f'rule "{visible(function.name)}" votes for "{visible(function.rule.label)}"; '
            "name the classes: apply_lfs(..., classes=[...])"
        )
