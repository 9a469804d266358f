"""Every deliberate error of labelkit, each with the exit code that a shell sees.

    LabelkitError
    ├── AnswerIsNo             1   ran to the end, and the answer is no
    ├── UserError              2   you must change something
    │   ├── UsageError             the way a command or function was called
    │   ├── ConfigError            labelkit.toml
    │   ├── DataError              records
    │   ├── FunctionError          labeling functions
    │   ├── ModelError             votes that no label model can be fitted on
    │   ├── SuiteError             expectations
    │   ├── AnswerError            answers of people
    │   ├── BudgetError            what prompt functions may cost
    │   └── ArtifactError          files that labelkit wrote and somebody changed
    ├── MachineError           3   disk, permission, database: safe to retry
    └── ProjectBusyError       4   another writer holds the lock

A message names the thing, the value and the way out. Text that comes from data goes through `visible` first.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import ClassVar

SHOWN_PROBLEMS = 20

BUG_EXIT_CODE = 70


class LabelkitError(Exception):
    """Base of every error that labelkit raises on purpose."""

    exit_code: ClassVar[int] = 2


class AnswerIsNo(LabelkitError):
    """The work ran to its end and the answer is no."""

    exit_code = 1


class UserError(LabelkitError):
    """Something that only the user can change."""

    exit_code = 2


class UsageError(UserError):
    """A command or function was called in a way it does not know."""


class ConfigError(UserError):
    """labelkit.toml does not say what labelkit can do."""


class DataError(UserError):
    """Records that cannot be read without guessing."""


class FunctionError(UserError):
    """Labeling functions that cannot be loaded."""


class ModelError(UserError):
    """Votes or settings for which the label model is undefined."""


class SuiteError(UserError):
    """Expectations that cannot be checked as they are written."""


class AnswerError(UserError):
    """Answers of people that cannot be stored as they are."""


class BudgetError(UserError):
    """A limit of what prompt functions may cost would be passed; replies so far are kept."""


class ArtifactError(UserError):
    """A file that labelkit wrote is missing, damaged or from another version."""


class MachineError(LabelkitError):
    """The environment failed; nothing was half written and a retry is safe."""

    exit_code = 3


class ProjectBusyError(LabelkitError):
    """Another process is writing to the project."""

    exit_code = 4


def listed(problems: Sequence[str], limit: int = SHOWN_PROBLEMS, total: int | None = None) -> str:
    """Join problems into one message: at most `limit` of them, then a count.

    `total` says how many there are where `problems` holds only the first ones.

    >>> print(listed(["a.csv: row 2: bad", "a.csv: row 3: bad", "a.csv: row 4: bad"], limit=2))
    a.csv: row 2: bad
    a.csv: row 3: bad
    and 1 more
    """
    shown = list(problems[:limit])
    hidden = (len(problems) if total is None else total) - len(shown)
    return "\n".join([*shown, f"and {hidden:,} more"] if hidden else shown)


def named(words: Iterable[str], limit: int = SHOWN_PROBLEMS) -> str:
    """Quote and join names for a message, long ones cut short.

    >>> named(["review_id", "text"])
    '"review_id", "text"'
    """
    words = list(words)
    quoted = ", ".join(f'"{shortened(word)}"' for word in words[:limit])
    return quoted + (f" and {len(words) - limit:,} more" if len(words) > limit else "")


def shortened(text: str, limit: int = 80) -> str:
    """Visible text of at most `limit` characters, and an ellipsis where something was cut off.

    >>> shortened("a long story", limit=6)
    'a long…'
    """
    return visible(text[:limit]) + ("…" if len(text) > limit else "")


_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_WITHOUT_WIDTH = frozenset("\u200b\u2060\ufeff")  # two names that look the same; joiners of emoji and scripts are text


def visible(text: str, keep: str = "") -> str:
    r"""Replace control, bidi-control, zero-width space and surrogate characters by visible escapes.

    Printing the result can neither steer a terminal nor reorder a line. Characters in `keep` stay as they are.

    >>> visible("caf\u00e9 \x1b[2J")
    'café \\x1b[2J'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in keep or not _is_hidden(char) else _escape(char) for char in text)


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} or char in _BIDI_CONTROLS or char in _WITHOUT_WIDTH


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
