"""The records that rules are sought in, and where each candidate holds among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.labeling.rules.plan import RulePlan
from labelkit.labeling.rules.rule import Rule
from labelkit.learner.features import Kind, kinds_of, transformed
from labelkit.learner.model import fitted_features
from labelkit.suggest.candidates import Candidate
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

    @classmethod
    def of(cls, table: pa.Table, fields: Sequence[str], answered: Sequence[int]) -> RulePool:
        """All candidates on single fields; `answered` are the rows that somebody answered. Sees no label."""
        kinds = kinds_of(table, fields)
        found = tuple(one for field, kind in kinds.items() for one in _on(table, field, kind, answered))
        return cls(table, kinds, (), np.zeros((len(table), 0), dtype=bool)).with_(found)

    def with_(self, more: Sequence[Candidate]) -> RulePool:
        """The same pool with further candidates, those left out that hold for hardly any record or for most."""
        new = [one for one in dict.fromkeys(more) if one not in set(self.candidates)]
        holds = where(new, self.table)
        share = holds.mean(axis=0) if len(holds) else np.zeros(len(new))
        kept = np.flatnonzero((holds.sum(axis=0) > 1) & (share <= BROADEST))
        both = np.concatenate([self.holds, holds[:, kept]], axis=1)
        return RulePool(self.table, self.kinds, (*self.candidates, *(new[j] for j in kept)), both)

    @cached_property
    def features(self) -> Any:
        """(n, d): what the learner sees of the records."""
        return transformed(fitted_features(self.table, list(self.kinds)), self.table, list(self.kinds))

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


def _on(table: pa.Table, field: str, kind: Kind, answered: Sequence[int]) -> Iterator[Candidate]:
    """The candidates on one field. Of embeddings there are none: no rule can say what is near to what."""
    values = table.column(field).to_pylist()
    if kind == "text":
        yield from text_candidates(field, values, answered)
    elif kind == "number":
        yield from number_candidates(field, values)
    elif kind == "category":
        yield from category_candidates(field, values)
