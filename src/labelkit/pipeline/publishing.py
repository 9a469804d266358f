"""The second pass of `apply`: from votes to labels, chunk by chunk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.files import machine_errors
from labelkit.label_models import CalibrationCounts, LabelModel, LabelsWriter, Posterior
from labelkit.matrix import LabelMatrix, VotesFile
from labelkit.matrix.figures import votes_per_class
from labelkit.pipeline.truth import Agreement, Answered, Tally


class HashedFile:
    """A file being written, and the SHA-256 of what was written so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("wb")
        self._digest = hashlib.sha256()

    def write(self, content: Any) -> int:
        """Append bytes."""
        self._digest.update(content)
        return self._file.write(content)

    def tell(self) -> int:
        """Bytes so far."""
        return self._file.tell()

    def flush(self) -> None:
        """Nothing is held back but by the file itself."""
        self._file.flush()

    closed = False

    def close(self) -> str:
        """Bring everything to the disk. Returns the SHA-256 in hexadecimal."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._digest.hexdigest()


@dataclass
class Published:
    """What the second pass counted."""

    totals: NDArray[np.int64]  # (k,): records by label
    answered: int = 0
    reversed: int = 0  # records on which all voters agree and the model says otherwise
    tallies: tuple[Tally, ...] = field(default_factory=tuple)
    calibration: CalibrationCounts = field(default_factory=CalibrationCounts.nothing)
    sha256: str = ""

    def agreements(self) -> tuple[Agreement, ...]:
        """Accuracies of majority vote and of the label model, where a truth is known."""
        found = [tally.agreement() for tally in self.tallies]
        return tuple(item for item in found if item is not None)


def publish(
    votes_path: Path,
    model: LabelModel,
    answers: Answered,
    truths: Sequence[NDArray[np.int8]],
    run: str,
    labels_path: Path,
) -> Published:
    """Predict every record from its votes, join people's answers, and write the labels to `labels_path`."""
    votes = VotesFile(votes_path)
    k = len(votes.classes)
    majority, tally = Tally("majority vote"), Tally(f"label model ({model.name})")
    done = Published(np.zeros(k, dtype=np.int64), tallies=(majority, tally))
    with machine_errors(labels_path):
        file = HashedFile(labels_path)
        writer = LabelsWriter(file, votes.classes, run)
        with ThreadPoolExecutor(max_workers=1) as encoder:  # one chunk is encoded while the next is predicted
            written: Future[Any] = encoder.submit(int)
            for (ids, cells), truth in zip(votes, truths, strict=True):
                posterior = model.predict_proba(LabelMatrix(cells, ids, votes.names, votes.classes))
                answered = answers.of(ids)
                written.result()
                written = encoder.submit(writer.add, posterior, answered)
                _count(done, cells, posterior, answered, truth.astype(np.int64))
            written.result()
        writer.close()
        done.sha256 = file.close()
    return done


def _count(
    done: Published,
    cells: NDArray[np.int8],
    posterior: Posterior,
    answered: NDArray[np.int64],
    truth: NDArray[np.int64],
) -> None:
    k = len(done.totals)
    per_class = votes_per_class(cells, k)
    chosen = posterior.probs.argmax(axis=1)
    settled = np.where(answered >= 0, answered, np.where(posterior.covered, chosen, k))
    done.totals += np.bincount(settled, minlength=k + 1)[:k]
    done.answered += int((answered >= 0).sum())
    unanimous = (per_class > 0).sum(axis=1) == 1
    done.reversed += int((chosen[unanimous] != per_class[unanimous].argmax(axis=1)).sum())
    if (truth >= 0).any():
        majority, model = done.tallies
        best = per_class == per_class.max(axis=1, keepdims=True)
        majority.add(best.astype(np.float64), posterior.covered, truth)
        model.add(posterior.probs, posterior.covered, truth)
        judged = posterior.covered & (truth >= 0)
        done.calibration += CalibrationCounts.of(posterior.probs[judged], truth[judged])
