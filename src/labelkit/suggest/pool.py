"""The records that rules are sought in, and where each candidate holds among them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import ModelError, UsageError, named
from labelkit.labeling.rules.plan import RulePlan
from labelkit.labeling.rules.rule import Rule
from labelkit.learner.features import Kind, kinds_of, transformed
from labelkit.learner.model import fitted_features
from labelkit.records.vectors import directions, vectors_of
from labelkit.suggest.candidates import Candidate
from labelkit.suggest.nearness import EmbeddingFile, near_candidates
from labelkit.suggest.texts import text_candidates
from labelkit.suggest.values import category_candidates, number_candidates

if TYPE_CHECKING:
    import pyarrow as pa

Holds = NDArray[np.bool_]

BROADEST = 0.7  # share of the records on which a rule may vote; one that nearly always votes tells nothing
PAIRED_KINDS = ("number", "category")


@dataclass(frozen=True, eq=False)
class RulePool:
    """Records, and the conditions that hold for some of them."""

    table: pa.Table  # n records
    kinds: Mapping[str, Kind]  # field -> what it is to the learner
    candidates: tuple[Candidate, ...]
    holds: Holds  # (n, c): where each candidate holds
    rows: Mapping[str, int] = field(default_factory=dict)  # id -> row, where ids are known

    @classmethod
    def of(
        cls,
        table: pa.Table,
        fields: Sequence[str],
        answered: Sequence[int],
        ids: Sequence[str] = (),
        embeddings: EmbeddingFile | None = None,
    ) -> RulePool:
        """All candidates on single fields; `answered` are the rows that somebody answered. Sees no label.

        Rules on nearness need the records' ids and a file of their embeddings.
        """
        kinds, found = _readable(table, fields), list[Candidate]()
        for name, kind in kinds.items():
            if kind == "embedding" and embeddings is not None:
                vectors = directions(vectors_of(table.column(name))[0])
                found += near_candidates(name, vectors, ids, answered, embeddings)
            else:
                found += _on(table, name, kind, answered)
        rows = {record: row for row, record in enumerate(ids)}
        return cls(table, kinds, (), np.zeros((len(table), 0), dtype=bool), rows).with_(found)

    def with_(self, more: Sequence[Candidate]) -> RulePool:
        """The same pool with further candidates, those left out that hold for hardly any record or for most."""
        new = [one for one in dict.fromkeys(more) if one not in set(self.candidates)]
        holds = where(new, self.table)
        share = holds.mean(axis=0) if len(holds) else np.zeros(len(new))
        kept = np.flatnonzero((holds.sum(axis=0) > 1) & (share <= BROADEST))
        both = np.concatenate([self.holds, holds[:, kept]], axis=1)
        return RulePool(self.table, self.kinds, (*self.candidates, *(new[j] for j in kept)), both, self.rows)

    @cached_property
    def tested(self) -> Holds:
        """(n, c): where the class of a record tells of a candidate; an example tells nothing of itself."""
        holds = self.holds.copy()
        for j, one in enumerate(self.candidates):
            if one.example:
                holds[self.rows[one.example], j] = False
        return holds

    @cached_property
    def features(self) -> Any:
        """(n, d): what the learner sees of the records; None where it sees nothing, such as no word in any text."""
        names = list(self.kinds)
        try:
            return transformed(fitted_features(self.table, names), self.table, names)
        except (ModelError, UsageError):  # the candidates tell enough
            return None

    @property
    def paired(self) -> list[int]:
        """Candidates that may be joined in pairs: those on numbers and categories."""
        return [j for j, one in enumerate(self.candidates) if self.kinds.get(one.field) in PAIRED_KINDS]


def where(candidates: Sequence[Candidate], table: pa.Table) -> Holds:
    """(n, c) bool: where conditions hold, found as `apply` finds it."""
    import pyarrow as pa

    from labelkit.lineage import canonical_column

    rules = [Rule(str(j), 0, one.kind, one.condition) for j, one in enumerate(candidates)]
    names = list(dict.fromkeys(leaf.field for rule in rules for leaf in rule.leaves()))
    columns = [canonical_column(table.column(name).combine_chunks()) for name in names]
    if not names:
        return np.zeros((len(table), 0), dtype=bool)
    return RulePlan(rules, ["votes", "silent"]).votes(pa.RecordBatch.from_arrays(columns, names=names)) >= 0


def _readable(table: pa.Table, fields: Sequence[str]) -> dict[str, Kind]:
    """What each field is that a rule can read; dates and the like are passed over. Raises UsageError for none."""
    kinds: dict[str, Kind] = {}
    for name in fields:
        with contextlib.suppress(UsageError):
            kinds |= kinds_of(table, [name])
    if not kinds:
        raise UsageError(f"no field is text, a number or an embedding: no rule can be suggested on {named(fields)}")
    return kinds


def _on(table: pa.Table, field: str, kind: Kind, answered: Sequence[int]) -> Iterator[Candidate]:
    """The candidates on one field that is no embedding."""
    import pyarrow as pa

    if pa.types.is_boolean(table.schema.field(field).type):  # no rule reads it
        return
    values = table.column(field).to_pylist()
    if kind == "text":
        yield from text_candidates(field, values, answered)
    elif kind == "number":
        yield from number_candidates(field, values)
    elif kind == "category":
        yield from category_candidates(field, values)
