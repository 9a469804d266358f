"""`validate` and `verify` of a multi-label project: every class by its suites, and the file that joins their labels.

One verdict holds the outcomes of all classes. It passes only when each class would pass alone, and labels.parquet is
what they say together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from labelkit.errors import ArtifactError, SuiteError, named, visible
from labelkit.files import timestamp
from labelkit.lineage import Run, hash_file, versions_of
from labelkit.locks import project_lock
from labelkit.pipeline.background import background_of
from labelkit.pipeline.events import announced
from labelkit.pipeline.multilabel.joint import JointLabels, joint_suites
from labelkit.pipeline.multilabel.members import about_class
from labelkit.pipeline.validate import VERDICT_FILE, record_verdict, suite_hashes, validate
from labelkit.pipeline.verify import Verification, last_check, verify
from labelkit.project import ProjectFolder
from labelkit.records import open_records
from labelkit.validation import Suite, Verdict, judge, load_suites

_BOTH = "run `labelkit apply`, then `labelkit validate`"


@announced("validate")
def validate_all(project: ProjectFolder, *, strict: bool = False) -> Verdict:
    """Judge every class as its own project, and whether labels.parquet is what they say together.

    The suites of a class are called `class/suite`. Raises as `validate`, naming the class; ArtifactError also where
    the classes have labels of different records.
    """
    with project_lock(project.state / "lock", "validate"):
        started = timestamp()
        (project.state / VERDICT_FILE).unlink(missing_ok=True)  # until there is a new verdict, nothing has passed
        hashes, suites = suite_hashes(project), _suites(project)
        data, labels = open_records(project).fingerprint(), JointLabels.of(project)
        verdicts, checks = dict[str, Verdict](), dict[str, Run]()
        for name, member in project.members.items():
            with about_class(name):
                verdicts[name], checks[name] = validate(member, strict=strict), last_check(member)
        judged = {name: str(run.inputs["labels"]) for name, run in checks.items()}
        together = judge(joint_suites(), labels.tables(judged))
        verdict = _joined(verdicts, together, strict=strict)
        run = _run_of(project, labels, checks, {"data": data, "suites": hashes}, strict=strict)
        background = background_of(project, run, verdict, labels.spread(), suites, timestamp())
        record_verdict(project, run.with_(started=started), verdict, background)
    return verdict


def verify_all(project: ProjectFolder, *, strict: bool = False, data: str | None = None) -> Verification:
    """Whether labels.parquet is the file that passed, and every class is still as it was when it did; see `verify`.

    `data` is the fingerprint of the records of the whole project, where it is known already.
    """
    found = verify(project, strict=strict, data=data)
    reasons, joined = list(found.reasons), _joined_then(project)
    for name, member in project.members.items():
        with about_class(name):
            own = list(verify(member, strict=strict).reasons)
        if not own and joined is not None and joined.pop(name, "") != hash_file(member.labels_path):
            own = [f"its labels are not those in labels.parquet; {_BOTH}"]
        reasons += (f'class "{visible(name)}": {reason}' for reason in own)
    gone = [name for name in joined or () if name not in project.members]
    if gone:
        reasons.append(f"labels.parquet still has {named(gone)}, which the project has not; {_BOTH}")
    return replace(found, reasons=tuple(reasons))


def _joined_then(project: ProjectFolder) -> dict[str, str] | None:
    """Class -> SHA-256 of the labels that were judged together; None where no verdict says so."""
    try:
        return dict(last_check(project).inputs.get("labels_of_classes", {}))
    except ArtifactError:  # `verify` has said why
        return None


def check_folders(folder: Path, classes: tuple[str, ...]) -> None:
    """Raise SuiteError for suites in a folder that is no class's, or below one: they would judge nothing."""
    strange = sorted(path.name for path in folder.glob("*/") if path.is_dir() and path.name not in classes)
    strange += sorted(path.parent.relative_to(folder).as_posix() for path in folder.glob("*/*/**/*.json"))
    if strange:
        raise SuiteError(
            f"{folder.name}/{visible(strange[0])}/: no class is called so; a folder holds the suites of the class of "
            f"its name, and classes are {named(classes)}"
        )


def _suites(project: ProjectFolder) -> tuple[Suite, ...]:
    """The suites of every class, by the names that they have in the joined verdict."""
    check_folders(project.suites_folder, tuple(project.settings.project.classes))
    found: list[Suite] = []
    for name in project.members:
        with about_class(name):
            suites = load_suites(project.suites_folder, within=name)
        found += (replace(suite, name=_name(name, suite.name)) for suite in suites)
    return tuple(found)


def _name(name: str, suite: str) -> str:
    return f"{visible(name)}/{suite}"


def _joined(verdicts: Mapping[str, Verdict], together: Verdict, *, strict: bool) -> Verdict:
    """One verdict of all."""
    outcomes = [
        replace(outcome, suite=_name(name, outcome.suite))
        for name, verdict in verdicts.items()
        for outcome in verdict.outcomes
    ]
    return Verdict((*outcomes, *together.outcomes), strict)


def _run_of(
    project: ProjectFolder,
    labels: JointLabels,
    checks: Mapping[str, Run],
    inputs: Mapping[str, object],
    *,
    strict: bool,
) -> Run:
    """The run of this validation: it stands on the run that joined the labels, and on the checks of the classes."""
    joined = () if labels.run is None else (labels.run.id,)
    return Run(
        verb="validate",
        inputs={"labels": labels.content.sha256, "labels_of_classes": labels.hashes, **inputs},
        parameters={"classes": list(checks), "kind": project.settings.project.kind, "strict": strict},
        versions=versions_of(("great_expectations", "pandas")),
        parents=(*joined, *(run.id for run in checks.values())),
    ).identified()
