"""Candidates on tables: thresholds of numbers, values of categories, and two such conditions together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from labelkit.suggest.candidates import Candidate, compared, is_one_of
from labelkit.suggest.texts import cuts

THRESHOLDS = 10  # limits that are tried of each number
LEAST_RECORDS, LEAST_SHARE = 5, 0.005  # of the records that have a value


def number_candidates(field: str, values: Sequence[float | None]) -> Iterator[Candidate]:
    """Thresholds of a field of numbers, at values that cut it into parts of about equal size.

    >>> [one.title for one in number_candidates("age", [20, 30, 40])]
    ['is above 20', 'is above 30', 'is below 30', 'is below 40']
    """
    known = [value for value in values if value is not None and np.isfinite(value)]
    limits = cuts(known, THRESHOLDS)
    if not known or min(known) == max(known):
        return
    commonest = Counter(known).most_common(1)[0][0]  # where most are equal, what lies beyond them is worth a rule
    limits = sorted({*limits, *cuts([value for value in known if value != commonest], THRESHOLDS // 2)})
    for limit in sorted({*limits, min(known)}):
        yield compared(field, above=limit)
    for limit in sorted({*limits, max(known)}):
        yield compared(field, below=limit)


def category_candidates(field: str, values: Sequence[str | None]) -> Iterator[Candidate]:
    """The values of a field of categories, the most frequent first."""
    counts = Counter(value for value in values if value is not None)
    least = max(LEAST_RECORDS, LEAST_SHARE * len(values))
    for value, count in counts.most_common():
        if count >= least:
            yield is_one_of(field, [value])
