"""`runs diff`: which labels flipped, which function did it, and whether the labels got better or worse.

A side is a recorded run, a git revision of the functions, or the functions in the working tree. Labels of functions
that no run recorded are computed in a temporary folder with the data, answers and settings of now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import ArtifactError, visible
from labelkit.label_models import load_model
from labelkit.label_models.labels import HUMAN
from labelkit.lineage import Run, files_at
from labelkit.matrix import LabelMatrix, read_votes
from labelkit.pipeline.accuracy import accuracies
from labelkit.pipeline.difference import Conflicts, Difference, Group, SideName
from labelkit.pipeline.flips import (
    NOBODY,
    Cause,
    Flips,
    Half,
    disagreements,
    find_flips,
    in_conflict,
)
from labelkit.pipeline.recording import VOTES_FILE
from labelkit.pipeline.runs import CURRENT, PREVIOUS, find_run, is_run, kept_folder
from labelkit.pipeline.trial import Talk, laid_out, try_out, workshop
from labelkit.project import ProjectFolder

if TYPE_CHECKING:
    import pyarrow as pa

WORKTREE = "worktree"
"""Name of the functions as they are in the working tree."""

SHOWN_PAIRS = 10  # of functions that newly contradict each other
SHOWN_EXAMPLES = 3  # records of each cause


@dataclass(frozen=True)
class Side:
    """Labels, and the folder with the votes and the model that made them."""

    name: SideName
    folder: Path
    run: Run


def diff(
    project: ProjectFolder,
    before: str = PREVIOUS,
    after: str = "",
    *,
    workers: int | None = None,
    talk: Talk = lambda _: None,
) -> Difference:
    """Compare the labels of two sides.

    `before` and `after` are runs (see `find_run`), git revisions, or "worktree". Without `after`, a run is compared
    with the current one, a revision with the working tree. `talk` hears what takes time.

    Raises UsageError for what is neither, ArtifactError for a run whose files are damaged or no longer kept, and what
    `apply` raises for functions or data that do not hold.
    """
    after = after or (CURRENT if is_run(project, before) else WORKTREE)
    with workshop() as folder:
        sides = [
            _side(project, name, folder / place, workers, talk)
            for name, place in ((before, "before"), (after, "after"))
        ]
        return compare(project, *sides)


def _side(project: ProjectFolder, name: str, folder: Path, workers: int | None, talk: Talk) -> Side:
    if name != WORKTREE and is_run(project, name):
        run = find_run(project, name)
        return Side(SideName(f"run {run.id}", run.id, str(run.git.get("commit", ""))), kept_folder(project, run), run)
    commit, functions, what = "", project.functions_folder, "the working tree"
    if name != WORKTREE:
        commit, files = files_at(project.root, name, functions.relative_to(project.root).as_posix())
        functions, what = laid_out(files, folder), f"revision {visible(name)}"
    talk(f"casting the votes of the functions of {what}")
    run = try_out(project, functions, folder / "labels", what, workers=workers)
    return Side(SideName(what, "", commit), folder / "labels", run)


def compare(project: ProjectFolder, before: Side, after: Side) -> Difference:
    """The difference between two sides, record by record."""
    classes = _classes(before, after)
    ids, old, new, only = _halves(project, before, after, classes)
    flips = find_flips(old, new) if _same_classes(before, after) else _without_causes(old, new)
    return Difference(
        before=before.name,
        after=after.name,
        changed=_changes(before.run, after.run),
        faults=(before.run.counts.get("faults", 0), after.run.counts.get("faults", 0)),
        records=len(ids),
        removed=only[0],
        added=only[1],
        flips=len(flips.rows),
        groups=tuple(_groups(flips, old, new, ids, classes, _places(before.run, after.run))),
        totals={**{name: _counts(old, new, c) for c, name in enumerate(classes)}, "": _counts(old, new, NOBODY)},
        conflicts=_conflicts(old, new, len(classes)),
        accuracies=tuple(accuracies(project, ids, old, new)) if _same_classes(before, after) else (),
        ids=ids.take(flips.rows),
        labels_before=[classes[c] if c >= 0 else None for c in old.labels[flips.rows].tolist()],
        labels_after=[classes[c] if c >= 0 else None for c in new.labels[flips.rows].tolist()],
        causes=flips.cause,
    )


def _classes(before: Side, after: Side) -> list[str]:
    return list(dict.fromkeys([*before.run.parameters["classes"], *after.run.parameters["classes"]]))


def _same_classes(before: Side, after: Side) -> bool:
    return bool(before.run.parameters["classes"] == after.run.parameters["classes"])


def _halves(
    project: ProjectFolder, before: Side, after: Side, classes: Sequence[str]
) -> tuple[pa.Array, Half, Half, tuple[int, int]]:
    """Ids of the records in both, both sides in this order, and how many records are only in the one or the other."""
    import pyarrow as pa
    import pyarrow.compute as pc

    (ids, old), (others, new) = _half(project, before, classes), _half(project, after, classes)
    if ids.equals(others):
        return ids, old, new, (0, 0)
    place = pc.index_in(ids, value_set=others)
    kept = np.flatnonzero(place.is_valid().to_numpy(zero_copy_only=False))
    rows = place.drop_null().to_numpy().astype(np.int64)
    only = len(ids) - len(kept), len(others) - len(kept)
    return ids.take(pa.array(kept)), _rows(old, kept), _rows(new, rows), only


def _half(project: ProjectFolder, side: Side, classes: Sequence[str]) -> tuple[pa.Array, Half]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    votes = read_votes(side.folder / VOTES_FILE)
    columns = ["id", "label", "source"]
    table = pq.read_table(side.folder / project.labels_path.name, columns=columns, read_dictionary=["label", "source"])
    ids = table.column("id").combine_chunks()
    if not ids.equals(votes.ids):
        raise ArtifactError(f"{side.name.shown}: labels and votes are of different records; run `labelkit apply` again")
    model = load_model(side.folder)

    def weigh(cells: NDArray[np.int8]) -> NDArray[np.float64]:
        unnamed = LabelMatrix(cells, pa.nulls(len(cells), pa.string()), votes.names, votes.classes)
        given = model.contributions(unnamed)
        first = np.broadcast_to(given.start, (len(cells), 1, len(given.start)))
        return np.concatenate([given.values, first], axis=1)

    labels = pc.fill_null(pc.index_in(table.column("label").cast(pa.string()), pa.array(classes, pa.string())), NOBODY)
    human = pc.equal(table.column("source").cast(pa.string()), HUMAN)
    return votes.ids, Half(
        votes=votes.votes,
        names=votes.names,
        labels=labels.to_numpy().astype(np.int64),
        human=human.to_numpy(),
        predict=model.predict_votes,
        weigh=weigh,
    )


def _rows(half: Half, rows: NDArray[np.int64]) -> Half:
    return replace(half, votes=half.votes[rows], labels=half.labels[rows], human=half.human[rows])


def _without_causes(before: Half, after: Half) -> Flips:
    """Sides with other classes: whose vote it was cannot be told by the models."""
    rows = np.flatnonzero(before.labels != after.labels)
    return Flips(rows, (Cause("classes", ()),) if len(rows) else (), np.zeros(len(rows), np.int64))


def _groups(
    flips: Flips, old: Half, new: Half, ids: pa.Array, classes: Sequence[str], places: Mapping[str, str]
) -> Iterator[Group]:
    names = [*classes, ""]  # NOBODY is -1: the last
    for i, cause in enumerate(flips.causes):
        rows = flips.rows[flips.cause == i]
        pairs, counts = np.unique(np.stack([old.labels[rows], new.labels[rows]]), axis=1, return_counts=True)
        moves = {
            (names[a], names[b]): int(count)
            for count, a, b in sorted(zip(counts, *pairs.tolist(), strict=True), key=lambda move: -move[0])
        }
        yield Group(
            kind=cause.kind,
            functions=cause.functions,
            places=tuple(places.get(name, "") for name in cause.functions),
            flips=len(rows),
            moves=moves,
            examples=tuple(ids.take(rows[:SHOWN_EXAMPLES]).to_pylist()),
        )


def _places(before: Run, after: Run) -> dict[str, str]:
    """Where each function stands after, or stood before."""
    return {**before.about.get("functions", {}), **after.about.get("functions", {})}


def _counts(old: Half, new: Half, c: int) -> tuple[int, int]:
    return int((old.labels == c).sum()), int((new.labels == c).sum())


def _conflicts(old: Half, new: Half, k: int) -> Conflicts:
    was, now = in_conflict(old.votes), in_conflict(new.votes)
    fresh = now & ~was
    pairs = disagreements(new.votes[fresh], k)
    m = len(new.names)
    found = [(new.names[i], new.names[j], int(pairs[i, j])) for i in range(m) for j in range(i + 1, m) if pairs[i, j]]
    return Conflicts(
        before=int(was.sum()),
        after=int(now.sum()),
        new=int(fresh.sum()),
        gone=int((was & ~now).sum()),
        pairs=tuple(sorted(found, key=lambda pair: -pair[2])[:SHOWN_PAIRS]),
    )


def _changes(before: Run, after: Run) -> tuple[str, ...]:
    """What went in otherwise, in words."""
    said = list(_function_changes(before.inputs["functions"], after.inputs["functions"]))
    said += [f"{name} changed" for name in ("data", "answers") if before.inputs[name] != after.inputs[name]]
    for kind, old, new in (("", before.parameters, after.parameters), ("version of ", before.versions, after.versions)):
        said += [
            f"{kind}{name}: {_plain(old.get(name))}, now {_plain(new.get(name))}"
            for name in sorted(old.keys() | new.keys())
            if old.get(name) != new.get(name)
        ]
    return tuple(said)


def _function_changes(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    groups = {
        "changed": [name for name in new if name in old and old[name] != new[name]],
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
    }
    for verb, names in groups.items():
        if names:
            yield f"functions {verb}: {', '.join(names)}"


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
