"""How far two distributions are apart: pure functions on counts.

psi            population stability index, sum of (a - b) * log(a / b) over bins (N. Siddiqi, "Credit Risk Scorecards",
               2006); below 0.1 is read as stable, above 0.25 as another population
jensen_shannon distance between 0 and 1: the square root of the divergence to base 2 (J. Lin, "Divergence measures based
               on the Shannon entropy", IEEE Transactions on Information Theory, 1991)
chi_square     Pearson's test that two samples are of one population, or that two attributes are independent
ks             Kolmogorov and Smirnov's largest distance of two cumulative distributions
cramers_v      strength of an association between 0 and 1, corrected for bias (W. Bergsma, Journal of the Korean
               Statistical Society, 2013)

With a million rows every difference is significant: judge by the distance, and by p only where rows are few.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def psi(reference: NDArray[np.float64], current: NDArray[np.float64]) -> float:
    """Population stability index of two arrays of counts per bin, half a row added to each so that none is empty.

    >>> round(psi(np.array([50.0, 50.0]), np.array([50.0, 50.0])), 3)
    0.0
    >>> round(psi(np.array([500.0, 500.0]), np.array([900.0, 100.0])), 2)
    0.88
    """
    a, b = _shares(reference + 0.5), _shares(current + 0.5)
    return float(((a - b) * np.log(a / b)).sum())


def jensen_shannon(reference: NDArray[np.float64], current: NDArray[np.float64]) -> float:
    """Distance of two arrays of counts per bin: 0 for the same shares, 1 for no bin in common.

    >>> jensen_shannon(np.array([3.0, 0.0]), np.array([0.0, 5.0]))
    1.0
    """
    a, b = _shares(reference), _shares(current)
    middle = (a + b) / 2
    divergence = sum(float((part[part > 0] * np.log2(part[part > 0] / middle[part > 0])).sum()) / 2 for part in (a, b))
    return float(np.sqrt(min(max(divergence, 0.0), 1.0)))


def chi_square(counts: NDArray[np.float64]) -> tuple[float, float]:
    """Statistic and p of a table (r, c) of counts. Empty rows and columns are left out; (0, 1) without a table.

    >>> statistic, p = chi_square(np.array([[30.0, 10.0], [10.0, 30.0]]))
    >>> round(statistic, 2), p < 0.001
    (20.0, True)
    """
    from scipy.special import chdtrc

    table = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return 0.0, 1.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return statistic, float(chdtrc((table.shape[0] - 1) * (table.shape[1] - 1), statistic))


def cramers_v(counts: NDArray[np.float64]) -> float:
    """Association of the rows and columns of a table (r, c) of counts.

    >>> round(cramers_v(np.array([[50.0, 0.0], [0.0, 50.0]])), 2), cramers_v(np.array([[25.0, 25.0], [25.0, 25.0]]))
    (1.0, 0.0)
    """
    table = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    n, (r, c) = table.sum(), table.shape
    if min(r, c) < 2 or n < 2:
        return 0.0
    phi = max(0.0, chi_square(table)[0] / n - (r - 1) * (c - 1) / (n - 1))
    smaller = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return float(min(1.0, np.sqrt(phi / smaller))) if smaller > 0 else 0.0


def ks(quantiles: NDArray[np.float64], n: int, current: NDArray[np.float64]) -> tuple[float, float]:
    """Largest distance of the cumulative distributions, and its asymptotic p.

    The reference is n values, known by their evenly spaced quantiles (q,), smallest and largest among them, so that the
    distance is exact to 1 / (q - 1); that much is taken off, never to call the same values different.

    >>> ks(np.linspace(0, 1, 101), 1000, np.linspace(0, 1, 501))[1]
    1.0
    >>> ks(np.linspace(0, 1, 101), 1000, np.linspace(0.5, 1.5, 500))[0] > 0.45
    True
    """
    ordered, cuts = np.sort(current), np.unique(quantiles)
    below, up_to = np.searchsorted(ordered, cuts), np.searchsorted(ordered, cuts, side="right")
    return ks_of_counts(quantiles, n, below, up_to, len(ordered))


def ks_of_counts(
    quantiles: NDArray[np.float64], n: int, fewer: NDArray[np.int64], as_many: NDArray[np.int64], total: int
) -> tuple[float, float]:
    """The same of `total` values that were counted: how many lie below each different quantile, and up to each."""
    from scipy.special import kolmogorov

    if not total or len(quantiles) < 2:
        return 0.0, 1.0
    cuts = np.unique(quantiles)
    levels = np.linspace(0, 1, len(quantiles))
    below = np.array([levels[max(np.searchsorted(quantiles, cut) - 1, 0)] for cut in cuts])  # share below each cut
    below[0] = 0.0
    up_to = np.array([levels[np.searchsorted(quantiles, cut, side="right") - 1] for cut in cuts])
    found_below, found_up_to = fewer / total, as_many / total
    distance = max(np.abs(found_below - below).max(), np.abs(found_up_to - up_to).max())
    distance = max(0.0, float(distance) - 1 / (len(quantiles) - 1))
    size = n * total / (n + total)
    return distance, float(kolmogorov(np.sqrt(size) * distance))


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(counts / counts.sum()) if counts.sum() > 0 else np.full(len(counts), 1 / max(len(counts), 1))
