"""`labelkit export` and `labelkit import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labelkit.cli.options import Place, debug_option, json_option, login_name, project_option
from labelkit.cli.show import print_report, talk
from labelkit.errors import UsageError

if TYPE_CHECKING:
    from labelkit.pipeline.export import ExportReport
    from labelkit.pipeline.imports import ImportReport

_WRITTEN = "label-studio prodigy doccano argilla huggingface spacy fasttext wrench csv jsonl parquet spreadsheet votes"
_READ = "label-studio prodigy doccano argilla huggingface spacy fasttext wrench jsonl"

_text_option = click.option(
    "--text", default="", metavar="FIELD", help="The field that is the text, for tools that know one."
)


@click.command()
@project_option
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--to", "format_", required=True, type=click.Choice(_WRITTEN.split()), help="The tool, or the kind of file."
)
@click.option(
    "--which",
    type=click.Choice(["all", "labelled", "human"]),
    default="all",
    help="All records, those with a label, or those that a person labelled.  [default: all]",
)
@_text_option
@click.option("--unchecked", is_flag=True, help="Write files for training even if the labels have not passed the gate.")
@json_option
@debug_option
def export(place: Place, path: Path, format_: str, which: Any, text: str, unchecked: bool, as_json: bool) -> int:  # noqa: FBT001
    """Write records, labels, answers and votes to PATH for another tool.

    What the tool's format cannot hold is counted and said. Files for training (huggingface, spacy, fasttext, wrench,
    csv, jsonl, parquet) are written only of labels that passed `labelkit validate`; exit code 1 says that they did not.
    Of a project with several labels per record all are written, or with --class those of one class, yes or no.
    """
    project = place.whole() or place.open()
    report = project.export(path, to=format_, which=which, text=text, unchecked=unchecked)
    _say(report, as_json=as_json)
    if report.labeling_interface and not as_json:
        talk(f"labelkit: the labeling interface for Label Studio:\n{report.labeling_interface}")
    return 0


@click.command("import")
@project_option
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--from", "format_", required=True, type=click.Choice(_READ.split()), help="The tool that wrote the file."
)
@click.option(
    "--annotator", metavar="NAME", help="Who answered, where the file does not say it.  [default: login name]"
)
@click.option("--by", default="", metavar="FIELD", help="Find records by this field, where the file has no ids.")
@click.option(
    "--records",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the records to this Parquet file instead, for a new project.",
)
@click.option("--multilabel", is_flag=True, help="With --records: a record may have several labels.")
@_text_option
@json_option
@debug_option
def import_(
    place: Place,
    path: Path,
    format_: str,
    annotator: str | None,
    by: str,
    records: Path | None,
    multilabel: bool,  # noqa: FBT001
    text: str,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Store the answers that people gave in another tool, from the file at PATH.

    All answers are stored or none, and the same file again stores nothing twice. With --records no project is needed:
    the records, their labels as gold, predictions and votes go to a Parquet file.
    """
    if multilabel and not records:
        raise UsageError("--multilabel goes with --records; a project says of itself what kind it is")
    if records:
        report = _records(path, format_, records, text, several=multilabel)
    else:
        report = _answers(place, path, format_, annotator, by)
    _say(report, as_json=as_json)
    return 0


def _say(report: ExportReport | ImportReport, *, as_json: bool) -> None:
    """The report, and beside it what was not carried over, which the JSON says itself."""
    print_report(report, as_json=as_json)
    if report.losses and not as_json:
        talk(f"labelkit: not carried over:\n{report.losses}")


def _answers(place: Place, path: Path, format_: str, annotator: str | None, by: str) -> ImportReport:
    project = place.whole() or place.open()
    return project.import_answers(path, source=format_, annotator=annotator or login_name(), by=by)


def _records(path: Path, format_: str, out: Path, text: str, *, several: bool) -> ImportReport:
    from labelkit.pipeline.import_records import records_from

    return records_from(path, format_, out, text=text, several=several)
