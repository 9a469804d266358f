"""Strategies by name, by dotted path, and mixed by weights.

    margin                          one strategy
    margin:0.7,random:0.3           seven of ten questions by margin, three at random
    mixed                           MIXED
    hybrid                          half at random until there are 20 answers; then margin of the learner and margin of
                                    the answers alone in turn, and one in 20 at random
    mypackage.strategies.rare       a function of yours, which gives each record a score

A function gets the probabilities, (n, k) float64, and the votes, (n, m) int8, of n records that at least one labeling
function voted on, and returns (n,) scores: the highest is asked first, NaN is never asked. The probabilities are the
learner's where there is one, else the label model's.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from labelkit.active.pool import Pool, Rows, Scores, Strategy
from labelkit.active.strategies import STRATEGIES
from labelkit.dotted import named_by
from labelkit.errors import UsageError, named, shortened, visible

MIXED = "margin:0.6,conflict:0.2,random:0.2"
"""Uncertain records teach most, conflicts show broken functions, and random ones keep figures about the whole honest.
Records that nobody voted on are not among them: ask for `uncovered`, alone or with a weight of its own."""

HYBRID, EARLY, EARLY_ANSWERS = "margin:0.475,answers:0.475,random:0.05", (0.5, 0.0, 0.5), 20
"""Records that a learner chose are where functions are at their worst. The first answers, half of them on records drawn
at random, tell functions that are junk from functions that are asked about their weakest records. Later on, records
that the answers by themselves leave open are asked as often as those that the learner doubts: where functions are sure
and wrong, no doubt of the learner's ever leads (docs/active-learning.md)."""

_NAMED = {"mixed": MIXED, "hybrid": HYBRID}


@dataclass(frozen=True)
class Part:
    """One strategy of a mix."""

    name: str
    weight: float  # above 0
    strategy: Strategy


def parse_mix(text: str) -> tuple[Part, ...]:
    """The strategies that a text names, with their weights. Raises UsageError for what does not hold.

    >>> [(part.name, part.weight) for part in parse_mix("margin:0.7, random:0.3")]
    [('margin', 0.7), ('random', 0.3)]
    """
    pieces = [piece.strip() for piece in _NAMED.get(text, text).split(",")]
    parts = tuple(_part(piece, text) for piece in pieces)
    twice = sorted({part.name for part in parts if [other.name for other in parts].count(part.name) > 1})
    if twice:
        raise UsageError(f'strategy "{shortened(text)}": {named(twice)} stands twice; give it one weight')
    return parts


def phases(text: str, asked: int) -> list[tuple[int | None, tuple[float, ...]]]:
    """How many questions to ask by which weights, one after the other, when `asked` records were asked before.

    >>> phases("hybrid", 15)
    [(5, (0.5, 0.0, 0.5)), (None, (0.475, 0.475, 0.05))]
    >>> phases("margin:0.7,random:0.3", 0)
    [(None, (0.7, 0.3))]
    """
    weights = tuple(part.weight for part in parse_mix(text))
    if text == "hybrid" and asked < EARLY_ANSWERS:
        return [(EARLY_ANSWERS - asked, EARLY), (None, weights)]
    return [(None, weights)]


def is_code(text: str) -> bool:
    """Whether a strategy names a function to import."""
    return any("." in piece.partition(":")[0] for piece in text.split(","))


def needs_learner(text: str) -> bool:
    """Whether a strategy, or a part of a mix, asks nothing without a learner.

    >>> needs_learner("margin:0.7,committee:0.3"), needs_learner("mixed")
    (True, False)
    """
    return any(part.strategy.needs for part in parse_mix(text))


def _part(piece: str, text: str) -> Part:
    name, colon, weight_text = (word.strip() for word in piece.partition(":"))
    weight = 1.0
    if colon:
        try:
            weight = float(weight_text)
        except ValueError:
            weight = math.nan
    if not 0 < weight < math.inf:
        raise UsageError(
            f'strategy "{shortened(text)}": the weight "{shortened(weight_text)}" is no number above 0; '
            "write strategies like margin:0.7,random:0.3"
        )
    return Part(name, weight, _of_function(name) if "." in name else _built_in(name))


def _built_in(name: str) -> Strategy:
    if name not in STRATEGIES:
        known = [*STRATEGIES, *_NAMED]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"known are {named(known)}"
        raise UsageError(f'no strategy "{visible(name)}"; {hint}')
    return STRATEGIES[name]


def _of_function(path: str) -> Strategy:
    """Wrap the user's function that a dotted path names."""
    function = _imported(path)

    def rank(pool: Pool, rows: Rows, n: int) -> tuple[Rows, Scores]:
        scores = _scores(path, function, pool, rows)
        wanted = np.flatnonzero(~np.isnan(scores))
        best = wanted[np.argsort(-scores[wanted], kind="stable")][:n]
        return rows[best], scores[best]

    return Strategy(lambda pool: pool.covered, rank)


def _imported(path: str) -> Callable[..., Any]:
    function = named_by(path, "strategy")
    if not callable(function):
        raise UsageError(f'strategy "{visible(path[:200])}": is no function')
    return function  # type: ignore[no-any-return]


def _scores(path: str, function: Callable[..., Any], pool: Pool, rows: Rows) -> Scores:
    """(len(rows),) float64 of the user's function, which cannot change what it is shown."""
    probs, votes = pool.believed[rows], pool.votes[rows]
    probs.flags.writeable = votes.flags.writeable = False
    try:
        scores = np.asarray(function(probs, votes), dtype=np.float64)
    except Exception as error:
        what = f"{type(error).__name__}: {shortened(str(error), 200)}"
        raise UsageError(f'strategy "{visible(path)}" failed: {what}') from error
    if scores.shape != (len(rows),):
        raise UsageError(
            f'strategy "{visible(path)}" returned an array of shape {scores.shape} '
            f"instead of one score for each of {len(rows):,} records"
        )
    return scores
