"""What `apply` did, as text: functions, labels, agreement, slices, and how far to trust the beliefs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from labelkit.errors import visible
from labelkit.tables import table

if TYPE_CHECKING:
    from labelkit.pipeline.apply_report import ApplyReport
    from labelkit.pipeline.asking import DryRun
    from labelkit.pipeline.slicing import SliceFigures
    from labelkit.pipeline.truth import Agreement

_SLICES = ["", "records", "share", "labelled", "accuracy", "95 % interval", "judged"]


def apply_text(report: ApplyReport) -> str:
    """What `labelkit apply` prints on stdout; notes and faults are talk beside it."""
    return "\n\n".join(_parts(report))


def _parts(report: ApplyReport) -> Iterator[str]:
    yield table(report.summary.header, report.summary.cells())
    yield table(["label", "records", "share"], _shares(report))
    yield f"{report.records:,} records; nobody voted on {report.uncovered:,}; people settled {report.answered:,}"
    if report.agreements:
        header = ["", "accuracy", "95 % interval", "records"]
        rows = table(header, [_agreement_row(one) for one in report.agreements])
        yield f"agreement with {visible(report.basis)}:\n{rows}"
    if report.slices:
        yield "slices:\n" + table(_SLICES, [_slice_row(one) for one in report.slices])
    if report.choice is not None and report.choice.candidates:
        yield f'model = "auto", by {report.choice.answers:,} answers, each held out:\n{report.choice.table()}'
    if report.calibration is not None:
        on = visible(report.calibrated_on)
        yield f"reliability of the label model's beliefs, by {on}:\n{report.calibration}"


def _shares(report: ApplyReport) -> list[list[str]]:
    unlabelled = report.records - sum(report.class_totals.values())
    counts = {**report.class_totals, "(no label)": unlabelled}
    return [[name, f"{count:,}", f"{count / max(report.records, 1):.1%}"] for name, count in counts.items()]


def _agreement_row(one: Agreement) -> list[str]:
    low, high = one.interval
    return [one.name, f"{one.accuracy:.1%}", f"{low:.1%} to {high:.1%}", f"{one.records:,}"]


def _slice_row(one: SliceFigures) -> list[str]:
    low_high = "" if one.interval is None else f"{one.interval[0]:.1%} to {one.interval[1]:.1%}"
    accuracy = "" if one.accuracy is None else f"{one.accuracy:.1%}"
    labelled = f"{one.labelled / max(one.records, 1):.1%}"
    return [one.name, f"{one.records:,}", f"{one.share:.1%}", labelled, accuracy, low_high, f"{one.judged:,}"]


def dry_run_text(made: DryRun) -> str:
    """What `labelkit apply --dry-run` prints: an estimate; nobody was asked."""
    if not made.functions:
        return "no prompt functions: nobody would be asked"
    header = ["function", "model", "records", "replies kept", "to be asked", "tokens, about", "cost, about"]
    rows = [
        [
            one.name,
            one.model,
            *(f"{n:,}" for n in (one.records, one.kept, one.asks, one.cost.tokens)),
            f"{one.cost.cost:,.4f}",
        ]
        for one in made.functions
    ]
    return table(header, rows, left=2)
