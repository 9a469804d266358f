"""What the verbs did to a multi-label project, as text: class by class, then as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from labelkit.errors import visible
from labelkit.pipeline.texts.explain import reasons_text, record_lines
from labelkit.settings import YES
from labelkit.tables import table

if TYPE_CHECKING:
    from labelkit.pipeline.multilabel.apply import MultilabelReport
    from labelkit.pipeline.multilabel.explain import Explanations


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


def explained_text(explanations: Explanations) -> str:
    """What `labelkit explain` prints: the record once, then a part for each class, with what is known of the truth."""
    first = next(iter(explanations.values()))
    parts = ["\n".join(record_lines(replace(first, others={})))]
    for name, one in explanations.items():
        others = ", ".join(f"{visible(column)}: {visible(str(value))}" for column, value in one.others.items())
        heading = f"class {visible(name)}" + (f" ({others})" if others else "")
        parts.append(f"{heading}\n{'=' * len(heading)}\n{reasons_text(one)}")
    return "\n\n".join(parts)
