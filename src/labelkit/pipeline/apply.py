"""`apply`: records x labeling functions -> votes -> label model -> labels.parquet and the run that explains it."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelkit import __version__
from labelkit.engines import LocalEngine
from labelkit.errors import DataError
from labelkit.files import project_lock, sweep, timestamp, write_bytes
from labelkit.label_models import (
    MajorityLabelModel,
    Posterior,
    labels_table,
    make_model,
    reversals,
    save_model,
    write_labels,
)
from labelkit.labeling import LabelingFunction, load_functions
from labelkit.lineage import Run, RunStore, hash_bytes, hash_file, hash_tree, library_versions
from labelkit.matrix import Fault, LabelMatrix, LFSummary, lf_summary
from labelkit.pipeline.truth import Agreement, Answered, Truth, agreement, read_answers, read_truth
from labelkit.project import ProjectFolder
from labelkit.records import open_records

LIBRARIES = ("numpy", "pyarrow", "scikit-learn", "snorkel", "torch")


@dataclass(frozen=True)
class ApplyReport:
    """What `apply` did, for a person or a program to read."""

    run: str  # id of the run
    summary: LFSummary
    class_totals: Mapping[str, int]  # class name -> records that got this label
    records: int
    uncovered: int  # records that no function voted on
    answered: int  # labels that people settled
    agreements: tuple[Agreement, ...]  # majority vote, then the label model
    basis: str  # what the accuracies compare with
    faults: tuple[Fault, ...]
    max_faults: int
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """1 when there are more faults than allowed, else 0."""
        return int(len(self.faults) > self.max_faults)

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
            "faults": [{"function": f.function, "record": f.record, "exception": f.exception} for f in self.faults],
            "notes": list(self.notes),
        }


def apply(
    project: ProjectFolder, *, max_faults: int | None = None, progress: Callable[[int], None] | None = None
) -> ApplyReport:
    """Apply the project's functions to its records and publish labels.parquet."""
    limit = project.settings.apply.max_faults if max_faults is None else max_faults
    with project_lock(project.state / "lock", "apply"):
        started = timestamp()
        sweep(project.root)
        settings = project.settings
        classes, fields = tuple(settings.project.classes), settings.data.fields
        records = open_records(project)
        functions = load_functions(project.functions_folder, fields, classes)
        cast = LocalEngine().cast(functions, records, fields, classes, progress)
        if not len(cast.votes.ids):
            raise DataError(f"{records.source.name}: no records in it; there is nothing to label")
        answers = read_answers(project)
        truth = read_truth(project, records, answers.labels)
        model = make_model(settings.model.name, classes, settings.model.seed)
        model.fit(cast.votes, gold=_gold_of(cast.votes, answers))
        posterior = model.predict_proba(cast.votes)
        run = _identified(project, functions, cast.fingerprint, answers, limit)
        notes = _notes(model.notes, cast.votes, posterior)
        report = _report(project, run.id, cast.votes, posterior, truth, answers, limit, notes)
        folder = RunStore(project.state / "runs").path(run.id)
        _write_votes(cast.votes, folder / "votes.parquet")
        save_model(model, folder)
        labels = _labels_bytes(posterior, answers, run.id)
        run = run.with_(
            outputs={
                "labels.parquet": hash_bytes(labels),
                **{name: hash_file(folder / name) for name in ("votes.parquet", "model.json", "model.npz")},
            },
            counts=_counts(report),
            about={"data": settings.data.path, "answers_sequence": answers.sequence, "notes": list(report.notes)},
            started=started,
            finished=timestamp(),
        )
        RunStore(project.state / "runs").write(run)
        write_bytes(project.labels_path, labels)  # last: the labels file is the pointer to the current run
    return report


def function_files(project: ProjectFolder) -> dict[str, str]:
    """Every file of labeling_functions/ with its SHA-256, which tells a change without importing anything."""
    return hash_tree(project.functions_folder, ["*"])


def decisive_settings(project: ProjectFolder) -> dict[str, Any]:
    """The settings that decide what the labels are."""
    settings = project.settings
    return {
        "classes": list(settings.project.classes),
        "id": settings.data.id,
        "fields": list(settings.data.fields),
        "model": settings.model.name,
        "seed": settings.model.seed,
    }


def _identified(
    project: ProjectFolder,
    functions: tuple[LabelingFunction, ...],
    data: str,
    answers: Answered,
    max_faults: int,
) -> Run:
    return Run(
        verb="apply",
        inputs={
            "data": data,
            "functions": {function.name: function.fingerprint for function in functions},
            "files": function_files(project),
            "answers": answers.fingerprint,
        },
        parameters={**decisive_settings(project), "max_faults": max_faults},
        versions={"labelkit": __version__, **library_versions(LIBRARIES)},
    ).identified()


def _gold_of(votes: LabelMatrix, answers: Answered) -> Any:
    """(n,) class index that people settled on, or -1; None when nobody was asked."""
    if not answers.labels:
        return None
    return np.array([answers.labels.get(record, -1) for record in votes.ids.to_pylist()], dtype=np.int64)


def _report(
    project: ProjectFolder,
    run: str,
    votes: LabelMatrix,
    posterior: Posterior,
    truth: Truth,
    answers: Answered,
    max_faults: int,
    notes: tuple[str, ...],
) -> ApplyReport:
    import pyarrow.compute as pc

    labels = labels_table(posterior, answers.labels)
    totals = {item["values"]: item["counts"] for item in pc.value_counts(labels.column("label")).to_pylist()}
    classes = project.settings.project.classes
    majority = MajorityLabelModel(classes).predict_proba(votes)
    found = [
        agreement("majority vote", majority, truth.labels),
        agreement(f"label model ({project.settings.model.name})", posterior, truth.labels),
    ]
    known = (truth.labels >= 0).any()
    return ApplyReport(
        run=run,
        summary=lf_summary(votes, truth.labels if known else None),
        class_totals={name: totals.get(name, 0) for name in classes},
        records=len(votes.ids),
        uncovered=int((~votes.covered).sum()),
        answered=int(pc.sum(pc.equal(labels.column("source"), "human")).as_py() or 0),
        agreements=tuple(item for item in found if item is not None),
        basis=truth.basis,
        faults=votes.faults,
        max_faults=max_faults,
        notes=notes,
    )


def _notes(fitted: tuple[str, ...], votes: LabelMatrix, posterior: Posterior) -> tuple[str, ...]:
    turned = reversals(votes, posterior)
    if not turned:
        return fitted
    warning = (
        f"the label model turned round {turned:,} records on which all voting functions agree; "
        "compare it with majority vote before you trust it"
    )
    return (*fitted, warning)


def _counts(report: ApplyReport) -> dict[str, Any]:
    by_function: dict[str, int] = {}
    for fault in report.faults:
        by_function[fault.function] = by_function.get(fault.function, 0) + 1
    return {
        "records": report.records,
        "uncovered": report.uncovered,
        "answered": report.answered,
        "faults": len(report.faults),
        "faults_by_function": by_function,
        "labels": dict(report.class_totals),
    }


def _write_votes(votes: LabelMatrix, path: Path) -> None:
    content = io.BytesIO()
    votes.write(content)
    write_bytes(path, content.getvalue())


def _labels_bytes(posterior: Posterior, answers: Answered, run: str) -> bytes:
    content = io.BytesIO()
    write_labels(labels_table(posterior, answers.labels, run), content)
    return content.getvalue()
