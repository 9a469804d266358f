"""`labelkit apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from labelkit.cli.options import Place, debug_option, engine_options, json_option, project_option
from labelkit.cli.show import print_report, progress, talk, talk_of_faults
from labelkit.errors import UsageError, visible

if TYPE_CHECKING:
    from labelkit.pipeline.apply_report import ApplyReport
    from labelkit.pipeline.asking import DryRun
    from labelkit.pipeline.multilabel import MultilabelProject


@click.command()
@project_option
@click.option(
    "--max-faults", type=click.IntRange(min=0), metavar="N", help="Exit with 1 beyond N faults.  [default: 0]"
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, 86_400),
    metavar="SECONDS",
    help="Stop a call of a function after this time; 0: never.  [default: 60]",
)
@click.option("--workers", type=click.IntRange(0, 256), metavar="N", help="Processes; 0 means one per processor.")
@click.option("--dry-run", is_flag=True, help="Only say what prompt functions would ask, and what it would cost.")
@engine_options
@json_option
@debug_option
def apply(
    place: Place,
    max_faults: int | None,
    timeout: float | None,
    workers: int | None,
    dry_run: bool,  # noqa: FBT001
    engine: str | None,
    master: str | None,
    remote: str | None,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Apply the labeling functions and publish labels.parquet.

    Casts the vote of every function in labeling_functions/ on every record, fits the label model, lets people's answers
    outrank it, writes labels.parquet and the run, and prints the functions' figures. A project whose records may have
    several classes is done class by class, and its labels.parquet says all of them.
    """
    whole = place.whole()
    if whole is not None:
        if dry_run or engine or master or remote:
            raise UsageError("--dry-run, --engine, --master and --remote are for one class; name it with --class")
        return _to_all(whole, max_faults=max_faults, timeout=timeout, workers=workers, as_json=as_json)
    if dry_run:
        return _dry_run(place.open().dry_run(), as_json=as_json)
    where = {"engine": engine, "master": master, "remote": remote}
    with progress("casting votes") as show:
        report = place.open().apply(max_faults=max_faults, timeout=timeout, workers=workers, progress=show, **where)
    print_report(report, as_json=as_json)
    _talk(report)
    talk(f"labelkit: wrote labels.parquet (run {report.run})")
    return report.exit_code


def _to_all(
    project: MultilabelProject, *, max_faults: int | None, timeout: float | None, workers: int | None, as_json: bool
) -> int:
    """The same for every class of a multi-label project."""
    with progress("casting votes") as show:
        report = project.apply(max_faults=max_faults, timeout=timeout, workers=workers, progress=show)
    print_report(report, as_json=as_json)
    for name, one in report.classes.items():
        _talk(one, of=f"class {visible(name)}: ")
    talk(f"labelkit: wrote labels.parquet (run {report.run})")
    return report.exit_code


def _dry_run(made: DryRun, *, as_json: bool) -> int:
    """Say what would be asked; it is an estimate, and nobody was asked."""
    print_report(made, as_json=as_json)
    if made.passed and not as_json:
        talk(f"labelkit: the budget would not do: {made.passed}")
    return made.exit_code


def _talk(report: ApplyReport, of: str = "") -> None:
    for note in report.notes:
        talk(f"labelkit: {of}note: {note}")
    talk_of_faults(report.faults, report.fault_count)
    if report.exit_code:
        beyond = f"{report.fault_count:,} faults are more than the {report.max_faults:,} allowed (--max-faults)"
        talk(f"labelkit: {of}{beyond}; the labels are published, and the lineage suite blocks them")
    if report.reused:
        saved = f"that saved about {report.saved:.1f} s"
        talk(f"labelkit: {of}{report.reused:.0%} of the votes were cast before; {saved}")
