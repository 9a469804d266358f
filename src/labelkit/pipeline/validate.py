"""`validate`: gather the facts about records, labels and lineage, let the suites judge them, and keep the verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from labelkit import __version__
from labelkit.annotations import AnnotationStore
from labelkit.files import project_lock, timestamp, write_bytes, write_json
from labelkit.label_models import labels_bytes, labels_from, run_of
from labelkit.lineage import Run, RunStore, hash_bytes, hash_file, hash_tree, library_versions
from labelkit.matrix import LabelMatrix, read_votes
from labelkit.pipeline.apply import LIBRARIES, decisive_settings, function_files
from labelkit.pipeline.background import REPORT_FILE, background_of
from labelkit.pipeline.truth import has_answers, read_answers
from labelkit.project import ProjectFolder
from labelkit.records import open_records
from labelkit.reports import Background, html
from labelkit.validation import Evidence, RunFacts, Verdict, fact_tables, judge, load_suites

if TYPE_CHECKING:
    import pyarrow as pa

VERDICT_FILE = "verdict.json"


def validate(project: ProjectFolder, *, strict: bool = False) -> Verdict:
    """Judge the project. The verdict is written beside the hash of exactly the bytes that were judged.

    `strict` lets no failure through, whatever its severity.

    Raises SuiteError for suites that cannot be trusted to judge, DataError for records that cannot be read,
    ArtifactError for a labels file that is missing or unreadable.
    """
    with project_lock(project.state / "lock", "validate"):
        started = timestamp()
        (project.state / VERDICT_FILE).unlink(missing_ok=True)  # until there is a new verdict, nothing has passed
        hashes = suite_hashes(project)
        suites = load_suites(project.suites_folder)
        content = labels_bytes(project.labels_path)
        labels, labels_hash = labels_from(content, project.labels_path.name), hash_bytes(content)
        records = open_records(project)
        data = records.fingerprint()
        run, run_id = _run_behind(project, labels)
        evidence = Evidence(
            records=records.to_table(),
            labels=labels,
            classes=tuple(project.settings.project.classes),
            id=project.settings.data.id,
            fields=tuple(project.settings.data.fields),
            answers=read_answers(project).labels,
            votes=_votes_of(project, run),
            run=_facts(project, run, run_id, labels_hash, data),
        )
        verdict = replace(judge(suites, fact_tables(evidence)), strict=strict)
        judged = _run_of(project, run, labels_hash, data, hashes, strict=strict)
        background = background_of(project, judged, verdict, labels, suites, timestamp())
        _record(project, judged.with_(started=started), verdict, background)
        last = {"labels": labels_hash, "data": data, "suites": hashes, "run": judged.id, "verdict": verdict.to_json()}
        write_json(project.state / VERDICT_FILE, last)
    return verdict


def suite_hashes(project: ProjectFolder) -> dict[str, str]:
    """Every suite file with its SHA-256."""
    return hash_tree(project.suites_folder, ["*.json"])


def _run_behind(project: ProjectFolder, labels: pa.Table) -> tuple[Run | None, str | None]:
    """The recorded run that the labels name, and the name."""
    run_id, store = run_of(labels), RunStore(project.state / "runs")
    if run_id is None or not store.exists(run_id):
        return None, run_id
    return store.read(run_id), run_id


def _votes_of(project: ProjectFolder, run: Run | None) -> LabelMatrix | None:
    return None if run is None else read_votes(RunStore(project.state / "runs").path(run.id) / "votes.parquet")


def _facts(project: ProjectFolder, run: Run | None, run_id: str | None, labels: str, data: str) -> RunFacts:
    """What has changed since the run that wrote the labels."""
    if run is None:
        return RunFacts(run=run_id)
    now, then = decisive_settings(project), run.parameters
    changed = [name for name in now if now[name] != then.get(name)]
    store = RunStore(project.state / "runs")
    return RunFacts(
        run=run_id,
        run_recorded=True,
        labels_match=run.outputs.get("labels.parquet") == labels,
        data_match=run.inputs.get("data") == data,
        functions_changed=_changes(run.inputs.get("files", {}), function_files(project)),
        model_changed=", ".join(name for name in changed if name in ("model", "seed")),
        settings_changed=", ".join(name for name in changed if name not in ("model", "seed")),
        faults=run.counts.get("faults"),
        max_faults=run.parameters.get("max_faults"),
        answers_newer=_answers_after(project, run.about.get("answers_sequence", 0)),
        parents_missing=", ".join(parent for parent in run.parents if not store.exists(parent)),
        versions_missing=", ".join(name for name in ("labelkit", *LIBRARIES) if not run.versions.get(name)),
        records=run.counts.get("records"),
        labelled=sum(run.counts.get("labels", {}).values()),
    )


def _changes(then: dict[str, str], now: dict[str, str]) -> str:
    """Files of labeling_functions/ that were changed, added or removed; empty when none was."""
    said = [f"{name} changed" for name in sorted(then.keys() & now.keys()) if then[name] != now[name]]
    said += [f"{name} added" for name in sorted(now.keys() - then.keys())]
    said += [f"{name} removed" for name in sorted(then.keys() - now.keys())]
    return ", ".join(said)


def _answers_after(project: ProjectFolder, sequence: int) -> int:
    """Entries that people made after the run read their answers."""
    if not has_answers(project):
        return 0
    return sum(entry.sequence > sequence for entry in AnnotationStore.open(project.store_url).history())


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
        versions={"labelkit": __version__, **library_versions(("great_expectations", "pandas"))},
        parents=() if judged is None else (judged.id,),
    ).identified()


def _record(project: ProjectFolder, run: Run, verdict: Verdict, background: Background) -> None:
    """Write the verdict, its report and, last, the run."""
    counts: dict[str, Any] = {"status": verdict.status, "expectations": len(verdict.outcomes)}
    for status in ("pass", "fail", "error", "vacuous"):
        counts[status] = sum(outcome.status == status for outcome in verdict.outcomes)
    store = RunStore(project.state / "runs")
    folder = store.path(run.id)
    write_json(folder / VERDICT_FILE, verdict.to_json())
    write_bytes(folder / REPORT_FILE, html(verdict, background).encode())
    outputs = {name: hash_file(folder / name) for name in (VERDICT_FILE, REPORT_FILE)}
    store.write(run.with_(outputs=outputs, counts=counts, about=background.to_json(), finished=background.time))
