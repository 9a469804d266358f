"""What a format cannot carry: counted while a file is written or read, and told to the person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from labelkit.errors import visible


@dataclass
class Losses:
    """Counts of what did not come along, by kind, each with the reason and the first record that it happened to.

    >>> losses = Losses()
    >>> losses.add("line breaks", "c7", "a record is one line; they became spaces")
    >>> losses.add("line breaks", "c9", "a record is one line; they became spaces")
    >>> print(losses)
    2 line breaks (first of c7): a record is one line; they became spaces
    """

    counts: Counter[str] = field(default_factory=Counter)
    firsts: dict[str, tuple[str, str]] = field(default_factory=dict)  # kind -> (record, reason)

    def add(self, kind: str, record: str, why: str, count: int = 1) -> None:
        """Something of a record is lost."""
        if count:
            self.counts[kind] += count
            self.firsts.setdefault(kind, (record, why))

    def to_json(self) -> list[dict[str, object]]:
        """The losses as plain values, in order of appearance."""
        return [
            {"kind": kind, "count": self.counts[kind], "first": record, "why": why}
            for kind, (record, why) in self.firsts.items()
        ]

    def __bool__(self) -> bool:
        return bool(self.firsts)

    def __str__(self) -> str:
        return "\n".join(
            f"{self.counts[kind]:,} {kind} (first of {visible(record[:40])}): {why}"
            for kind, (record, why) in self.firsts.items()
        )
