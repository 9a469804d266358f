"""What `apply` did, for a person or a program to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from labelkit.label_models import AutoLabelModel, Calibration, Choice, LabelModel, PooledLabelModel
from labelkit.label_models.copies import near_copies
from labelkit.labeling import LabelingFunction
from labelkit.matrix import Fault, FunctionFigures, LFSummary, summary_of, wilson_interval
from labelkit.pipeline.casting import Casting
from labelkit.pipeline.publishing import Published
from labelkit.pipeline.slicing import SliceFigures
from labelkit.pipeline.truth import Agreement
from labelkit.project import ProjectFolder


@dataclass(frozen=True)
class ApplyReport:
    """Labels, functions and the label model in figures."""

    run: str  # id of the run
    summary: LFSummary
    class_totals: Mapping[str, int]  # class name -> records that got this label
    records: int
    uncovered: int  # records that no function voted on
    answered: int  # labels that people settled
    agreements: tuple[Agreement, ...]  # majority vote, then the label model
    basis: str  # what the accuracies compare with
    calibration: Calibration | None  # of the label model's beliefs; None where nothing can be compared
    calibrated_on: str  # what they were compared with
    choice: Choice | None  # how model = "auto" chose
    faults: tuple[Fault, ...]  # the first 10,000
    fault_count: int
    max_faults: int
    reused: float  # share of the votes that were cast in an earlier run
    saved: float  # seconds that casting them took then
    notes: tuple[str, ...]
    slices: tuple[SliceFigures, ...] = ()  # the same for parts of the records

    @property
    def exit_code(self) -> int:
        """1 when there are more faults than allowed, else 0."""
        return int(self.fault_count > self.max_faults)

    def to_json(self) -> dict[str, Any]:
        """Plain values; of the faults only who, where and what kind."""
        return {
            "run": self.run,
            "records": self.records,
            "uncovered": self.uncovered,
            "answered": self.answered,
            "class_totals": dict(self.class_totals),
            "functions": [asdict(row) for row in self.summary],
            "agreement": [asdict(item) for item in self.agreements],
            "agreement_with": self.basis,
            "calibration": None if self.calibration is None else self.calibration.to_json(),
            "calibrated_on": self.calibrated_on,
            "choice": None if self.choice is None else self.choice.to_json(),
            "fault_count": self.fault_count,
            "faults": [{"function": f.function, "record": f.record, "exception": f.exception} for f in self.faults],
            "reused": self.reused,
            "notes": list(self.notes),
            **({"slices": [one.to_json() for one in self.slices]} if self.slices else {}),
        }

    def __str__(self) -> str:
        from labelkit.pipeline.texts.apply import apply_text

        return apply_text(self)


def report_of(
    project: ProjectFolder,
    run: str,
    functions: tuple[LabelingFunction, ...],
    casting: Casting,
    published: Published,
    basis: str,
    max_faults: int,
    model: LabelModel,
) -> ApplyReport:
    """The report of a run whose labels are written."""
    known = bool(casting.figures.truths.any())
    classes, names = project.settings.project.classes, [function.name for function in functions]
    summary = summary_of(casting.figures, names, with_gold=known, copies=near_copies(casting.counts).groups)
    agreements, calibration, calibrated_on = _compared(project, published, basis, model)
    return ApplyReport(
        run=run,
        summary=summary,
        class_totals=dict(zip(classes, published.totals.tolist(), strict=True)),
        records=casting.records,
        uncovered=casting.figures.uncovered,
        answered=published.answered,
        agreements=agreements,
        basis=basis,
        calibration=calibration,
        calibrated_on=calibrated_on,
        choice=model.choice if isinstance(model, AutoLabelModel) else None,
        faults=tuple(casting.faults),
        fault_count=int(np.sum(casting.figures.faults)),
        max_faults=max_faults,
        reused=casting.reused / max(casting.cells, 1),
        saved=casting.saved,
        notes=_notes(functions, summary, published, model),
    )


def _compared(
    project: ProjectFolder, published: Published, basis: str, model: LabelModel
) -> tuple[tuple[Agreement, ...], Calibration | None, str]:
    """Agreements, calibration, and what the calibration compares with; held out where the model learned from it."""
    agreements = published.agreements()
    calibration = published.calibration.calibration() if published.calibration.total else None
    if project.settings.data.gold is None:  # what the model learned from is no test of it
        agreements = tuple(_held_out(item, model) for item in agreements)
        calibration, basis = model.calibration, f"{basis}, each held out from the model"
    return agreements, calibration, "" if calibration is None else basis


def _notes(
    functions: tuple[LabelingFunction, ...], summary: LFSummary, published: Published, model: LabelModel
) -> tuple[str, ...]:
    """What a person should know, the label model's own first."""
    return (
        *model.notes,
        *_warning(published.reversed),
        *_repeats(summary, model),
        *_remarks(summary),
        *_unspaced(functions),
    )


def _held_out(agreement: Agreement, model: LabelModel) -> Agreement:
    """The label model's agreement with answers that it had not seen, where there are enough of them to hold any out."""
    found = model.calibration
    if not agreement.name.startswith("label model"):
        return agreement
    if found is None:
        return replace(agreement, name=f"{agreement.name}, which learned from them")
    interval = wilson_interval(round(found.accuracy * found.records), found.records)
    return Agreement(f"{agreement.name}, held out", found.records, found.accuracy, interval)


def _repeats(summary: LFSummary, model: LabelModel) -> tuple[str, ...]:
    """What near-copies do to a label model that takes each for a witness of its own."""
    used = model.chosen if isinstance(model, AutoLabelModel) and model.chosen else model
    repeated = sum(bool(row.copies) for row in summary)
    if not repeated or isinstance(used, PooledLabelModel):
        return ()
    said = f"{repeated:,} functions are near-copies of others (see Remarks), and label model {used.name} counts each in"
    way_out = f'keep one of each, or set name = "{PooledLabelModel.name}" under [model], which counts copies as one'
    return (f"{said} full; {way_out}",)


def _remarks(summary: LFSummary) -> tuple[str, ...]:
    """What to do about functions that are worse than chance."""
    return tuple(_remark(row) for row in summary if row.worse)


def _remark(row: FunctionFigures) -> str:
    correct, incorrect = row.correct or 0, row.incorrect or 0
    low, high = row.interval or (0.0, 1.0)
    return (
        f'function "{row.name}" is worse than chance: right in {correct:,} of {correct + incorrect:,} votes '
        f"({low:.0%} to {high:.0%}), where votes at random would be right in {row.by_chance:.0%} of them; "
        "turn it round, mend it or take it out"
    )


def _unspaced(functions: tuple[LabelingFunction, ...]) -> tuple[str, ...]:
    """What to do about whole words of scripts in which words touch one another."""
    found = {each.name: each.rule.unspaced for each in functions if each.rule is not None and each.rule.unspaced}
    return tuple(
        f'rule "{name}" looks for "{words[0]}" as a whole word, but its script puts no blanks between words, so it '
        "hardly ever is one; `contains` finds it anywhere"
        for name, words in found.items()
    )


def _warning(turned: int) -> tuple[str, ...]:
    warning = (
        f"the label model turned round {turned:,} records on which all voting functions agree; "
        "compare it with majority vote before you trust it"
    )
    return (warning,) if turned else ()
