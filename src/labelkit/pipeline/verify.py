"""Whether the labels on disk are those that passed, told from hashes alone: nothing is judged anew."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from labelkit.errors import ArtifactError, visible
from labelkit.lineage import Run, RunStore, hash_file
from labelkit.pipeline.validate import VERDICT_FILE, pointer_to, suite_hashes
from labelkit.project import ProjectFolder
from labelkit.records import open_records
from labelkit.validation import Verdict

_AGAIN = "run `labelkit validate` again"


@dataclass(frozen=True)
class Verification:
    """The answer, with every reason against it. All text is safe to print."""

    reasons: tuple[str, ...]  # why labels.parquet is not known to have passed; none when it is
    run: str = ""  # the validate run that passed it
    time: str = ""  # when that ended: UTC, ISO 8601
    labels: str = ""  # SHA-256 of labels.parquet as it is now; "" when there is none

    @property
    def verified(self) -> bool:
        """Whether this very file passed, with these suites and records."""
        return not self.reasons

    @property
    def exit_code(self) -> int:
        """0 verified, 1 not."""
        return 0 if self.verified else 1

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"verified": self.verified, **asdict(self), "reasons": list(self.reasons)}

    def __str__(self) -> str:
        if self.verified:
            return f"verified: labels.parquet passed on {self.time} (run {self.run})"
        return "\n".join(f"not verified: {reason}" for reason in self.reasons)


def verify(project: ProjectFolder, *, strict: bool = False, data: str | None = None) -> Verification:
    """Compare labels.parquet, the suites and the records with what the last verdict was reached on.

    `strict` also asks that the verdict would have been a pass with every failure blocking; `data` is the records'
    fingerprint, where it is known already. Raises DataError for records that cannot be read.
    """
    labels = hash_file(project.labels_path) if project.labels_path.exists() else ""
    try:
        run = last_check(project)
        verdict = kept_verdict(project, run)
    except ArtifactError as error:
        return Verification((str(error),), labels=labels)
    reasons = list(_differences(project, run, labels, data))
    if not verdict.passed:
        reasons.append(f"the verdict was {verdict.status}: {verdict.headline}")
    elif strict and not replace(verdict, strict=True).passed:
        reasons.append(
            f"{len(verdict.tolerated):,} expectations failed without blocking, which strict does not let through"
        )
    return Verification(tuple(reasons), run.id, run.finished, labels)


def last_check(project: ProjectFolder) -> Run:
    """The last validate run that came to a verdict.

    Raises ArtifactError when there is none, or when it or the file that names it is not what was written.
    """
    path = project.state / VERDICT_FILE
    if not path.is_file():
        raise ArtifactError("labels.parquet has not been validated; run `labelkit validate`")
    try:
        last = json.loads(path.read_bytes())
        run = RunStore(project.state / "runs").read(str(last["run"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactError(f"{VERDICT_FILE} is damaged; {_AGAIN}") from error
    if last != pointer_to(run, kept_verdict(project, run)):
        raise ArtifactError(f"{VERDICT_FILE} is damaged; {_AGAIN}")
    return run


def kept_verdict(project: ProjectFolder, run: Run) -> Verdict:
    """The verdict in the run's own folder. Raises ArtifactError unless it is the one that was written."""
    kept = RunStore(project.state / "runs").path(run.id) / VERDICT_FILE
    if run.verb != "validate" or not kept.is_file() or hash_file(kept) != run.outputs.get(VERDICT_FILE):
        raise ArtifactError(f"the verdict of run {run.id} is not the one that was written; {_AGAIN}")
    return Verdict.from_json(json.loads(kept.read_bytes()))


def _differences(project: ProjectFolder, run: Run, labels: str, data: str | None) -> list[str]:
    found = []
    if not labels:
        found.append("labels.parquet: no such file; run `labelkit apply` and `labelkit validate`")
    elif labels != run.inputs.get("labels"):
        found.append(f"labels.parquet is not the file that was validated; {_AGAIN}")
    then, now = run.inputs.get("suites", {}), suite_hashes(project)
    changed = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if changed:
        found.append(f"suites have changed since: {visible(', '.join(changed))}; {_AGAIN}")
    if (data or open_records(project).fingerprint()) != run.inputs.get("data"):
        found.append(
            f"{visible(project.settings.data.path)} has changed since; run `labelkit apply`, then `labelkit validate`"
        )
    return found
