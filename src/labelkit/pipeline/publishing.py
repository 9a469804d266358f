"""The second pass of `apply`: from votes to labels, chunk by chunk."""

from __future__ import annotations

import functools
import hashlib
import operator
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from labelkit.files import machine_errors
from labelkit.label_models import CalibrationCounts, LabelModel, LabelsWriter, Posterior
from labelkit.lineage import hash_file
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


@dataclass(frozen=True)
class Published:
    """What the second pass counted. What it counted on several parts of the records adds up, in their order."""

    totals: NDArray[np.int64]  # (k,): records by label
    majority: Tally
    model: Tally
    answered: int = 0
    reversed: int = 0  # records on which all voters agree and the model says otherwise
    calibration: CalibrationCounts = field(default_factory=CalibrationCounts.nothing)
    outputs: Mapping[str, str] = field(default_factory=dict)  # SHA-256 of labels and votes, by name

    @classmethod
    def nothing(cls, k: int, model: str) -> Self:
        """Counts of no records; `model` is the label model's name."""
        return cls(np.zeros(k, np.int64), Tally("majority vote"), Tally(f"label model ({model})"))

    def __add__(self, following: Self) -> Self:
        return type(self)(
            self.totals + following.totals,
            self.majority + following.majority,
            self.model + following.model,
            self.answered + following.answered,
            self.reversed + following.reversed,
            self.calibration + following.calibration,
        )

    def agreements(self) -> tuple[Agreement, ...]:
        """Accuracies of majority vote and of the label model, where a truth is known."""
        found = (self.majority.agreement(), self.model.agreement())
        return tuple(item for item in found if item is not None)


def publish(
    votes_path: Path,
    model: LabelModel,
    answers: Answered,
    truths: Iterable[NDArray[np.int8]],
    run: str,
    labels_path: Path,
) -> Published:
    """Predict every record from its votes, join people's answers, and write the labels to `labels_path`."""
    votes = VotesFile(votes_path)
    counts, digest = publish_chunks(votes, model, answers, truths, run, labels_path)
    outputs = {labels_path.name: digest, votes_path.name: hash_file(votes_path)}
    return replace(sum_of(counts, len(votes.classes), model.name), outputs=outputs)


def sum_of(counts: Iterable[Published], k: int, model: str) -> Published:
    """What was counted chunk by chunk, added up in their order."""
    return functools.reduce(operator.add, counts, Published.nothing(k, model))


def publish_chunks(
    votes: VotesFile,
    model: LabelModel,
    answers: Answered,
    truths: Iterable[NDArray[np.int8]],
    run: str,
    labels_path: Path,
) -> tuple[list[Published], str]:
    """Write the labels of these votes to a file. Returns what was counted in each chunk, and the file's SHA-256."""
    counts = list[Published]()
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
                counts.append(_counted(model, cells, posterior, answered, truth.astype(np.int64)))
            written.result()
        writer.close()
        return counts, file.close()


def _counted(
    model: LabelModel,
    cells: NDArray[np.int8],
    posterior: Posterior,
    answered: NDArray[np.int64],
    truth: NDArray[np.int64],
) -> Published:
    k = len(posterior.classes)
    per_class = votes_per_class(cells, k)
    chosen = posterior.probs.argmax(axis=1)
    settled = np.where(answered >= 0, answered, np.where(posterior.covered, chosen, k))
    unanimous = (per_class > 0).sum(axis=1) == 1
    done = replace(
        Published.nothing(k, model.name),
        totals=np.bincount(settled, minlength=k + 1)[:k],
        answered=int((answered >= 0).sum()),
        reversed=int((chosen[unanimous] != per_class[unanimous].argmax(axis=1)).sum()),
    )
    if not (truth >= 0).any():
        return done
    best = per_class == per_class.max(axis=1, keepdims=True)
    done.majority.add(best.astype(np.float64), posterior.covered, truth)
    done.model.add(posterior.probs, posterior.covered, truth)
    judged = posterior.covered & (truth >= 0)
    return replace(done, calibration=CalibrationCounts.of(posterior.probs[judged], truth[judged]))
