"""`labelkit apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from labelkit.cli.options import debug_option, engine_options, json_option, project_option
from labelkit.cli.show import print_json, progress, talk
from labelkit.errors import SHOWN_PROBLEMS, visible
from labelkit.tables import table

if TYPE_CHECKING:
    from labelkit.pipeline.apply_report import ApplyReport
    from labelkit.pipeline.asking import DryRun
    from labelkit.pipeline.slicing import SliceFigures


SLICE_HEADER = ["", "records", "share", "labelled", "accuracy", "95 % interval", "judged"]


def slice_row(one: SliceFigures) -> list[str]:
    """A slice as a line of a table."""
    low_high = "" if one.interval is None else f"{one.interval[0]:.1%} to {one.interval[1]:.1%}"
    accuracy = "" if one.accuracy is None else f"{one.accuracy:.1%}"
    labelled = f"{one.labelled / max(one.records, 1):.1%}"
    return [one.name, f"{one.records:,}", f"{one.share:.1%}", labelled, accuracy, low_high, f"{one.judged:,}"]


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
    folder: str,
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
    outrank it, writes labels.parquet and the run, and prints the functions' figures.
    """
    from labelkit.pipeline import Project

    if dry_run:
        return _dry_run(Project(folder).dry_run(), as_json=as_json)
    where = {"engine": engine, "master": master, "remote": remote}
    with progress("casting votes") as show:
        report = Project(folder).apply(max_faults=max_faults, timeout=timeout, workers=workers, progress=show, **where)
    if as_json:
        print_json(report.to_json())
    else:
        _print(report)
    _talk(report)
    return report.exit_code


def _dry_run(made: DryRun, *, as_json: bool) -> int:
    """Say what would be asked; it is an estimate, and nobody was asked."""
    if as_json:
        print_json(made.to_json())
        return made.exit_code
    if not made.functions:
        click.echo("no prompt functions: nobody would be asked")
        return made.exit_code
    rows = [
        [one.name, one.model, *(f"{n:,}" for n in (one.records, one.kept, one.asks, one.cost.tokens))]
        for one in made.functions
    ]
    for row, one in zip(rows, made.functions, strict=True):
        row.append(f"{one.cost.cost:,.4f}")
    header = ["function", "model", "records", "replies kept", "to be asked", "tokens, about", "cost, about"]
    click.echo(table(header, rows, left=2))
    if made.passed:
        talk(f"labelkit: the budget would not do: {made.passed}")
    return made.exit_code


def _print(report: ApplyReport) -> None:
    click.echo(table(report.summary.header, report.summary.cells()))
    click.echo()
    shares = [
        [name, f"{count:,}", f"{count / max(report.records, 1):.1%}"] for name, count in report.class_totals.items()
    ]
    unlabelled = report.records - sum(report.class_totals.values())
    shares.append(["(no label)", f"{unlabelled:,}", f"{unlabelled / max(report.records, 1):.1%}"])
    click.echo(table(["label", "records", "share"], shares))
    click.echo()
    click.echo(f"{report.records:,} records; nobody voted on {report.uncovered:,}; people settled {report.answered:,}")
    if report.agreements:
        click.echo(f"\nagreement with {report.basis}:")
        rows = [
            [
                item.name,
                f"{item.accuracy:.1%}",
                f"{item.interval[0]:.1%} to {item.interval[1]:.1%}",
                f"{item.records:,}",
            ]
            for item in report.agreements
        ]
        click.echo(table(["", "accuracy", "95 % interval", "records"], rows))
    if report.slices:
        click.echo("\nslices:")
        click.echo(table(SLICE_HEADER, [slice_row(one) for one in report.slices]))
    if report.choice is not None and report.choice.candidates:
        click.echo(f'\nmodel = "auto", by {report.choice.answers:,} answers, each held out:')
        click.echo(report.choice.table())
    if report.calibration is not None:
        click.echo(f"\nreliability of the label model's beliefs, by {report.calibrated_on}:\n{report.calibration}")


def _talk(report: ApplyReport) -> None:
    for note in report.notes:
        talk(f"labelkit: note: {note}")
    for fault in report.faults[:SHOWN_PROBLEMS]:
        place = f" ({fault.place})" if fault.place else ""
        said = f": {visible(fault.message)}" if fault.message else ""
        talk(f'labelkit: fault: {fault.function}, record "{visible(fault.record)}": {fault.exception}{said}{place}')
    if report.fault_count > SHOWN_PROBLEMS:
        talk(f"labelkit: and {report.fault_count - SHOWN_PROBLEMS:,} more faults")
    if report.exit_code:
        talk(
            f"labelkit: {report.fault_count:,} faults are more than the {report.max_faults:,} allowed (--max-faults); "
            "the labels are published, and the lineage suite blocks them"
        )
    if report.reused:
        talk(f"labelkit: {report.reused:.0%} of the votes were cast before; that saved about {report.saved:.1f} s")
    talk(f"labelkit: wrote labels.parquet (run {report.run})")
