"""Rules that answers suggest: the best of all candidates, each worth what it adds to those before it.

The worth of a rule is the share of its class that it newly covers, times how far its precision is above that of naming
the class every time. Both are cautious: precision is the lower bound of `precision`, and a record on which functions
vote for the class already counts half for each.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import UsageError, shortened
from labelkit.label_models import Posterior
from labelkit.suggest.belief import Answers, believed
from labelkit.suggest.candidates import Candidate, both, is_one_of
from labelkit.suggest.pool import Holds, RulePool, where
from labelkit.suggest.precision import (
    FOLDS,
    PRIOR_HITS,
    Evidence,
    dealt,
    lower_bound,
    soft_precision,
    tested,
    would_propose,
)
from labelkit.tables import html_table, table

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
Votes = NDArray[np.int8]

STRONG = 40  # candidates on tables that are joined in pairs
ALIKE = 0.8  # share of all records with a vote of either on which two rules of a class both vote: near-duplicates
HALF_AS_GOOD = 0.5  # what a record counts for a rule where another one votes for the class
LEAST_WORTH = 0.005

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
    low: float  # the precision is above this with a probability of 0.9
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
) -> Suggestions:
    """Suggest up to `most` rules for n `records`, of which some were answered.

    `votes`, (n, m), are those of the functions that are there already, `posterior` what their label model believes, and
    `taken` their names. Raises UsageError where answers and posterior tell of fewer than two classes.

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
    pool = RulePool.of(records, fields, answers.rows.tolist())
    pool, evidence = _judged(pool, answers, posterior, seed)
    chosen, duplicates = _chosen(pool, evidence, votes, most)
    found = _merged(
        [
            _Pick(pool.candidates[j], c, evidence.hits[j, c], evidence.trials[j, c], evidence.soft[j, c], worth)
            for j, c, worth in chosen
        ]
    )
    rules = _described(found, pool, classes, votes, taken)
    return Suggestions(rules, len(records), len(answers.rows), duplicates, posterior is not None)


def _judged(pool: RulePool, answers: Answers, posterior: Posterior | None, seed: int) -> tuple[RulePool, Evidence]:
    """The pool with pairs of strong candidates, and what held-out answers say of all."""
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
        soft.append(soft_precision(pool.holds, belief, answers.part(part).shares))
        proposed = would_propose(pool.holds, answers.part(part), soft[-1]) & mine[:, None]
        more = tested(pool.holds, answers.part(~part), proposed)
        hits, trials = hits + more[0], trials + more[1]
    soft = soft or [soft_precision(pool.holds, everything, answers.shares)]
    return pool, Evidence(hits, trials, np.mean(soft, axis=0), answers.shares)


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


def _chosen(
    pool: RulePool, evidence: Evidence, votes: Votes | None, most: int
) -> tuple[list[tuple[int, int, float]], int]:
    """(candidate, class, worth) of the best, one after the other, and how many near-duplicates functions had."""
    holds, families = pool.holds, [one.family for one in pool.candidates]
    n, k = len(holds), len(evidence.shares)
    good, low, held = evidence.good, evidence.low, holds.astype(np.float32)
    size, weight = held.sum(axis=0), np.ones((n, k), dtype=np.float32)
    above = np.where(good, low * (low - evidence.shares) / (evidence.shares * (1 - evidence.shares)), 0)
    before = good.copy()
    for column in np.empty((n, 0), dtype=np.int8).T if votes is None else votes.T:
        for c in np.unique(column[column >= 0]):
            weight[column == c, c] *= HALF_AS_GOOD
            good[_overlap(held, size, column == c) > ALIKE, c] = False
    duplicates, chosen = int((before & ~good).any(axis=1).sum()), list[tuple[int, int, float]]()
    while len(chosen) < most:
        worth = np.where(good, above * (held.T @ weight) / n, 0)
        j, c = (int(place) for place in np.unravel_index(worth.argmax(), worth.shape)) if worth.size else (0, 0)
        if not worth.size or worth[j, c] < LEAST_WORTH:
            break
        chosen.append((j, c, float(worth[j, c])))
        weight[holds[:, j], c] *= HALF_AS_GOOD
        good[_overlap(held, size, holds[:, j]) > ALIKE] = False
        good[[bool(family) and family == families[j] for family in families], c] = False
    return chosen, duplicates


def _overlap(held: NDArray[np.float32], size: NDArray[np.float32], rows: Holds) -> NDArray[np.float32]:
    """(c,): records on which a candidate and these rows agree, as a share of those of either (Jaccard)."""
    shared = held.T @ rows.astype(np.float32)
    return np.asarray(shared / np.maximum(size + rows.sum() - shared, 1))


@dataclass(frozen=True)
class _Pick:
    """A chosen candidate as a vote for a class."""

    candidate: Candidate
    label: int
    hits: float
    trials: float
    soft: float
    worth: float


def _merged(picks: Sequence[_Pick]) -> list[_Pick]:
    """Picks in which the values of one field that vote for one class are one rule; no record has two of them."""
    out: list[_Pick] = []
    for pick in picks:
        values = pick.candidate.values
        place = next(
            (
                i
                for i, one in enumerate(out)
                if values
                and one.candidate.values
                and one.label == pick.label
                and one.candidate.field == pick.candidate.field
            ),
            None,
        )
        if place is None:
            out.append(pick)
            continue
        one = out[place]
        candidate = is_one_of(one.candidate.field, (*one.candidate.values, *values))
        out[place] = _Pick(
            candidate,
            one.label,
            one.hits + pick.hits,
            one.trials + pick.trials,
            (one.soft + pick.soft) / 2,
            one.worth + pick.worth,
        )
    return sorted(out, key=lambda pick: -pick.worth)


def _described(
    picks: Sequence[_Pick], pool: RulePool, classes: Sequence[str], votes: Votes | None, taken: Collection[str]
) -> tuple[Suggestion, ...]:
    holds, names, out = where([pick.candidate for pick in picks], pool.table), set(taken), list[Suggestion]()
    covered = np.zeros(len(pool.table), dtype=bool) if votes is None else (votes >= 0).any(axis=1)
    for j, pick in enumerate(picks):
        name = _free_name(pick.candidate.stem, names)
        names.add(name)
        low = float(lower_bound(np.array(pick.hits), np.array(pick.trials), np.array(pick.soft)))
        out.append(
            Suggestion(
                name,
                classes[pick.label],
                pick.candidate,
                round(pick.hits),
                round(pick.trials),
                (PRIOR_HITS * pick.soft + pick.hits) / (PRIOR_HITS + pick.trials),
                low,
                float(holds[:, j].mean()),
                float((holds[:, j] & ~covered).mean()),
                pick.worth,
            )
        )
        covered = covered | holds[:, j]
    return tuple(out)


def _free_name(stem: str, taken: Collection[str]) -> str:
    """The stem, with a number where it is taken.

    >>> _free_name("has_win", {"has_win", "has_win_2"})
    'has_win_3'
    """
    numbered = (stem if number == 1 else f"{stem}_{number}" for number in itertools.count(1))
    return next(name for name in numbered if name not in taken)
