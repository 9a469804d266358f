"""`apply`: records x labeling functions -> votes -> label model -> labels.parquet and the run that explains it."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelkit.engines import LocalEngine, VoteCache
from labelkit.errors import DataError, ModelError
from labelkit.files import link_file, machine_errors, make_folder, project_lock, replace_file, sweep, timestamp
from labelkit.label_models import LabelModel, make_model, save_model
from labelkit.labeling import LabelingFunction, load_functions
from labelkit.lineage import Run, hash_tree, public_url, versions_of
from labelkit.matrix import Fault, LFSummary, VotesFile, summary_of
from labelkit.pipeline.casting import Casting, Progress, cast_all, sampled
from labelkit.pipeline.publishing import Published, publish
from labelkit.pipeline.recording import VOTES_FILE, file_hashes, keep_run, run_store, trim_runs
from labelkit.pipeline.truth import Agreement, Answered, read_answers
from labelkit.project import ProjectFolder
from labelkit.records import open_records

LIBRARIES = ("google-re2", "numpy", "pandas", "pyarrow", "scikit-learn", "snorkel", "torch")
STAGING = ".staging"


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
    faults: tuple[Fault, ...]  # the first 10,000
    fault_count: int
    max_faults: int
    reused: float  # share of the votes that were cast in an earlier run
    saved: float  # seconds that casting them took then
    notes: tuple[str, ...]

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
            "fault_count": self.fault_count,
            "faults": [{"function": f.function, "record": f.record, "exception": f.exception} for f in self.faults],
            "reused": self.reused,
            "notes": list(self.notes),
        }


def apply(
    project: ProjectFolder,
    *,
    max_faults: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ApplyReport:
    """Apply the project's functions to its records and publish labels.parquet.

    Votes cast before are taken from the cache; an interrupted run leaves its finished chunks there.
    """
    settings = project.settings
    limit = settings.apply.max_faults if max_faults is None else max_faults
    classes = tuple(settings.project.classes)
    with project_lock(project.state / "lock", "apply"), _staging(project) as staging:
        started = timestamp()
        records, answers = open_records(project), read_answers(project)
        cache = VoteCache(project.state / "cache" / "votes")
        engine = LocalEngine(settings.apply.workers if workers is None else workers, cache)
        with contextlib.redirect_stdout(sys.stderr):  # what functions print is talk, not data
            functions = load_functions(project.functions_folder, settings.data.fields, classes)
            casting, basis = cast_all(project, engine, functions, records, answers, staging / VOTES_FILE, progress)
        if not casting.records:
            raise DataError(f"{records.source.name}: no records in it; there is nothing to label")
        cache.trim()
        model = _fitted(project, casting, staging / VOTES_FILE)
        run = _identified(project, functions, casting, answers, limit)
        labels = staging / project.labels_path.name
        published = publish(staging / VOTES_FILE, model, answers, casting.truths, run.id, labels)
        save_model(model, staging)
        report = _report(project, run.id, functions, casting, published, basis, limit, model.notes)
        _file_run(project, staging, run.with_(started=started), functions, published, answers, report)
        replace_file(labels, project.labels_path)  # last: the labels file is the pointer to the current run
        trim_runs(project, run.id)
    return report


@contextlib.contextmanager
def _staging(project: ProjectFolder) -> Iterator[Path]:
    """A folder for what is not yet published; whatever a killed run left in it goes first."""
    folder = project.state / STAGING
    sweep(project.root)
    sweep(project.state, below=True)
    with machine_errors(folder):
        if folder.exists():
            shutil.rmtree(folder)
        make_folder(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fitted(project: ProjectFolder, casting: Casting, votes_path: Path) -> LabelModel:
    """The label model, learned from the counts of votes and from what people settled.

    A model that needs vote rows gets the distinct ones or, where those were too many to be kept, a seeded sample.
    """
    settings, votes, gold = project.settings, VotesFile(votes_path), casting.gold_votes()
    model = make_model(settings.model.name, settings.project.classes, settings.model.seed)
    try:
        return model.fit(casting.counts, gold=gold, names=votes.names)
    except ModelError:
        if casting.counts.distinct is not None:
            raise
    rows = sampled(votes, casting.records, settings.model.seed)
    model.fit(rows, gold=gold)
    if len(rows.ids) < casting.records:
        said = f"the label model learned from {len(rows.ids):,} of {casting.records:,} records, drawn at random"
        model.notes = (*model.notes, said)
    return model


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
    casting: Casting,
    answers: Answered,
    max_faults: int,
) -> Run:
    return Run(
        verb="apply",
        inputs={
            "data": casting.fingerprint.hexdigest(),
            "functions": {function.name: function.fingerprint for function in functions},
            "files": function_files(project),
            "answers": answers.fingerprint,
        },
        parameters={**decisive_settings(project), "max_faults": max_faults},
        versions=versions_of(LIBRARIES),
    ).identified()


def _file_run(
    project: ProjectFolder,
    staging: Path,
    run: Run,
    functions: tuple[LabelingFunction, ...],
    published: Published,
    answers: Answered,
    report: ApplyReport,
) -> None:
    """Move the run's files to their place, run.json last: it makes the run exist. The labels get a second name."""
    files, data = (VOTES_FILE, "model.json", "model.npz"), project.settings.data
    run = run.with_(
        outputs={project.labels_path.name: published.sha256, **file_hashes(staging, files)},
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
            **({} if data.url is None else {"database": public_url(data.url)}),
            "functions": {function.name: function.place for function in functions},
            "answers_sequence": answers.sequence,
            "notes": list(report.notes),
        },
    )
    folder = run_store(project).path(run.id)
    make_folder(folder)
    for name in files:
        replace_file(staging / name, folder / name)
    link_file(staging / project.labels_path.name, folder / project.labels_path.name)
    keep_run(project, run)


def _report(
    project: ProjectFolder,
    run: str,
    functions: tuple[LabelingFunction, ...],
    casting: Casting,
    published: Published,
    basis: str,
    max_faults: int,
    fitted: tuple[str, ...],
) -> ApplyReport:
    known = any((truth >= 0).any() for truth in casting.truths)
    classes = project.settings.project.classes
    return ApplyReport(
        run=run,
        summary=summary_of(casting.figures, [function.name for function in functions], with_gold=known),
        class_totals=dict(zip(classes, published.totals.tolist(), strict=True)),
        records=casting.records,
        uncovered=casting.figures.uncovered,
        answered=published.answered,
        agreements=published.agreements(),
        basis=basis,
        faults=tuple(casting.faults),
        fault_count=int(np.sum(casting.figures.faults)),
        max_faults=max_faults,
        reused=casting.reused / max(casting.cells, 1),
        saved=casting.saved,
        notes=(*fitted, *_warning(published.reversed)),
    )


def _warning(turned: int) -> tuple[str, ...]:
    warning = (
        f"the label model turned round {turned:,} records on which all voting functions agree; "
        "compare it with majority vote before you trust it"
    )
    return (warning,) if turned else ()
