"""A failed cell in words: what a function raised, or returned that is no vote, and where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from labelkit.labeling.places import place_of
from labelkit.matrix import Fault

if TYPE_CHECKING:
    from labelkit.labeling.functions import LabelingFunction

MESSAGE_LENGTH = 200


class BadVoteError(ValueError):
    """A function returned something that is no vote."""


def fault_of(function: LabelingFunction, record: str, error: BaseException) -> Fault:
    """What happened in one cell. Only text is kept: the exception, and all that its frames hold, can go."""
    kind = "BadVote" if isinstance(error, BadVoteError) else type(error).__name__
    return Fault(function.name, record, kind, first_line(error), _place(function, error))


def _place(function: LabelingFunction, error: BaseException) -> str:
    """The innermost line in the function's own file, else in a file beside it, else where the function is defined."""
    if not function.file:
        return function.place
    own = innermost(error, lambda file: file == function.file)
    return own or innermost(error, in_folder(Path(function.file).parent)) or function.place


def first_line(error: BaseException) -> str:
    r"""The first line of an exception's text that says something, at most 200 characters.

    >>> first_line(ValueError("\nno such word\nin the list"))
    'no such word'
    """
    try:
        lines = str(error).splitlines()
    except BaseException:  # noqa: BLE001  an exception may be unable to say what it is, and may fail in any way
        return ""
    return next((line for line in lines if line.strip()), "")[:MESSAGE_LENGTH]


def innermost(error: BaseException, here: Callable[[str], bool]) -> str:
    """folder/file:line of the innermost frame whose file is `here`; empty when there is none."""
    place, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if here(file):
            place = place_of(file, trace.tb_lineno)
        trace = trace.tb_next
    return place


def in_folder(folder: Path) -> Callable[[str], bool]:
    """Whether a file is directly in the folder."""
    return lambda file: Path(file).parent == folder
