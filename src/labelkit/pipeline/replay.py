"""`replay`: repeat a run of `apply` from its record, and compare every byte that comes out.

Settings come from the record, answers are those that stood then, functions come from the working tree or, where that
has changed, from the commit that the run names. Nothing of the project is written to, and no vote is taken from the
cache. What differs from what the run had is named; where an input differs, nothing is repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelkit.errors import ArtifactError, UsageError, visible
from labelkit.lineage import Run, files_at, hash_bytes, versions_of
from labelkit.matrix import read_votes
from labelkit.pipeline.compute import LIBRARIES, function_files
from labelkit.pipeline.current import kept_votes
from labelkit.pipeline.recording import VOTES_FILE, run_store
from labelkit.pipeline.runs import check_whole, find_run
from labelkit.pipeline.slicing import slice_files
from labelkit.pipeline.trial import Talk, laid_out, try_out, with_parameters, workshop
from labelkit.pipeline.truth import read_answers
from labelkit.project import ProjectFolder
from labelkit.records import open_records
from labelkit.settings import EngineSection

WORKING_TREE = "the working tree"


@dataclass(frozen=True)
class Repeat:
    """One repetition."""

    workers: int  # processes; 0 means one per processor
    identical: Mapping[str, bool]  # output -> whether its bytes are those of the run
    notes: tuple[str, ...]  # where they are not: what is known of it


@dataclass(frozen=True)
class Replay:
    """What became of repeating a run."""

    run: Run
    functions: str  # where they came from; "" where they are not to be had
    different: tuple[str, ...]  # inputs that are not what the run had; with any of these, nothing was repeated
    versions: tuple[str, ...]  # of libraries, likewise; the run was repeated all the same
    repeats: tuple[Repeat, ...]

    @property
    def identical(self) -> bool:
        """Whether the run was repeated, and every byte was the same."""
        return bool(self.repeats) and all(all(repeat.identical.values()) for repeat in self.repeats)

    @property
    def exit_code(self) -> int:
        """0 when every byte was the same, else 1."""
        return 0 if self.identical else 1

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "run": self.run.id,
            "identical": self.identical,
            "functions": self.functions,
            "different": list(self.different),
            "versions": list(self.versions),
            "repeats": [asdict(repeat) for repeat in self.repeats],
        }

    def __str__(self) -> str:
        from labelkit.pipeline.texts.replay import replay_text

        return replay_text(self)


def replay(
    project: ProjectFolder,
    name: str = "current",
    *,
    workers: Sequence[int] = (),
    where: EngineSection | None = None,
    talk: Talk = lambda _: None,
) -> Replay:
    """Repeat a run once for each number of workers; as `[apply] workers` says, where none is given.

    A run that was made on Spark is repeated there, for only there its files are cut in the same way; `where` says
    where Spark is, in place of `[engine]`.

    Raises UsageError for a run that is not one of `apply`, ArtifactError for a record that does not say enough, and
    what `apply` raises.
    """
    run = find_run(project, name)
    if run.verb != "apply":
        raise UsageError(f"run {run.id} is one of {run.verb}; only apply can be repeated")
    check_whole(run)
    engine = (where or project.settings.engine).model_copy(update={"name": run.about.get("engine", "local")})
    with workshop(None if engine.name == "local" else project.state) as folder:
        functions, source, missing = _functions(project, run, folder)
        here = engine.name == "local"  # else executors tell of the data, while they repeat the run
        then = with_parameters(project, run.parameters)
        data = _data_difference(then, run, open_records(then).fingerprint()) if here else ()
        different = (*missing, *data, *_differences(then, run))
        versions = tuple(_versions(run))
        if functions is None or different:
            return Replay(run, source, different, versions, ())
        repeats = list[Repeat]()
        for count in workers or (project.settings.apply.workers,):
            how = f"with {count or 'as many'} workers{'' if count else ' as processors'}" if here else "on Spark"
            talk(f"repeating run {run.id} {how}")
            place = folder / f"repeat{len(repeats)}"
            made = try_out(project, functions, place, f"run {run.id}", like=run, workers=count, engine=engine)
            different = _data_difference(project, run, made.inputs["data"])
            if different:
                return Replay(run, source, different, versions, ())
            repeats.append(Repeat(count, _same(run, made), tuple(_notes(project, run, made, place))))
    return Replay(run, source, (), versions, tuple(repeats))


def _functions(project: ProjectFolder, run: Run, folder: Path) -> tuple[Path | None, str, list[str]]:
    """A folder with the functions that the run had, where they came from, and how those at hand differ."""
    then, now = run.inputs["files"], function_files(project)
    if then == now:
        return project.functions_folder, WORKING_TREE, []
    commit = str(run.git.get("commit", ""))
    if commit:
        try:
            _, files = files_at(project.root, commit, project.relative(project.functions_folder))
        except UsageError:
            files = {}
        if {name: hash_bytes(content) for name, content in files.items()} == then:
            return laid_out(files, folder), f"commit {commit[:12]}", []
    return None, "", list(_file_changes(then, now, commit))


def _file_changes(then: Mapping[str, str], now: Mapping[str, str], commit: str) -> Iterator[str]:
    for name in sorted(then.keys() | now.keys()):
        if then.get(name) != now.get(name):
            what = "changed" if name in then and name in now else "is gone" if name in then else "is new"
            yield f"labeling_functions/{name} {what}: {_shown(then.get(name))} then, {_shown(now.get(name))} now"
    if commit:
        yield f"the functions of the run are not those of commit {commit[:12]} either: they were never committed"


def _data_difference(project: ProjectFolder, run: Run, data: str) -> tuple[str, ...]:
    """That the records are not what the run had, if they are not; `data` is their fingerprint now."""
    if data == run.inputs["data"]:
        return ()
    where = visible(project.settings.data.path)
    return (f"data {where} changed: {_shown(run.inputs['data'])} then, {_shown(data)} now",)


def _differences(project: ProjectFolder, run: Run) -> Iterator[str]:
    """Answers and slices that are not what the run had."""
    slices = slice_files(project)
    if slices != run.inputs.get("slices", {}):
        yield "slices/ changed"
    answers = read_answers(project, until=run.about.get("answers_sequence", 0)).fingerprint
    if answers != run.inputs["answers"]:
        yield f"answers of people up to then: {_shown(run.inputs['answers'])} then, {_shown(answers)} now"


def _versions(run: Run) -> Iterator[str]:
    now = versions_of(LIBRARIES)
    for name in sorted(run.versions.keys() | now.keys()):
        if run.versions.get(name) != now.get(name):
            yield f"{name} {run.versions.get(name) or '(none)'} then, {now.get(name) or '(none)'} now"


def _shown(digest: str | None) -> str:
    return digest[:12] if digest else "(none)"


def _same(run: Run, made: Run) -> dict[str, bool]:
    return {name: made.outputs.get(name) == digest for name, digest in run.outputs.items()}


def _notes(project: ProjectFolder, run: Run, made: Run, folder: Path) -> Iterator[str]:
    """Whose votes are not what they were."""
    changed = [name for name, digest in run.inputs["functions"].items() if made.inputs["functions"].get(name) != digest]
    if changed:
        yield f"functions reach something else than then: {visible(', '.join(changed))}"
    kept = run_store(project).path(run.id) / VOTES_FILE
    if made.outputs[VOTES_FILE] == run.outputs.get(VOTES_FILE) or not kept.exists():
        return
    try:
        old, new = kept_votes(project, run), read_votes(folder / VOTES_FILE)
    except ArtifactError as error:
        yield str(error)
        return
    if old.names != new.names or not old.ids.equals(new.ids):
        yield "the votes are of other functions or records"
        return
    for j, name in enumerate(old.names):
        rows = np.flatnonzero(old.votes[:, j] != new.votes[:, j])
        if len(rows):
            first = visible(old.ids[int(rows[0])].as_py())
            yield f"function {visible(name)} votes otherwise on {len(rows):,} records, first on {first}"
