"""`export`: records, labels, answers and votes as a file of another tool.

A file for training is written only of labels that passed the gate. What the tool's format cannot hold is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from labelkit.errors import AnswerIsNo, UsageError, named, visible
from labelkit.exchange import About, Item, Losses, format_of
from labelkit.files import timestamp
from labelkit.lineage import Run, hash_file, versions_of
from labelkit.pipeline.events import announced
from labelkit.pipeline.recording import keep_run, run_store
from labelkit.pipeline.sheet import Sheet
from labelkit.pipeline.verify import Verification, verify
from labelkit.project import ProjectFolder

Which = Literal["all", "labelled", "human"]


@dataclass(frozen=True)
class ExportReport:
    """What was written, and what was not."""

    run: str
    format: str
    path: str
    written: int  # records, or rows of votes, or tasks
    losses: Losses
    labeling_interface: str = ""  # to paste into Label Studio

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**vars(self), "losses": self.losses.to_json()}

    def __str__(self) -> str:
        return f"{self.written:,} written to {visible(self.path)} (run {self.run})"


@announced("export")
def export(
    project: ProjectFolder,
    path: Path,
    format: str,  # noqa: A002  the word of the command line
    *,
    which: Which = "all",
    text: str = "",
    unchecked: bool = False,
) -> ExportReport:
    """Write the project's records for another tool.

    `which` is "all" records, those with a label ("labelled") or with an answer of a person ("human"); `text` names the
    field that is the text, for tools that know one. Formats for training are refused (AnswerIsNo) unless labels.parquet
    passed the gate as it is, or `unchecked` says that this does not matter. A format that holds one label per record
    is refused (UsageError) where a record may have several.
    """
    kind, losses, started = format_of(format), Losses(), timestamp()
    if not str(path.name).endswith(kind.endings):
        raise UsageError(f"{visible(str(path))}: a file of {kind.title} ends in {named(kind.endings)}")
    kind.check(several=project.multilabel)
    passed = _passed(project) if kind.trains and not unchecked else None
    sheet = Sheet(project, text, judged=kind.trains)
    if passed is not None and sheet.inputs().get("labels") != passed:
        raise AnswerIsNo("labels.parquet was replaced in this moment; export again")
    items = (item for item in sheet.items() if _wanted(item, which))
    written = kind.write(items, path, sheet.about, losses)
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    run = Run(
        verb="export",
        inputs=sheet.inputs(),
        parameters={"format": format, "which": which, "text": text, "unchecked": unchecked and kind.trains},
        versions=versions_of(("pyarrow",)),
        outputs={file.name: hash_file(file) for file in files},
        counts={"written": written, "lost": dict(losses.counts)},
        parents=(sheet.about.run,) if run_store(project).exists(sheet.about.run) else (),
    )
    kept = keep_run(project, run, started=started)
    return ExportReport(kept.id, format, str(path), written, losses, _interface(format, sheet.about))


def _passed(project: ProjectFolder) -> str:
    """SHA-256 of the labels that passed the gate. Raises AnswerIsNo unless they are those on disk."""
    verified = _verified(project)
    if not verified.verified:
        raise AnswerIsNo(
            f"this format is for training, and the labels have not passed the gate: {verified.reasons[0]}; "
            "or say --unchecked"
        )
    return verified.labels


def _verified(project: ProjectFolder) -> Verification:
    if project.multilabel:
        from labelkit.pipeline.multilabel.validate import verify_all

        return verify_all(project)
    return verify(project)


def _interface(format: str, about: About) -> str:  # noqa: A002
    from labelkit.exchange.label_studio import labeling_interface

    return labeling_interface(about) if format == "label-studio" else ""


def _wanted(item: Item, which: Which) -> bool:
    if which == "human":
        return any(opinion.labels is not None for opinion in item.opinions)
    return which == "all" or item.labels is not None
