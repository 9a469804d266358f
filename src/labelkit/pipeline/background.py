"""What the reports of a validation say beside its verdict, gathered from the labels and from earlier checks."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from labelkit import __version__
from labelkit.errors import ArtifactError
from labelkit.label_models import Calibration
from labelkit.lineage import Run, RunStore
from labelkit.project import ProjectFolder
from labelkit.reports import BINS, Background, continued
from labelkit.validation import Suite, Verdict

if TYPE_CHECKING:
    import pyarrow as pa

REPORT_FILE = "report.html"
NO_LABEL, NO_CLASS = "(no label)", "(not a class)"


@dataclass(frozen=True)
class Spread:
    """How labels spread over classes and confidences."""

    shares: tuple[tuple[str, int], ...]
    confidences: tuple[int, ...]

    @classmethod
    def of(cls, labels: pa.Table, classes: Sequence[str]) -> Self:
        """That of a labels table."""
        return cls(shares(labels, classes), confidences(labels))

    def __add__(self, other: Self) -> Self:
        """That of both their labels."""
        counts = dict.fromkeys([*(name for name, _ in self.shares), *(name for name, _ in other.shares)], 0)
        last = [name for name in (NO_LABEL, NO_CLASS) if name in counts]
        for name, count in (*self.shares, *other.shares):
            counts[name] += count
        ordered = [*(name for name in counts if name not in last), *last]
        bins = [a + b for a, b in itertools.zip_longest(self.confidences, other.confidences, fillvalue=0)]
        return type(self)(tuple((name, counts[name]) for name in ordered), tuple(bins))


def background_of(
    project: ProjectFolder, run: Run, verdict: Verdict, spread: Spread, suites: Iterable[Suite], time: str
) -> Background:
    """What reports say beside the verdict of a validate run that ends now. The run need not be recorded yet."""
    about = continued(verdict, run.id, time, last_background(project))
    calibration, calibrated_on = calibration_of(project, run)
    return replace(
        about,
        project=project.settings.project.name,
        version=__version__,
        labels=run.inputs["labels"],
        data=run.inputs["data"],
        shares=spread.shares,
        confidences=spread.confidences,
        calibration=calibration,
        calibrated_on=calibrated_on,
        files={suite.name: suite.path for suite in suites},
    )


def calibration_of(project: ProjectFolder, run: Run) -> tuple[Calibration | None, str]:
    """What the run behind the labels recorded of its beliefs, and what they were compared with."""
    store = RunStore(project.state / "runs")
    for parent in run.parents:
        with contextlib.suppress(ArtifactError, KeyError, TypeError, ValueError):
            about = store.read(parent).about
            return Calibration.from_json(about["calibration"]), str(about["calibrated_on"])
    return None, ""


def last_background(project: ProjectFolder) -> Background | None:
    """The background of the last check on record. Runs that cannot be read are passed over."""
    store = RunStore(project.state / "runs")
    checks: list[Run] = []
    for path in store.folder.glob("*/run.json"):
        with contextlib.suppress(ArtifactError):
            run = store.read(path.parent.name)
            checks += [run] if run.verb == "validate" else []
    if not checks:
        return None
    with contextlib.suppress(KeyError, TypeError, ValueError):
        return Background.from_json(max(checks, key=lambda run: (run.finished, run.id)).about)
    return None


def shares(labels: pa.Table, classes: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """How many records have each class, none, or something else; empty where the file has no such column.

    >>> import pyarrow as pa
    >>> shares(pa.table({"label": ["ham", None, "ham", "smap"]}), ["ham", "spam"])
    (('ham', 2), ('spam', 0), ('(no label)', 1), ('(not a class)', 1))
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if labels.schema.names.count("label") != 1 or not pa.types.is_string(labels.schema.field("label").type):
        return ()
    column = labels.column("label")
    counts = {pair["values"]: pair["counts"] for pair in pc.value_counts(column).to_pylist()}
    found = [(name, int(counts.pop(name, 0))) for name in classes]
    unlabelled = int(counts.pop(None, 0))
    others = sum(counts.values())
    found += [(NO_LABEL, unlabelled)] if unlabelled else []
    return (*found, *([(NO_CLASS, others)] if others else []))


def confidences(labels: pa.Table) -> tuple[int, ...]:
    """Labels by confidence, BINS counts from 0 to 1; empty where the file has no such column.

    >>> import pyarrow as pa
    >>> confidences(pa.table({"confidence": [0.51, 0.99, 1.0, None, float("nan")]}))[-2:]
    (0, 2)
    """
    import numpy as np
    import pyarrow as pa

    if labels.schema.names.count("confidence") != 1 or not pa.types.is_floating(labels.schema.field("confidence").type):
        return ()
    values = labels.column("confidence").drop_null().to_numpy()
    counts, _ = np.histogram(values[np.isfinite(values)], bins=BINS, range=(0.0, 1.0))
    return tuple(int(count) for count in counts)


def recorded(run: Run) -> Background:
    """The background in the record of a validate run. Raises ArtifactError when it has none."""
    try:
        return Background.from_json(run.about)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"run {run.id}: says nothing for a report; run `labelkit validate` again") from error
