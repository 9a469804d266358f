"""`report`: everything that a person wants to see of a project, gathered for one page.

No function is run and nothing is judged or changed. A part that cannot be read is left out, and the page says why.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from labelkit import __version__
from labelkit.errors import ArtifactError, LabelkitError, MachineError
from labelkit.files import timestamp
from labelkit.label_models import read_labels, run_of
from labelkit.lineage import Run, RunStore
from labelkit.pipeline.current import check_as_written
from labelkit.pipeline.overview.asking import asking_of
from labelkit.pipeline.overview.curve import curve_of
from labelkit.pipeline.overview.gate import gate_of
from labelkit.pipeline.overview.labels import check_labels, labels_of
from labelkit.pipeline.overview.people import people_of
from labelkit.pipeline.overview.records import look_at_records
from labelkit.pipeline.overview.runs import all_runs, lines_of
from labelkit.pipeline.overview.stages import following, out_of_date, stages
from labelkit.pipeline.overview.votes import (
    calibration_of,
    functions_of,
    held_out_calibration,
    look_at_votes,
    pairs_of,
    slices_of,
    yardsticks,
)
from labelkit.pipeline.recording import VOTES_FILE
from labelkit.pipeline.truth import Answered, read_answers
from labelkit.project import ProjectFolder
from labelkit.reports.overview import Overview

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass
class _Gathering:
    """The page so far, and what could not be read."""

    overview: Overview
    problems: list[str] = field(default_factory=list)

    def add(self, **parts: object) -> None:
        """Put parts on the page."""
        self.overview = replace(self.overview, **parts)  # type: ignore[arg-type]  # checked where they are made

    @contextlib.contextmanager
    def part(self) -> Iterator[None]:
        """Leave a part out that the user has to mend first. What the machine failed at ends the report."""
        try:
            yield
        except MachineError:
            raise
        except LabelkitError as error:
            self.problems += [line for line in str(error).splitlines() if line not in self.problems][:1]


def report(project: ProjectFolder) -> Overview:
    """Look at a project as it is. Raises MachineError for files or a database out of reach."""
    settings = project.settings.project
    page = _Gathering(Overview(settings.name, tuple(settings.classes), __version__, timestamp()))
    runs, damaged = all_runs(project)
    if damaged:
        records = "1 run record is" if damaged == 1 else f"{damaged:,} run records are"
        page.problems.append(f"{records} damaged or from another version of labelkit")
    labels, run, known = None, None, None
    with page.part():
        known = read_answers(project)
    answers = known or Answered({}, "", 0)
    if project.labels_path.exists():
        with page.part():
            labels = check_labels(read_labels(project.labels_path), project)
    if labels is not None:
        run = next((run for run in runs if run.id == run_of(labels)), None)
        with page.part():
            if run is not None:
                check_as_written(project, run, project.labels_path)
    _judge_labels(project, page, labels, run, answers, runs)
    with page.part():
        page.add(people=people_of(project))
    with page.part():
        page.add(asking=None if run is None or labels is None else asking_of(project, answers, labels.num_rows))
    with page.part():
        page.add(gate=gate_of(project, page.overview.data.fingerprint if page.overview.data else None))
    lines = lines_of(runs, None if labels is None else run_of(labels))
    page.add(runs=lines, runs_left_out=len(runs) - len(lines))
    outdated = out_of_date(project, run, known, page.overview)
    page.add(stages=stages(page.overview, outdated), following=following(page.overview, outdated))
    page.add(problems=tuple(page.problems))
    return page.overview


def _judge_labels(
    project: ProjectFolder,
    page: _Gathering,
    labels: pa.Table | None,
    run: Run | None,
    answers: Answered,
    runs: Sequence[Run],
) -> None:
    """Data, labels, functions, calibration and learning curve."""
    truth, basis = np.full(0 if labels is None else labels.num_rows, -1, dtype=np.int8), ""
    with page.part():
        found = look_at_records(project, labels, answers)
        truth, basis = found.truth, found.basis
        page.add(data=found.data)
    if labels is None:
        return
    counted = labels_of(project, labels, run, basis)
    page.add(labels=counted)
    with page.part():
        if run is None:
            raise ArtifactError("labels.parquet: no record of the run that wrote it; run `labelkit apply` again")
        folder, gold = RunStore(project.state / "runs").folder, project.settings.data.gold is not None
        seen, model = look_at_votes(folder / run.id, page.overview.classes, labels, truth, answers)
        check_as_written(project, run, folder / run.id / VOTES_FILE)
        page.add(
            labels=replace(counted, model=model.name, yardsticks=yardsticks(seen)),
            functions=functions_of(seen, with_gold=gold),
            functions_gold=basis if gold else "",
            pairs=pairs_of(seen),
            slices=slices_of(run),
            calibration=calibration_of(seen, basis) if gold else held_out_calibration(seen, project),
        )
        if gold:
            page.add(curve=curve_of(runs, folder, run, labels, truth, basis))
