"""Why a record is asked, in words for the person who is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import visible

UNDECIDED = 0.2
"""Below this distance of the two most probable classes a model is called undecided; above it, it leans."""


def reason_for(
    strategy: str,
    probs: NDArray[np.float64],
    votes: Mapping[str, str],
    classes: Sequence[str],
    score: float = 0.0,
    learned: NDArray[np.float64] | None = None,
    rarest: str = "",
) -> str:
    """Say why a strategy asks about a record with probabilities `probs`, (k,), these votes, and the strategy's score.

    `probs` are the label model's; `learned`, (k,), a learner's, where there is one: then it is the learner that doubts.
    `rarest` is the class that is looked for where a rare one is.

    >>> reason_for("margin", np.array([0.52, 0.48]), {}, ["ham", "spam"])
    'undecided between ham and spam (0.52 / 0.48)'
    >>> reason_for("conflict", np.array([0.7, 0.3]), {"a": "ham", "b": "spam", "c": "ham"}, ["ham", "spam"])
    '2 functions say ham, 1 says spam'
    """
    believed, who = (probs, "") if learned is None else (learned, "the learner ")
    if strategy == "uncovered":
        return "nobody voted" if learned is None else f"nobody voted; {who}{_doubt(believed, classes, who)}"
    if strategy == "random":
        return "drawn at random"
    if strategy == "conflict":
        return _disagreement(votes, classes)
    if strategy == "committee" and learned is not None:
        return _two_minds(probs, learned, classes)
    if strategy == "rare":
        return f"may be {visible(rarest)}, the rarest class ({score:.2f})"
    if "." in strategy:
        return f"scored {score:.3g} by {visible(strategy.rpartition('.')[2])}"
    doubt = who + _doubt(believed, classes, who, most=len(classes) if strategy == "entropy" else 2)
    return f"{doubt}; unlike what was asked" if strategy in {"ranked", "diverse"} else doubt


def left_open(of_answers: NDArray[np.float64], classes: Sequence[str]) -> str:
    """Name the two classes that answers by themselves hold likeliest, of probabilities (k,).

    >>> left_open(np.array([0.2, 0.45, 0.35]), ["ham", "spam", "eggs"])
    'the answers alone leave it open: spam or eggs (0.45 / 0.35)'
    """
    first, second = np.argsort(-of_answers, kind="stable")[:2]
    names = f"{visible(classes[first])} or {visible(classes[second])}"
    return f"the answers alone leave it open: {names} ({of_answers[first]:.2f} / {of_answers[second]:.2f})"


def _disagreement(votes: Mapping[str, str], classes: Sequence[str]) -> str:
    """Count the sides, the largest first."""
    counts = Counter(votes.values())
    sides = sorted((name for name in classes if counts[name]), key=lambda name: -counts[name])
    noun = "function " if counts[sides[0]] == 1 else "functions "
    return ", ".join(
        f"{counts[name]} {noun if name == sides[0] else ''}{'says' if counts[name] == 1 else 'say'} {visible(name)}"
        for name in sides
    )


def _two_minds(probs: NDArray[np.float64], learned: NDArray[np.float64], classes: Sequence[str]) -> str:
    """Name what the label model and the learner each hold likeliest."""
    first, second = int(probs.argmax()), int(learned.argmax())
    if first == second:
        return f"functions and learner say {visible(classes[first])}, {probs[first]:.2f} and {learned[first]:.2f} sure"
    return (
        f"functions say {visible(classes[first])} ({probs[first]:.2f}), "
        f"the learner says {visible(classes[second])} ({learned[second]:.2f})"
    )


def _doubt(probs: NDArray[np.float64], classes: Sequence[str], who: str, most: int = 2) -> str:
    """Name the classes in question, the most probable first, at most three of them."""
    is_ = "is " if who else ""
    order = np.argsort(-probs, kind="stable")[: min(most, 3)]
    names = [visible(classes[c]) for c in order]
    shares = " / ".join(f"{probs[c]:.2f}" for c in order)
    if probs[order[0]] - probs[order[1]] >= UNDECIDED:
        return f"leans to {names[0]} over {_listed(names[1:])} ({shares})"
    return f"{is_}undecided {'between' if len(names) == 2 else 'among'} {_listed(names)} ({shares})"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
