"""A verdict as workflow commands of GitHub Actions, which it shows beside the changed files.

A command is a line `::error file=...,title=...::message`. A runner takes every line that begins like one for a command,
also in the middle of other output, so that text from data must never open a line.
"""

from __future__ import annotations

import secrets

from labelkit.errors import visible
from labelkit.reports.background import NOTHING, Background
from labelkit.reports.problems import Problem, blocking, tolerated
from labelkit.validation import Verdict

_COMMANDS = {"warning": "warning", "info": "notice"}


def github(verdict: Verdict, background: Background = NOTHING) -> str:
    """One command per problem: error for what blocks, warning or notice for a failure that a suite softens.

    >>> from labelkit.validation import Outcome
    >>> twice = Outcome("labels", "labels", 2, "expect_column_values_to_be_unique", "id", "critical", "fail",
    ...     observed="2 of 9 values not as expected", description="no record is labelled twice")
    >>> print(github(Verdict((twice,))))
    ::error title=labels%3A no record is labelled twice::fail: 2 of 9 values not as expected
    """
    lines = [_command("error", problem, background) for problem in blocking(verdict, background)]
    lines += [_command(_COMMANDS[p.first.severity], p, background) for p in tolerated(verdict, background)]
    if not verdict.outcomes:
        lines.append(refusal(verdict.headline))
    return "\n".join(lines)


def refusal(message: str) -> str:
    """The command for what came to no verdict.

    >>> print(refusal("labels.parquet: no such file; make it with `labelkit apply`"))
    ::error title=labelkit validate::labels.parquet: no such file; make it with `labelkit apply`
    """
    return f"::error title=labelkit validate::{_data(message)}"


def fenced(text: str) -> str:
    """The text between commands that keep a runner from reading commands in it."""
    token = secrets.token_hex(16)
    return f"::stop-commands::{token}\n{text}\n::{token}::"


def _command(kind: str, problem: Problem, background: Background) -> str:
    path = background.files.get(problem.first.suite, "")
    place = f"file={_property(path)}," if path else ""
    found = problem.first.finding if problem.first.status == "fail" else problem.first.reason
    lines = [f"{problem.word}: {found}", f"since: {problem.since_when}", f"do: {problem.first.notes}"]
    said = "\n".join(line for line in lines if not line.endswith(": "))
    return f"::{kind} {place}title={_property(f'{problem.first.suite}: {problem.title}')}::{_data(said)}"


def _data(text: str) -> str:
    """A message, escaped as the runner reads it; a `##[` would be an older kind of command."""
    kept = visible(text, keep="\n").replace("##[", "## [")
    return kept.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """A value among the properties of a command, escaped as the runner reads it."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
