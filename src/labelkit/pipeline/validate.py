"""`validate`: gather the facts about records, labels and lineage, let the suites judge them, and keep the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from labelkit.files import timestamp, write_bytes, write_json
from labelkit.label_models import labels_content
from labelkit.lineage import Run, hash_file, hash_tree, versions_of
from labelkit.locks import project_lock
from labelkit.pipeline.background import REPORT_FILE, Spread, background_of
from labelkit.pipeline.compute import decisive_settings, function_files
from labelkit.pipeline.events import announced
from labelkit.pipeline.evidence import evidence_of, run_behind
from labelkit.pipeline.recording import file_hashes, keep_run, run_store
from labelkit.pipeline.truth import read_answers
from labelkit.project import ProjectFolder
from labelkit.records import open_records
from labelkit.reports import Background, html
from labelkit.settings import EngineSection
from labelkit.validation import Suite, Verdict, fact_tables, judge, load_suites, read_by

VERDICT_FILE = "verdict.json"


@dataclass(frozen=True)
class Gathered:
    """What is judged, and the hashes of exactly that."""

    tables: Mapping[str, Any]  # for `judge`
    labels: str  # SHA-256
    data: str  # fingerprint
    run: Run | None  # the recorded run that the labels name
    spread: Spread


@announced("validate")
def validate(project: ProjectFolder, *, strict: bool = False, engine: EngineSection | None = None) -> Verdict:
    """Judge the project. The verdict is written beside the hash of exactly the bytes that were judged.

    `strict` lets no failure through, whatever its severity. `engine` says where facts are computed and suites judged,
    in place of `[engine]`.

    Raises SuiteError for suites that cannot be trusted to judge, DataError for records that cannot be read,
    ArtifactError for a labels file that is missing or unreadable.
    """
    with project_lock(project.state / "lock", "validate"):
        started = timestamp()
        (project.state / VERDICT_FILE).unlink(missing_ok=True)  # until there is a new verdict, nothing has passed
        hashes = suite_hashes(project)
        suites = load_suites(project.suites_folder, within=project.of_class or "")
        found = _gathered(project, suites, engine or project.settings.engine)
        verdict = replace(judge(suites, found.tables), strict=strict)
        judged = _run_of(project, found.run, found.labels, found.data, hashes, strict=strict)
        background = background_of(project, judged, verdict, found.spread, suites, timestamp())
        record_verdict(project, judged.with_(started=started), verdict, background)
    return verdict


def _gathered(project: ProjectFolder, suites: Sequence[Suite], engine: EngineSection) -> Gathered:
    """The tables that suites read, on this machine or on Spark."""
    if engine.name == "spark":
        from labelkit.pipeline.spark_validate import gathered_on_spark

        return gathered_on_spark(project, suites, engine)
    content = labels_content(project.labels_path)
    labels, records = content.table(), open_records(project)
    data, run = records.fingerprint(), run_behind(project, labels)
    evidence = evidence_of(project, labels, content.sha256, records, data, run)
    spread = Spread.of(labels, project.settings.project.classes)
    return Gathered(fact_tables(evidence, read_by(suites)), content.sha256, data, run, spread)


def pointer_to(run: Run, verdict: Verdict) -> dict[str, Any]:
    """What VERDICT_FILE of a project says of the last validate run, so that it can be read in one place."""
    judged = {name: run.inputs.get(name) for name in ("labels", "data", "suites")}
    return {**judged, "run": run.id, "verdict": verdict.to_json()}


def suite_hashes(project: ProjectFolder) -> dict[str, str]:
    """Every suite file with its SHA-256, and the reference profile that suites compare with.

    Those of one class of a multi-label project are the suites for all classes and its own.
    """
    folder, of_class = project.suites_folder, project.of_class
    hashes = hash_tree(folder, ["*.json"])
    if of_class is not None:  # whose folder may be a link to one elsewhere, which a walk from above does not enter
        own = hash_tree(folder / of_class, ["*.json"])
        hashes = {name: value for name, value in hashes.items() if "/" not in name}
        hashes |= {f"{of_class}/{name}": value for name, value in own.items()}
    reference = project.settings.data.reference
    if reference is not None and (path := project.root / reference).is_file():
        hashes[f"reference {reference}"] = hash_file(path)
    return hashes


def _run_of(
    project: ProjectFolder, judged: Run | None, labels: str, data: str, suites: dict[str, str], *, strict: bool
) -> Run:
    """The run of this validation, with the hash of exactly the file that was judged."""
    return Run(
        verb="validate",
        inputs={
            "labels": labels,
            "data": data,
            "suites": suites,
            "files": function_files(project),
            "answers": read_answers(project).fingerprint,
        },
        parameters={**decisive_settings(project), "strict": strict},
        versions=versions_of(("great_expectations", "pandas")),
        parents=() if judged is None else (judged.id,),
    ).identified()


def record_verdict(project: ProjectFolder, run: Run, verdict: Verdict, background: Background) -> None:
    """Write the verdict, its report, the run and, last, which run it was."""
    counts: dict[str, Any] = {"status": verdict.status, "expectations": len(verdict.outcomes)}
    for status in ("pass", "fail", "error", "vacuous"):
        counts[status] = sum(outcome.status == status for outcome in verdict.outcomes)
    folder = run_store(project).path(run.id)
    write_json(folder / VERDICT_FILE, verdict.to_json())
    write_bytes(folder / REPORT_FILE, html(verdict, background).encode())
    outputs = file_hashes(folder, (VERDICT_FILE, REPORT_FILE))
    keep_run(project, run, outputs=outputs, counts=counts, about=background.to_json(), finished=background.time)
    write_json(project.state / VERDICT_FILE, pointer_to(run, verdict))
