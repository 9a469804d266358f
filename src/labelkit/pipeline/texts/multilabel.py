"""What the verbs did to a multi-label project, as text: class by class, then as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from labelkit.errors import visible
from labelkit.settings import YES
from labelkit.tables import table

if TYPE_CHECKING:
    from labelkit.pipeline.multilabel.apply import MultilabelReport


def applied_text(report: MultilabelReport) -> str:
    """What `labelkit apply` prints on stdout."""
    return "\n\n".join(_applied(report))


def _applied(report: MultilabelReport) -> Iterator[str]:
    for name, one in report.classes.items():
        yield f"class {visible(name)}:\n{one.summary}"
    header = ["class", "records", "share", "nobody voted on", "people settled", "accuracy", "95 % interval"]
    rows = []
    for name, one in report.classes.items():
        model = one.agreements[-1] if one.agreements else None
        low_high = "" if model is None else f"{model.interval[0]:.1%} to {model.interval[1]:.1%}"
        rows.append(
            [
                name,
                f"{one.class_totals[YES]:,}",
                f"{one.class_totals[YES] / max(one.records, 1):.1%}",
                f"{one.uncovered:,}",
                f"{one.answered:,}",
                "" if model is None else f"{model.accuracy:.1%}",
                low_high,
            ]
        )
    yield table(header, rows)
    basis = sorted({one.basis for one in report.classes.values() if one.agreements})
    if basis:
        yield f"accuracy is the label model's agreement with {visible(basis[0])}"
    yield (
        f"{report.records:,} records; something is known of {report.labelled:,}: "
        f"{report.several:,} have several classes, {report.without:,} have none"
    )
