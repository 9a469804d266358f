"""Whether beliefs mean what they say: of the records believed in to 80 %, eight in ten should be right.

Expected calibration error: Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian
binning", AAAI 2015, on the most probable class, in bins of equal width. Brier score: Brier, "Verification of forecasts
expressed in terms of probability", 1950, summed over classes (0 to 2). Gathered chunk by chunk, added up, and only then
divided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelkit.label_models.posterior import Posterior
from labelkit.matrix import checked_gold, wilson_interval
from labelkit.tables import table

BINS = 10
"""Bins of confidence, equal parts of 0 to 1."""

FLOOR = 1e-3
"""Log loss counts no probability as less, so that one record that was thought impossible does not decide alone."""


@dataclass(frozen=True)
class Bin:
    """The records whose label is believed in to about the same degree."""

    low: float  # of the confidence, the bin's bounds
    high: float
    records: int
    confidence: float  # mean
    accuracy: float  # share that is right; a tie between t classes, the right one among them, counts 1 / t
    interval: tuple[float, float]  # 95 % Wilson interval of accuracy


@dataclass(frozen=True)
class Calibration:
    """How far beliefs are right as often as they say. Prints as a reliability table."""

    records: int
    error: float  # expected calibration error, 0 to 1
    by_chance: float  # the error that perfect beliefs would show on so few records
    brier: float  # mean over records, 0 (sure and right) to 2 (sure and wrong)
    log_loss: float  # mean of -log p(truth), natural logarithm, p at least FLOOR
    accuracy: float
    bins: tuple[Bin, ...]  # those that hold records

    def rows(self) -> list[list[str]]:
        """The reliability table's cells as text."""
        return [
            [
                f"{part.low:.1f} to {part.high:.1f}",
                f"{part.records:,}",
                f"{part.confidence:.3f}",
                f"{part.accuracy:.3f}",
                f"{part.interval[0]:.2f} to {part.interval[1]:.2f}",
            ]
            for part in self.bins
        ]

    def summary(self) -> str:
        """The figures in a line."""
        return (
            f"expected calibration error {self.error:.3f} (perfect beliefs: about {self.by_chance:.3f}), "
            f"Brier score {self.brier:.3f}, log loss {self.log_loss:.3f}, {self.records:,} records"
        )

    def __str__(self) -> str:
        return f"{table(HEADER, self.rows())}\n{self.summary()}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """What `to_json` gave, by way of JSON or not. Raises KeyError, TypeError or ValueError for anything else."""
        bins = tuple(
            Bin(**{**part, "interval": (part["interval"][0], part["interval"][1])}) for part in content["bins"]
        )
        return cls(**{**content, "bins": bins})


HEADER = ("confidence", "records", "mean", "accuracy", "95 % interval")


@dataclass(frozen=True, eq=False)
class CalibrationCounts:
    """Sums behind a calibration. Those of several parts of the records add up."""

    records: NDArray[np.int64]  # (BINS,)
    confidence: NDArray[np.float64]  # (BINS,): sums
    credit: NDArray[np.float64]  # (BINS,): how many are right
    brier: float
    loss: float

    @classmethod
    def nothing(cls) -> Self:
        """Sums over no records."""
        return cls(np.zeros(BINS, np.int64), np.zeros(BINS), np.zeros(BINS), 0.0, 0.0)

    @classmethod
    def of(cls, probs: NDArray[np.float64], truth: NDArray[np.int64]) -> Self:
        """Sums over (n, k) probabilities whose (n,) truths are all known."""
        n, k = probs.shape
        confidence = probs.max(axis=1, initial=0)
        best = probs >= confidence[:, None] - 1e-9
        credit = best[np.arange(n), truth] / best.sum(axis=1)
        place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
        sums = [np.bincount(place, weights, BINS).astype(np.float64) for weights in (confidence, credit)]
        return cls(
            np.bincount(place, minlength=BINS),
            sums[0],
            sums[1],
            float(((probs - np.eye(k)[truth]) ** 2).sum()),
            float(losses(probs, truth).sum()),
        )

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.records + other.records,
            self.confidence + other.confidence,
            self.credit + other.credit,
            self.brier + other.brier,
            self.loss + other.loss,
        )

    @property
    def total(self) -> int:
        """How many records were counted."""
        return int(self.records.sum())

    def calibration(self) -> Calibration:
        """The figures. Raises ValueError without records."""
        n = self.total
        if not n:
            raise ValueError("no records to tell a calibration from")
        used = np.flatnonzero(self.records)
        share, mean = self.records[used] / n, self.confidence[used] / self.records[used]
        right = self.credit[used] / self.records[used]
        spread = np.sqrt(2 / np.pi * np.clip(mean * (1 - mean), 0, None) / self.records[used])  # E|binomial - its mean|
        return Calibration(
            records=n,
            error=float((share * np.abs(right - mean)).sum()),
            by_chance=float((share * spread).sum()),
            brier=self.brier / n,
            log_loss=self.loss / n,
            accuracy=float(self.credit.sum() / n),
            bins=tuple(self._bin(int(at)) for at in used),
        )

    def _bin(self, at: int) -> Bin:
        n = int(self.records[at])
        interval = wilson_interval(round(self.credit[at]), n)
        return Bin(at / BINS, (at + 1) / BINS, n, float(self.confidence[at] / n), float(self.credit[at] / n), interval)


def losses(probs: NDArray[np.float64], truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,): the log loss of each record, -log p(truth)."""
    return np.asarray(-np.log(np.maximum(probs[np.arange(len(truth)), truth], FLOOR)))


def calibration_report(posterior: Posterior, gold: ArrayLike) -> Calibration | None:
    """Compare beliefs with the truth, on records that have a vote; None where nothing can be compared.

    `gold` is (n,) int: the true class index, or -1 where it is not known. Answers that the label model learned from are
    no test of it; the model's own `calibration` is of beliefs about answers that were held out. Raises ValueError when
    `gold` does not fit.

    >>> import pyarrow as pa
    >>> probs, gold = np.array([[0.9, 0.1]] * 9 + [[0.75, 0.25]]), [0] * 8 + [1, 0]
    >>> posterior = Posterior(probs, np.ones(10, bool), pa.array([str(i) for i in range(10)]), ("ham", "spam"))
    >>> print(calibration_report(posterior, gold))
    confidence  records   mean  accuracy  95 % interval
    0.7 to 0.8        1  0.750     1.000   0.21 to 1.00
    0.9 to 1.0        9  0.900     0.889   0.57 to 0.98
    expected calibration error 0.035 (perfect beliefs: about 0.106), Brier score 0.191, log loss 0.343, 10 records
    """
    truth = checked_gold(gold, *posterior.probs.shape)
    known = np.zeros(len(posterior.covered), bool) if truth is None else posterior.covered & (truth >= 0)
    if truth is None or not known.any():
        return None
    return CalibrationCounts.of(posterior.probs[known], truth[known]).calibration()
