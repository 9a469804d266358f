"""`lf list`: the functions of the current run with their figures. Nothing of the project is imported.

Figures are Snorkel's and are compared with what `apply` compares with: gold outside split dev, or people's answers
where the project has no gold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.engines.cache import VoteCache, key_of
from labelkit.errors import ArtifactError, UsageError, named
from labelkit.label_models import LabelModel, load_model
from labelkit.label_models.copies import near_copies
from labelkit.lineage import Run, RunStore
from labelkit.matrix import ABSTAIN, FigureCounts, FunctionFigures, LabelMatrix, LFSummary, summary_of
from labelkit.matrix.counts import VoteCounts
from labelkit.pipeline.accuracy import truths
from labelkit.pipeline.current import current_run_record, kept_votes
from labelkit.pipeline.questions import in_splits
from labelkit.pipeline.slicing import kept_slices
from labelkit.pipeline.truth import read_answers
from labelkit.project import DEV, TRAIN, ProjectFolder
from labelkit.tables import html_table, table


@dataclass(frozen=True, eq=False)
class Bench:
    """What the current run left, and what is known to be true of its n records."""

    project: ProjectFolder
    run: Run
    votes: LabelMatrix
    model: LabelModel  # as the run fitted it
    answered: NDArray[np.int64]  # (n,): class index that people settled on, or -1
    truth: NDArray[np.int64]  # (n,): what figures compare with, or -1
    basis: str  # what that is, in words; "" where nothing is known
    shown: NDArray[
        np.bool_
    ]  # (n,): records that an author may look at: of splits train and dev, or all without a split

    @property
    def cells(self) -> NDArray[np.int8]:
        """(n, m): class index or ABSTAIN, faults as abstains."""
        return np.maximum(self.votes.votes, np.int8(ABSTAIN))

    def place(self, name: str) -> int:
        """The column of a function. Raises UsageError for one that the run does not have."""
        if name not in self.votes.names:
            raise UsageError(
                f"the current run has no function {named([name])}; it has {named(self.votes.names)}. "
                "A new one takes part after `labelkit apply`"
            )
        return self.votes.names.index(name)


def bench_of(project: ProjectFolder) -> Bench:
    """Read the current run. Raises ArtifactError where there is none, or what it left is not whole."""
    run = current_run_record(project)
    votes = kept_votes(project, run)
    if votes.classes != tuple(project.settings.project.classes):
        raise ArtifactError(
            f"the votes are for {named(votes.classes)}, the project has {named(project.settings.project.classes)}; "
            "run `labelkit apply` again"
        )
    model = load_model(RunStore(project.state / "runs").path(run.id))
    known = dict(truths(project, votes.ids))
    basis = list(known)[-1] if known else ""  # gold comes last, and is what `apply` compares with
    nothing = np.full(len(votes.ids), -1, dtype=np.int64)
    answered = read_answers(project).of(votes.ids)
    shown = in_splits(project, votes.ids, (TRAIN, DEV))
    return Bench(project, run, votes, model, answered, known.get(basis, nothing), basis, shown)


@dataclass(frozen=True)
class FunctionRow:
    """A function and its figures."""

    figures: FunctionFigures
    weight: float | None  # log odds that its vote adds where nobody else votes; None where the model adds none
    seconds: float | None  # that its votes on all records took when they were cast; None where nobody knows
    place: str  # file:line


@dataclass(frozen=True)
class FunctionList:
    """All functions of a run. Prints as a table, shows as HTML in a notebook."""

    run: str
    rows: tuple[FunctionRow, ...]
    basis: str  # what accuracy compares with; "" where nothing is known

    @property
    def _summary(self) -> LFSummary:
        return LFSummary(tuple(row.figures for row in self.rows))

    @property
    def header(self) -> tuple[str, ...]:
        """Column titles: Snorkel's, then weight and seconds before remarks."""
        titles = self._summary.header
        cut = titles.index("Faults") + 1
        return (*titles[:cut], "Weight", "Seconds", *titles[cut:])

    def cells(self) -> list[tuple[str, ...]]:
        """The table's cells as text, one tuple per function."""
        cut = self._summary.header.index("Faults") + 1
        return [
            (*cells[:cut], _number(row.weight, "+.2f"), _number(row.seconds, ".3f"), *cells[cut:])
            for row, cells in zip(self.rows, self._summary.cells(), strict=True)
        ]

    def __str__(self) -> str:
        return table(self.header, self.cells())

    def _repr_html_(self) -> str:
        return html_table(self.header, self.cells())

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        rows = [{**asdict(row.figures), **asdict(row)} for row in self.rows]
        for row in rows:
            del row["figures"]
        return {"run": self.run, "accuracy_against": self.basis, "functions": rows}


def list_functions(project: ProjectFolder, within: str | None = None) -> FunctionList:
    """The functions of the current run, in their order, with their figures; `within` one slice, where it is named.

    Raises UsageError for a slice that the run does not have.
    """
    bench = bench_of(project)
    rows = rows_of(bench if within is None else _within(bench, within))
    return FunctionList(bench.run.id, rows, bench.basis)


def _within(bench: Bench, name: str) -> Bench:
    """The records of one slice alone."""
    import pyarrow as pa

    members = kept_slices(bench.project, bench.run)
    known = () if members is None else members.names
    if members is None or name not in known:
        raise UsageError(f"the current run has no slice {named([name])}; it has {named(known) or 'none'}")
    inside = members.votes[:, known.index(name)] == 1
    votes = replace(
        bench.votes, votes=bench.votes.votes[inside], ids=bench.votes.ids.filter(pa.array(inside)), faults=()
    )
    parts = {"answered": bench.answered[inside], "truth": bench.truth[inside], "shown": bench.shown[inside]}
    return replace(bench, votes=votes, **parts)


def rows_of(bench: Bench) -> tuple[FunctionRow, ...]:
    """The figures of all functions."""
    votes, k = bench.votes, len(bench.votes.classes)
    counts = FigureCounts.of(votes.votes, k, bench.truth)
    copies = near_copies(VoteCounts.of(votes.votes, k)).groups
    summary = summary_of(counts, votes.names, with_gold=bool((bench.truth >= 0).any()), copies=copies)
    weights, seconds = _weights(bench.model, votes, counts.by_class), _seconds(bench)
    places = bench.run.about.get("functions", {})
    return tuple(
        FunctionRow(row, weights[row.j], seconds.get(row.name), str(places.get(row.name, ""))) for row in summary
    )


def _weights(model: LabelModel, votes: LabelMatrix, by_class: NDArray[np.int64]) -> list[float | None]:
    """(m,): what a vote adds to the log odds of its class, alone; the mean over a function's votes."""
    m, k = len(votes.names), len(votes.classes)
    alone = np.full((m * k, m), ABSTAIN, dtype=np.int8)
    alone[np.arange(m * k), np.repeat(np.arange(m), k)] = np.tile(np.arange(k), m)
    given = model.contributions(LabelMatrix.from_rows(alone, names=votes.names, classes=votes.classes))
    if not given.additive:
        return [None] * m
    own = given.values.sum(axis=1).reshape(m, k, k)  # (function, vote, class)
    total = own + given.start
    odds = np.array([[_log_odds(total[j, c], c) - _log_odds(given.start, c) for c in range(k)] for j in range(m)])
    cast = by_class.sum(axis=1)
    return [float(odds[j] @ by_class[j] / cast[j]) if cast[j] else None for j in range(m)]


def _log_odds(logs: NDArray[np.float64], c: int) -> float:
    """Of a class against all others, from logarithms of what they are in proportion to."""
    return float(logs[c] - np.logaddexp.reduce(np.delete(logs, c)))


def _seconds(bench: Bench) -> Mapping[str, float]:
    """Seconds that casting took, by function, in proportion to what the cache of votes knows.

    Votes with faults are not kept there, nor are those that were too long ago.
    """
    fingerprints = bench.run.inputs.get("functions", {})
    keys = {key_of(fingerprints[name], bench.votes.classes): name for name in bench.votes.names}
    known = VoteCache(bench.project.state / "cache" / "votes").seconds(set(keys))
    n = len(bench.votes.ids)
    return {keys[key]: spent / rows * n for key, (spent, rows) in known.items() if rows}


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
