"""Rules that answers suggest, with the figures that speak for each."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import UsageError, shortened
from labelkit.label_models import Posterior
from labelkit.suggest.belief import Answers, believed, part_of_model
from labelkit.suggest.candidates import Candidate, both
from labelkit.suggest.choosing import Pick, Votes, chosen_of, merged
from labelkit.suggest.nearness import EmbeddingFile
from labelkit.suggest.pool import RulePool, where
from labelkit.suggest.precision import (
    FOLDS,
    Caution,
    Evidence,
    dealt,
    soft_precision,
    tested,
    would_propose,
)
from labelkit.tables import html_table, table

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]

STRONG = 40  # candidates on tables that are joined in pairs

HEADER = ("#", "votes", "where", "right", "at least", "coverage", "new")
LONGEST = 70  # characters of a condition that a table shows


@dataclass(frozen=True)
class Suggestion:
    """A rule, and why it is suggested. Shares are of all records looked at."""

    name: str
    label: str  # class name it votes for
    candidate: Candidate
    hits: int  # held-out answers on which it was right
    trials: int  # held-out answers on which it voted
    precision: float  # believed, by held-out answers and the records nobody was asked about
    low: float  # the precision is above this with a probability of 0.95
    coverage: float
    new: float  # share on which neither a function nor a suggestion before it votes
    worth: float  # what it is ranked by


@dataclass(frozen=True)
class Suggestions:
    """Suggested rules, the worthiest first, and what they were drawn from. Prints as a table."""

    rules: tuple[Suggestion, ...]
    records: int  # that were looked at
    answers: int
    duplicates: int  # good candidates left out because a function votes nearly alike
    by_model: bool  # whether the label model's belief was asked as well
    of_answers: str = ""  # fingerprint of the answers, where they are a project's

    def cells(self) -> list[tuple[str, ...]]:
        """The table's cells as text, one tuple per rule; see HEADER."""
        return [
            (
                str(number),
                rule.label,
                shortened(rule.candidate.said, LONGEST),
                f"{rule.hits:,} of {rule.trials:,}",
                f"{rule.low:.2f}",
                f"{rule.coverage:.3f}",
                f"{rule.new:.3f}",
            )
            for number, rule in enumerate(self.rules, start=1)
        ]

    def __str__(self) -> str:
        return table(HEADER, self.cells(), left=3)

    def _repr_html_(self) -> str:
        return html_table(HEADER, self.cells(), left=3)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        rules = [{**asdict(rule), "candidate": None, "asks": rule.candidate.said} for rule in self.rules]
        for rule in rules:
            del rule["candidate"]
        return {**asdict(self), "rules": rules}


def suggested(
    records: pa.Table,
    fields: Sequence[str],
    classes: Sequence[str],
    answers: Answers,
    *,
    most: int = 20,
    seed: int = 0,
    votes: Votes | None = None,
    posterior: Posterior | None = None,
    taken: Collection[str] = (),
    ids: Sequence[str] = (),
    embeddings: EmbeddingFile | None = None,
) -> Suggestions:
    """Suggest up to `most` rules for n `records`, of which some were answered.

    `votes`, (n, m), are those of the functions that are there already, `posterior` what their label model believes, and
    `taken` their names. With the records' `ids` and a file of their `embeddings`, rules on nearness are sought. Raises
    UsageError where answers and posterior tell of fewer than two classes.

    >>> import pyarrow as pa
    >>> texts = ["win cash now", "sing a song", "win it all", "a nice song", "win again", "song of songs"] * 10
    >>> answers = Answers(np.arange(12), np.array([1, 0] * 6), 2)
    >>> found = suggested(pa.table({"text": texts}), ["text"], ["ham", "spam"], answers)
    >>> [(one.candidate.said, one.label) for one in found.rules][:2]
    [('text has "win"', 'spam'), ('text has "song"', 'ham')]
    """
    if len(np.unique(answers.labels)) < 2 and posterior is None:
        raise UsageError(
            f"{len(answers.rows):,} answers of fewer than two classes: rules cannot be told apart by them; "
            "answer some records (labelkit annotate) first"
        )
    pool = RulePool.of(records, fields, answers.rows.tolist(), ids, embeddings)
    if not pool.candidates:
        return Suggestions((), len(records), len(answers.rows), 0, posterior is not None)
    pool, evidence = _judged(pool, answers, posterior, seed)
    chosen, duplicates = chosen_of(pool, evidence, votes, most)
    rules = _described(merged(chosen), evidence.weight, pool, classes, votes, taken)
    return Suggestions(rules, len(records), len(answers.rows), duplicates, posterior is not None)


def _judged(pool: RulePool, answers: Answers, posterior: Posterior | None, seed: int) -> tuple[RulePool, Evidence]:
    """The pool with pairs of strong candidates, and what held-out answers say of all."""
    caution = Caution(0.0 if posterior is None else part_of_model(answers))
    folds = dealt(answers, seed)
    parts = [folds != fold for fold in range(FOLDS)] if len(folds) >= 2 * FOLDS else []
    *beliefs, everything = believed(pool, answers, posterior, parts)
    strong = [_strong(pool, belief, answers.shares) for belief in (*beliefs, everything)]
    pairs = {pair for each in strong for pair in _pairs(each)}
    singles, pool = (
        len(pool.candidates),
        pool.with_([both(a, b) for a, b in sorted(pairs, key=lambda p: (p[0].said, p[1].said))]),
    )
    shape = (len(pool.candidates), answers.k)
    hits, trials, soft = np.zeros(shape), np.zeros(shape), list[Floats]()
    for part, belief, best in zip(parts, beliefs, strong, strict=False):
        allowed = set(_pairs(best))
        mine = np.array([j < singles or one.parts in allowed for j, one in enumerate(pool.candidates)])
        soft.append(soft_precision(pool.tested, belief, answers.part(part).shares, caution.drawn_in))
        proposed = would_propose(pool.tested, answers.part(part), soft[-1], caution.weight) & mine[:, None]
        more = tested(pool.tested, answers.part(~part), proposed)
        hits, trials = hits + more[0], trials + more[1]
    soft = soft or [soft_precision(pool.tested, everything, answers.shares, caution.drawn_in)]
    return pool, Evidence(hits, trials, np.mean(soft, axis=0), answers.shares, caution.weight)


def _strong(pool: RulePool, belief: Floats, shares: Floats) -> list[Candidate]:
    """The candidates on tables that tell most of the classes, by what is believed."""
    places = pool.paired
    holds = pool.holds[:, places]
    share = holds.mean(axis=0)
    told = np.abs(soft_precision(holds, belief, shares) - shares).max(axis=1, initial=0) * np.sqrt(share * (1 - share))
    return [pool.candidates[places[j]] for j in np.argsort(-told, kind="stable")[:STRONG]]


def _pairs(strong: Sequence[Candidate]) -> list[tuple[Candidate, Candidate]]:
    """Pairs on different fields, each in one order."""
    ordered = sorted(strong, key=lambda one: one.said)
    return [(a, b) for a, b in itertools.combinations(ordered, 2) if a.field != b.field]


def _described(
    picks: Sequence[Pick],
    weight: float,
    pool: RulePool,
    classes: Sequence[str],
    votes: Votes | None,
    taken: Collection[str],
) -> tuple[Suggestion, ...]:
    """The picks with names and figures; `weight` is what beliefs count as."""
    holds, names, out = where([pick.candidate for pick in picks], pool.table), set(taken), list[Suggestion]()
    covered = np.zeros(len(pool.table), dtype=bool) if votes is None else (votes >= 0).any(axis=1)
    for pick, held in zip(picks, holds.T, strict=True):
        rule = Suggestion(
            name=_free_name(pick.candidate.stem, names),
            label=classes[pick.label],
            candidate=pick.candidate,
            hits=round(pick.hits),
            trials=round(pick.trials),
            precision=(weight * pick.soft + pick.hits) / (weight + pick.trials),
            low=pick.low(weight),
            coverage=float(held.mean()),
            new=float((held & ~covered).mean()),
            worth=pick.worth,
        )
        names.add(rule.name)
        out.append(rule)
        covered = covered | held
    return tuple(out)


def _free_name(stem: str, taken: Collection[str]) -> str:
    """The stem, with a number where it is taken.

    >>> _free_name("has_win", {"has_win", "has_win_2"})
    'has_win_3'
    """
    numbered = (stem if number == 1 else f"{stem}_{number}" for number in itertools.count(1))
    return next(name for name in numbered if name not in taken)
