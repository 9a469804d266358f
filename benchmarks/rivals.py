"""Label models of other packages, as the benchmarks call them. Each is left out where it is not installed."""

import contextlib
import functools
import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

HYPERLM = "hyperlm"


def hyperlm_is_there() -> bool:
    """Whether `pip install hyperlm` was done; labelkit never asks for it."""
    return importlib.util.find_spec("hyperlm") is not None


@functools.cache
def _network() -> Any:
    """The package's network. Its checkpoint holds NumPy scalars, which today's torch must be told to accept."""
    import torch
    from hyperlm import HyperLabelModel

    scalars = [np.dtype, type(np.dtype(np.float64)), type(np.dtype(np.int64))]
    with contextlib.suppress(ImportError):
        from numpy._core.multiarray import scalar

        scalars += [scalar, (scalar, "numpy.core.multiarray.scalar")]
    with torch.serialization.safe_globals(scalars):
        return HyperLabelModel()


def hyperlm(votes: NDArray[np.int8], k: int) -> NDArray[np.float64]:
    """(n, k) beliefs about these very rows: the network reads them all at once and knows of no others.

    It loses rows without a vote at the end, and classes that nobody votes for; both are put back here.
    """
    covered = (votes >= 0).any(axis=1)
    probs = np.full((len(votes), k), 1 / k)
    cells = votes[covered].astype(np.int64)
    if not len(cells) or cells.max() == cells[cells >= 0].min():
        return probs  # it fails where all votes are for one class
    found = np.asarray(_network().infer(cells[:, (cells >= 0).any(axis=0)], return_probs=True), dtype=np.float64)
    probs[covered] = 0
    probs[np.ix_(covered, np.arange(found.shape[1]))] = found
    return probs
