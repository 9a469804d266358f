"""What a label model believes about each record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class Posterior:
    """Class probabilities of n records.

    A record on which nobody voted has `covered` False; its row is uniform only so that rows sum to 1.
    """

    probs: NDArray[np.float64]  # (n, k): rows sum to 1
    covered: NDArray[np.bool_]  # (n,): at least one function voted
    ids: pa.Array  # (n,) string: record ids in record order
    classes: tuple[str, ...]  # (k,): class names

    def __post_init__(self) -> None:
        n, k = len(self.ids), len(self.classes)
        if self.probs.shape != (n, k) or self.covered.shape != (n,):
            raise ValueError(
                f"probs {self.probs.shape}, covered {self.covered.shape}, {len(self.ids)} ids "
                f"and {len(self.classes)} classes do not fit together"
            )

    def to_labels(self, run: str | None = None) -> Any:
        """Arrow table with the columns of labels.parquet, without human answers."""
        from labelkit.label_models.labels import labels_table

        return labels_table(self, run=run)


def hard_labels(probs: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n,) int64: the most probable class of each row; of exactly equal ones the first, as `numpy.argmax`."""
    return np.asarray(probs.argmax(axis=1), dtype=np.int64)
