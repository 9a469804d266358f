"""`lf suggest`: rules that people's answers suggest for the records of a project, and writing the accepted ones down.

Sought among records that people may be asked about: those that were answered, and SAMPLE others. What the functions and
the label model of the current run say of them is known where there is one. Nothing of the project is imported.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import UsageError
from labelkit.files import timestamp
from labelkit.label_models import Posterior
from labelkit.lineage import Run, hash_file, versions_of
from labelkit.locks import project_lock
from labelkit.matrix import ABSTAIN, LabelMatrix
from labelkit.pipeline.current import CurrentRun, current_run
from labelkit.pipeline.recording import keep_run, run_store
from labelkit.pipeline.runs import current_id
from labelkit.pipeline.truth import Answered, read_answers
from labelkit.project import TRAIN, ProjectFolder
from labelkit.records import open_records
from labelkit.settings import EMBEDDING
from labelkit.suggest import Answers, EmbeddingFile, Suggestion, Suggestions, suggested
from labelkit.suggest.rule_text import add_rules, tables_of

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE = 10_000  # records beside the answered ones that are looked at
ENOUGH_ANSWERS = 200  # from which the label model is not asked any more
FILE = "suggested.toml"


def suggest(project: ProjectFolder, n: int = 20, *, only_answers: bool = False, seed: int | None = None) -> Suggestions:
    """Up to n rules, the worthiest first. With `only_answers` the label model's belief has no part in it.

    Raises UsageError where there are too few answers and no run either.
    """
    answers, settings = read_answers(project), project.settings
    seed = settings.model.seed if seed is None else seed
    current = current_run(project) if project.labels_path.exists() else None
    table = _looked_at(project, answers, seed)
    known = _seen_of(table.column(settings.data.id), answers, current, tuple(settings.project.classes))
    ask_model = current is not None and not only_answers and len(known.answers.rows) < ENOUGH_ANSWERS
    if not len(known.answers.rows) and not ask_model:
        raise UsageError("nobody has answered yet: answer some records first (labelkit annotate), 50 or more at best")
    found = suggested(
        table.select(settings.data.fields),
        settings.data.fields,
        settings.project.classes,
        known.answers,
        most=n,
        seed=seed,
        votes=known.votes,
        posterior=known.posterior if ask_model else None,
        taken=[*(() if current is None else current.votes.names), *_names_in_files(project)],
        ids=table.column(settings.data.id).to_pylist(),
        embeddings=_embedding_file(project),
    )
    return replace(found, of_answers=answers.fingerprint)


def accept(project: ProjectFolder, found: Suggestions, rules: Sequence[Suggestion], path: Path | None = None) -> Path:
    """Write accepted rules to a rule file, behind what is in it already; labeling_functions/suggested.toml by default.

    A run of verb suggest says which rules came from which answers. Raises UsageError for a path that is no rule file,
    ProjectBusyError while another process writes to the project.
    """
    target = project.functions_folder / FILE if path is None else path
    with project_lock(project.state / "lock", "lf suggest"):
        started = timestamp()
        add_rules(target, rules, found)
        current = current_id(project)
        run = Run(
            verb="suggest",
            inputs={"answers": found.of_answers},
            parameters={"rules": [rule.name for rule in rules]},
            versions=versions_of(("numpy", "pyarrow", "scikit-learn")),
            outputs={target.name: hash_file(target)},
            counts={"written": len(rules)},
            parents=(current,) if current and run_store(project).exists(current) else (),
        )
        keep_run(project, run, started=started)
    return target


@dataclass(frozen=True, eq=False)
class _Known:
    """What is known of the records that are looked at, in their order."""

    answers: Answers
    votes: NDArray[np.int8] | None  # (n, m)
    posterior: Posterior | None


def _seen_of(ids: pa.ChunkedArray, answered: Answered, current: CurrentRun | None, classes: tuple[str, ...]) -> _Known:
    import pyarrow.compute as pc

    plain = ids.combine_chunks()
    labels = answered.of(plain)
    rows = np.flatnonzero(labels >= 0)
    answers = Answers(rows, labels[rows], len(classes))
    if current is None or current.votes.classes != classes:
        return _Known(answers, None, None)
    found = pc.fill_null(pc.index_in(plain, value_set=current.votes.ids), -1).to_numpy(zero_copy_only=False)
    return _Known(answers, _votes_on(current.votes, found), _belief_on(current.posterior, found))


def _votes_on(votes: LabelMatrix, places: NDArray[np.int64]) -> NDArray[np.int8]:
    """(n, m): the votes on the records at these places; nothing on those at -1, which the run has not seen."""
    return np.where(places[:, None] >= 0, np.maximum(votes.votes[places], ABSTAIN), ABSTAIN).astype(np.int8)


def _belief_on(posterior: Posterior, places: NDArray[np.int64]) -> Posterior:
    seen = posterior.covered[places] & (places >= 0)
    return Posterior(posterior.probs[places], seen, posterior.ids.take(np.maximum(places, 0)), posterior.classes)


def _looked_at(project: ProjectFolder, answers: Answered, seed: int) -> pa.Table:
    """The answered records of split train and a sample of the others, in record order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    data, records = project.settings.data, open_records(project)
    columns = [*data.fields, *([data.split] if data.split else [])]
    rng, kept, drawn = np.random.default_rng(seed), list[pa.RecordBatch](), list[NDArray[np.float64]]()
    for batch in records.batches(columns):
        free = batch
        if data.split:
            free = batch.filter(pc.fill_null(pc.equal(batch.column(data.split), TRAIN), fill_value=False))
        luck = rng.random(free.num_rows)
        luck[answers.of(free.column(0)) >= 0] = -1  # the lowest stay
        kept.append(free)
        drawn.append(luck)
        kept, drawn = _luckiest(kept, drawn, SAMPLE + len(answers.labels))
    if not kept:
        raise UsageError(f"{records.source.name}: no records in it; there is nothing to suggest rules for")
    return pa.Table.from_batches(kept)


def _luckiest(
    batches: list[pa.RecordBatch], drawn: list[NDArray[np.float64]], most: int
) -> tuple[list[pa.RecordBatch], list[NDArray[np.float64]]]:
    """The rows with the lowest numbers, `most` of them, once there are twice as many."""
    import pyarrow as pa

    total = sum(map(len, drawn))
    if total <= 2 * most:
        return batches, drawn
    numbers = np.concatenate(drawn)
    keep = np.sort(np.argpartition(numbers, most)[:most])
    table = pa.Table.from_batches(batches).take(pa.array(keep)).combine_chunks()
    return table.to_batches(), [numbers[keep]]


def _embedding_file(project: ProjectFolder) -> EmbeddingFile | None:
    """Where rules in labeling_functions/ find embeddings; None where there are none, or they are in a database."""
    data = project.settings.data
    if data.embedding_field is None or (data.embedding_file is None and data.url is not None):
        return None
    if data.embedding_file is not None:
        path, key, column = project.root / data.embedding_file, "id", EMBEDDING
    else:
        path, key, column = project.data_path, data.id, data.embedding_field
    return EmbeddingFile(os.path.relpath(path, project.functions_folder), key, column)


def _names_in_files(project: ProjectFolder) -> list[str]:
    """The names of all tables in rule files."""
    return [name for path in sorted(project.functions_folder.glob("*.toml")) for name in tables_of(path)[1]]
