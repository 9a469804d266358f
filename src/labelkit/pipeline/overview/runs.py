"""The runs of a project as lines of a graph: what came out of each, and what was different from the one before."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from labelkit.errors import ArtifactError
from labelkit.lineage import Run, RunStore
from labelkit.project import ProjectFolder
from labelkit.reports.overview.content import RunLine

SHOWN_RUNS = 40
SHOWN_CHANGES = 4


def all_runs(project: ProjectFolder) -> tuple[list[Run], int]:
    """The runs that can be read, oldest first, and how many cannot."""
    store, found, damaged = RunStore(project.state / "runs"), list[Run](), 0
    for path in store.folder.glob("*/run.json"):
        damaged += 1
        with contextlib.suppress(ArtifactError):
            found.append(store.read(path.parent.name))
            damaged -= 1
    return sorted(found, key=lambda run: (run.finished, run.id)), damaged


def lines_of(runs: Sequence[Run], current: str | None) -> tuple[RunLine, ...]:
    """The newest runs, newest first; `current` is the run that the labels name."""
    lines = [
        RunLine(
            id=run.id,
            verb=run.verb,
            word=str(run.counts.get("status", "")) if run.verb == "validate" else "",
            time=run.finished,
            seconds=_seconds(run),
            said=_said(run),
            changed=_changed(run, _before(runs, i))[:SHOWN_CHANGES],
            parents=tuple(dict.fromkeys([*run.parents, *_asked_before(runs, i)])),
            current=run.id == current,
        )
        for i, run in enumerate(runs)
    ]
    return tuple(lines[::-1][:SHOWN_RUNS])


def _before(runs: Sequence[Run], i: int) -> Run | None:
    """The run of the same verb before this one."""
    return next((run for run in reversed(runs[:i]) if run.verb == runs[i].verb), None)


def _asked_before(runs: Sequence[Run], i: int) -> list[str]:
    """The sessions whose answers an `apply` was the first to use."""
    if runs[i].verb != "apply":
        return []
    upto, before = runs[i].about.get("answers_sequence", 0), _before(runs, i)
    since = 0 if before is None else before.about.get("answers_sequence", 0)
    sessions = [run for run in runs[:i] if run.verb == "annotate" and run.counts.get("labelled")]
    return [run.id for run in sessions if since < run.counts.get("last_sequence", 0) <= upto]


def _seconds(run: Run) -> float | None:
    try:
        return (datetime.fromisoformat(run.finished) - datetime.fromisoformat(run.started)).total_seconds()
    except ValueError:
        return None


def _said(run: Run) -> str:
    """What came out, in a few words."""
    counts = run.counts
    if run.verb == "apply":
        labelled, records = sum(counts.get("labels", {}).values()), counts.get("records", 0)
        faults = f", {counts['faults']:,} faults" if counts.get("faults") else ""
        functions = len(run.inputs.get("functions", {}))
        return f"{labelled:,} of {records:,} records labelled by {functions} functions{faults}"
    if run.verb == "validate":
        return f"{counts.get('status', '')}: {counts.get('pass', 0):,} of {counts.get('expectations', 0):,} passed"
    if run.verb == "annotate":
        who, strategy = run.parameters.get("annotator", ""), run.parameters.get("strategy", "")
        skipped = f", {counts['skipped']:,} skips" if counts.get("skipped") else ""
        return f"{counts.get('labelled', 0):,} answers{skipped} of {who}" + (f" ({strategy})" if strategy else "")
    if run.verb == "train":
        split = run.parameters.get("split")
        return f"{counts.get('records', 0):,} labelled records handed out" + (f" of split {split}" if split else "")
    if run.verb == "augment":
        return f"{counts.get('written', 0):,} new records of {counts.get('records', 0):,}"
    if run.verb == "embed":
        return f"{counts.get('records', 0):,} records embedded by {run.parameters.get('model', '')}"
    return ", ".join(sorted(run.outputs)[:SHOWN_CHANGES])


def _changed(run: Run, before: Run | None) -> tuple[str, ...]:
    """What went into a run that did not go into the one before."""
    if before is None or run.verb == "annotate":
        return ()
    found = []
    for name, what in (("data", "data"), ("labels", "labels"), ("answers", "answers")):
        if run.inputs.get(name) != before.inputs.get(name):
            found.append(what)
    for name in ("functions", "suites"):
        found += _differences(before.inputs.get(name), run.inputs.get(name), name)
    found += [name for name in run.parameters if run.parameters[name] != before.parameters.get(name)]
    found += [
        f"{name} {run.versions[name]}" for name in run.versions if run.versions[name] != before.versions.get(name)
    ]
    return tuple(found)


def _differences(then: Any, now: Any, what: str) -> list[str]:
    """Which entries differ: their names while they are few, else how many."""
    if not isinstance(then, Mapping) or not isinstance(now, Mapping) or then == now:
        return []
    names = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    return names if len(names) < SHOWN_CHANGES else [f"{len(names):,} {what}"]
