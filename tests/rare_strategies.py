"""Strategies as a user would write them; the tests name them by dotted path."""

from __future__ import annotations

from typing import Any

import numpy as np


def first_class_likely(probs: Any, votes: Any) -> Any:
    """Ask for the first class, and never for what is surely not it."""
    return np.where(probs[:, 0] < 0.1, np.nan, probs[:, 0])


def few_votes(probs: Any, votes: Any) -> list[int]:
    """Plain lists are fine."""
    return [-int((row >= 0).sum()) for row in votes]


def crashes(probs: Any, votes: Any) -> Any:
    raise KeyError("no such column")


def one_number(probs: Any, votes: Any) -> Any:
    return 0.5


def changes_its_input(probs: Any, votes: Any) -> Any:
    probs[:] = 0
    return probs[:, 0]


not_a_function = 3
