"""What people agree on, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelkit.errors import visible

if TYPE_CHECKING:
    from labelkit.pipeline.agreement import AgreementReport


def agreement_text(report: AgreementReport) -> str:
    """What `labelkit annotate --agreement` prints, whatever people or classes are called."""
    level = "undefined: no record has answers of two people"
    if report.human_level is not None and report.human_level_interval is not None:
        low, high = report.human_level_interval
        level = f"{report.human_level:.1%} [{low:.1%}, {high:.1%}]"
    lines = [
        f"records answered       {report.records:,}, of them {report.overlapping:,} by two people or more",
        f"Krippendorff's alpha   {_coefficient(report.alpha)} nominal, {_coefficient(report.alpha_ordinal)} ordinal",
        f"human level            {level}",
        *(f"Cohen's kappa          {_coefficient(value)}  {visible(who)}" for who, value in report.kappas.items()),
    ]
    for person in report.people:
        confused = ", ".join(f"{visible(what)} {times:,}" for what, times in list(person.confused.items())[:3])
        against = f", {person.agreed:,} of {person.compared:,} as most of the others" if person.compared else ""
        said = f"{person.answers:,} answers{against}"
        lines.append(f"{visible(person.name)}: {said}" + (f" ({confused})" if confused else ""))
    lines.append(f"to adjudicate          {len(report.disputed):,} (labelkit annotate --adjudicate)")
    for record, people in report.flagged.items():
        lines.append(f"flagged                {visible(record)} by {visible(', '.join(people))}")
    for note in report.notes:
        record, who, text = (visible(note[key]) for key in ("record", "annotator", "text"))
        lines.append(f"note                   {record}, {who}: {text}")
    return "\n".join(lines)


def _coefficient(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
