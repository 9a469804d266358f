"""What a project does whether a record has one class or several."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from labelkit.project import ProjectFolder

if TYPE_CHECKING:
    import pyarrow as pa

    from labelkit.pipeline.agreement import AgreementReport
    from labelkit.pipeline.annotate import AnnotateReport
    from labelkit.pipeline.augment import AugmentReport
    from labelkit.pipeline.embed import EmbedReport
    from labelkit.pipeline.export import ExportReport
    from labelkit.pipeline.imports import ImportReport
    from labelkit.pipeline.runs import RunLine, ShownRun
    from labelkit.records import Records
    from labelkit.reports import Background


class AnyProject:
    """A project on disk."""

    def __init__(self, folder: ProjectFolder) -> None:
        self.folder = folder

    def embed(
        self,
        *,
        field: str | None = None,
        model: str | os.PathLike[str] | None = None,
        out: str | os.PathLike[str] | None = None,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> EmbedReport:
        """Write vectors of the records' text, by a local model, to a file that `[data] embedding` can name."""
        from labelkit.pipeline.embed import embed

        model, out = (None if path is None else Path(path) for path in (model, out))
        return embed(self.folder, field=field, model=model, out=out, progress=progress)

    def augment(
        self,
        *,
        out: str | os.PathLike[str] | None = None,
        seed: int | None = None,
        policy: str | None = None,
        per_record: int = 1,
        length: int = 1,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> AugmentReport:
        """Make more records to train on of those on split train, by the transformation functions of the project."""
        from labelkit.pipeline.augment import augment

        return augment(
            self.folder,
            out=None if out is None else Path(out),
            seed=seed,
            policy=policy,
            per_record=per_record,
            length=length,
            progress=progress,
        )

    def agreement(self) -> AgreementReport:
        """How far people agree, and what they disagree on; of several classes per record, in their whole answers.

        Raises UsageError where nobody has answered yet.
        """
        from labelkit.pipeline.agreement import agreement

        return agreement(self.folder)

    def simulate(self, column: str, *, strategy: str | None = None, budget: int | None = None) -> AnnotateReport:
        """Let a column of the records answer in place of a person, as `labelkit annotate --simulate` does.

        Where a record may have several classes, the column is read as gold is. Raises DataError for a value that is no
        class.
        """
        from labelkit.pipeline.simulation import simulate

        return simulate(self.folder, column, strategy=strategy, budget=budget)

    def background(self) -> Background:
        """What the reports of the last validation say beside its verdict: run, file, since when, how labels spread."""
        from labelkit.pipeline.background import recorded
        from labelkit.pipeline.verify import last_check

        return recorded(last_check(self.folder))

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        to: str,
        which: Literal["all", "labelled", "human"] = "all",
        text: str = "",
        unchecked: bool = False,
    ) -> ExportReport:
        """Write records, labels, answers and votes for another tool; says what its format could not hold."""
        from labelkit.pipeline.export import export

        return export(self.folder, Path(path), to, which=which, text=text, unchecked=unchecked)

    def import_answers(
        self, path: str | os.PathLike[str], *, source: str, annotator: str, by: str = ""
    ) -> ImportReport:
        """Store the answers in a file of another tool (`source`, such as "label-studio"), all of them or none."""
        from labelkit.pipeline.imports import import_from

        return import_from(self.folder, Path(path), source, annotator=annotator, by=by)

    def runs(self) -> list[RunLine]:
        """What was done in this project, latest first."""
        from labelkit.pipeline.runs import list_runs

        return list_runs(self.folder)

    def run(self, name: str = "current") -> ShownRun:
        """One run, by the beginning of its id, "current" or "previous", and what has become of its files."""
        from labelkit.pipeline.runs import show_run

        return show_run(self.folder, name)

    def records(self) -> Records:
        """The project's records: id, fields, gold and split."""
        from labelkit.records import open_records

        return open_records(self.folder)

    def labels(self) -> pa.Table:
        """labels.parquet as it is, whether it passed the gate or not."""
        from labelkit.label_models import read_labels

        return read_labels(self.folder.labels_path)
