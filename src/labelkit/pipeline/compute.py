"""From records, functions and answers to labels, all of it in one folder: what `apply` publishes and `replay` repeats.

Nothing of the project is written to. Equal inputs give equal bytes, whoever asks, wherever, with however many workers.
"""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labelkit.errors import DataError, ModelError
from labelkit.files import write_json
from labelkit.label_models import Calibration, LabelModel, make_model, save_model
from labelkit.labeling import Asked, LabelingFunction, answered, load_functions
from labelkit.lineage import Run, hash_tree, public_url, versions_of
from labelkit.pipeline.apply_report import ApplyReport, report_of
from labelkit.pipeline.asking import about, endpoint_of, notes_on
from labelkit.pipeline.casting import Casting, Progress
from labelkit.pipeline.highlights import RULES_FILE, rules_of
from labelkit.pipeline.passes import LocalPasses, Passes, Work
from labelkit.pipeline.publishing import Published
from labelkit.pipeline.recording import file_hashes
from labelkit.pipeline.slicing import SLICES_FILE, SliceFigures, cast_slices, slice_figures, slice_files
from labelkit.pipeline.truth import Answered
from labelkit.project import ProjectFolder
from labelkit.records import Records, open_records
from labelkit.settings import SPARK

LIBRARIES = ("google-re2", "numpy", "pandas", "pyarrow", "scikit-learn", "snorkel", "torch")
MODEL_FILES = ("model.json", "model.npz", RULES_FILE)


def kept_files(folder: Path) -> tuple[str, ...]:
    """The files of a run in a folder, votes and labels aside."""
    return (*MODEL_FILES, *([SLICES_FILE] if (folder / SLICES_FILE).exists() else []))


@dataclass(frozen=True)
class Computed:
    """Labels and what they stand on, in a folder: labels.parquet, votes.arrow, model.json, model.npz, rules.json."""

    run: Run  # with its id and outputs, without times
    report: ApplyReport


def compute(
    project: ProjectFolder,
    passes: Passes,
    answers: Answered,
    folder: Path,
    *,
    max_faults: int,
    functions_folder: Path | None = None,
    run_id: str | None = None,
    progress: Progress | None = None,
) -> Computed:
    """Cast votes, fit the label model, and write labels and all behind them to `folder`.

    `functions_folder` is the project's own unless another is named. `run_id` is what the labels shall say of their run,
    when it is an earlier one that is repeated; nobody is asked anything then.
    """
    settings, source = project.settings, functions_folder or project.functions_folder
    classes, records = tuple(settings.project.classes), open_records(project)
    with contextlib.redirect_stdout(sys.stderr):  # what functions print is talk, not data
        failed = _slices(project, passes, records, folder)  # first: the functions' modules must stay loaded
        loaded = load_functions(source, settings.data.fields, classes)
        passes.check(records, loaded)
        asked = answered(
            loaded, records.batches, classes, endpoint_of(project), offline=run_id is not None, progress=progress
        )
        functions = asked.functions
        work = Work(project, functions, source, records, answers, folder)
        casting, basis = passes.cast(work, progress)
    if not casting.records:
        raise DataError(f"{records.source.name}: no records in it; there is nothing to label")
    model = _fitted(passes, work, casting)
    run = _identified(project, functions, hashes_of(source), casting, answers, max_faults)
    run = run if run_id is None else run.with_(id=run_id)
    published = passes.publish(work, casting, model, run.id)
    save_model(model, folder)
    write_json(folder / RULES_FILE, rules_of(functions))
    report = report_of(project, run.id, functions, casting, published, basis, max_faults, model)
    sliced = slice_figures(folder, work.votes, model, answers, casting.truths)
    report = replace(report, slices=sliced, notes=(*report.notes, *notes_on(asked), *failed))
    return Computed(_with_outcome(project, run, folder, passes, published, asked, report, answers), report)


def _slices(project: ProjectFolder, passes: Passes, records: Records, folder: Path) -> tuple[str, ...]:
    """Let the project's slicing functions look at every record; what a person should know of how that went."""
    if not isinstance(passes, LocalPasses):
        return ("slices are not looked at on Spark",) if slice_files(project) else ()
    faults = cast_slices(project, passes.engine, records, folder)
    names = Counter(fault.function for fault in faults)
    first = {fault.function: fault for fault in reversed(faults)}
    return tuple(
        f'slice "{name}" failed on {count:,} records, first on "{first[name].record}": {first[name].exception}: '
        f"{first[name].message}"
        for name, count in names.items()
    )


def _fitted(passes: Passes, work: Work, casting: Casting) -> LabelModel:
    """The label model, learned from the counts of votes and from what people settled.

    A model that needs vote rows gets the distinct ones or, where those were too many to be kept, a seeded sample.
    """
    settings, gold = work.project.settings, casting.gold_votes()
    model = make_model(settings.model.name, settings.project.classes, settings.model.seed)
    try:
        return model.fit(casting.counts, gold=gold, names=[function.name for function in work.functions])
    except ModelError:
        if casting.counts.distinct is not None:
            raise
    rows = passes.sample(work, casting)
    model.fit(rows, gold=gold)
    if len(rows.ids) < casting.records:
        said = f"the label model learned from {len(rows.ids):,} of {casting.records:,} records, drawn at random"
        model.notes = (*model.notes, said)
    return model


def function_files(project: ProjectFolder) -> dict[str, str]:
    """Every file of labeling_functions/ with its SHA-256, which tells a change without importing anything."""
    return hashes_of(project.functions_folder)


def hashes_of(functions: Path) -> dict[str, str]:
    """The same of a folder of labeling functions elsewhere."""
    return hash_tree(functions, ["*"])


def decisive_settings(project: ProjectFolder) -> dict[str, Any]:
    """The settings that decide what the labels are."""
    settings = project.settings
    return {
        "classes": list(settings.project.classes),
        "id": settings.data.id,
        "fields": list(settings.data.fields),
        "model": settings.model.name,
        "seed": settings.model.seed,
        **({} if project.of_class is None else {"of_class": project.of_class}),
        **({"prompt_model": settings.prompt.model} if settings.prompt.base_url else {}),
    }


def _identified(
    project: ProjectFolder,
    functions: tuple[LabelingFunction, ...],
    files: Mapping[str, str],
    casting: Casting,
    answers: Answered,
    max_faults: int,
) -> Run:
    return Run(
        verb="apply",
        inputs={
            "data": casting.fingerprint,
            "functions": {function.name: function.fingerprint for function in functions},
            "files": files,
            **({"slices": slices} if (slices := slice_files(project)) else {}),
            "answers": answers.fingerprint,
        },
        parameters={**decisive_settings(project), "max_faults": max_faults},
        versions=versions_of(LIBRARIES),
    ).identified()


def _with_outcome(
    project: ProjectFolder,
    run: Run,
    folder: Path,
    passes: Passes,
    published: Published,
    asked: Asked,
    report: ApplyReport,
    answers: Answered,
) -> Run:
    """The run with what came out."""
    data = project.settings.data
    return run.with_(
        outputs={**published.outputs, **file_hashes(folder, kept_files(folder))},
        counts={
            "records": report.records,
            "uncovered": report.uncovered,
            "answered": report.answered,
            "faults": report.fault_count,
            "faults_by_function": {row.name: row.faults for row in report.summary if row.faults},
            "fault_kinds": dict(Counter(fault.exception for fault in report.faults)),
            "labels": dict(report.class_totals),
        },
        about={
            "data": data.path,
            **({} if data.url is None else {"database": SPARK if data.url == SPARK else public_url(data.url)}),
            **({"engine": passes.name} if passes.name == SPARK else {}),
            "functions": {function.name: function.place for function in asked.functions},
            **about(asked),
            **({"slices": [_slim(one) for one in report.slices]} if report.slices else {}),
            "answers_sequence": answers.sequence,
            "notes": list(report.notes),
            **({} if report.calibration is None else _calibrated(report.calibration, report.calibrated_on)),
            **({} if report.choice is None else {"choice": report.choice.to_json()}),
        },
    )


def _slim(figures: SliceFigures) -> dict[str, Any]:
    """What a run says of a slice; the functions' figures on it are worked out from the votes."""
    return {name: value for name, value in figures.to_json().items() if name != "functions" and value is not None}


def _calibrated(calibration: Calibration, on: str) -> dict[str, Any]:
    return {"calibration": calibration.to_json(), "calibrated_on": on}
