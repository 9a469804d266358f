"""The table of functions from votes: their figures, which are near-copies, and which are worse than chance."""

from __future__ import annotations

from numpy.typing import ArrayLike

from labelkit.label_models.copies import near_copies
from labelkit.matrix import FigureCounts, LabelMatrix, LFSummary, checked_gold, summary_of
from labelkit.matrix.counts import VoteCounts


def lf_summary(votes: LabelMatrix, gold: ArrayLike | None = None) -> LFSummary:
    """Figures of each function.

    `gold` is (n,) int: the true class index, or -1 where it is not known.

    >>> votes = LabelMatrix.from_rows([[0, -1], [1, 1], [-1, -1], [0, 1]], names=["short", "link"])
    >>> print(lf_summary(votes, gold=[0, 1, 1, -1]))
           j  Polarity  Coverage  Overlaps  Conflicts  Correct  Incorrect  Emp. Acc.  95 % interval  Faults
    short  0    [0, 1]     0.750     0.500      0.250        2          0      1.000   0.34 to 1.00       0
    link   1       [1]     0.500     0.500      0.250        1          0      1.000   0.21 to 1.00       0
    """
    truth = checked_gold(gold, len(votes.ids), len(votes.classes))
    counts = FigureCounts.of(votes.votes, len(votes.classes), truth)
    copies = near_copies(VoteCounts.of(votes.votes, len(votes.classes))).groups
    return summary_of(counts, votes.names, with_gold=truth is not None, copies=copies)
