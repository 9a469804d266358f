"""What `validate` judges by: the project's files as they are, and what its runs and its people say of them.

What no suite may read is not fetched: the labels of the run before, the model's own labels and the people's history
are functions, called by the facts that need them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from labelkit.errors import ArtifactError
from labelkit.label_models import labels_table, load_model, run_of
from labelkit.lineage import Run, RunStore
from labelkit.matrix import LabelMatrix
from labelkit.pipeline.augmented import augmented_records
from labelkit.pipeline.compute import LIBRARIES, decisive_settings, function_files
from labelkit.pipeline.current import kept_votes
from labelkit.pipeline.slicing import kept_slices
from labelkit.pipeline.truth import has_answers, read_answers, store_of
from labelkit.project import ProjectFolder
from labelkit.records import Records, open_records
from labelkit.validation import Evidence, RunFacts
from labelkit.validation.profile import Profile, read_profile

if TYPE_CHECKING:
    import pyarrow as pa

    from labelkit.annotations.agreement import RatingTable


def evidence_of(
    project: ProjectFolder, labels: pa.Table, labels_hash: str, records: Records, data: str, run: Run | None
) -> Evidence:
    """Everything that the project's suites may read.

    `labels_hash` is that of the labels file's bytes, `data` the fingerprint of the records, `run` the recorded run
    that the labels name.
    """
    settings = project.settings
    return Evidence(
        records=with_metadata(project, records).to_table(),
        labels=labels,
        classes=tuple(settings.project.classes),
        id=settings.data.id,
        fields=tuple(settings.data.fields),
        answers=read_answers(project).labels,
        votes=_votes_of(project, run),
        run=run_facts(project, run, run_of(labels), labels_hash, data),
        gold=settings.data.gold,
        split=settings.data.split,
        metadata=tuple(settings.data.metadata),
        reference=reference_of(project),
        model_labels=_model_labels(project, run),
        previous=_labels_before(project, run),
        slices=lambda: None if run is None else kept_slices(project, run),
        augmented=lambda: augmented_records(project),
        ratings=lambda: ratings_of(project),
        seed=settings.model.seed,
    )


def run_behind(project: ProjectFolder, labels: pa.Table) -> Run | None:
    """The recorded run that the labels name."""
    run_id, store = run_of(labels), RunStore(project.state / "runs")
    return None if run_id is None or not store.exists(run_id) else store.read(run_id)


def reference_of(project: ProjectFolder) -> Profile | None:
    """The profile that `[data] reference` names. Raises ArtifactError when it is not there or none."""
    name = project.settings.data.reference
    return None if name is None else read_profile(project.root / name, name)


def with_metadata(project: ProjectFolder, records: Records) -> Records:
    """The records with the metadata columns, which are judged but never labelled by."""
    metadata = project.settings.data.metadata
    return open_records(project, metadata) if metadata else records


def _votes_of(project: ProjectFolder, run: Run | None) -> LabelMatrix | None:
    return None if run is None else kept_votes(project, run)


def _model_labels(project: ProjectFolder, run: Run | None) -> Callable[[], pa.Table | None]:
    """What a run's label model says of its votes, people's answers left aside; None where that is not on disk."""

    def labels() -> pa.Table | None:
        if run is None:
            return None
        folder = RunStore(project.state / "runs").path(run.id)
        try:
            votes = kept_votes(project, run)
            return labels_table(load_model(folder).predict_proba(votes)).select(["id", "label"])
        except ArtifactError:
            return None

    return labels


def _labels_before(project: ProjectFolder, run: Run | None) -> Callable[[], pa.Table | None]:
    """The same of the run before, looked up when it is asked for."""

    def labels() -> pa.Table | None:
        return _model_labels(project, run_before(project, run))()

    return labels


def run_before(project: ProjectFolder, run: Run | None) -> Run | None:
    """The last `apply` that finished before this one."""
    if run is None:
        return None
    earlier = [
        other
        for other in RunStore(project.state / "runs")
        if other.verb == "apply" and other.id != run.id and other.finished <= run.finished
    ]
    return earlier[-1] if earlier else None


def ratings_of(project: ProjectFolder) -> RatingTable | None:
    """Each person's latest label of each record; None where nobody answered."""
    from labelkit.annotations.agreement import rating_table

    if not has_answers(project):
        return None
    return rating_table(store_of(project).history(), project.settings.project.classes)


def run_facts(project: ProjectFolder, run: Run | None, run_id: str | None, labels: str, data: str) -> RunFacts:
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
    return sum(entry.sequence > sequence for entry in store_of(project).history())
